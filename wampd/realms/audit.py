"""What is to be known of the use of permissions: entries that the core leaves for whoever keeps the books.

Rules
-----
* An entry is made where a permission is refused, and where a session sends others away; the shell writes it down, and tells
  those who may know. Nothing is made of what is allowed.
* A refusal for other reasons (a URI that is none, a limit, something that is not there) is no denial.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from wampd.realms.grants import INVALID_URI, Action, Grant
from wampd.realms.options import Match

if TYPE_CHECKING:
    from wampd.realms.session import Session


class Denial(Struct, frozen=True):
    """A session was refused what it may not do."""

    realm: str
    session: Session
    action: Action
    uri: str
    match: Match
    reason: str
    """The URI of the ERROR, whether it was sent or not."""
    request: int | None = None
    """The ID of the request that was refused; `None` where something else was, such as what a testament would publish."""


class Kill(Struct, frozen=True):
    """A session sent others away."""

    realm: str
    session: Session
    """Who did."""
    procedure: str
    victims: tuple[Session, ...]
    reason: str


Entry: TypeAlias = Denial | Kill


class Books:
    """Takes the entries of one realm."""

    def __init__(self, realm: str, entries: list[Entry] | None) -> None:
        """``entries`` gets them; `None`: nobody keeps them."""
        self._realm = realm
        self._entries = entries

    def denied(
        self,
        session: Session,
        action: Action,
        uri: str,
        grant: Grant,
        match: Match = "exact",
        request: int | None = None,
    ) -> None:
        """A session was refused by this grant."""
        if self._entries is not None and grant.refusal is not None and grant.refusal != INVALID_URI:
            self._entries.append(Denial(self._realm, session, action, uri, match, grant.refusal, request))

    def killed(self, session: Session, procedure: str, victims: list[Session], reason: str) -> None:
        """A session sent others away."""
        if self._entries is not None:
            self._entries.append(Kill(self._realm, session, procedure, tuple(victims), reason))
