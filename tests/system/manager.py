"""A service manager for tests: a socket that messages come to, under a path or an abstract name."""

import socket
import time
from pathlib import Path
from typing import Self


class HeardManager:
    """Hears what it is told."""

    def __init__(self, name: str | Path) -> None:
        """``name``: a path, or an abstract name after ``@``."""
        self.name = str(name)
        self.messages: list[dict[str, str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + self.name[1:] if self.name.startswith("@") else self.name)

    def next(self, timeout: float = 30) -> dict[str, str]:
        """The next message."""
        self._socket.settimeout(timeout)
        message = dict(line.split("=", 1) for line in self._socket.recv(4096).decode().splitlines())
        self.messages.append(message)
        return message

    def nothing(self) -> None:
        """See that nothing more was said so far."""
        self._socket.setblocking(False)
        try:
            more = self._socket.recv(4096)
        except BlockingIOError:
            return
        raise AssertionError(f"there is more: {more!r}")

    def until(self, name: str, timeout: float = 30) -> dict[str, str]:
        """The next message that says something of ``name``."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.next(max(0.01, deadline - time.monotonic()))
            if name in message:
                return message

    def until_silence(self, seconds: float) -> None:
        """Take what is on its way, until nothing comes for so long; AssertionError if more and more does."""
        for _ in range(1000):
            try:
                self.next(seconds)
            except TimeoutError:
                return
        raise AssertionError("it does not fall silent")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
