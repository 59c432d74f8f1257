"""A part of a file on its way to a client, as fast as the client takes it.

Where there is no TLS, the system sends it from the disk to the socket, as far as the socket takes it; then one piece goes
through Twisted, which says when there is room again.
"""

from __future__ import annotations

import os
from typing import Any, BinaryIO, Final

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from wampd.router.http.hasty import send_file

CHUNK: Final = 2**17
"""Bytes: what Twisted hands to a socket at once, and more than it takes without saying that it is enough."""


@implementer(IPushProducer)
class Sending:
    """A part of a file on its way."""

    def __init__(self, request: Any, file: BinaryIO, begin: int, end: int) -> None:
        """What is sent begins and ends at these bytes; the answer's head is written, or set. The file is closed in the end."""
        self._request = request
        self._file = file
        self._at = begin
        self._end = end
        self._paused = False

    def start(self) -> None:
        """Begin to send."""
        self._request.registerProducer(self, True)
        self.resumeProducing()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client takes no more at the moment."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client takes more."""
        self._paused = False
        request, file = self._request, self._file
        while self._at < self._end and not self._paused and not file.closed:
            channel = request.channel
            if channel.is_direct and request.startedWriting:
                sent = send_file(channel.transport, file.fileno(), self._at, self._end - self._at)
                request.sentLength += sent
                self._at += sent
                if self._at == self._end:
                    break
            data = self._read()
            if not data:  # the file became shorter: what was announced cannot be kept
                file.close()
                request.unregisterProducer()
                request.loseConnection()
                return
            self._at += len(data)
            request.write(data)
        if self._at == self._end and not file.closed:
            file.close()
            request.unregisterProducer()
            request.finish()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone."""
        self._file.close()

    def _read(self) -> bytes:
        try:
            return os.pread(self._file.fileno(), min(CHUNK, self._end - self._at), self._at)
        except OSError:  # the disk
            return b""
