"""Files that clients send."""
