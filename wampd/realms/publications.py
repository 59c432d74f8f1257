"""A publication with what is unusual about it: who may get it, and what its receivers are told.

Rules
-----
* An event goes to those who are in every list of eligibles that is there and in none of the exclusions; a list of eligibles
  that is there but empty names nobody (advanced profile, "Subscriber Black- and Whitelisting").
* The lists are evaluated for all receivers of a subscription together, a set at a time; and, where few sessions are
  eligible, for these alone, however many subscribers there are.
* What the publisher says of the payload (``ppt_*``, ``enc_*``, ``transaction_hash``) is told as it came. Nothing else that it
  says is: not ``trustlevel``, not ``forward_for``.

An ordinary publication without options is never one of these: see `wampd.realms.broker`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import inf
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import asdict

from wampd.realms.abilities import passed_on
from wampd.realms.grants import Grant
from wampd.realms.messages import Event, Format
from wampd.realms.options import JsonDict, PublishOptions
from wampd.realms.session import Session


class Audience(Struct, frozen=True):
    """The six lists of a publication; `None`: the list is not there, or excludes nobody."""

    eligible: frozenset[int] | None = None
    eligible_authid: frozenset[str] | None = None
    eligible_authrole: frozenset[str] | None = None
    exclude: frozenset[int] | None = None
    exclude_authid: frozenset[str] | None = None
    exclude_authrole: frozenset[str] | None = None

    @property
    def names_sessions(self) -> bool:
        """Whether it depends on who a session is, and not only on whom it belongs to."""
        return self.eligible is not None or self.exclude is not None

    def of(self, receivers: Collection[Session], sessions: Mapping[int, Session]) -> Collection[Session]:
        """Those receivers who may get the event; ``sessions`` finds sessions by id."""
        ids, authids, authroles = self.eligible, self.eligible_authid, self.eligible_authrole
        if ids is not None:
            if len(ids) < len(receivers) and isinstance(receivers, dict):  # else looking for each costs too much
                named = [sessions[session] for session in ids if session in sessions]
                receivers = [session for session in named if session in receivers]
            else:
                receivers = [session for session in receivers if session.id in ids]
        if authids is not None:
            receivers = [session for session in receivers if session.authid in authids]
        if authroles is not None:
            receivers = [session for session in receivers if session.authrole in authroles]
        ids, authids, authroles = self.exclude, self.exclude_authid, self.exclude_authrole
        if ids is not None:
            receivers = [session for session in receivers if session.id not in ids]
        if authids is not None:
            receivers = [session for session in receivers if session.authid not in authids]
        if authroles is not None:
            receivers = [session for session in receivers if session.authrole not in authroles]
        return receivers

    def size(self) -> int:
        """About how many bytes of memory it takes."""
        ids = sum(len(names) for names in (self.eligible, self.exclude) if names is not None)
        names = (self.eligible_authid, self.exclude_authid, self.eligible_authrole, self.exclude_authrole)
        return 6 * 64 + ids * ID_SIZE + sum(sum(map(len, each)) + len(each) * NAME_SIZE for each in names if each)

    def admits(self, session: Session) -> bool:
        """Whether this session may get the event."""
        return (
            (self.eligible is None or session.id in self.eligible)
            and (self.exclude is None or session.id not in self.exclude)
            and self._admits(session.authid, session.authrole)
        )

    def admits_absent(self, authid: str, authrole: str) -> bool:
        """Whether somebody may get the event who has no session: it is never among those that are eligible, or excluded."""
        return self.eligible is None and self._admits(authid, authrole)

    def _admits(self, authid: str, authrole: str) -> bool:
        return (
            (self.eligible_authid is None or authid in self.eligible_authid)
            and (self.eligible_authrole is None or authrole in self.eligible_authrole)
            and (self.exclude_authid is None or authid not in self.exclude_authid)
            and (self.exclude_authrole is None or authrole not in self.exclude_authrole)
        )

    def told(self) -> JsonDict:
        """The lists that are there, by name."""
        return {name: list(names) for name, names in asdict(self).items() if names is not None}


def audience(options: PublishOptions) -> Audience | None:
    """Who may get an event published with these options; `None`: everybody."""
    lists = (
        options.eligible,
        options.eligible_authid,
        options.eligible_authrole,
        options.exclude or None,
        options.exclude_authid or None,
        options.exclude_authrole or None,
    )
    return None if lists == _NONE else Audience(*map(_present, lists))


_NONE = (None,) * 6


def _present(names: list[Any] | None) -> frozenset[Any] | None:
    return None if names is None else frozenset(names)


class Publication(Struct, frozen=True):
    """A publication, as it is delivered and kept."""

    id: int
    topic: str
    details: JsonDict
    """What those who subscribed to exactly this topic are told."""
    args: Any
    kwargs: Any
    format: Format
    """In which serialization the payload is; it may be plain values of the router's."""
    excluded: int | None = None
    """The id of the publisher, if it is not to get the event itself."""
    audience: Audience | None = None
    rkey: str | None = None
    """The key of the resource that it is about, for sharded subscriptions."""

    @property
    def is_empty(self) -> bool:
        """Whether there is no payload."""
        return self.args is None and self.kwargs is None

    def event(self, subscription: int, match: str, **more: Any) -> Event:
        """The EVENT for a subscription; ``more`` is told beside the details."""
        details = self.details
        if match != "exact":
            details = {**details, "topic": self.topic, **more}
        elif more:
            details = {**details, **more}
        return Event(subscription, self.id, details, self.args, self.kwargs, self.format)

    def to_keep(self) -> Publication:
        """The same, with a payload that holds on to nothing else of the message that brought it."""
        args, kwargs = self.args, self.kwargs
        if type(args) is Raw:
            args = args.copy()
        if type(kwargs) is Raw:
            kwargs = kwargs.copy()
        return Publication(
            self.id, self.topic, self.details, args, kwargs, self.format, self.excluded, self.audience, self.rkey
        )

    def size(self) -> int:
        """About how many bytes of memory it takes to keep it."""
        payload = weight(self.args) + weight(self.kwargs) + weight(self.details)
        return OVERHEAD + weight(self.topic) + payload + (0 if self.audience is None else self.audience.size())


