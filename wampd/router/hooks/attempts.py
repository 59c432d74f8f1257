"""What the last attempts to deliver something came to: of each registration some, in memory. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import Struct


class Attempt(Struct, frozen=True):
    """What is remembered of an attempt."""

    delivery: str
    attempt: int
    at: float
    """Seconds since 1970."""
    seconds: float
    outcome: str
    """A status, or why there was none."""


class Attempts:
    """Those of all registrations of a realm."""

    def __init__(self, most: int) -> None:
        """``most``: of each registration."""
        self._most = most
        self._of: dict[str, deque[Attempt]] = {}

    def remember(self, hook_id: str, attempt: Attempt) -> None:
        """One more was made."""
        self._of.setdefault(hook_id, deque(maxlen=self._most)).append(attempt)

    def of(self, hook_id: str) -> Sequence[Attempt]:
        """The last of a registration, the oldest first."""
        return self._of.get(hook_id, ())

    def forget(self, hook_id: str) -> None:
        """A registration has ended."""
        self._of.pop(hook_id, None)
