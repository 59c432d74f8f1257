"""What the realm, the broker and the dealer tell of what changes, so that none of them knows the meta API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wampd.realms.grants import Action, Grant
    from wampd.realms.options import Match
    from wampd.realms.registrations import Registration
    from wampd.realms.session import Session
    from wampd.realms.subscription import Subscription


class Watcher(Protocol):
    """Hears of changes after they were made, and after the session whose request made them was answered; and of denials."""

    def joined(self, session: Session) -> None:
        """A session has joined the realm."""
        ...

    def left(self, session: Session) -> None:
        """A session has left the realm, whatever the way; what it held may still be taken off it."""
        ...

    def subscribed(self, session: Session, subscription: Subscription, *, created: bool) -> None:
        """A session was added to a subscription, which is a new one if ``created``."""
        ...

    def unsubscribed(self, session: Session, subscription: Subscription, *, deleted: bool) -> None:
        """A session was taken off a subscription, which is gone if ``deleted``."""
        ...

    def registered(self, session: Session, registration: Registration, *, created: bool) -> None:
        """A session was added to a registration, which is a new one if ``created``."""
        ...

    def unregistered(self, session: Session, registration: Registration, *, deleted: bool) -> None:
        """A session was taken off a registration, which is gone if ``deleted``."""
        ...

    def denied(
        self,
        session: Session,
        action: Action,
        uri: str,
        grant: Grant,
        match: Match = "exact",
        request: int | None = None,
    ) -> None:
        """A session was refused something by this grant; ``request`` is the ID of what it asked, if that was a request."""
        ...