OVERHEAD = 1000
"""About how many bytes the objects of a publication take."""
ID_SIZE = 80
"""About how many bytes an id takes in a set."""
NAME_SIZE = 110
"""About how many bytes a name takes in a set, beside its characters."""


def weight(value: Any, most: float = inf) -> int:
    """About how many bytes of memory a value takes; of undecoded payload, exactly its length.

    What takes more than ``most`` is not looked at to the end: then it is more than that, but maybe less than it takes.
    """
    total = 0
    rest = [value]
    while rest and total <= most:
        part = rest.pop()
        kind = type(part)
        if kind is Raw:
            total += len(memoryview(part))
        elif kind is str or kind is bytes:
            total += 56 + len(part)
        elif kind is dict:
            total += 64 + 32 * len(part)
            rest.extend(part)
            rest.extend(part.values())
        elif kind is list or kind is tuple or kind is frozenset:
            total += 64 + 16 * len(part)
            rest.extend(part)
        else:
            total += 32
    return total


def told(publisher: Session, grant: Grant, options: PublishOptions | None = None) -> JsonDict:
    """The details of an event: what the router tells of its publisher, and what the publisher says of the payload."""
    details: JsonDict = {}
    if grant.disclose == "always" or (options is not None and options.disclose_me):
        details = {
            "publisher": publisher.id,
            "publisher_authid": publisher.authid,
            "publisher_authrole": publisher.authrole,
        }
    if grant.trustlevel is not None:
        details["trustlevel"] = grant.trustlevel
    if options is not None:
        details.update(passed_on(options))
        if options.transaction_hash is not None:
            details["transaction_hash"] = options.transaction_hash
    return details
