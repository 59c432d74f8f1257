"""The configuration: YAML in, frozen settings out."""
