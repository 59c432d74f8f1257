"""What becomes of the one session of a hosted component, and the exit status that it comes to.

The first that went wrong is told; all that follows from it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .trouble import DONE, FAILED, REFUSED, UNREACHABLE, tell

NORMAL = ("wamp.close.normal", "wamp.close.goodbye_and_out")
"""Reasons of who leaves by itself: its own, and the router's answer to it."""
SHUTDOWN = "wamp.close.system_shutdown"


class Course:
    """What becomes of the one session of this process."""

    def __init__(self, ended: Callable[[], object], tell: Callable[[str, BaseException | None], object] = tell) -> None:
        """``ended`` is called once, when there is nothing more to come; ``tell`` says what is wrong."""
        self._tell = tell
        self._ended: Callable[[], object] | None = ended
        self.session: Any = None
        self.is_stopping = False
        """The component was told to end."""
        self.is_joined = False
        self._is_leaving = False
        self._status: int | None = None

    @property
    def status(self) -> int:
        """The exit status that all this comes to."""
        return DONE if self._status is None else self._status

    @property
    def is_over(self) -> bool:
        """Whether `ended` was called."""
        return self._ended is None

    def failed(self, status: int, line: str, cause: BaseException | None = None) -> None:
        """Something went wrong: tell the first of it."""
        if self._status is None and not self.is_stopping:
            self._status = status
            self._tell(line, cause)

    def left(self, reason: str, message: str | None) -> None:
        """The session is over, or there never was one."""
        said = f"{reason} ({message})" if message else reason
        if not self.is_joined:
            self.failed(REFUSED, f"the router does not let this component in: {said}")
        elif reason in NORMAL:
            if self._status is None:
                self._status = DONE
        elif reason == SHUTDOWN and self._status is None:
            self._status = FAILED  # which the router says itself
        else:
            self.failed(FAILED, f"the session was ended: {said}")

    def over(self) -> None:
        """The connection is closed."""
        ended, self._ended = self._ended, None
        if ended is not None:
            if self._status is None and not self.is_stopping:
                why = "the connection to the router was lost" if self.is_joined else "the router hung up"
                self.failed(FAILED if self.is_joined else UNREACHABLE, why)
            ended()

    def leave(self) -> None:
        """The component is told to end: leave the realm; what listens for that is called."""
        self.is_stopping = True
        self.let_go()

    def let_go(self) -> None:
        """End the session, and with it all."""
        session = self.session
        if session is None or self.is_over:
            self.over()
        elif not session.is_attached():
            session.disconnect()
        elif not self._is_leaving:
            self._is_leaving = True
            session.leave()
