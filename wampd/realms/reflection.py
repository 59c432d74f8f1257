"""Reflection: which procedures, topics and errors there are, and what those who serve them say of them.

Rules
-----
* A definition is what somebody says of a URI: any map of JSON's values, of one of three kinds (``procedure``, ``topic``,
  ``error``), which ``kind`` or the definition's own ``type`` tells. A URI can have one of each kind, as they share a namespace.
* To define a procedure takes the permission to register it, a topic that to publish to it, an error either of them.
* A definition lives as long as a session that made it: several workers may each define what they serve, and the last to go
  takes it along. If they differ, the latest stands. Nobody undefines what others hold.
* Everybody sees what it may use: procedures that it may call or register, topics that it may subscribe or publish to, errors
  of URIs with which it may do anything. What it does not see is as if it were not there. No authorizer is asked for a list:
  of what is its to decide, a list shows what it has allowed of late.
* Lists are sorted. One answer looks at a bounded number of URIs; if there are more, its keyword ``next`` is what to give as
  ``after`` to go on: the last URI of the answer, or `ON` where the last one looked at is not to be seen. It is there if more
  is to be seen, or if so much was looked at; how much there is that is not to be seen is not told.
* The specification has two spellings, ``wamp.reflection`` and ``wamp.reflect``: what it does not say apart serves and tells
  under both.

Source: WAMP advanced profile, "Interface Reflection", a sketch; shapes and permissions are decided here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from heapq import nsmallest
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast, get_args

import msgspec

from wampd.realms.grants import NOT_AUTHORIZED, Action, Grant
from wampd.realms.limits import beyond
from wampd.realms.services import INVALID_ARGUMENT, Arguments, Procedure, Refused, Result, taking

if TYPE_CHECKING:
    from wampd.realms.broker import Broker
    from wampd.realms.dealer import Dealer
    from wampd.realms.session import Session

Kind: TypeAlias = Literal["procedure", "topic", "error"]

KINDS: tuple[Kind, ...] = get_args(Kind)

MAKES: dict[Kind, tuple[Action, ...]] = {
    "procedure": ("register",),
    "topic": ("publish",),
    "error": ("register", "publish"),
}
"""What one must be allowed to do with a URI to define it: any of these."""

SEES: dict[Kind, tuple[Action, ...]] = {
    "procedure": ("call", "register"),
    "topic": ("subscribe", "publish"),
    "error": ("call", "subscribe", "register", "publish"),
}
"""What one must be allowed to do with a URI to see it: any of these."""

SPELLINGS = ("wamp.reflection", "wamp.reflect")

MAX_WEIGHT = 16 * 1024
"""How large one definition may be, in bytes as they would be in JSON, more or less."""
MAX_DEPTH = 32
"""How deep it may nest."""
MAX_DEFINITIONS = 10_000
"""How many there may be in one realm."""
MAX_TOTAL = 16 * 2**20
"""How large all of them together may be, in bytes."""
MAX_LOOKED_AT = 1_000
"""How many URIs one answer looks at."""
ON = "#"
"""Given as ``after``: go on where the session's last list of this kind ended. No URI is called so."""


class Define(Arguments, frozen=True):
    """What is said of a URI; nothing: it is undefined."""

    uri: str
    definition: dict[Any, Any] | None
    kind: Kind | None = None


class Undefine(Arguments, frozen=True):
    """What is not to be defined any more; without a kind: whatever it is."""

    uri: str
    kind: Kind | None = None


class Describe(Arguments, frozen=True):
    """What is asked for."""

    uri: str


class Page(Arguments, frozen=True):
    """Which URIs are asked for: so many of those that come after this one."""

    after: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LOOKED_AT)] = MAX_LOOKED_AT


class Definition:
    """What is said of a URI, and by whom."""

    __slots__ = ("body", "holders", "kind", "uri", "weight")

    def __init__(self, uri: str, kind: Kind) -> None:
        self.uri = uri
        self.kind: Kind = kind
        self.body: dict[str, Any] = {}
        self.weight = 0
        self.holders: dict[Session, None] = {}


