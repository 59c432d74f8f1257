"""The router as a process of its machine: its service manager, its user, its PID file, its sockets, its successor."""
