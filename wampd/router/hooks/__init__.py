"""The registry of webhooks: parties register URLs under keys, and what happens under a key is delivered to all of them."""
