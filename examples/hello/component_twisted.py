"""A component on autobahn's Twisted API: ticks once a second and adds numbers.

Run it with ``python examples/hello/component_twisted.py``; see connection.py for the environment it reads.
"""

from datetime import UTC, datetime

from autobahn.twisted.component import Component, run
from autobahn.twisted.wamp import Session
from autobahn.wamp.exception import ApplicationError, TransportLost
from autobahn.wamp.types import CloseDetails, PublishOptions, SessionDetails
from connection import realm, transport
from twisted.internet.defer import inlineCallbacks
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure

component = Component(transports=[transport()], realm=realm())


class Ticker:
    """Publishes ``com.example.tick`` while there is a session; goes on counting in the next one."""

    def __init__(self) -> None:
        self.count = 0
        self._loop: LoopingCall | None = None

    def start(self, session: Session) -> None:
        """Tick into `session` every second, at once for the first time."""
        self.stop()
        self._loop = LoopingCall(self._tick, session)
        self._loop.start(1.0).addErrback(self._failed, session)

    def stop(self) -> None:
        """Tick no more. May be called twice."""
        if self._loop is not None and self._loop.running:
            self._loop.stop()
        self._loop = None

    @inlineCallbacks
    def _tick(self, session: Session):  # noqa: ANN202 - a Deferred, whose type parameters autobahn does not tell
        self.count += 1
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        yield session.publish("com.example.tick", self.count, time=now, options=PublishOptions(acknowledge=True))

    def _failed(self, failure: Failure, session: Session) -> None:
        """Without a transport there is nothing to do but wait for the next session; the rest is worth a line."""
        if failure.check(TransportLost) is None and session.is_attached():
            session.log.error("ticking stopped: {reason}", reason=failure.getErrorMessage())


ticker = Ticker()


@component.register("com.example.add")
def add(x: float, y: float) -> float:
    """The sum of two numbers."""
    if not all(isinstance(number, int | float) for number in (x, y)):
        raise ApplicationError("com.example.error.not_a_number", "add takes two numbers")
    return x + y


@component.on_join
def joined(session: Session, details: SessionDetails) -> None:
    """Start ticking in the new session."""
    session.log.info("Twisted component joined {realm} as {id}", realm=details.realm, id=details.session)
    ticker.start(session)


@component.on_leave
def left(_session: Session, _details: CloseDetails) -> None:
    """Stop ticking with the session."""
    ticker.stop()


if __name__ == "__main__":
    run([component])
