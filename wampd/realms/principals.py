"""What a principal may do whose role has an authorizer, and the memory of that one's answers.

Rules
-----
* The rules of the role come first: what they allow is allowed, what they deny is refused. What they say nothing of is asked.
  ``wamp.*`` and ``wampd.*`` are not asked about: only rules that name them reach there.
* An answer is remembered for the principal (realm, authid, role), never for the role: as long as the authorizer's ``ttl``
  says, unless the answer says not to; no longer than the principal has a session here; and in bounded number.
* A testament is published when nobody can be asked any more: a remembered answer counts for it though its time be over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from wampd.realms.grants import NOT_AUTHORIZED, Action, Grant, Grants
from wampd.realms.limits import RuleLimits
from wampd.realms.options import Match
from wampd.realms.uris import overlap

Key: TypeAlias = tuple[Action, str, Match]
"""What is asked about."""

RESERVED = ("wamp", "wampd")
"""First components of URIs about which no authorizer is asked."""

NOTHING: dict[Key, Grant] = {}
"""No answers, shared: never changed."""


DENIED = Grant(refusal=NOT_AUTHORIZED)
"""An authorizer said no: the session is told what it would be told if nobody had been asked."""


class Undecided(Exception):
    """The rules say nothing of this, and no answer of the authorizer is known."""

    def __init__(self, action: Action, uri: str, match: Match) -> None:
        super().__init__(action, uri, match)
        self.key: Key = (action, uri, match)


class PrincipalGrants(Grants):
    """What one principal may do whose role has an authorizer; asking about what is not known raises `Undecided`."""

    __slots__ = ("_answers", "_now", "current", "rules")

    MOST = 256
    """How many answers are remembered."""

    def __init__(self, rules: Grants, now: Callable[[], float]) -> None:
        """``rules`` are those of the role, and of all its sessions; ``now`` tells monotonic seconds."""
        self.authorizer = rules.authorizer
        self.limited = rules.limited
        self.calls = {}  # these two stay empty: what is in them would never be asked about again
        self.publications = {}
        self.current = NOTHING
        """The answers for the message that is being served; they count once, whatever is remembered."""
        self.rules = rules
        """Those of its role."""
        self._now = now
        self._answers: dict[Key, tuple[Grant, float]] = {}

    def call(self, uri: str) -> Grant:
        """May ``uri`` be called?"""
        grant = self.rules.call(uri)
        return self._ask(("call", uri, "exact"), grant) if grant.undecided else grant

    def limits_of(self, action: Action, uri: str) -> RuleLimits | None:
        """What a rule says; an authorizer sets no limits."""
        return self.rules.limits_of(action, uri)

    def publish(self, uri: str) -> Grant:
        """May be published to ``uri``?"""
        grant = self.rules.publish(uri)
        return self._ask(("publish", uri, "exact"), grant) if grant.undecided else grant

    def decide(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """Check the URI, then ask the rules, then what is known of the authorizer's answers."""
        grant = self.rules.decide(action, uri, match)
        return self._ask((action, uri, match), grant) if grant.undecided else grant

    def known(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """The same without asking anybody: what is not known is refused, and an answer counts though its time be over."""
        grant = self.rules.decide(action, uri, match)
        if not grant.undecided:
            return grant
        key = (action, uri, match)
        kept = self._answers.get(key)
        answer = self.current.get(key) or (None if kept is None else kept[0])
        return grant if answer is None or answer is DENIED else answer

    def still(self, action: Action, uri: str, match: Match = "exact") -> bool:
        """Whether what was granted by other rules may go on: also what an authorizer may have allowed, while there is one."""
        grant = self.rules.decide(action, uri, match)
        return grant.refusal is None or (grant.undecided and self.authorizer is not None)

    def _ask(self, key: Key, refused: Grant) -> Grant:
        answer = self.current.get(key)
        if answer is None:
            kept = self._answers.get(key)
            if kept is not None and self._now() < kept[1]:
                answer = kept[0]
            elif self.authorizer is None or _is_reserved(key[1], key[2]):
                answer = DENIED
            else:
                raise Undecided(*key)
        return refused if answer is DENIED else answer

    def remember(self, key: Key, grant: Grant, ttl: float) -> int:
        """Keep an answer for so many seconds; the oldest gives way to it. Return how many more there are now."""
        before = len(self._answers)
        self._answers.pop(key, None)
        if len(self._answers) >= self.MOST:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = (grant, self._now() + ttl)
        return len(self._answers) - before

    def forget(self) -> None:
        """Forget all answers."""
        self._answers.clear()

    def __len__(self) -> int:
        """How many answers are remembered."""
        return len(self._answers)

    def __bool__(self) -> bool:
        """It is there, whatever it remembers."""
        return True


def _is_reserved(uri: str, match: Match) -> bool:
    """Whether a URI, or a part of what a pattern matches, is in a namespace of WAMP's or the router's own."""
    if match == "exact":
        return uri.partition(".")[0] in RESERVED
    return uri in RESERVED or any(overlap(f"{word}.", "prefix", uri, match) for word in RESERVED)
