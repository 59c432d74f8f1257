"""The routing core: no I/O, no clock, no randomness."""
