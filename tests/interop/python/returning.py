"""autobahn-python that keeps its cookie: ``returning.py URL TICKET REASON…`` joins once for each reason, and leaves for it.

Prints what came of it as JSON: for each time the method by which it joined, and how often it was asked for the ticket.
"""

import json
import sys
from typing import Any

from autobahn.twisted.wamp import ApplicationSession
from autobahn.twisted.websocket import WampWebSocketClientFactory, WampWebSocketClientProtocol
from twisted.internet import reactor
from twisted.internet.endpoints import clientFromString

URL, TICKET, *REASONS = sys.argv[1:]
PATIENCE = 20
"""Seconds."""
HEARD: list[list[Any]] = []
KEPT: dict[str, str] = {}
"""The headers of the next request."""


class Session(ApplicationSession):
    """Joins by its cookie if it can."""

    asked = 0

    def onConnect(self) -> None:
        self.join("realm1", ["cookie", "ticket"], "joe")

    def onChallenge(self, challenge: Any) -> str:
        self.asked += 1
        return TICKET

    def onJoin(self, details: Any) -> None:
        HEARD.append([details.authid, details.authmethod, self.asked])
        self.leave(REASONS[len(HEARD) - 1])

    def onLeave(self, details: Any) -> None:
        self.disconnect()

    def onDisconnect(self) -> None:
        if len(HEARD) < len(REASONS):
            connect()
        elif reactor.running:
            reactor.stop()


class Protocol(WampWebSocketClientProtocol):
    """Keeps the cookie of each answer."""

    def onConnect(self, response: Any) -> None:
        KEPT["Cookie"] = response.headers["set-cookie"].split(";")[0]
        super().onConnect(response)


def connect() -> None:
    """Connect once more, with the cookie that was given last."""
    factory = WampWebSocketClientFactory(Session, url=URL, headers=dict(KEPT))
    factory.protocol = Protocol
    clientFromString(reactor, f"tcp:127.0.0.1:{factory.port}").connect(factory)


reactor.callLater(PATIENCE, reactor.stop)
reactor.callWhenRunning(connect)
reactor.run()
print(json.dumps(HEARD))
