"""How much a session may hold and do, and how much a realm may hold of all its sessions.

Rules
-----
* A session's limits are resolved once, when it joins: those of its role, else those of the realm. Whoever keeps something
  for a session reads ``session.limits``; whoever keeps something for a realm reads ``realm.quota``.
* A request over a limit is refused with an ERROR that names the limit and its value (`beyond`), and is counted.
* What a session holds too much of it can let go itself: ``not_authorized``. What others hold, or what time gives back, is
  ``unavailable`` (WAMP has no URI for limits; these two are predefined).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from wampd.realms.uris import MAX_URI_BYTES

UNAVAILABLE = "wamp.error.unavailable"
PAYLOAD_SIZE_EXCEEDED = "wamp.error.payload_size_exceeded"

LimitName: TypeAlias = Literal[
    "subscriptions",
    "registrations",
    "pending_calls",
    "testaments",
    "testaments_size",
    "definitions",
    "uri_length",
    "payload_size",
    "call_rate",
    "publication_rate",
    "sessions",
    "sessions_per_principal",
    "realms",
    "retained",
    "retained_size",
    "waiting_calls",
    "waiting_size",
    "kept_size",
]

_TEXTS: dict[LimitName, str] = {
    "subscriptions": "no more than {} subscriptions in one session",
    "registrations": "no more than {} registrations in one session",
    "pending_calls": "no more than {} calls under way in one session",
    "testaments": "no more than {} testaments in one session",
    "testaments_size": "no more than {} bytes of testaments in one session",
    "definitions": "no more than {} definitions in one session",
    "uri_length": "no more than {} bytes in a URI",
    "payload_size": "no more than {} bytes of payload in one message",
    "call_rate": "no more than {} calls a second",
    "publication_rate": "no more than {} publications a second",
    "sessions": "no more than {} sessions at once",
    "sessions_per_principal": "no more than {} sessions of one principal at once",
    "realms": "no more than {} realms at once",
    "retained": "no more than {} retained events",
    "retained_size": "no more than {} bytes of retained events",
    "waiting_calls": "no more than {} calls wait for callees of one registration",
    "waiting_size": "no more than {} bytes of payload wait for callees of one registration",
    "kept_size": "no more than {} bytes of payload are kept for calls under way",
}


def beyond(limit: LimitName, value: float) -> str:
    """What to tell who went over a limit: what it is, how much, and the name under which it is configured."""
    return f"{_TEXTS[limit].format(f'{value:g}' if isinstance(value, float) else value)} (limit: {limit})"


class Rate(Struct, frozen=True):
    """How often something may be done: ``per_second`` in the long run, ``burst`` times at once after a pause."""

    per_second: float
    burst: int


class Limits(Struct, frozen=True):
    """How much one session may hold and do."""

    subscriptions: int = 10_000
    registrations: int = 10_000
    pending_calls: int = 10_000
    testaments: int = 100
    testaments_size: int = 2**20
    """About how many bytes of memory they take."""
    definitions: int = 1_000
    """What a session says of procedures, topics and errors."""
    uri_length: int = MAX_URI_BYTES
    """Bytes of UTF-8."""
    payload_size: int | None = None
    """Bytes of Arguments and ArgumentsKw of one message, as they are on the wire; `None`: whatever the transport takes."""
    depth: int | None = None
    """How deep a message may nest; `None`: as deep as the transport allows, which is never exceeded."""
    call_rate: Rate | None = None
    publication_rate: Rate | None = None


class RuleLimits(Struct, frozen=True, eq=False):
    """How much a session may do by one rule of its role, within what its own limits allow."""

    payload_size: int | None = None
    """Bytes of Arguments and ArgumentsKw of one call or publication."""
    call_rate: Rate | None = None
    publication_rate: Rate | None = None


class Quota(Struct, frozen=True):
    """How much a realm may hold of all its sessions together."""

    sessions: int | None = None
    """`None`: as many as there may be connections."""
    sessions_by_role: Mapping[str, int] = {}
    """Roles that have a limit of their own, within that of the realm."""
    sessions_per_principal: int | None = None
    sessions_per_principal_by_role: Mapping[str, int] = {}
    """Roles that have a limit of their own, instead of that of the realm."""
    retained: int = 10_000
    """Retained events."""
    retained_size: int = 64 * 2**20
    """About how many bytes of memory they take."""
    waiting_calls: int = 1_000
    """Calls that wait for a callee of one registration that has room."""
    waiting_size: int = 16 * 2**20
    """Bytes of their payload."""
    kept_size: int = 64 * 2**20
    """Bytes of payload that are kept of all calls under way: of those that wait, or may go to another callee, and of results
    that are gathered."""
