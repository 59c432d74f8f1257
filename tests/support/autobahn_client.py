"""A client by autobahn: ``python -m tests.support.autobahn_client URL SERIALIZER``. It says what it got, in JSON lines."""

from __future__ import annotations

import json
import sys
from typing import Any

from autobahn.twisted.rawsocket import WampRawSocketClientFactory
from autobahn.twisted.wamp import ApplicationSession
from autobahn.twisted.websocket import WampWebSocketClientFactory
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.serializer import create_transport_serializer
from autobahn.wamp.types import ComponentConfig, PublishOptions, RegisterOptions
from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint

PAYLOAD = [1, "ä", None, 1.5, [True, {"deep": b"\x00\xff"}]]


def tell(**what: Any) -> None:
    """Print what was got."""
    print(json.dumps(what, default=bytes.hex), flush=True)


class Client(ApplicationSession):
    """Calls itself, publishes to itself, and leaves."""

    def onConnect(self) -> None:
        self.join("realm1")

    @inlineCallbacks
    def onJoin(self, details: Any) -> Any:
        tell(joined=details.realm, session=self._session_id)
        yield self.register(
            lambda *args, **kwargs: [list(args), kwargs], f"com.{details.session}.echo", RegisterOptions()
        )
        yield self.subscribe(lambda *args, **kwargs: tell(event=[args, kwargs]), f"com.{details.session}.topic")
        tell(result=(yield self.call(f"com.{details.session}.echo", *PAYLOAD, key=b"\x01")))
        for number in range(3):
            yield self.publish(
                f"com.{details.session}.topic",
                number,
                "x",
                k=b"y",
                options=PublishOptions(acknowledge=True, exclude_me=False),
            )
        try:
            yield self.call("com.nobody.is.here")
        except ApplicationError as error:
            tell(error=error.error)
        self.leave()

    def onLeave(self, details: Any) -> None:
        tell(left=details.reason)
        self.disconnect()

    def onDisconnect(self) -> None:
        reactor.stop()


def main(url: str, serializer: str) -> None:
    """Run one client until it has left, or for ten seconds."""
    scheme, _, rest = url.partition("://")
    host, _, port = rest.partition("/")[0].partition(":")
    its = create_transport_serializer(serializer)

    def make() -> Client:
        return Client(ComponentConfig("realm1"))

    if scheme == "ws":
        factory = WampWebSocketClientFactory(make, url=url, serializers=[its])
    else:
        factory = WampRawSocketClientFactory(make, serializer=its)
    TCP4ClientEndpoint(reactor, host, int(port)).connect(factory)
    reactor.callLater(10, reactor.stop)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
