"""From requests to WAMP: publishing, calling, webhooks in."""
