"""What is kept beyond the life of a session: those who may come in."""
