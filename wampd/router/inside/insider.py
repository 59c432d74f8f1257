"""One session of the router's own: a small WAMP client without a socket, whose payloads stay JSON text.

Rules
-----
* It speaks WAMP in JSON with a line of its own, so what holds for every client holds for it: permissions, limits, books.
* Payload is not decoded here: arguments may be given as JSON text (`msgspec.Raw`), and are handed on as that. So a body of
  HTTP goes through the router as any message does, and comes out as it came in.
* Every request has one answer: a Deferred that fires with what came, or fails with `CallFailed`; with the end of the session
  all of them fail. A call has a timeout, watched here; to cancel its Deferred cancels the call.
* What a handler raises is an ERROR for the caller, and its traceback is in the log; of an event it is in the log alone.

Sources: WAMP basic and advanced profile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Raw, Struct
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.realms.limits import UNAVAILABLE
from wampd.realms.messages import (
    ABORT,
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    YIELD,
)
from wampd.realms.options import MAX_ID, Match
from wampd.realms.records import CANCELED
from wampd.realms.services import INVALID_ARGUMENT
from wampd.router.envoy import MOST_CALLS, TIMEOUT, CallFailed
from wampd.router.inside.reading import Unreadable, dict_of, list_of

log = Logger()

RUNTIME_ERROR: Final = "wamp.error.runtime_error"
"""What client libraries say when a procedure fails in a way that was not meant."""
NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

Payload: TypeAlias = "Raw | Sequence[Any] | Mapping[str, Any] | None"

_elements = msgspec.json.Decoder(list[Raw])
_encode = msgspec.json.Encoder(enc_hook=lambda value: dict(value)).encode  # of mappings that are no dict
_decode: Callable[[Raw], Any] = msgspec.json.decode


class Reply(Struct, frozen=True):
    """A RESULT, EVENT or INVOCATION: its payload as JSON text, its details decoded."""

    args: Raw | None = None
    kwargs: Raw | None = None
    details: Mapping[str, Any] = NOTHING

    def values(self) -> list[Any]:
        """The positional arguments, decoded. Raise `Unreadable`."""
        return list_of(self.args)

    def named(self) -> dict[str, Any]:
        """The keyword arguments, decoded. Raise `Unreadable`."""
        return dict_of(self.kwargs)


class Returned(Struct, frozen=True):
    """What a handler of a procedure returns that is not one positional value."""

    args: Payload = None
    kwargs: Payload = None


class Refusal(Exception):
    """Raised by a handler of a procedure: answer with this ERROR."""

    def __init__(self, uri: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(uri, *args)
        self.uri = uri
        self.kwargs = kwargs


class Subscription(Struct, frozen=True):
    """What was subscribed to."""

    id: int
    topic: str


Handler: TypeAlias = Callable[[Reply], Any]
"""Takes an event, whose details name its ``publication``; or an invocation, and returns its result, `Returned`, or a
Deferred of these, which is cancelled if the caller wants no result any more."""


class Insider:
    """A session, from WELCOME on. It is made by `wampd.router.inside.insiders.Insiders`."""

    def __init__(self, clock: Any, send: Callable[[Sequence[bytes]], None]) -> None:
        """``clock`` is an ``IReactorTime``; ``send`` takes messages."""
        self._clock = clock
        self._send = send
        self._last = 0
        self._waiting: dict[int, Deferred[Any]] = {}
        self._timers: dict[int, Any] = {}
        self._progress: dict[int, Handler] = {}
        self._handlers: dict[int, list[Handler]] = {}
        self._procedures: dict[int, Handler] = {}
        self._new: dict[int, Handler] = {}
        self._under_way: dict[int, Deferred[Any]] = {}
        self.id = 0
        self.details: Mapping[str, Any] = NOTHING
        """Of WELCOME: realm, authid, authrole …"""
        self.is_over = False
        self.on_over: list[Callable[[str], None]] = []
        """Called once, with the reason, when the session is over, whatever ended it."""
        self.on_revoked: list[Callable[[str], None]] = []
        """Called, with the reason, for each subscription that is taken off the session."""

    # ------------------------------------------------------------------------------------------------------- requests

    def publish(
        self, topic: str, args: Payload = None, kwargs: Payload = None, options: Mapping[str, Any] = NOTHING
    ) -> Deferred[int]:
        """Publish, acknowledged; the Deferred has the publication's id."""
        return self._ask(PUBLISH, {**options, "acknowledge": True}, topic, args, kwargs)

    def call(
        self,
        procedure: str,
        args: Payload = None,
        kwargs: Payload = None,
        *,
        timeout: float,
        options: Mapping[str, Any] = NOTHING,
        on_progress: Handler | None = None,
    ) -> Deferred[Reply]:
        """Call a procedure, for ``timeout`` seconds at most. With ``on_progress`` the callee may answer in parts."""
        options = {**options, "timeout": max(1, round(timeout * 1000))}
        if on_progress is not None:
            options["receive_progress"] = True
        answer: Deferred[Reply] = self._ask(CALL, options, procedure, args, kwargs)
        number = self._last
        if number in self._waiting:
            self._timers[number] = self._clock.callLater(timeout, self._give_up, number, TIMEOUT)
            if on_progress is not None:
                self._progress[number] = on_progress
        return answer

    def subscribe(
        self, topic: str, handler: Handler, match: Match = "exact", options: Mapping[str, Any] = NOTHING
    ) -> Deferred[Subscription]:
        """Let ``handler`` take the events of a topic; their `Reply.details` name the topic if ``match`` is not exact."""
        asked = self._ask(SUBSCRIBE, {**options, "match": match}, topic, handler=handler)
        return asked.addCallback(Subscription, topic)

    def unsubscribe(self, subscription: Subscription) -> Deferred[None]:
        """Take all handlers of a subscription away."""
        self._handlers.pop(subscription.id, None)
        return self._ask(UNSUBSCRIBE, subscription.id)

    def register(self, procedure: str, handler: Handler, options: Mapping[str, Any] = NOTHING) -> Deferred[int]:
        """Let ``handler`` serve a procedure; the Deferred has the registration's id."""
        return self._ask(REGISTER, options, procedure, handler=handler)

    def unregister(self, registration: int) -> Deferred[None]:
        """Serve a procedure no more; invocations under way go on."""
        return self._ask(UNREGISTER, registration)

    def yield_progress(self, invocation: Reply, args: Payload = None, kwargs: Payload = None) -> None:
        """Answer an invocation in part; its caller has to have asked for that (``receive_progress`` in its details)."""
        number = invocation.details["invocation"]
        if number in self._under_way:
            self._say(YIELD, number, {"progress": True}, args, kwargs)

    def leave(self, reason: str = "wamp.close.close_realm") -> None:
        """End the session."""
        if not self.is_over:
            self._say(GOODBYE, {}, reason)
            self.lost(reason)

    # ---------------------------------------------------------------------------------------------------- the line's end

    def heard(self, payload: bytes) -> None:
        """Take a message of the router's."""
        elements = _elements.decode(payload)
        kind: int = _decode(elements[0])
        hear = _HEARD.get(kind)
        if hear is not None and not self.is_over:
            hear(self, elements)

    def lost(self, reason: str) -> None:
        """The session is over."""
        if self.is_over:
            return
        self.is_over = True
        for number in list(self._waiting):
            self._fail(number, CallFailed(CANCELED, [reason]))
        for running in list(self._under_way.values()):
            running.cancel()
        for told in list(self.on_over):  # what ends now may take others off
            told(reason)

    def _welcome(self, elements: list[Raw]) -> None:
        self.id, self.details = _decode(elements[1]), _decode(elements[2])

    def _goodbye(self, elements: list[Raw]) -> None:
        if _decode(elements[0]) == GOODBYE:
            self._say(GOODBYE, {}, "wamp.close.goodbye_and_out")
        self.lost(_decode(elements[2]))

    def _acknowledged(self, elements: list[Raw]) -> None:
        number = _decode(elements[1])
        value: int = _decode(elements[2])
        handler = self._new.pop(number, None)
        if handler is not None:
            if _decode(elements[0]) == SUBSCRIBED:
                self._handlers.setdefault(value, []).append(handler)
            else:
                self._procedures[value] = handler
        self._answer(number, value)

    def _unregistered(self, elements: list[Raw]) -> None:
        self._answer(_decode(elements[1]), None)

    def _unsubscribed(self, elements: list[Raw]) -> None:
        if number := _decode(elements[1]):
            self._answer(number, None)
            return
        # Advanced profile, "Subscription Revocation": one that answers no request tells of a subscription that is no more.
        details = _decode(elements[2])
        self._handlers.pop(details["subscription"], None)
        for told in self.on_revoked:
            told(details["reason"])

    def _result(self, elements: list[Raw]) -> None:
        number, reply = _decode(elements[1]), _reply(elements[2:])
        if reply.details.get("progress"):
            part = self._progress.get(number)
            if part is not None:
                self._guarded(part, reply)
        else:
            self._answer(number, reply)

    def _error(self, elements: list[Raw]) -> None:
        reply = _reply([elements[3], *elements[5:]])
        uri = _decode(elements[4])
        try:
            error = CallFailed(uri, reply.values(), reply.named())
        except Unreadable:  # whatever a callee wrote, its error is one
            error = CallFailed(uri)
        self._fail(_decode(elements[2]), error)

    def _event(self, elements: list[Raw]) -> None:
        handlers = self._handlers.get(_decode(elements[1]), ())
        if not handlers:
            return
        reply = _reply(elements[3:])
        reply = msgspec.structs.replace(reply, details={**reply.details, "publication": _decode(elements[2])})
        for handler in handlers:
            self._guarded(handler, reply)

    def _invocation(self, elements: list[Raw]) -> None:
        number, reply = _decode(elements[1]), _reply(elements[3:])
        handler = self._procedures.get(_decode(elements[2]))
        if handler is None:
            self._say(ERROR, INVOCATION, number, {}, UNAVAILABLE)
            return
        invocation = msgspec.structs.replace(reply, details={**reply.details, "invocation": number})
        running: Deferred[Any] = Deferred()
        self._under_way[number] = running  # before the handler runs, which may answer in parts at once
        running.addCallback(lambda _: handler(invocation))
        running.addCallbacks(self._returned, self._raised, callbackArgs=(number,), errbackArgs=(number,))
        running.callback(None)

    def _interrupt(self, elements: list[Raw]) -> None:
        running = self._under_way.get(_decode(elements[1]))
        if running is not None:
            running.cancel()

    # ------------------------------------------------------------------------------------------------------ in the small

    def _ask(self, kind: int, *rest: Any, handler: Handler | None = None) -> Deferred[Any]:
        """Send a request; the Deferred has what answers it. Raise `TypeError` or `ValueError` if it cannot be written.

        ``handler`` is for what the request opens.
        """
        self._last = number = self._last % MAX_ID + 1
        if self.is_over:
            return fail(CallFailed(CANCELED, ["the session is over"]))
        if len(self._waiting) >= MOST_CALLS:
            return fail(CallFailed(UNAVAILABLE, ["too many requests wait for their answers"]))
        self._say(kind, number, *rest)
        if handler is not None:
            self._new[number] = handler
        waiting = self._waiting[number] = Deferred(lambda _: self._give_up(number, CANCELED))
        return waiting

    def _say(self, *elements: Any) -> None:
        """Send a message, without the payload that is not there."""
        message = list(elements)
        while message[-1] is None:
            message.pop()
        if len(message) > 2 and message[-2] is None:  # there are keyword arguments alone
            message[-2] = []
        self._send([_encode(message)])

    def _give_up(self, number: int, uri: str) -> None:
        """A request is not waited for any more."""
        if number in self._timers:  # it is a call
            self._say(CANCEL, number, {"mode": "killnowait"})
        self._fail(number, CallFailed(uri))

    def _taken(self, number: int) -> Deferred[Any] | None:
        timer = self._timers.pop(number, None)
        if timer is not None and timer.active():
            timer.cancel()
        self._progress.pop(number, None)
        return self._waiting.pop(number, None)

    def _answer(self, number: int, value: Any) -> None:
        waiting = self._taken(number)
        if waiting is not None:
            waiting.callback(value)

    def _fail(self, number: int, error: CallFailed) -> None:
        self._new.pop(number, None)
        waiting = self._taken(number)
        if waiting is not None:
            waiting.errback(error)

    def _guarded(self, handler: Handler, reply: Reply) -> None:
        try:
            handler(reply)
        except Unreadable:
            log.debug("an event cannot be read")  # its publisher's trouble
        except Exception:  # noqa: BLE001 - logged, and no other handler is concerned
            log.failure("taking an event failed: a bug in wampd")

    def _returned(self, value: Any, number: int) -> None:
        del self._under_way[number]
        if self.is_over:
            return
        returned = value if isinstance(value, Returned) else Returned() if value is None else Returned([value])
        try:
            self._say(YIELD, number, {}, returned.args, returned.kwargs)
        except (TypeError, ValueError, RecursionError):
            log.failure("a result cannot be written: a bug in wampd")
            self._say(ERROR, INVOCATION, number, {}, RUNTIME_ERROR, ["internal error"])

    def _raised(self, failure: Failure, number: int) -> None:
        del self._under_way[number]
        if self.is_over:
            return
        why = failure.value
        if isinstance(why, Refusal):
            self._say(ERROR, INVOCATION, number, {}, why.uri, list(why.args[1:]), why.kwargs or None)
        elif isinstance(why, Unreadable):
            self._say(ERROR, INVOCATION, number, {}, INVALID_ARGUMENT, [str(why)])
        elif isinstance(why, CancelledError):
            self._say(ERROR, INVOCATION, number, {}, CANCELED)
        else:
            log.failure("serving a procedure failed: a bug in wampd", failure)
            self._say(ERROR, INVOCATION, number, {}, RUNTIME_ERROR, ["internal error"])


def _reply(elements: list[Raw]) -> Reply:
    """What begins with details, and may go on with a payload."""
    args, kwargs = (*elements[1:], None, None)[:2]
    return Reply(args, kwargs, _decode(elements[0]))


_HEARD: Final[Mapping[int, Callable[[Insider, list[Raw]], None]]] = {
    WELCOME: Insider._welcome,
    ABORT: Insider._goodbye,
    GOODBYE: Insider._goodbye,
    PUBLISHED: Insider._acknowledged,
    SUBSCRIBED: Insider._acknowledged,
    UNSUBSCRIBED: Insider._unsubscribed,
    REGISTERED: Insider._acknowledged,
    UNREGISTERED: Insider._unregistered,
    RESULT: Insider._result,
    ERROR: Insider._error,
    EVENT: Insider._event,
    INVOCATION: Insider._invocation,
    INTERRUPT: Insider._interrupt,
}
