"""What the router sends to others by HTTP: one client, and the guard that says where it may go."""
