"""What is kept for deliveries: how large the events are, and which deliveries are dead letters. No I/O.

Rules
-----
* An event is kept as long as a delivery of it is pending or a dead letter. How much all events take together is bounded, and
  so is how many dead letters there are: the oldest make room for new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct


class DeadLetter(Struct, frozen=True):
    """A delivery that is not attempted any more."""

    event: str
    hook: str
    number: int
    attempts: int
    why: str
    """A status, a reason, or ``overflow``: too much was pending for the hook."""
    at: float
    """Since when: seconds since 1970."""

    @property
    def id(self) -> str:
        """That of the delivery."""
        return f"{self.event}-{self.hook}"


class Ledger:
    """The events and dead letters of one realm."""

    def __init__(self, most_bytes: int, most_dead: int) -> None:
        self.size = 0
        """Bytes of all events."""
        self.most_bytes = most_bytes
        self._most_dead = most_dead
        self._events: dict[str, list[int]] = {}  # size, and how many deliveries it is kept for
        self._dead: dict[str, DeadLetter] = {}  # the oldest first
        self._dead_of: dict[str, dict[str, None]] = {}

    def has_room(self, size: int) -> bool:
        """Whether an event of so many bytes can be kept."""
        return self.size + size <= self.most_bytes

    def keep(self, event: str, size: int, deliveries: int) -> None:
        """Keep an event for so many deliveries."""
        self._events[event] = [size, deliveries]
        self.size += size

    def let_go(self, event: str) -> bool:
        """One delivery of an event is over; whether it was the last. Of an event that is not there none is."""
        kept = self._events.get(event)
        if kept is None:  # the store has a delivery of an event that it has not
            return False
        kept[1] -= 1
        if kept[1]:
            return False
        del self._events[event]
        self.size -= kept[0]
        return True

    def bury(self, letter: DeadLetter) -> list[DeadLetter]:
        """Take a dead letter; those that make room for it are taken out, and returned."""
        self._dead[letter.id] = letter
        self._dead_of.setdefault(letter.hook, {})[letter.id] = None
        dropped = []
        while len(self._dead) > self._most_dead:
            oldest = self.raise_up(next(iter(self._dead)))
            assert oldest is not None
            dropped.append(oldest)
        return dropped

    def raise_up(self, delivery: str) -> DeadLetter | None:
        """Take a dead letter out."""
        letter = self._dead.pop(delivery, None)
        if letter is not None:
            of_hook = self._dead_of[letter.hook]
            del of_hook[delivery]
            if not of_hook:
                del self._dead_of[letter.hook]
        return letter

    def dead(self, delivery: str) -> DeadLetter | None:
        """The dead letter of an id."""
        return self._dead.get(delivery)

    def dead_of(self, hooks: Iterable[str]) -> Iterator[DeadLetter]:
        """The dead letters of some hooks, the oldest of each first."""
        for hook in hooks:
            for delivery in self._dead_of.get(hook, ()):
                yield self._dead[delivery]

    def count_dead(self) -> int:
        """How many dead letters there are."""
        return len(self._dead)
