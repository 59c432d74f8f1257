"""What of a realm's procedures somebody may call: for those who write it down.

Rules
-----
* Procedures are those that are registered, the router's own, and those that are defined and that a pattern catches. Patterns
  themselves are not among them.
* What a session may not call is not there. No authorizer is asked for a list: of what is its to decide, a list has what it has
  allowed of late.
* One answer looks at all URIs, and asks about as many as it takes to be full, by number or by what is said of them. After
  which one to go on is one that is seen, so nothing is told of others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from wampd.realms.grants import Grants
from wampd.realms.realm import Realm

MOST_SAID: Final = 128 * 1024
"""Bytes of definitions, as JSON, after which an answer is full; with one that is longer it is full as well."""


class Offered(Struct, frozen=True):
    """A procedure."""

    uri: str
    definition: Mapping[str, Any]
    """What is said of it; nothing if nothing is."""


class Catalogue:
    """The procedures of one realm."""

    def __init__(self, core: Callable[[], Realm]) -> None:
        self._core = core

    @property
    def version(self) -> tuple[int, int]:
        """Another one when procedures have come, gone, or been described otherwise."""
        return self._core().dealer.registrations.changes, self._core().meta.reflection.changes

    def grants(self, session_id: int) -> Grants | None:
        """What a session may do; `None`: it is not here."""
        session = self._core().sessions.get(session_id)
        return None if session is None else session.grants

    def offered(self, grants: Grants, after: str, most: int) -> tuple[list[Offered], str | None]:
        """The procedures that may be called, in the order of their URIs; and after which one to go on, if there are more."""
        found: list[Offered] = []
        said = 0
        for uri in sorted(uri for uri in self._uris() if uri > after):
            if grants.known("call", uri).refusal is None:
                if len(found) == most or said > MOST_SAID:
                    return found, found[-1].uri
                definition = self._definition(uri)
                said += len(msgspec.json.encode(definition))
                found.append(Offered(uri, definition))
        return found, None

    def _uris(self) -> Iterator[str]:
        registrations, own = self._core().dealer.registrations, self._core().dealer.services.procedures
        yield from registrations.exact
        yield from (uri for uri in own if uri not in registrations.exact)
        for uri in self._core().meta.reflection.defined("procedure"):
            if uri not in registrations.exact and uri not in own and registrations.catching(uri) is not None:
                yield uri

    def _definition(self, uri: str) -> Mapping[str, Any]:
        definition = self._core().meta.reflection.defined("procedure").get(uri)
        if definition is not None:
            return definition.body
        own = self._core().dealer.services.procedures.get(uri)
        return {} if own is None else {"description": (own.__doc__ or "").partition("\n")[0]}
