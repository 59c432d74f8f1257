"""What becomes of the sessions of components, for those who supervise them.

Rules
-----
* One that hangs is asked to print where it is, if it is in Python (``wampd.hosted`` listens to SIGUSR2), and killed a moment
  later; it may be stopped, and only SIGKILL reaches it then.
* A component in Python ends when its session does. If it does not, in the time that it has to stop, it is ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING, Any, Final

from twisted.logger import Logger

from wampd.router.settings.components import Hang, PythonComponent

if TYPE_CHECKING:
    from wampd.router.hosting.hosting import Hosting

log = Logger()

TO_PRINT: Final = 0.5
"""Seconds that a component has to print where it is."""


class Attending:
    """Watches the sessions of components."""

    def __init__(self, reactor: Any, hosting: Hosting) -> None:
        self._reactor = reactor
        self._hosting = hosting

    def pings(self, name: str) -> Hang | None:
        """How it is seen that an instance hangs; `None`: there is none of this name."""
        instance = self._hosting.instance(name)
        return None if instance is None else instance.instance.component.hang

    def joined(self, name: str) -> None:
        """It has joined its realm."""
        instance = self._hosting.instance(name)
        if instance is not None:
            instance.joined()

    def left(self, name: str) -> None:
        """It has left its realm."""
        instance = self._hosting.instance(name)
        if instance is None:
            return
        instance.left()
        component = instance.instance.component
        if isinstance(component, PythonComponent) and instance.pid is not None:
            why = f"goes on {component.stop.grace:g} s after its session"
            self._reactor.callLater(component.stop.grace, self._condemn, name, instance.pid, why)

    def hung(self, name: str, why: str) -> None:
        """It answers no more, and its session is over."""
        instance = self._hosting.instance(name)
        if instance is None or instance.pid is None:
            return
        log.error("component {component} hangs: it {why}", component=name, why=why)
        if isinstance(instance.instance.component, PythonComponent):
            with contextlib.suppress(ProcessLookupError):
                os.kill(instance.pid, signal.SIGUSR2)
        self._reactor.callLater(TO_PRINT, self._condemn, name, instance.pid, why)

    def _condemn(self, name: str, pid: int, why: str) -> None:
        """End a run, if it still is the one that this is about."""
        instance = self._hosting.instance(name)
        if instance is not None and instance.pid == pid:
            instance.condemn(why)
