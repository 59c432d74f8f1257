"""Testaments: events that a session leaves to be published when it ends.

Rules
-----
* There are two scopes: ``detached`` and ``destroyed`` (default). Sessions are not resumed, so both are published at the end of
  the session, first those of ``detached``, then those of ``destroyed``, each in the order in which they were added.
* They are published on whatever end of the session but one that nobody is to be told of (``wamp.session.kill_all``).
* A testament is published as its session, under its role: it must be allowed when it is added, and when it is published.
  What is no more allowed then is dropped.
* A session's testaments are bounded in number and in size. What they hold is not undecoded, as the payload of a message is, and
  may take many times as much memory: it is that which counts.
* ``publish_options`` are those of PUBLISH; ``acknowledge`` means nothing.

Source: WAMP advanced profile, "Testaments" (session meta API).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from wampd.realms.abilities import PASSTHRU, has
from wampd.realms.grants import NOT_AUTHORIZED
from wampd.realms.limits import beyond
from wampd.realms.messages import Format
from wampd.realms.options import PublishOptions
from wampd.realms.publications import OVERHEAD, weight
from wampd.realms.services import Arguments, Procedure, Refused, Result, taking

FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"

if TYPE_CHECKING:
    from wampd.realms.broker import Broker
    from wampd.realms.session import Session

Scope: TypeAlias = Literal["detached", "destroyed"]


class AddTestament(Arguments, frozen=True):
    """What ``wamp.session.add_testament`` takes."""

    topic: str
    args: list[Any]
    kwargs: dict[Any, Any]
    publish_options: PublishOptions | None = None
    scope: Scope = "destroyed"


class FlushTestaments(Arguments, frozen=True):
    """What ``wamp.session.flush_testaments`` takes."""

    scope: Scope = "destroyed"


class Testament(Struct, frozen=True):
    """What is to be published."""

    topic: str
    options: PublishOptions
    args: list[Any] | None
    kwargs: dict[Any, Any] | None
    size: int
    """About how many bytes of memory it takes."""


class Testaments:
    """The testaments of the sessions of one realm."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._of: dict[Session, dict[Scope, list[Testament]]] = {}

    def procedures(self) -> dict[str, Procedure]:
        """The procedures by URI."""
        return {
            "wamp.session.add_testament": taking(AddTestament, self.add),
            "wamp.session.flush_testaments": taking(FlushTestaments, self.flush),
        }

    def __len__(self) -> int:
        """How many sessions have one."""
        return len(self._of)

    def add(self, session: Session, given: AddTestament) -> Result:
        """Leave an event to be published when the calling session ends."""
        options = given.publish_options or PublishOptions()
        self._broker.permit(session, given.topic, options)
        if options.ppt_scheme and not has(session.roles.publisher, PASSTHRU):
            raise Refused(FEATURE_NOT_SUPPORTED, "payload passthru mode was not announced")
        scopes = self._of.get(session, {})
        limits = session.limits
        left = [testament.size for testaments in scopes.values() for testament in testaments]
        if len(left) >= limits.testaments:
            self._broker.struck["testaments over the limit"] += 1
            raise Refused(NOT_AUTHORIZED, beyond("testaments", limits.testaments))
        room = limits.testaments_size - sum(left)
        size = _size(given, options, room)
        if size > room:
            self._broker.struck["testaments over the limit"] += 1
            raise Refused(NOT_AUTHORIZED, beyond("testaments_size", limits.testaments_size))
        testament = Testament(given.topic, options, given.args or None, given.kwargs or None, size)
        self._of.setdefault(session, scopes).setdefault(given.scope, []).append(testament)
        return Result()

    def flush(self, session: Session, given: FlushTestaments) -> Result:
        """Forget the calling session's testaments of one scope."""
        scopes = self._of.get(session, {})
        scopes.pop(given.scope, None)
        if not scopes:
            self._of.pop(session, None)
        return Result()

    def publish(self, session: Session) -> int:
        """The session has ended: publish its testaments; return how many there were."""
        scopes = self._of.pop(session, {})
        for scope in ("detached", "destroyed"):
            for testament in scopes.get(scope, ()):
                try:
                    grant = self._broker.permit(session, testament.topic, testament.options, ending=True)
                except Refused:
                    continue
                publication = self._broker.publication(
                    session, grant, testament.topic, testament.options, testament.args, testament.kwargs, Format.PLAIN
                )
                if testament.options.retain:
                    self._broker.retain(publication)
                self._broker.deliver(publication)
        return sum(map(len, scopes.values()))

    def forget(self, session: Session) -> None:
        """The session has ended without anybody to be told: drop its testaments."""
        self._of.pop(session, None)


def _size(given: AddTestament, options: PublishOptions, most: int) -> int:
    """About how many bytes a testament takes, if it is not more than ``most``."""
    said = [value for name in options.__struct_fields__ if (value := getattr(options, name))]
    return OVERHEAD + weight([given.topic, given.args, given.kwargs, said], most)
