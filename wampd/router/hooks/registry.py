"""Who wants to be told of what: the registrations of one realm. No I/O; time comes in as seconds since 1970.

Rules
-----
* A registration is a URL under a key, of the principal (authid) that registered it. To register the same URL under the same key
  again renews it, and changes its secret and filter as far as they are given.
* Its role is the one that the principal had when it last registered or renewed it, or has been found to have since.
* It belongs to that principal alone: for others it is not there, unless their role is privileged. Nobody is shown its secret,
  but whoever registers without giving one: once, in the answer.
* It ends when its time is up, and can be renewed before.
* How many there are is bounded: in all, under each key, and of each principal.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Raw, Struct

from wampd.realms.publications import Audience
from wampd.router.hooks.filters import Payload, Scalar, passes
from wampd.router.inside.reading import Unreadable, dict_of, list_of

LONGEST_KEY: Final = 128
_KEY: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class Hook(Struct, frozen=True):
    """One registration."""

    id: str
    key: str
    url: str
    host: str
    """Whose breaker it is under: name and port."""
    secret: bytes
    owner: str
    filter: dict[str, tuple[Scalar, ...]]
    created: float
    """Seconds since 1970, as is `expires`."""
    expires: float
    is_of_kept: bool = False
    """Whether its owner is a principal that is kept, and may be so no more."""
    role: str = ""
    """Its owner's; empty: that is not known."""

    def __repr__(self) -> str:  # the secret stays here
        return f"<Hook {self.id} {self.key}>"

    def is_for(self, audience: Audience) -> bool:
        """Whether its owner may get an event with these lists of receivers. Who has no known role is in no list of roles."""
        by_role = audience.eligible_authrole is not None or audience.exclude_authrole is not None
        return audience.admits_absent(self.owner, self.role) and not (by_role and not self.role)


class Bounds(Struct, frozen=True):
    """How many there may be."""

    in_all: int = 10_000
    per_key: int = 1_000
    per_owner: int = 1_000


class TooMany(Exception):
    """There is no room for one more; the text says where."""


def is_key(text: str) -> bool:
    """Whether something may be registered under this."""
    return len(text) <= LONGEST_KEY and _KEY.fullmatch(text) is not None


class Registry:
    """The registrations of one realm."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._hooks: dict[str, Hook] = {}
        self._by_key: dict[str, dict[str, None]] = {}
        self._by_place: dict[tuple[str, str, str], str] = {}
        self._owned: dict[str, dict[str, None]] = {}
        self._ends: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._hooks)

    def __iter__(self) -> Iterator[Hook]:
        return iter(self._hooks.values())

    def get(self, hook_id: str) -> Hook | None:
        """The registration of an id."""
        return self._hooks.get(hook_id)

    def under(self, key: str) -> list[Hook]:
        """The registrations under a key."""
        return [self._hooks[each] for each in self._by_key.get(key, ())]

    def owned_by(self, owner: str) -> Iterable[str]:
        """The ids of a principal's registrations."""
        return self._owned.get(owner, ())

    def at(self, owner: str, key: str, url: str) -> Hook | None:
        """What a principal has registered there."""
        hook_id = self._by_place.get((owner, key, url))
        return None if hook_id is None else self._hooks[hook_id]

    def check_room(self, owner: str, key: str) -> None:
        """Raise `TooMany` if one more cannot be added."""
        bounds = self._bounds
        if len(self._hooks) >= bounds.in_all:
            raise TooMany(f"the realm has {bounds.in_all} registrations")
        if len(self._by_key.get(key, ())) >= bounds.per_key:
            raise TooMany(f"the key has {bounds.per_key} registrations")
        if len(self._owned.get(owner, ())) >= bounds.per_owner:
            raise TooMany(f"the principal has {bounds.per_owner} registrations")

    def put(self, hook: Hook) -> None:
        """Take a registration, maybe in the place of the one with the same id."""
        if hook.id not in self._hooks:
            self._by_key.setdefault(hook.key, {})[hook.id] = None
            self._by_place[hook.owner, hook.key, hook.url] = hook.id
            self._owned.setdefault(hook.owner, {})[hook.id] = None
        self._hooks[hook.id] = hook
        heapq.heappush(self._ends, (hook.expires, hook.id))
        if len(self._ends) > 2 * len(self._hooks) + 1000:
            self._ends = [(each.expires, each.id) for each in self]
            heapq.heapify(self._ends)

    def remove(self, hook_id: str) -> Hook | None:
        """Take one out."""
        hook = self._hooks.pop(hook_id, None)
        if hook is not None:
            del self._by_place[hook.owner, hook.key, hook.url]
            _without(self._by_key, hook.key, hook_id)
            _without(self._owned, hook.owner, hook_id)
        return hook

    def next_end(self) -> float:
        """When the next time is up, or may be; never: infinity."""
        return self._ends[0][0] if self._ends else math.inf

    def expired(self, now: float, most: int) -> list[Hook]:
        """Those whose time is up, so many at once; they are still in, but are not found again."""
        found: dict[str, Hook] = {}
        while self._ends and self._ends[0][0] <= now and len(found) < most:
            _, hook_id = heapq.heappop(self._ends)
            hook = self._hooks.get(hook_id)
            if hook is not None and hook.expires <= now:
                found[hook_id] = hook
        return list(found.values())


def _without(index: dict[str, dict[str, None]], key: str, hook_id: str) -> None:
    del index[key][hook_id]
    if not index[key]:
        del index[key]


def wanting(hooks: list[Hook], args: Raw | None, kwargs: Raw | None) -> list[Hook]:
    """Those whose filters an event passes; it is read only if there are any."""
    if not any(hook.filter for hook in hooks):
        return hooks
    try:
        payload = Payload(list_of(args), dict_of(kwargs))
    except Unreadable:  # what no value can be compared with passes no filter
        return [hook for hook in hooks if not hook.filter]
    return [hook for hook in hooks if passes(hook.filter, payload)]
