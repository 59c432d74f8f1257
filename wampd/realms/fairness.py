"""Who has how much of what several share, and who is to give way when there is no more of it.

Rules
-----
* A share is fair if everybody who has something has as much. Who has less, with what it asks for, than a fair share may have it
  although nothing is left: whoever has most gives something up.
* Alone, one may have everything.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

Who = TypeVar("Who", bound=Hashable)


class Holdings(Generic[Who]):
    """How much everybody has."""

    __slots__ = ("_by_whom", "total")

    def __init__(self) -> None:
        self._by_whom: dict[Who, int] = {}
        self.total = 0
        """How much all have together."""

    def __len__(self) -> int:
        return len(self._by_whom)

    def change(self, who: Who, by: int) -> None:
        """Somebody has so much more, or less."""
        self.total += by
        left = self._by_whom.get(who, 0) + by
        if left:
            self._by_whom[who] = left
        else:
            self._by_whom.pop(who, None)

    def is_fair(self, who: Who, more: int, of: int) -> bool:
        """Whether somebody who gets so much more has no more than a fair share of all there is."""
        mine = self._by_whom.get(who, 0)
        sharers = len(self._by_whom) + (not mine)
        return (mine + more) * sharers <= of

    def greediest(self) -> Who:
        """Who has most."""
        return max(self._by_whom, key=self._by_whom.__getitem__)
