"""What cookies stand for: the earlier authentications of browsers, and which values of each cookie are good now.

Rules
-----
* A cookie's value is drawn by the shell, and is here only as its SHA-256 digest: neither a dump nor the store lets anybody in.
* Every answer to a request sets a new value (rotation). The value that a request showed stays good, for the answer may be lost;
  once one of those that were set after it is shown, it is superseded, and so are its other followers. For a grace time they are
  good all the same: other tabs may have sent them at that moment. Shown later, they were copied: the cookie is forgotten
  altogether, whoever has it, and somebody is told. Of very old values nothing is known; they stand for nothing.
* What somebody authenticates for is only ever bound to a value that was set by the answer to this very connection. A value
  that the client brought may have been planted there (session fixation).
* A cookie is good for so long after the authentication, and so long after it was last shown, whichever ends first; wall time.
  Where the authentication itself has an end, as that by a token, the cookie and the sessions that come by it end then, too.
* Bounded: cookies in all, cookies of a principal, values of a cookie. Where there is no room, the one that was not shown for
  the longest time goes.

Sources: RFC 6265 (cookies), section 8; RFC 9700, section 4.14.2 (rotation, and what a value that is used again means).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Protocol

from msgspec import Struct

from wampd.auth.accounts import Account
from wampd.realms.options import JsonDict

DAY = 86_400.0
MOST_VALUES = 16
"""Of one cookie, how many values are remembered that were set and not shown yet, and how many that are superseded."""
SWEPT = 2
"""How many cookies are looked at whenever one is shown, whether they have expired."""


class Terms(Struct, frozen=True):
    """How long cookies stand for somebody, in seconds, and how many for one."""

    lifetime: float = 30 * DAY
    """After the authentication."""
    idle: float = 7 * DAY
    """After the cookie was last shown."""
    grace: float = 30.0
    """How long a superseded value is good."""
    per_principal: int = 20


class Bound(Struct, frozen=True, kw_only=True):
    """Who authenticated, and how: what a cookie is to stand for."""

    template: str
    """The realm as the configuration names it: the realm's own name, or its template's."""
    realm: str
    authid: str
    role: str
    method: str
    provider: str
    extra: JsonDict | None = None
    account: Account | None = None
    """What it was proved by; `None`: there is nothing to ask again, so who comes back is who it was."""
    lasts: float | None = None
    """Seconds from now for which that is proved, as of a token; `None`: there is no end to it."""


class Binding(Struct, eq=False, kw_only=True):
    """One cookie that stands for somebody; all its values are digests."""

    id: bytes
    template: str
    realm: str
    authid: str
    role: str
    method: str
    provider: str
    extra: JsonDict | None
    salt: bytes
    proofs: bytes | None
    """What proved who it is, as `Account.digest` has it with this salt; `None`: there is no account to ask again."""
    since: float
    """When it was bound, in Unix time; what follows, too."""
    expires: float
    seen: float
    idle: float
    """Seconds."""
    grace: float
    """Seconds."""
    current: bytes
    """The newest value that was shown."""
    pending: dict[bytes, bytes] = {}
    """Those that were set after it and have not been shown yet, and the value that each was the answer to."""
    ends: float | None = None
    """When what it was bound by ends, and every session that comes by it; `None`: never."""
    past: dict[bytes, float] = {}
    """Those that are superseded, and since when; the oldest first."""

    def __repr__(self) -> str:
        return f"<Binding of {self.authid} in {self.realm}>"

    def is_over(self, now: float) -> bool:
        """Whether it has expired."""
        return now >= self.expires or now >= self.seen + self.idle

    def values(self) -> list[bytes]:
        """All that are remembered."""
        return [self.current, *self.pending, *self.past]


class Visit(Struct, eq=False):
    """What one connection has to do with cookies: at ``Request.transport["cookie"]``."""

    fresh: bytes
    """The digest of the value that its answer set."""
    binding: Binding | None = None
    """What the value that it showed, or its fresh one, stands for."""

    def __repr__(self) -> str:
        return f"<Visit: {self.binding!r}>"


class Keeper(Protocol):
    """Who is told of what changes."""

    def keep(self, binding: Binding) -> None:
        """It is new, or has changed."""
        ...

    def forget(self, binding: Binding) -> None:
        """It stands for nobody any more."""
        ...

    def stolen(self, binding: Binding) -> None:
        """A value of it was shown after its successor: somebody has a copy. It is forgotten."""
        ...


class Jar:
    """All cookies that stand for somebody."""

    def __init__(self, keeper: Keeper, now: Callable[[], float], most: int = 50_000) -> None:
        """``now`` is Unix time in seconds; ``most`` cookies are kept."""
        self._keeper = keeper
        self._now = now
        self.most = most
        self._bindings: OrderedDict[bytes, Binding] = OrderedDict()  # the one that was not shown for longest first
        self._by_value: dict[bytes, Binding] = {}
        self._by_principal: dict[tuple[str, str], dict[bytes, Binding]] = {}
        self._round: Iterator[bytes] = iter(())

    def __len__(self) -> int:
        return len(self._bindings)

    def load(self, bindings: Iterable[Binding]) -> None:
        """Take in what was kept."""
        for binding in sorted(bindings, key=lambda each: each.seen):
            self._add(binding)
        self._sweep(len(self._bindings) + 1)  # the round before had none of them
        while len(self._bindings) > self.most:
            self.forget(next(iter(self._bindings.values())))

    def visit(self, shown: bytes | None, fresh: bytes) -> Visit:
        """A request shows one value (`None`: none that can be one), and its answer sets another."""
        now = self._now()
        self._sweep(SWEPT)
        binding = None if shown is None else self._by_value.get(shown)
        if binding is None or shown is None or not self._is_good(binding, shown, now):
            return Visit(fresh)
        if shown in binding.pending:
            self._supersede(binding, shown, now)
        self._make_room_in(binding.pending)
        binding.pending[fresh] = shown
        self._by_value[fresh] = binding
        binding.seen = now
        self._bindings.move_to_end(binding.id)
        self._keeper.keep(binding)
        return Visit(fresh, binding)

    def bind(self, visit: Visit, bound: Bound, terms: Terms, salt: bytes) -> Binding:
        """Let the cookie that a connection was given stand for who has authenticated on it. ``salt`` is random."""
        now = self._now()
        self._sweep(SWEPT)
        other = self._by_value.pop(visit.fresh, None)
        if other is not None:
            if other.pending.pop(visit.fresh, None) is None:
                self.forget(other)  # of somebody else who came by this connection before
            else:
                self._keeper.keep(other)  # the browser may still have another value of it
        binding = Binding(
            id=visit.fresh,
            template=bound.template,
            realm=bound.realm,
            authid=bound.authid,
            role=bound.role,
            method=bound.method,
            provider=bound.provider,
            extra=bound.extra,
            salt=salt,
            proofs=None if bound.account is None else bound.account.digest(salt),
            since=now,
            expires=now + min(terms.lifetime, math.inf if bound.lasts is None else bound.lasts),
            ends=None if bound.lasts is None else now + bound.lasts,
            seen=now,
            idle=terms.idle,
            grace=terms.grace,
            current=visit.fresh,
        )
        self._make_room(binding, terms.per_principal)
        self._add(binding)
        visit.binding = binding
        self._keeper.keep(binding)
        return binding

    def holds(self, binding: Binding) -> bool:
        """Whether a cookie still stands for somebody."""
        if self._bindings.get(binding.id) is not binding:
            return False
        if binding.is_over(self._now()):
            self.forget(binding)
            return False
        return True

    def lasts(self, binding: Binding) -> float | None:
        """Seconds from now for which sessions may last that come by a cookie; `None`: as long as they like."""
        return None if binding.ends is None else max(0.0, binding.ends - self._now())

    def get(self, binding_id: bytes) -> Binding | None:
        """The cookie of this id, if it stands for somebody."""
        return self._bindings.get(binding_id)

    def of(self, template: str, authids: Collection[str] | None) -> list[Binding]:
        """The cookies that stand for these principals, `None`: for any, of one realm or template."""
        if authids is None:
            return [binding for binding in self._bindings.values() if binding.template == template]
        found = (self._by_principal.get((template, authid), {}) for authid in authids)
        return [binding for of_principal in found for binding in of_principal.values()]

    def forget(self, binding: Binding) -> None:
        """A cookie stands for nobody any more. Doing it twice does no harm."""
        if self._bindings.get(binding.id) is not binding:
            return
        del self._bindings[binding.id]
        for value in binding.values():
            if self._by_value.get(value) is binding:
                del self._by_value[value]
        principal = binding.template, binding.authid
        of_principal = self._by_principal[principal]
        del of_principal[binding.id]
        if not of_principal:
            del self._by_principal[principal]
        self._keeper.forget(binding)

    def _is_good(self, binding: Binding, shown: bytes, now: float) -> bool:
        if binding.is_over(now):
            self.forget(binding)
            return False
        superseded = binding.past.get(shown)
        if superseded is None or now <= superseded + binding.grace:
            return True
        self.forget(binding)
        self._keeper.stolen(binding)
        return False

    def _supersede(self, binding: Binding, shown: bytes, now: float) -> None:
        """A new value has arrived at the client: it takes the place of the one before, and of what else followed that."""
        del binding.pending[shown]
        others = [value for value, parent in binding.pending.items() if parent != shown]
        for value in (binding.current, *others):
            binding.pending.pop(value, None)
            self._make_room_in(binding.past)
            binding.past[value] = now
        binding.current = shown

    def _make_room_in(self, values: dict[bytes, Any]) -> None:
        """Make room for one more value."""
        if len(values) >= MOST_VALUES:
            oldest = next(iter(values))
            del values[oldest]
            self._by_value.pop(oldest, None)

    def _make_room(self, binding: Binding, per_principal: int) -> None:
        of_principal = self._by_principal.get((binding.template, binding.authid), {})
        too_many = max(0, len(of_principal) + 1 - per_principal)
        for oldest in sorted(of_principal.values(), key=lambda each: each.seen)[:too_many]:
            self.forget(oldest)
        while len(self._bindings) >= self.most:
            self.forget(next(iter(self._bindings.values())))

    def _add(self, binding: Binding) -> None:
        self._bindings[binding.id] = binding
        for value in binding.values():
            self._by_value[value] = binding
        self._by_principal.setdefault((binding.template, binding.authid), {})[binding.id] = binding

    def _sweep(self, most: int) -> None:
        """Forget those that have expired, of the next ones in a round through all."""
        now = self._now()
        for _ in range(most):
            binding_id = next(self._round, None)
            if binding_id is None:
                self._round = iter(list(self._bindings))
                continue
            binding = self._bindings.get(binding_id)
            if binding is not None and binding.is_over(now):
                self.forget(binding)
