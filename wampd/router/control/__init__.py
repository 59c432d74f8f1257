"""The router's private socket: for those who operate it, and for the components that it hosts."""
