"""The router's own caller in a realm: it calls procedures of components, and brings back their answers.

Rules
-----
* An envoy is not among the sessions of its realm, may call anything, and has a bounded number of calls under way.
* Every call has a timeout, which is watched here: a callee that asked to watch its time itself is not relied on. Every call
  is answered: with its result, or with a failure. Cancelling the Deferred cancels the call.
* An answer is handed on in a later turn, so that nobody calls into the routing that is under way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Raw, Struct
from twisted.internet.defer import Deferred, fail

from wampd.realms.grants import Grant, Grants
from wampd.realms.limits import UNAVAILABLE
from wampd.realms.messages import ERROR, RESULT, Call, Cancel, Event, Foreign, Format, Outgoing
from wampd.realms.options import MAX_ID, CallOptions, CancelOptions, ClientRole, ClientRoles, Match
from wampd.realms.realm import Realm
from wampd.realms.records import CANCELED
from wampd.realms.services import INVALID_ARGUMENT
from wampd.realms.session import Session
from wampd.router.wire.convert import load

MOST_CALLS: Final = 10_000
"""Calls of one envoy that wait for their answers."""
TIMEOUT: Final = "wamp.error.timeout"
ROLES: Final = ClientRoles(caller=ClientRole())
_GRANTED: Final = Grant()


class CallFailed(Exception):
    """A call was answered with an ERROR, or could not be made."""

    def __init__(self, uri: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] = MappingProxyType({})) -> None:
        super().__init__(uri, *args)
        self.uri = uri
        self.args_of_error = tuple(args)
        self.kwargs_of_error = kwargs


class Answer(Struct, frozen=True):
    """What a procedure returned."""

    args: list[Any]
    kwargs: dict[str, Any]


class _Everything:
    """The envoy's policy: the router may call what it was told to call."""

    def decide(self, action: str, uri: str, match: Match) -> Grant:  # noqa: ARG002 - whatever it is
        return _GRANTED


class Envoy:
    """The `wampd.realms.session.Outlet` of a session of the router's own in one realm."""

    def __init__(self, core: Realm, clock: Any, session_id: int, touched: list[Session]) -> None:
        """``clock`` is an ``IReactorTime``; ``touched`` is the realm's."""
        self._core = core
        self._clock = clock
        self._waiting: dict[int, tuple[Deferred[Answer], Any]] = {}  # and what ends the waiting
        self._last = 0
        self.session = Session(
            session_id,
            format=Format.MSGPACK,
            roles=ROLES,
            grants=Grants(_Everything()),
            touched=touched,
            authid="wampd",
            authrole="wampd",
            authmethod="internal",
            authprovider="wampd",
            outlet=self,
        )

    def call(self, procedure: str, args: Sequence[Any], timeout: float) -> Deferred[Answer]:
        """Call a procedure; ``timeout`` is in seconds. The Deferred fails with `CallFailed`.

        Raise `TypeError` or `ValueError` if the arguments cannot be carried.
        """
        payload = Raw(msgspec.msgpack.encode(list(args)))
        if len(self._waiting) >= MOST_CALLS:
            return fail(CallFailed(UNAVAILABLE, ["too many calls of the router are under way"]))
        self._last = number = self._last % MAX_ID + 1
        answer: Deferred[Answer] = Deferred(lambda _: self._give_up(number, CANCELED))
        self._waiting[number] = answer, self._clock.callLater(timeout, self._give_up, number, TIMEOUT)
        options = CallOptions(timeout=max(1, round(timeout * 1000)))
        self._core.dealer.call(self.session, Call(number, options, procedure, payload))
        return answer

    def _give_up(self, number: int, uri: str) -> None:
        """A call is not waited for any more."""
        answer = self._taken(number)
        if number in (self.session.calls or ()):
            self._core.dealer.cancel(self.session, Cancel(number, CancelOptions()))
        if answer is not None:
            answer.errback(CallFailed(uri))

    def _taken(self, number: int) -> Deferred[Answer] | None:
        answer, timer = self._waiting.pop(number, (None, None))
        if timer is not None and timer.active():
            timer.cancel()
        return answer

    # ------------------------------------------------------------------------------------------ the session's outlet

    def flush(self) -> None:
        """Take the answers that came."""
        for message in self.session.outbox:
            if isinstance(message, Foreign):
                self._take(message.message, message.format)
            elif not isinstance(message, Event):
                self._take(message, Format.MSGPACK)
        self.session.outbox.clear()

    def broken(self) -> None:
        """Taking the answers failed, which is a bug of ours: no call is left without an answer."""
        self.dismiss(CANCELED)

    def hold(self, held: bool) -> None:
        """Nothing that the router says has to wait."""

    def resume(self) -> None:
        """Nothing has waited."""

    def dismiss(self, reason: str, message: str = "") -> None:
        """End all calls."""
        waiting = list(self._waiting)
        self._core.dealer.leave(self.session)
        for number in waiting:
            self._hand_on(number, CallFailed(reason, [message] if message else []))

    def _take(self, message: Outgoing, form: Format) -> None:
        assert isinstance(message, tuple)
        is_error = message[0] == ERROR
        if not is_error and message[0] != RESULT:
            return
        number = message[2 if is_error else 1]
        payload = message[5 if is_error else 3 :]
        try:
            args, kwargs = (_plain(part, form) for part in (*payload, None, None)[:2])
        except ValueError:
            self._hand_on(number, CallFailed(INVALID_ARGUMENT, ["the answer cannot be read"]))
            return
        self._hand_on(number, CallFailed(message[4], args or []) if is_error else Answer(args or [], kwargs or {}))

    def _hand_on(self, number: int, what: Answer | CallFailed) -> None:
        """Bring an answer, in a later turn, to who waits for it."""
        if number in self._waiting:
            self._clock.callLater(0, self._bring, number, what)

    def _bring(self, number: int, what: Answer | CallFailed) -> None:
        answer = self._taken(number)
        if answer is None:
            return  # it was given up meanwhile
        if isinstance(what, CallFailed):
            answer.errback(what)
        else:
            answer.callback(what)


def _plain(part: Any, form: Format) -> Any:
    return load(part, form) if isinstance(part, Raw) else part
