"""One session of a client: what it asks, and what it is told; `serving` has what it is asked.

Rules
-----
* Every wait has an end: a request's answer, a deadline, or the end of the session.
* A call whose time is up, or whose caller is cancelled, is cancelled at the router, too (``killnowait``).
* Handlers of events run where the event is heard, one after the other: what they must wait for they hand on.
* A message that makes no sense ends the session.

Sources: WAMP basic profile, "Remote Procedure Calls" and "Publish and Subscribe"; advanced profile, "Call Canceling",
"Progressive Call Results".
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from wampd.client.errors import ConnectionLost, TimeOver, WampError, one_line
from wampd.client.line import Line
from wampd.client.serving import Serving
from wampd.client.speech import NONSENSE, CannotSay, Speech, Unintelligible
from wampd.client.vocabulary import ROLES, Event, EventHandler, Procedure, Result, payload_of
from wampd.realms import messages as m

ANSWER: Final = 15.0
"""Seconds that a router may take to acknowledge something."""
FAREWELL: Final = 2.0
"""Seconds that it may take to say goodbye."""

PROTOCOL_VIOLATION: Final = "wamp.error.protocol_violation"
NOTHING: Final[Mapping[str, Any]] = {}


class Session:
    """A session, from HELLO on. It is made by `wampd.client.connect`."""

    def __init__(self, line: Line, speech: Speech) -> None:
        self._line = line
        self._speech = speech
        self._last = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._parts: dict[int, Callable[[Result], None]] = {}
        self._opening: dict[int, tuple[str, Any]] = {}  # what is to serve a subscription or registration, by request
        self._topics: dict[int, tuple[str, list[EventHandler]]] = {}
        self._serving = Serving(self._say)
        self._greeting: asyncio.Queue[list[Any] | None] = asyncio.Queue()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._is_joined = False
        self.id = 0
        self.details: dict[str, Any] = {}
        """Of WELCOME: realm, authid, authrole …"""
        self.on_withdrawn: Callable[[str], None] = lambda _uri: None
        """Is told the URI of a subscription or registration that the router took away."""
        line.heard = self._heard
        line.lost = self._lost

    # -------------------------------------------------------------------------------------------------------- requests

    async def call(
        self,
        procedure: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] = NOTHING,
        *,
        timeout: float | None = 30.0,
        on_progress: Callable[[Result], None] | None = None,
        options: Mapping[str, Any] = NOTHING,
    ) -> Result:
        """Call a procedure, for ``timeout`` seconds at most (`None`: as long as it takes).

        With ``on_progress`` the callee may answer in parts. Raise `WampError`, `TimeOver`, `ConnectionLost`.
        """
        given = dict(options)
        if timeout is not None:
            given.setdefault("timeout", max(1, round(timeout * 1000)))
        if on_progress is not None:
            given["receive_progress"] = True
        number, waiting = self._ask(m.CALL, given, procedure, payload=(args, kwargs))
        if on_progress is not None:
            self._parts[number] = on_progress
        try:
            result: Result = await self._answer(number, waiting, timeout, procedure)
        except (asyncio.CancelledError, TimeOver):
            self._say(m.CANCEL, number, {"mode": "killnowait"})
            raise
        finally:
            self._parts.pop(number, None)
        return result

    async def publish(
        self,
        topic: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] = NOTHING,
        *,
        acknowledge: bool = False,
        options: Mapping[str, Any] = NOTHING,
    ) -> int | None:
        """Publish an event; with ``acknowledge`` wait for the router, and return the publication's ID."""
        if not acknowledge:
            self._see_open()
            self._last += 1
            self._say(m.PUBLISH, self._last, dict(options), topic, payload=(args, kwargs))
            await self._line.drained()
            return None
        asked = self._ask(m.PUBLISH, {**options, "acknowledge": True}, topic, payload=(args, kwargs))
        publication: int = await self._answer(*asked, ANSWER, topic)
        return publication

    async def subscribe(
        self, topic: str, handler: EventHandler, *, match: str = "exact", options: Mapping[str, Any] = NOTHING
    ) -> int:
        """Let ``handler`` take the events of a topic; return the subscription's ID."""
        given = {**options, "match": match} if match != "exact" else dict(options)
        number, waiting = self._ask(m.SUBSCRIBE, given, topic)
        self._opening[number] = topic, handler
        subscription: int = await self._answer(number, waiting, ANSWER, topic)
        return subscription

    async def unsubscribe(self, subscription: int) -> None:
        """Be told no more of what was subscribed to."""
        self._topics.pop(subscription, None)
        await self._answer(*self._ask(m.UNSUBSCRIBE, subscription), ANSWER, "the end of a subscription")

    async def register(self, procedure: str, handler: Procedure, *, options: Mapping[str, Any] = NOTHING) -> int:
        """Let ``handler`` serve a procedure; return the registration's ID."""
        number, waiting = self._ask(m.REGISTER, dict(options), procedure)
        self._opening[number] = procedure, handler
        registration: int = await self._answer(number, waiting, ANSWER, procedure)
        return registration

    async def unregister(self, registration: int) -> None:
        """Serve a procedure no more; invocations under way go on."""
        await self._answer(*self._ask(m.UNREGISTER, registration), ANSWER, "the end of a registration")

    # ------------------------------------------------------------------------------------------------------- life

    @property
    def is_over(self) -> bool:
        """Whether nothing can be asked any more."""
        return self._over.done()

    async def over(self) -> str:
        """Wait for the end of the session; return why it ended: a URI or a text."""
        return await asyncio.shield(self._over)

    def loss(self) -> ConnectionLost:
        """The end of the session, to be raised."""
        return ConnectionLost(_ended(self._over.result()))

    async def leave(self, reason: str = "wamp.close.close_realm") -> None:
        """End the session in good order, in `FAREWELL` seconds at most."""
        await self._serving.stop(FAREWELL)
        if not self.is_over:
            self._say(m.GOODBYE, {}, reason)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await self.over()
        self._line.hang_up()
        await self._line.closed(FAREWELL)

    async def drained(self) -> None:
        """Wait while much of what was sent has not left."""
        await self._line.drained()

    # ---------------------------------------------------------------------------------------------- before the session

    def greet(self, realm: str, details: Mapping[str, Any]) -> None:
        """Say HELLO."""
        self._say(m.HELLO, realm, {**details, "roles": ROLES})

    async def greeted(self) -> list[Any]:
        """The next message of the handshake: WELCOME, CHALLENGE or ABORT. Raise `ConnectionLost`."""
        message = await self._greeting.get()
        if message is None:
            raise ConnectionLost(self._over.result() or "the router hung up")
        return message

    def authenticate(self, signature: str, extra: Mapping[str, Any]) -> None:
        """Answer a CHALLENGE."""
        self._say(m.AUTHENTICATE, signature, dict(extra))

    # ------------------------------------------------------------------------------------------------- what is heard

    def _heard(self, payload: bytes) -> None:
        if self.is_over:
            return
        try:
            message = self._speech.decode(payload)
            _HEARD[message[0]](self, message)
        except Unintelligible as why:
            self._say(m.ABORT, {"message": NONSENSE}, PROTOCOL_VIOLATION)
            self._line.hang_up()
            self._lost(str(why))

    def _lost(self, why: str) -> None:
        """The session is over."""
        if self.is_over:
            return
        self._over.set_result(why)
        self._greeting.put_nowait(None)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionLost(_ended(why)))
        self._waiting.clear()
        self._serving.cancel()

    def _greeted(self, message: list[Any]) -> None:
        if self._is_joined:
            raise Unintelligible(NONSENSE)
        if message[0] == m.WELCOME:
            self._is_joined = True
            self.id, self.details = message[1], message[2]
        self._greeting.put_nowait(message)

    def _aborted(self, message: list[Any]) -> None:
        if not self._is_joined:
            self._greeting.put_nowait(message)
            return
        text = message[1].get("message")
        self._lost(f"{message[2]}: {one_line(text)}" if isinstance(text, str) else str(message[2]))
        self._line.hang_up()

    def _goodbye(self, message: list[Any]) -> None:
        if message[2] != "wamp.close.goodbye_and_out":
            self._say(m.GOODBYE, {}, "wamp.close.goodbye_and_out")
        self._lost(str(message[2]))
        self._line.hang_up()

    def _result(self, message: list[Any]) -> None:
        number, details = message[1], message[2]
        if details.get("progress"):
            part = self._parts.get(number)
            if part is not None:
                part(payload_of(message, 3, details))
            return
        self._settle(number, payload_of(message, 3, details))

    def _error(self, message: list[Any]) -> None:
        payload = payload_of(message, 5, {})
        waiting = self._waiting.pop(message[2], None)
        self._opening.pop(message[2], None)
        if waiting is not None and not waiting.done():
            waiting.set_exception(WampError(str(message[4]), payload.args, payload.kwargs))

    def _acknowledged(self, message: list[Any]) -> None:
        number, value = message[1], message[2]
        uri, handler = self._opening.pop(number, ("", None))
        if handler is not None and message[0] == m.SUBSCRIBED:
            self._topics.setdefault(value, (uri, []))[1].append(handler)
        elif handler is not None:
            self._serving.procedures[value] = uri, handler
        self._settle(number, value)

    def _ended_one(self, message: list[Any]) -> None:
        """UNSUBSCRIBED, UNREGISTERED: as asked, or of the router's own accord (request 0; then details name it)."""
        if message[1]:
            self._settle(message[1], None)
            return
        details = message[2] if len(message) > 2 else {}
        held: dict[int, Any] = self._topics if message[0] == m.UNSUBSCRIBED else self._serving.procedures
        number = details.get("subscription", details.get("registration"))
        gone = held.pop(number, None) if type(number) is int else None
        if gone is not None:
            self.on_withdrawn(gone[0])

    def _event(self, message: list[Any]) -> None:
        found = self._topics.get(message[1])
        if found is None:
            return
        details = message[3]
        payload = payload_of(message, 4, details)
        topic = details.get("topic")
        topic = topic if isinstance(topic, str) else found[0]
        event = Event(topic, message[2], payload.args, payload.kwargs, details)
        for handler in found[1]:
            handler(event)

    def _invoked(self, message: list[Any]) -> None:
        self._serving.invoked(message)

    def _interrupted(self, message: list[Any]) -> None:
        self._serving.interrupted(message)

    # ------------------------------------------------------------------------------------------------------ in the small

    def _see_open(self) -> None:
        if self.is_over:
            raise self.loss()

    def _ask(
        self, kind: int, *rest: Any, payload: tuple[Sequence[Any], Mapping[str, Any]] | None = None
    ) -> tuple[int, asyncio.Future[Any]]:
        self._see_open()
        self._last += 1
        self._say(kind, self._last, *rest, payload=payload)
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[self._last] = waiting
        return self._last, waiting

    async def _answer(self, number: int, waiting: asyncio.Future[Any], timeout: float | None, what: str) -> Any:
        try:
            async with asyncio.timeout(timeout):
                return await waiting
        except WampError as error:
            error.asked, error.session = what, self.details
            raise
        except TimeoutError:
            raise TimeOver(f"{what}: no answer within {timeout:g} s") from None
        finally:
            self._waiting.pop(number, None)

    def _settle(self, number: int, value: Any) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(value)

    def _say(self, *elements: Any, payload: tuple[Sequence[Any], Mapping[str, Any]] | None = None) -> None:
        """Send a message; empty trailing arguments are left out (WAMP basic profile, "Messages")."""
        if payload is not None:
            args, kwargs = payload
            if kwargs:
                elements = (*elements, list(args), dict(kwargs))
            elif args:
                elements = (*elements, list(args))
        try:
            self._line.send(self._speech.encode(elements))
        except ValueError as why:
            raise CannotSay(str(why)) from None


def _ended(why: str) -> str:
    return f"the session ended: {one_line(why)}" if why else "the connection was closed"


_HEARD: Final[Mapping[int, Callable[[Session, list[Any]], None]]] = {
    m.WELCOME: Session._greeted,
    m.CHALLENGE: Session._greeted,
    m.ABORT: Session._aborted,
    m.GOODBYE: Session._goodbye,
    m.RESULT: Session._result,
    m.ERROR: Session._error,
    m.PUBLISHED: Session._acknowledged,
    m.SUBSCRIBED: Session._acknowledged,
    m.REGISTERED: Session._acknowledged,
    m.UNSUBSCRIBED: Session._ended_one,
    m.UNREGISTERED: Session._ended_one,
    m.EVENT: Session._event,
    m.INVOCATION: Session._invoked,
    m.INTERRUPT: Session._interrupted,
}
