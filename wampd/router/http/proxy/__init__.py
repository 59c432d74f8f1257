"""The reverse proxy: requests, and WebSocket connections, that others serve."""
