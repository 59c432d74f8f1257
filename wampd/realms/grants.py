"""What a session may do: the questions that the core asks, and the memory of their answers.

Rules
-----
* The order of checks is URI validity, then permission, then existence, so that a denied client cannot probe what exists.
* The match policy is part of every question and of every key: a permission for an exact URI allows no pattern on it.
* Decisions about calls and publications are remembered per principal's `Grants`, at most `Grants.REMEMBERED`, and
  forgotten when the policy is replaced.

Who decides is not the core's business: it asks a `Policy`.
"""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from wampd.realms.limits import RuleLimits, beyond
from wampd.realms.options import Match
from wampd.realms.uris import MAX_URI_BYTES, UriCheck, is_too_long, is_uri

Action: TypeAlias = Literal["call", "register", "publish", "subscribe", "force_reregister"]
Disclosure: TypeAlias = Literal["never", "on_request", "always"]


class Grant(Struct, frozen=True):
    """The answer to one question: may this be done, and how."""

    refusal: str | None = None
    """`None`: granted; else the URI of the ERROR that refuses it."""
    reason: str = ""
    """For the refused client; never says whether something exists."""
    undecided: bool = False
    """Of a refusal: nothing is said against it, only nothing for it; somebody who knows more may be asked."""
    disclose: Disclosure = "on_request"
    """Whether caller or publisher are disclosed to the other side."""
    trustlevel: int | None = None
    """How far the other side may trust the call or publication, 0 being the least; `None`: it is told nothing of it."""
    limits: RuleLimits | None = None
    """How much may be called or published by this; `None`: as much as by anything else."""


class Authorizer(Struct, frozen=True):
    """Who is asked about what the rules of a role leave undecided."""

    procedure: str
    realm: str | None = None
    """Where it is registered; `None`: in the realm of the session that it is asked about."""
    timeout: float = 5.0
    """Seconds until it counts as failed."""
    ttl: float = 60.0
    """Seconds for which an answer is remembered; 0: not at all."""


class Policy(Protocol):
    """Decides what a principal may do."""

    def decide(self, action: Action, uri: str, match: Match) -> Grant:
        """Whether ``action`` on ``uri`` (of a pattern: on everything that it matches) is granted."""
        ...


NOT_AUTHORIZED = "wamp.error.not_authorized"
INVALID_URI = "wamp.error.invalid_uri"
OWN = ("wampd.audit.", "wampd.authorization.", "wampd.monitor.", "wampd.hook.")
"""Beginnings of URIs that the router alone serves and publishes to, whatever is granted."""
DISCLOSURE_DISALLOWED = "wamp.error.option_disallowed.disclose_me"


class Grants:
    """A policy, with the URI rules of its realm and a bounded memory."""

    __slots__ = ("__weakref__", "_check", "_max_bytes", "authorizer", "calls", "limited", "policy", "publications")

    REMEMBERED = 4096

    def __init__(
        self,
        policy: Policy,
        check: UriCheck = "loose",
        max_bytes: int = MAX_URI_BYTES,
        *,
        limited: bool = False,
        authorizer: Authorizer | None = None,
    ) -> None:
        """``limited``: some of what is granted has limits of its own.

        ``authorizer`` is asked about what the policy leaves undecided (see `wampd.realms.asking`).
        """
        self.limited = limited
        self.authorizer = authorizer
        self.policy = policy
        self._check: UriCheck = check
        self._max_bytes = max_bytes
        self.calls: dict[str, Grant] = {}
        self.publications: dict[str, Grant] = {}

    def call(self, uri: str) -> Grant:
        """May ``uri`` be called?"""
        return self.calls.get(uri) or self._remember(self.calls, "call", uri)

    def publish(self, uri: str) -> Grant:
        """May be published to ``uri``?"""
        return self.publications.get(uri) or self._remember(self.publications, "publish", uri)

    def limits_of(self, action: Action, uri: str) -> RuleLimits | None:
        """The limits that the rule sets which decides about a call or a publication, whether it is granted or not."""
        return (self.call(uri) if action == "call" else self.publish(uri)).limits

    def decide(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """Check the URI, then ask the policy; not remembered."""
        if not is_uri(uri, self._check, match, self._max_bytes):
            if is_too_long(uri, self._max_bytes):
                return Grant(refusal=INVALID_URI, reason=beyond("uri_length", self._max_bytes))
            return Grant(refusal=INVALID_URI, reason=f"not a valid URI (rule: {self._check}, match: {match})")
        if action in ("register", "publish") and (uri.partition(".")[0] == "wamp" or uri.startswith(OWN)):
            return Grant(refusal=INVALID_URI, reason="this namespace is reserved")
        return self.policy.decide(action, uri, match)

    def known(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """The same where nobody can be asked."""
        return self.decide(action, uri, match)

    def still(self, action: Action, uri: str, match: Match = "exact") -> bool:
        """Whether what was granted by other rules may go on."""
        return self.decide(action, uri, match).refusal is None

    def _remember(self, memory: dict[str, Grant], action: Action, uri: str) -> Grant:
        grant = self.decide(action, uri)
        if grant.refusal == INVALID_URI:  # of any length
            return grant
        if len(memory) >= self.REMEMBERED:
            memory.clear()
        memory[uri] = grant
        return grant


class GrantsOfOne(Grants):
    """What one principal may do, or one session: of these there are many, so each remembers less."""

    __slots__ = ()

    REMEMBERED = 256
