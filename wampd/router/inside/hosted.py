"""Components in the router's own process: sessions of autobahn on Twisted, on lines in memory.

Rules
-----
* It is for code that is trusted: what blocks, blocks the router. An exception of it ends its session, and no more; then it is
  started again like any other, with the modules that were imported the first time.
* It comes in by a ticket, as those in processes of their own do: permissions, limits and books are the same.
* autobahn is its own business: it is imported for those who configure this, and is no dependency of the router.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twisted.logger import Logger, formatEvent

from wampd.auth.handshake import Directory
from wampd.hosted import description, finding
from wampd.hosted.connecting import serializers
from wampd.hosted.course import Course
from wampd.hosted.printing import ENDED
from wampd.hosted.session import maker
from wampd.hosted.trouble import FAILED, Trouble, summary, traceback_of
from wampd.router.control.passes import ComponentPasses, PrivatePeer
from wampd.router.hosting.runs import Ending, Instance, Run, Stream, Told
from wampd.router.realms import Realms
from wampd.router.settings.components import PythonComponent
from wampd.router.transports.memory import MemoryLine
from wampd.router.wire.serializers import codecs

log = Logger()

PEER: Final = "inside"
"""Where its sessions come from, as the log and the meta API tell."""


class Transport:
    """An autobahn ``ITransport`` on a line in memory."""

    def __init__(self, session: Any, line: Callable[[Transport], MemoryLine]) -> None:
        import txaio
        from autobahn.wamp.types import TransportDetails

        self._session = session
        self._serializer = serializers()[0]
        self.serialization: str = self._serializer.SERIALIZER_ID
        """By the name that WebSocket subprotocols use."""
        self._line: MemoryLine | None = line(self)
        self.transport_details = TransportDetails(peer=PEER)
        self.is_closed = txaio.create_future()
        self._resolve = txaio.resolve

    def open(self) -> None:
        """Begin; the session says HELLO."""
        self._session.onOpen(self)

    def send(self, message: Any) -> None:
        """Say something."""
        from autobahn.wamp.exception import TransportLost

        if self._line is None:
            raise TransportLost
        self._line.send_payloads([self._serializer.serialize(message)[0]])

    def heard(self, payload: bytes) -> None:
        """Take what the router says."""
        if self._line is None:
            return
        try:
            for message in self._serializer.unserialize(payload):
                self._session.onMessage(message)
        except Exception as error:  # noqa: BLE001 - told, and ended for this session
            log.error("a component inside the router failed: {why}", why=summary(error))
            self.abort()

    def lost(self, _code: int, _reason: str) -> None:
        """The router has closed the line."""
        self._over(clean=True)

    def isOpen(self) -> bool:  # noqa: N802 - autobahn's name
        """Whether anything can be said."""
        return self._line is not None

    def close(self) -> None:
        """Say no more."""
        self._over(clean=True)

    def abort(self) -> None:
        """Cut the line."""
        self._over(clean=False)

    def _over(self, *, clean: bool) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.drop()
            self._session.onClose(clean)
            self._resolve(self.is_closed, self)


class ComponentLog:
    """What a session inside the router logs to: lines of its component, like those that others print."""

    def __init__(self, told: Told) -> None:
        self._told = told

    def _say(self, stream: Stream, words: str, fields: dict[str, Any]) -> None:
        text = formatEvent({**fields, "log_format": words})
        for line in () if text.startswith(ENDED) else text.splitlines():
            self._told.printed(stream, line)

    def info(self, format: str = "", **fields: Any) -> None:  # noqa: A002 - txaio's name
        """Something worth knowing."""
        self._say("stdout", format, fields)

    def warn(self, format: str = "", **fields: Any) -> None:  # noqa: A002 - txaio's name
        """Something that should not be."""
        self._say("stderr", format, fields)

    error = critical = warn

    def failure(self, format: str = "", failure: Any = None, **fields: Any) -> None:  # noqa: A002 - txaio's name
        """Something was raised."""
        trace = failure.getTraceback() if failure is not None else traceback.format_exc()
        self._say("stderr", f"{format}\n{{trace}}", {**fields, "trace": trace})

    def debug(self, *_: Any, **_fields: Any) -> None:
        """Something that only its author wants to know."""

    trace = debug


class InsideRun:
    """A run of a component in the router's process: a `wampd.router.hosting.runs.Run`."""

    pid = None

    def __init__(self, host: Inside, instance: Instance, told: Told) -> None:
        self._host = host
        self._instance = instance
        self._told = told
        self._transport: Transport | None = None
        self._course = Course(self._ended, self._tell)
        self._is_over = False

    def begin(self) -> None:
        """Import it, and let it join."""
        if self._is_over:
            return
        component = self._instance.component
        assert isinstance(component, PythonComponent)
        ticket = self._host.passes.issue(self._instance).get(description.TICKET, "")
        described = description.Description(
            run=component.run,
            socket=PEER,
            realm=component.realm or "",
            authid=self._instance.name,
            ticket=ticket,
            framework=finding.TWISTED,
            path=tuple(str(place.absolute()) for place in (component.directory, *component.path)),
            extra=component.extra,
        )
        try:
            self._open(described)
        except Trouble as why:
            self._course.failed(why.status, why.line, why.cause)
            self._course.over()
        except Exception as error:  # noqa: BLE001 - whatever the component raises
            self._course.failed(FAILED, summary(error), error)
            self._course.over()

    def _open(self, described: description.Description) -> None:
        sys.path += [place for place in described.path if place not in sys.path]
        try:
            found = finding.find(described)
            from autobahn.twisted.wamp import Session  # noqa: F401 - which chooses Twisted for autobahn
        except ImportError as error:
            raise finding.no_autobahn(error) from None
        if found.component is not None:
            found.component.fire("start", self._host.reactor, found.component)
        session = maker(described, found, self._course, self._host.reactor)()
        session.log = ComponentLog(self._told)
        self._transport = Transport(session, self._host.line)
        self._transport.open()

    def ask_to_end(self) -> None:
        """Let it leave its realm."""
        self._course.leave()

    def kill(self) -> None:
        """End its session at once."""
        self._course.is_stopping = True
        if self._transport is not None:
            self._transport.abort()
        self._course.over()

    def _tell(self, line: str, cause: BaseException | None) -> None:
        self._told.printed("stderr", line)
        for each in traceback_of(cause).splitlines() if cause is not None else ():
            self._told.printed("stderr", each)

    def _ended(self) -> None:
        self._is_over = True
        self._host.passes.void(self._instance)
        self._host.reactor.callLater(0, self._told.ended, Ending(self._course.status))


class Inside:
    """Begins runs in the router's process: a `wampd.router.hosting.runs.Starter`."""

    def __init__(self, reactor: Any, realms: Realms, directory: Directory, passes: ComponentPasses) -> None:
        """``directory`` knows the realms for those who come by tickets of ours."""
        self.reactor = reactor
        self.passes = passes
        self._realms = realms
        self._codecs = codecs()
        self._about = {"type": "memory", "peer": PEER, "directory": directory}

    def start(self, instance: Instance, told: Told) -> Run:
        """Begin one, in the next turn of the reactor."""
        run = InsideRun(self, instance, told)
        self.reactor.callLater(0, run.begin)
        return run

    def line(self, transport: Transport) -> MemoryLine:
        """A line to the router for what is behind a transport."""
        return MemoryLine(
            self._realms,
            self.reactor,
            self._codecs[transport.serialization],
            transport.heard,
            transport.lost,
            about=self._about,
            peer=partial(PrivatePeer, self.passes),
        )
