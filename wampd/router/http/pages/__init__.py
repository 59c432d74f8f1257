"""Pages: what procedures return, rendered by templates."""
