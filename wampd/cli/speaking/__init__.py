"""What the commands share that speak WAMP to a router: to whom, what is said, how answers are shown, how it ends."""
