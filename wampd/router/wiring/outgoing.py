"""The client of HTTP for what the router sends to others: one for all who need it, made when the first does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wampd.router.settings.outgoing import Outgoing

if TYPE_CHECKING:
    from wampd.router.outgoing.client import Client


class Sender:
    """Gives the client to whoever sends something."""

    def __init__(self, reactor: Any, settings: Outgoing) -> None:
        self._reactor = reactor
        self._settings = settings
        self._client: Client | None = None

    def client(self) -> Client:
        """The client."""
        if self._client is None:
            from wampd.router.outgoing.client import Client  # and with it treq: only for those who send something
            from wampd.router.outgoing.policy import WEB, policy_of

            settings = self._settings
            self._client = Client(
                self._reactor,
                policy_of(settings.allow_private, WEB.union(settings.ports), plain=settings.http),
                connect_timeout=settings.connect_timeout,
                most=settings.requests,
            )
        return self._client
