"""As whom requests speak WAMP, and who may come."""
