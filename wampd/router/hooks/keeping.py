"""What the registry needs of a store: what it says is kept outlives the process, whatever ends that.

What is asked for is done in the order in which it was asked for. The Deferreds fire when it is on the disk; they fail with
whatever error the store has, which the store has said in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from twisted.internet.defer import Deferred

from wampd.router.hooks.ledger import DeadLetter
from wampd.router.hooks.registry import Hook


class Pending(Struct, frozen=True):
    """A delivery that is to be made."""

    event: str
    hook: str
    number: int
    attempts: int
    due: float
    """Seconds since 1970."""


class Kept(Struct, frozen=True):
    """All that is kept of a realm."""

    hooks: list[Hook]
    events: list[tuple[str, int]]
    """Their ids, and the size of their bodies."""
    pending: list[Pending]
    dead: list[DeadLetter]


class Keeping(Protocol):
    """Keeps the registry of one realm."""

    def load(self) -> Deferred[Kept]:
        """All that is there."""
        ...

    def body(self, event: str) -> Deferred[bytes | None]:
        """The body of an event."""
        ...

    def put_hook(self, hook: Hook) -> Deferred[None]:
        """Keep a registration, maybe in the place of the one with the same id."""
        ...

    def remove_hook(self, hook_id: str) -> Deferred[None]:
        """Forget a registration, and all deliveries for it."""
        ...

    def add_event(
        self, event: str, body: bytes, pending: Sequence[Pending], dead: Sequence[DeadLetter]
    ) -> Deferred[None]:
        """Keep an event, and the deliveries of it: all or nothing."""
        ...

    def forget(self, event: str, hook: str) -> Deferred[None]:
        """Forget a delivery, and its event if it was the last one of it."""
        ...

    def postpone(self, pending: Pending) -> Deferred[None]:
        """Change a delivery, or bring one back that was dead."""
        ...

    def bury(self, letter: DeadLetter, dropped: Sequence[DeadLetter]) -> Deferred[None]:
        """Change a delivery into a dead letter, and forget those that make room for it."""
        ...
