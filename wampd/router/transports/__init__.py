"""Twisted protocols that carry WAMP: WebSocket, RawSocket, memory, the universal port."""
