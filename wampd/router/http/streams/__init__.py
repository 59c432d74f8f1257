"""From WAMP to whoever keeps a request open: server-sent events."""
