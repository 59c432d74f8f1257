"""The journal of systemd, spoken to in its own protocol: a datagram for each entry.

Rules
-----
* Whether standard error is the journal is said by ``JOURNAL_STREAM``, which names it by device and inode; the variable may be
  inherited by a process whose standard error is something else.
* Nothing waits: what the journal does not take at once is tried again by the `wampd.router.observe.outlet.Outlet`.
* What is too long for a datagram goes into a sealed file in memory, whose descriptor is sent.

Sources: systemd.exec(5), ``$JOURNAL_STREAM``; https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
from collections.abc import Mapping
from typing import Final

SOCKET: Final = "/run/systemd/journal/socket"
_SEALS: Final = ("F_SEAL_SHRINK", "F_SEAL_GROW", "F_SEAL_WRITE", "F_SEAL_SEAL")
_TOO_LONG: Final = frozenset({errno.EMSGSIZE, errno.ENOBUFS})


def is_journal(descriptor: int, environ: Mapping[str, str]) -> bool:
    """Whether what is written to a descriptor goes to the journal."""
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    if not (device.isdecimal() and inode.isdecimal()):
        return False
    try:
        there = os.fstat(descriptor)
    except OSError:
        return False
    return (there.st_dev, there.st_ino) == (int(device), int(inode))


class JournalSocket:
    """Sends entries: what an `Outlet` writes by."""

    def __init__(self, path: str = SOCKET) -> None:
        """Raise `OSError` if there is no journal."""
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(path)
        except OSError:
            self._socket.close()
            raise

    def send(self, entry: bytes) -> int:
        """Send one entry, whole. Raise `BlockingIOError` if the journal takes none now, `OSError` if it is gone."""
        try:
            return self._send(entry)
        except BlockingIOError:
            raise
        except OSError:  # it was started again
            self._socket.connect(self._path)
            return self._send(entry)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()

    def _send(self, entry: bytes) -> int:
        try:
            return self._socket.send(entry, socket.MSG_DONTWAIT)
        except OSError as error:
            if error.errno not in _TOO_LONG:
                raise
        return self._send_file(entry)

    def _send_file(self, entry: bytes) -> int:
        descriptor = os.memfd_create("wampd-journal-entry", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            rest = memoryview(entry)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, sum(getattr(fcntl, seal) for seal in _SEALS))
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]
            self._socket.sendmsg([], rights, socket.MSG_DONTWAIT)
        finally:
            os.close(descriptor)
        return len(entry)
