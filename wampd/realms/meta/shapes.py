"""What the meta API of registrations and that of subscriptions have in common: entries by id, and their shapes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Annotated, Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from wampd.realms.grants import INVALID_URI
from wampd.realms.options import Id, Match
from wampd.realms.services import Arguments, Refused, Result
from wampd.realms.session import Session, State
from wampd.realms.timestamps import rfc3339
from wampd.realms.uris import UriMap, is_uri

NO_SUCH_SESSION = "wamp.error.no_such_session"
REMOVED = "wampd.revoked.by_meta_api"

MAX_TEXT = 1024
"""How long a text for another session may be; very many can be sent the same."""

Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Entry(Protocol):
    """A registration or a subscription."""

    id: int
    uri: str
    match: Match


T = TypeVar("T", bound=Entry)


class Nothing(Arguments, frozen=True):
    """No arguments."""


class ById(Arguments, frozen=True):
    """The id of a registration or subscription."""

    id: Id


class ByUri(Arguments, frozen=True):
    """A URI that is called or published to."""

    uri: str


class LookupOptions(Struct, frozen=True):
    """The options of a look-up; what is unknown is ignored, as in all options."""

    match: Match = "exact"


class Lookup(Arguments, frozen=True):
    """The URI and the match policy of a registration or subscription."""

    uri: str
    options: LookupOptions | None = None


class Removal(Arguments, frozen=True):
    """Who is to be taken off what, and why."""

    id: Id
    session: Id
    reason: Text | None = None

    @property
    def why(self) -> str:
        """What the removed session is told. Raises `Refused`."""
        return reason_of(self.reason, REMOVED)


def reason_of(given: str | None, default: str) -> str:
    """The reason that another session is told: a URI, since there are clients that take nothing else. Raises `Refused`."""
    if given is None:
        return default
    if not is_uri(given):
        raise Refused(INVALID_URI, "the reason is not a valid URI")
    return given


class Known(Generic[T]):
    """The entries that were announced, by id, and since when they are there."""

    def __init__(self, no_such: str) -> None:
        """``no_such`` is the URI of the error for an id that is unknown."""
        self._no_such = no_such
        self._entries: dict[int, tuple[T, float]] = {}

    def add(self, entry: T, created: float) -> None:
        """Keep an entry; ``created`` is Unix time."""
        self._entries[entry.id] = entry, created

    def remove(self, entry: T) -> None:
        """Forget an entry."""
        del self._entries[entry.id]

    def created(self, entry_id: int) -> float | None:
        """When an entry was made (Unix time); `None`: it is older than the realm's first session."""
        found = self._entries.get(entry_id)
        return None if found is None else found[1]

    def find(self, entry_id: int) -> T:
        """The entry of this id. Raises `Refused`."""
        return self._find(entry_id)[0]

    def details(self, entry_id: int) -> dict[str, Any]:
        """What is told of the entry of this id. Raises `Refused`."""
        entry, created = self._find(entry_id)
        return {
            "id": entry.id,
            "created": rfc3339(round(created * 1_000_000), digits=3),
            "uri": entry.uri,
            "match": entry.match,
        }

    def _find(self, entry_id: int) -> tuple[T, float]:
        found = self._entries.get(entry_id)
        if found is None:
            raise Refused(self._no_such, f"nothing here has the id {entry_id}")
        return found


def ids_by_match(entries: UriMap[T]) -> dict[str, list[int]]:
    """The ids of all entries, by match policy."""
    return {
        "exact": [entry.id for entry in entries.exact.values()],
        "prefix": [entry.id for entry in entries.prefix.values()],
        "wildcard": [entry.id for entry in entries.wildcard.values()],
    }


def those_here(sessions: Iterable[Session]) -> list[int]:
    """The ids of the sessions that are here: those that have left are taken off in slices."""
    return [session.id for session in sessions if session.state is State.ESTABLISHED]


def counted(sessions: Collection[Session]) -> Result:
    """The number of those that are here, as an answer."""
    return Result([len(those_here(sessions))], cost=len(sessions))


def not_among_them(session_id: int) -> Refused:
    """What to raise if the session of this id is not one of those that it should be."""
    return Refused(NO_SUCH_SESSION, f"the session {session_id} is not among them")
