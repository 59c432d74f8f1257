"""A part of a file on its way to a client, as fast as the client takes it."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

CHUNK: Final = 2**17
"""Bytes: what Twisted hands to a socket at once."""


@implementer(IPushProducer)
class Sending:
    """A part of a file on its way."""

    def __init__(self, request: Any, file: BinaryIO, size: int) -> None:
        """``file`` stands where the part of ``size`` bytes begins."""
        self._request = request
        self._file = file
        self._left = size
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
        while self._left and not self._paused and not self._file.closed:
            data = self._read()
            if not data:  # the file became shorter: what was announced cannot be kept
                self._file.close()
                self._request.unregisterProducer()
                self._request.loseConnection()
                return
            self._left -= len(data)
            self._request.write(data)
        if not self._left and not self._file.closed:
            self._file.close()
            self._request.unregisterProducer()
            self._request.finish()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client is gone."""
        self._file.close()

    def _read(self) -> bytes:
        try:
            return self._file.read(min(CHUNK, self._left))
        except OSError:  # the disk
            return b""
