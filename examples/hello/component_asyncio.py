"""A component on autobahn's asyncio API: shouts, and sums up the ticks of its neighbour by calling it.

Run it with ``python examples/hello/component_asyncio.py``; see connection.py for the environment it reads.
"""

from autobahn.asyncio.component import Component, run
from autobahn.asyncio.wamp import Session
from autobahn.wamp.exception import ApplicationError, TransportLost
from autobahn.wamp.types import PublishOptions, SessionDetails
from connection import realm, transport

component = Component(transports=[transport()], realm=realm())


class Summer:
    """Adds up what it hears on ``com.example.tick``; the adding is done by ``com.example.add``, wherever that is."""

    def __init__(self) -> None:
        self.total: float = 0
        self._session: Session | None = None

    def attach(self, session: Session) -> None:
        """Use `session` from now on."""
        self._session = session

    async def add(self, number: float) -> None:
        """One tick more: call, then publish the new total as ``com.example.total``."""
        session = self._session
        if session is None:
            return
        try:
            self.total = await session.call("com.example.add", self.total, number)
            await session.publish("com.example.total", self.total, options=PublishOptions(acknowledge=True))
        except ApplicationError as error:
            session.log.warn("this tick is not summed up: {error}", error=error.error)
        except TransportLost:
            self._session = None  # the next session brings its own


summer = Summer()


@component.register("com.example.upper")
async def upper(text: str) -> str:
    """The text in capitals."""
    if not isinstance(text, str):
        raise ApplicationError("com.example.error.not_a_text", "upper takes a text")
    return text.upper()


@component.subscribe("com.example.tick")
async def ticked(count: float, **_details: object) -> None:
    """Pass a tick on to the sum."""
    await summer.add(count)


@component.on_join
async def joined(session: Session, details: SessionDetails) -> None:
    """Use the new session."""
    session.log.info("asyncio component joined {realm} as {id}", realm=details.realm, id=details.session)
    summer.attach(session)


if __name__ == "__main__":
    run([component])
