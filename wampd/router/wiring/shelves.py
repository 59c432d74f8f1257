"""What one listener serves by HTTP, kept from one configuration to the next.

Rules
-----
* What is configured as before, for the same place, is served on as it is: its sessions, connections and threads stay.
* Making a shelf ends nothing of the one before. That is done by `settle`, when it is sure that this one is used; else `drop`
  ends what was made for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct

from wampd.router.ends import Ends

Made = TypeVar("Made")
Place: TypeAlias = tuple[str, str]
"""A host, ``""`` for all others, and a path."""


class _Item(Struct, eq=False):
    settings: Any
    made: Any
    ends: Ends


class Shelf:
    """What is served, by place."""

    def __init__(self, reactor: Any, old: Shelf | None = None) -> None:
        """``old`` is the one that this takes the place of."""
        self._reactor = reactor
        self._old = {} if old is None else old._items
        self._items: dict[Place, _Item] = {}

    def serve(self, place: Place, settings: Any, make: Callable[[Ends], Made]) -> Made:
        """What is served at a place: what was there for the same ``settings``, else what is made now."""
        item = self._old.get(place)
        if item is None or item.settings != settings:
            ends = Ends(self._reactor)
            try:
                item = _Item(settings, make(ends), ends)
            except BaseException:
                ends.end()
                raise
        self._items[place] = item
        made: Made = item.made
        return made

    def settle(self) -> None:
        """From now on this shelf is used, and the one before no more."""
        self._end(self._old, self._items)
        self._old = {}

    def drop(self) -> None:
        """Forget this shelf; the one before is used on."""
        self._end(self._items, self._old)

    @staticmethod
    def _end(these: dict[Place, _Item], but: dict[Place, _Item]) -> None:
        for place, item in these.items():
            if but.get(place) is not item:
                item.ends.end()
