"""Sessions of the router's own: what speaks HTTP, and what the router itself offers by WAMP, is a client as all others are."""
