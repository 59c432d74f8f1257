"""Who are you, and what may you do: no I/O."""
