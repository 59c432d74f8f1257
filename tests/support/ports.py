"""Ports for those who are about to listen."""

import os
import socket
from collections import deque

MOST_KEPT = 50
"""How many ports are kept for those who are about to listen; the oldest is let go first."""

_kept: deque[int] = deque()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, nor is given meanwhile by the system to somebody else.

    It stays bound, but connections to it are refused. Who says SO_REUSEADDR, as servers do, can bind and listen all the same;
    for a port of its own choice, of listeners and of connections that go out, the system passes it over.
    """
    if len(_kept) == MOST_KEPT:
        os.close(_kept.popleft())
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        port: int = keeper.getsockname()[1]
        _kept.append(keeper.detach())
    return port
