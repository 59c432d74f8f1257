"""The client of HTTP for what the router sends to others: one for all who need it, made when the first does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from wampd.router.settings.outgoing import Outgoing

if TYPE_CHECKING:
    from wampd.router.outgoing.client import Client
    from wampd.router.outgoing.policy import Policy


class Sender:
    """Gives the client to whoever sends something."""

    def __init__(self, reactor: Any, settings: Outgoing) -> None:
        self._reactor = reactor
        self._settings = settings
        self._client: Client | None = None
        self._clients: dict[tuple[str, str, int], Client] = {}

    def client(self) -> Client:
        """The client."""
        if self._client is None:
            from wampd.router.outgoing.policy import WEB, policy_of

            settings = self._settings
            ports = WEB.union(settings.ports)
            self._client = self._made(policy_of(settings.allow_private, ports, plain=settings.http))
        return self._client

    def client_to(self, url: str) -> Client:
        """A client for what the configuration itself names: the host and port of a URL are allowed, whatever they are."""
        client = self.client()
        from wampd.router.outgoing.targets import read_target

        target = read_target(url)
        if target.origin not in self._clients:
            policy = msgspec.structs.replace(
                client.policy,
                hosts=client.policy.hosts | {target.host},
                ports=client.policy.ports | {target.port},
                schemes=client.policy.schemes | {target.scheme},
            )
            self._clients[target.origin] = self._made(policy)
        return self._clients[target.origin]

    def _made(self, policy: Policy) -> Client:
        from wampd.router.outgoing.client import Client  # and with it treq: only for those who send something

        settings = self._settings
        return Client(self._reactor, policy, connect_timeout=settings.connect_timeout, most=settings.requests)
