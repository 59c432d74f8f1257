"""``wampd top``: what a router does, live in a terminal."""
