"""The private socket of the router, opened.

A part of the composition root. Without it the router routes all the same, but cannot be operated by commands, and hosted
components that want to join a realm cannot. So it is looked for where it is needed: when a component starts, at a handover,
and on SIGHUP, which is what is left to operators without it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from twisted.internet.protocol import Factory
from twisted.logger import Logger

from wampd.router.control.passes import ComponentPasses, PrivatePeer
from wampd.router.control.where import Unusable, prepared
from wampd.router.reception import Door, Lobby, Reception
from wampd.router.settings.listeners import TransportLimits
from wampd.router.settings.parts import LARGEST_MESSAGE
from wampd.router.system.opening import opened_file
from wampd.router.system.sockets import Held, Sockets, adopt, let_be, pass_on
from wampd.router.transports.universal import Speaks, UniversalPort
from wampd.router.transports.upgrade import WebSocketPath
from wampd.router.wire.serializers import codecs
from wampd.router.wiring.listening import frames_of, patience_of
from wampd.router.wiring.means import Means, pace_of

if TYPE_CHECKING:
    from wampd.router.hosting.runs import Starter

log = Logger()

SERIALIZERS = ("json", "msgpack", "cbor")
PATH = "/ws"
"""Where WebSocket is spoken, for clients that have no RawSocket."""


class PrivateSocket:
    """The private socket."""

    def __init__(self, means: Means, lobby: Lobby, environ: Mapping[str, str], there: Sockets | None = None) -> None:
        """``there`` are sockets that are there already."""
        self._means = means
        self._there = there or Sockets()
        self._lobby = lobby
        self._environ = environ
        self._port: Any = None
        self._made: tuple[int, int] | None = None
        self.path = ""
        """Where it is; ``""``: it is not open."""
        self.passes = ComponentPasses(means.desk.minted, self.where, means.reactor)
        """What lets components in."""

    def where(self) -> str:
        """Where it is; ``""``: it is not open. It is made anew if its file is gone: what tidies up may have taken it away."""
        if self._port is not None and _file(self.path) != self._made:
            log.warn("the private socket {path} was taken away: it is made anew", path=self.path)
            let_be(self._port)
            self._port.stopListening()
            self._port, self.path = None, ""
            self.open()
        return self.path

    def open(self) -> None:
        """Listen. If that cannot be, the log says why."""
        named = self._means.settings.control.socket
        if named is not None and (there := self._there.take_file(str(named))):
            self._opened(str(named), adopt(self._means.reactor, there, self._factory()))
            return
        try:
            place = str(prepared(named, self._environ).absolute())
        except Unusable as why:
            log.error("no commands can reach this router: {why}", why=str(why))
            return
        umask = os.umask(0o177)  # from its first moment nobody else can connect
        try:
            opening = opened_file(self._means.reactor, place, self._factory(), 0o600)
            opening.addCallbacks(lambda port: self._opened(place, port), self._failed)
        finally:
            os.umask(umask)

    def pass_on(self) -> list[Held]:
        """The socket for a successor, if it is not named after this process."""
        if self._means.settings.control.socket is None or not self.where():
            return []
        return pass_on(("unix", self.path), self._port)

    def let_be(self) -> None:
        """It is a successor's from now on."""
        if self._port is not None and self._means.settings.control.socket is not None:
            let_be(self._port)

    def inside(self) -> Starter:
        """What runs components in the router's own process."""
        from wampd.router.inside.hosted import Inside  # and with it autobahn, which not everybody has

        return Inside(self._means.reactor, self._means.realms, self._means.desk, self.passes)

    def close(self) -> Any:
        """Listen no more; maybe with a Deferred."""
        port, self._port, self.path = self._port, None, ""
        self._means.desk.close()
        return None if port is None else port.stopListening()

    def _opened(self, place: str, port: Any) -> None:
        self._port, self.path, self._made = port, place, _file(place)
        log.debug("commands reach this router at {path}", path=place)

    def _failed(self, failure: Any) -> None:
        log.error("no commands can reach this router: {why}", why=failure.getErrorMessage())

    def _factory(self) -> Any:
        # Who has joined here is ours: a component may send what any client may, on whatever listener that is allowed.
        limits = TransportLimits(message_size=LARGEST_MESSAGE)
        means = self._means
        speaks = Speaks(
            websocket={PATH: WebSocketPath(serializers=SERIALIZERS, batched=False, origins=("same-host",))},
            rawsocket=SERIALIZERS,
            frames=frames_of(limits),
            pace=pace_of(limits),
            handshake_timeout=limits.handshake_timeout,
            is_private=True,
        )
        reception = Reception(
            self._lobby,
            means.realms,
            codecs(limits.depth, SERIALIZERS),
            patience_of(limits),
            opening_size=limits.opening_size,
            private=means.desk,
            peer=partial(PrivatePeer, self.passes),
        )
        factory: Any = Factory.forProtocol(lambda: UniversalPort(speaks, reception, means.wheel, None))
        factory.noisy = False
        return Door(factory, reception.receives)


def _file(path: str) -> tuple[int, int] | None:
    """Which file is at a path."""
    try:
        known = os.lstat(path)
    except OSError:
        return None
    return known.st_dev, known.st_ino
