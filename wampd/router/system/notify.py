"""What a service manager is told of the router: that it is ready, what it does, that it is alive.

Rules
-----
* One datagram a message, to the socket that the environment names: a path, or an abstract name after ``@``. Where none is
  named, nobody is told, and nothing is kept open.
* The router waits for nobody: a manager that does not read loses the message. What goes wrong is logged once.
* The watchdog is fed from the reactor's turn, at half of the time that the manager allows: a router that is blocked does not
  feed it, and is restarted. Only the process that the manager means does (``WATCHDOG_PID``).
* A router that reloads says so with the monotonic time in microseconds, and that it is ready when it has.

Sources: sd_notify(3), sd_watchdog_enabled(3), systemd.service(5).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

log = Logger()

SHORTEST_WATCH: Final = 0.05
"""Seconds between two signs of life, at the least."""


class Manager:
    """The service manager, or nobody."""

    def __init__(self, environ: Mapping[str, str], *, pid: int | None = None) -> None:
        """``environ`` is that of the process; ``pid`` its number, if it is not this one."""
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self._unheard = False
        self.watchdog = _watchdog(environ, os.getpid() if pid is None else pid) if self.is_there else None
        """Seconds within which it wants a sign of life; `None`: it wants none."""

    @property
    def is_there(self) -> bool:
        """Whether there is anybody to be told."""
        return self._address is not None

    def ready(self, status: str) -> None:
        """The router serves, for the first time or with a changed configuration."""
        self._tell(READY="1", STATUS=status)

    def reloading(self) -> None:
        """The configuration is about to be changed; `ready` follows, also if it is not."""
        self._tell(RELOADING="1", MONOTONIC_USEC=str(time.monotonic_ns() // 1000))

    def stopping(self, status: str) -> None:
        """The router is being stopped."""
        self._tell(STOPPING="1", STATUS=status)

    def status(self, status: str) -> None:
        """What the router does, in a few words."""
        self._tell(STATUS=status)

    def successor(self, pid: int) -> None:
        """Another process is the router from now on."""
        self._tell(MAINPID=str(pid))

    def alive(self) -> None:
        """The router's loop turns."""
        self._tell(WATCHDOG="1")

    def close(self) -> None:
        """Nothing more will be told."""
        if self._socket is not None:
            self._socket.close()
        self._socket = self._address = None

    def _tell(self, **said: str) -> None:
        if self._address is None:
            return
        lines = "\n".join(f"{name}={' '.join(value.split())}" for name, value in said.items())
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.setblocking(False)
            self._socket.sendto(lines.encode(), self._address)
        except OSError as error:
            if not self._unheard:
                log.warn("the service manager cannot be told: {error}", error=error.strerror or str(error))
            self._unheard = True
        else:
            self._unheard = False


class Watchdog:
    """Shows the manager that the reactor turns, until the process ends: while the router drains it is alive, too."""

    def __init__(self, manager: Manager, clock: Any) -> None:
        """``clock`` is an ``IReactorTime``."""
        self._manager = manager
        self._loop = LoopingCall(manager.alive)
        self._loop.clock = clock

    def start(self) -> None:
        """Show it from now on."""
        if self._manager.watchdog is not None and not self._loop.running:
            self._loop.start(max(self._manager.watchdog / 2, SHORTEST_WATCH))


def _address(name: str) -> str | None:
    """The address of a socket as the environment names it; `None`: it names none that can be."""
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else None


def _watchdog(environ: Mapping[str, str], pid: int) -> float | None:
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    try:
        microseconds = int(environ.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1_000_000 if microseconds > 0 else None
