"""What is known of a connection by its socket: where it comes from, its file descriptor, whose process is at the other end."""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

from twisted.protocols.tls import TLSMemoryBIOProtocol


def descriptor_of(transport: Any) -> int:
    """The file descriptor of a connection; -1: it has none."""
    if isinstance(transport, TLSMemoryBIOProtocol):
        transport = transport.transport
    return int(transport.fileno()) if hasattr(transport, "fileno") else -1


def address_of(transport: Any) -> str:
    """Where a client connects from: an IP address, or ``unix``."""
    return str(getattr(transport.getPeer(), "host", None) or "unix")


def process_of(transport: Any) -> dict[str, int]:
    """Whose process connected to a Unix socket (``SO_PEERCRED``, unix(7)): its ``process`` and ``user``."""
    if not hasattr(socket, "SO_PEERCRED"):  # not Linux: the socket's directory lets nobody else in
        return {"process": 0, "user": os.getuid()}
    told = transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, user, _ = struct.unpack("3i", told)
    return {"process": process, "user": user}