class Reflection:
    """The reflection API of one realm."""

    def __init__(self, broker: Broker, dealer: Dealer, struck: Counter[str]) -> None:
        """``struck`` counts what is refused."""
        self._struck = struck
        self._broker = broker
        self._emit = broker.emit
        self._subscriptions = broker.subscriptions
        self._registrations = dealer.registrations
        self._own: Mapping[str, Procedure] = dealer.services.procedures
        self._definitions: dict[Kind, dict[str, Definition]] = {kind: {} for kind in KINDS}
        self._held: dict[Session, dict[tuple[Kind, str], Definition]] = {}
        self._ends: dict[Session, dict[Kind, str]] = {}  # where lists ended whose end is not to be seen
        self._total = 0
        self.changes = 0
        """How often there were other definitions than before."""

    def __len__(self) -> int:
        """How many definitions there are."""
        return sum(len(definitions) for definitions in self._definitions.values())

    def defined(self, kind: Kind) -> Mapping[str, Definition]:
        """What is defined, by URI."""
        return self._definitions[kind]

    def procedures(self) -> dict[str, Procedure]:
        """What is served, by URI."""
        procedures: dict[str, Procedure] = {}
        for spelling in SPELLINGS:
            procedures[f"{spelling}.define"] = taking(Define, self.define)
            procedures[f"{spelling}.undefine"] = taking(Undefine, self.undefine)
            procedures[f"{spelling}.describe"] = taking(Describe, self.describe)
        return procedures | {
            "wamp.reflection.procedure.list": taking(Page, self.list_procedures),
            "wamp.reflection.topic.list": taking(Page, self.list_topics),
            "wamp.reflection.error.list": taking(Page, self.list_errors),
            "wamp.reflection.procedure.describe": taking(Describe, self.describe_procedure),
            "wamp.reflection.topic.describe": taking(Describe, self.describe_topic),
            "wamp.reflection.error.describe": taking(Describe, self.describe_error),
        }

    # ----------------------------------------------------------------------------------------------------- defining

    def define(self, caller: Session, given: Define) -> bool | None:
        """Define a URI: true if it was not defined, false if it was otherwise, null if it was so already."""
        if given.definition is None:
            return self.undefine(caller, Undefine(given.uri, given.kind))
        kind = given.kind or given.definition.get("type")
        if kind not in KINDS:
            raise Refused(
                INVALID_ARGUMENT, f"the type of the definition, or the kind, must be one of {', '.join(KINDS)}"
            )
        kind = cast(Kind, kind)
        refusal = _refusal(caller, given.uri, MAKES[kind])
        if refusal is not None:
            self._broker.watcher.denied(caller, MAKES[kind][0], given.uri, refusal)
            raise Refused(refusal.refusal or NOT_AUTHORIZED, refusal.reason)
        weight = _weight(given.definition)
        self._check_room(caller, kind, given.uri, weight)
        definition = self._definitions[kind].get(given.uri)
        is_new = definition is None
        if definition is None:
            definition = self._definitions[kind][given.uri] = Definition(given.uri, kind)
        definition.holders[caller] = None
        self._held.setdefault(caller, {})[kind, given.uri] = definition
        if not is_new and repr(definition.body) == repr(given.definition):  # 1, 1.0 and true are not the same
            return None
        self.changes += 1
        self._total += weight - definition.weight
        definition.body, definition.weight = given.definition, weight
        self._tell("on_define", [given.uri, given.definition, is_new, kind])
        return is_new

    def undefine(self, caller: Session, given: Undefine) -> bool | None:
        """Let go what one has defined: true if it is gone, false if others hold it still, null if one holds nothing."""
        held = self._held.get(caller, {})
        found = [held[kind, given.uri] for kind in KINDS if given.kind in (None, kind) and (kind, given.uri) in held]
        for definition in found:
            self._release(caller, definition)
        return all(not definition.holders for definition in found) if found else None

    def left(self, session: Session) -> None:
        """A session has left: what it alone has defined is gone."""
        self._ends.pop(session, None)
        for definition in list(self._held.get(session, {}).values()):
            self._release(session, definition)

    def _check_room(self, caller: Session, kind: Kind, uri: str, weight: int) -> None:
        """Raise `Refused` if a definition is too large, or one too many."""
        held = self._held.get(caller, {})
        there = self._definitions[kind].get(uri)
        if weight > MAX_WEIGHT:
            reason = f"no more than {MAX_WEIGHT} bytes in one definition"
        elif (kind, uri) not in held and len(held) >= caller.limits.definitions:
            reason = beyond("definitions", caller.limits.definitions)
        elif there is None and len(self) >= MAX_DEFINITIONS:
            reason = f"no more than {MAX_DEFINITIONS} definitions in one realm"
        elif self._total + weight - (0 if there is None else there.weight) > MAX_TOTAL:
            reason = f"no more than {MAX_TOTAL} bytes of definitions in one realm"
        else:
            return
        self._struck["definitions over a limit"] += 1
        raise Refused(NOT_AUTHORIZED, reason)

    def _release(self, session: Session, definition: Definition) -> None:
        del definition.holders[session]
        held = self._held[session]
        del held[definition.kind, definition.uri]
        if not held:
            del self._held[session]
        if not definition.holders:
            del self._definitions[definition.kind][definition.uri]
            self._total -= definition.weight
            self.changes += 1
            if not session.quiet:
                self._tell("on_undefine", [definition.uri, definition.kind])

    def _tell(self, what: str, args: list[Any]) -> None:
        for spelling in SPELLINGS:
            self._emit(f"{spelling}.{what}", args)

    # ------------------------------------------------------------------------------------------------------- asking

    def describe(self, caller: Session, given: Describe) -> dict[str, Any] | None:
        """What is said of a URI, as a procedure, else as a topic, else as an error; null if nothing is."""
        for kind in KINDS:
            found = self._describe(caller, given.uri, kind)
            if found is not None:
                return found
        return None

    def describe_procedure(self, caller: Session, given: Describe) -> dict[str, Any] | None:
        """What is said of a procedure; null if nothing is."""
        return self._describe(caller, given.uri, "procedure")

    def describe_topic(self, caller: Session, given: Describe) -> dict[str, Any] | None:
        """What is said of a topic; null if nothing is."""
        return self._describe(caller, given.uri, "topic")

    def describe_error(self, caller: Session, given: Describe) -> dict[str, Any] | None:
        """What is said of an error; null if nothing is."""
        return self._describe(caller, given.uri, "error")

    def list_procedures(self, caller: Session, given: Page) -> Result:
        """The URIs of procedures that are registered, defined, or the router's own; patterns are not among them."""
        return self._list(caller, given, "procedure", chain(self._registrations.exact, self._own))

    def list_topics(self, caller: Session, given: Page) -> Result:
        """The URIs of topics that are subscribed to or defined; patterns are not among them."""
        return self._list(caller, given, "topic", self._subscriptions.exact)

    def list_errors(self, caller: Session, given: Page) -> Result:
        """The URIs of errors that are defined."""
        return self._list(caller, given, "error", ())

    def _describe(self, caller: Session, uri: str, kind: Kind) -> dict[str, Any] | None:
        if _refusal(caller, uri, SEES[kind]) is not None:
            return None
        definition = self._definitions[kind].get(uri)
        if definition is not None:
            return definition.body
        own = self._own.get(uri) if kind == "procedure" else None
        return None if own is None else {"type": "procedure", "description": (own.__doc__ or "").partition("\n")[0]}

    def _list(self, caller: Session, page: Page, kind: Kind, there: Iterable[str]) -> Result:
        ends = self._ends.get(caller, {})
        after = ends.pop(kind, None) if page.after == ON else page.after
        if after is None:
            raise Refused(INVALID_ARGUMENT, "there is no list to go on with")
        uris = {uri for uri in chain(there, self._definitions[kind]) if uri > after}
        looked_at = nsmallest(MAX_LOOKED_AT, uris)
        visible = (uri for uri in looked_at if _refusal(caller, uri, SEES[kind], asking=False) is None)
        seen = list(islice(visible, page.limit))
        about: dict[str, Any] = {}
        if next(visible, None) is not None or (len(looked_at) < len(uris) and seen[-1:] == looked_at[-1:]):
            about["next"] = seen[-1]
        elif len(looked_at) < len(uris):
            self._ends.setdefault(caller, ends)[kind] = looked_at[-1]
            about["next"] = ON
        return Result([seen], about, 2 * len(uris))


