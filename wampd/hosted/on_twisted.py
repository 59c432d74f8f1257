"""A hosted component on Twisted."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from . import connecting, printing
from .course import Course
from .description import Description
from .finding import Found
from .session import maker
from .trouble import UNREACHABLE


def run(description: Description, found: Found) -> int:
    """Run the reactor until the component has ended; return the exit status. Raise `ImportError` without autobahn."""
    from autobahn.twisted.websocket import WampWebSocketClientFactory
    from twisted.internet import reactor as installed
    from twisted.internet.defer import Deferred
    from twisted.internet.endpoints import UNIXClientEndpoint
    from twisted.internet.error import ReactorNotRunning

    reactor: Any = installed
    printing.begin_twisted()
    gone: Deferred[None] = Deferred()

    def ended() -> None:
        gone.callback(None)
        reactor.callLater(0, stop)

    def stop() -> None:
        with suppress(ReactorNotRunning):  # the component has stopped it, as autobahn's examples do
            reactor.stop()

    def leave() -> Deferred[None]:
        """The reactor is being stopped, by a signal or by the component: leave the realm before."""
        if not course.is_over:
            course.leave()
        return gone

    course = Course(ended)

    def unreachable(failure: Any) -> None:
        course.failed(UNREACHABLE, f"no router at {description.socket}: {failure.getErrorMessage()}")
        course.over()

    def begin() -> None:
        if found.component is not None:
            found.component.fire("start", reactor, found.component)
        make = maker(description, found, course, reactor)
        factory = WampWebSocketClientFactory(make, url=connecting.URL, serializers=connecting.serializers())
        factory.setProtocolOptions(**connecting.OPTIONS)
        UNIXClientEndpoint(reactor, description.socket).connect(factory).addErrback(unreachable)

    reactor.addSystemEventTrigger("before", "shutdown", leave)
    reactor.callWhenRunning(begin)
    reactor.run()
    return course.status
