"""What the router says of itself: logging and counters."""