def _refusal(session: Session, uri: str, actions: tuple[Action, ...], *, asking: bool = True) -> Grant | None:
    """Why a session may do none of these with a URI; `None`: it may do one of them.

    ``asking``: whether an authorizer is worth asking; else what is not known of its answers is refused.
    """
    refusal = None
    decide = session.grants.decide if asking else session.grants.known
    for action in actions:
        refusal = decide(action, uri)
        if refusal.refusal is None:
            return None
    return refusal


def _weight(value: object, depth: int = 0) -> int:
    """About how many bytes a value takes. Raises `Refused` if not every serialization can carry it."""
    if depth > MAX_DEPTH:
        raise Refused(INVALID_ARGUMENT, f"a definition nests no more than {MAX_DEPTH} levels deep")
    if isinstance(value, str):
        return len(value.encode("utf-8", "surrogatepass")) + 2
    if value is None or isinstance(value, bool):
        return 5
    if (isinstance(value, int) and -(2**63) <= value < 2**64) or (isinstance(value, float) and math.isfinite(value)):
        return 8
    if isinstance(value, list):
        return 2 + sum([_weight(item, depth + 1) + 1 for item in value])
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return 2 + sum([_weight(key) + _weight(item, depth + 1) + 2 for key, item in value.items()])
    raise Refused(
        INVALID_ARGUMENT, "a definition is made of what JSON has: maps, lists, strings, numbers, true, false, null"
    )
