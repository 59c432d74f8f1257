"""What stands before the handlers of sessions whose rate or payload is limited.

Rules
-----
* Only those sessions pass here: the realm chooses a session's handlers when it joins, so that nobody else pays for it.
* Rates are token buckets, one for each session and kind: a request takes a token, and is refused where there is none. It is
  never made to wait, as what came after it would have to wait, too. What is refused takes nothing.
* A CALL and an acknowledged PUBLISH over a limit get an ERROR; a PUBLISH that asks for no answer is dropped and counted.
* An answer to an INVOCATION with too much payload ends the call with an ERROR to the caller: a call always ends.
* A part of a progressive call is no call of its own: it takes no token. One with too much payload ends the call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from wampd.realms.limits import PAYLOAD_SIZE_EXCEEDED, UNAVAILABLE, LimitName, Limits, Rate, beyond
from wampd.realms.messages import PUBLISH, Call, Error, Message, Payload, Publish, Yield

if TYPE_CHECKING:
    from wampd.realms.dealer import Dealer
    from wampd.realms.session import Session

Handler: TypeAlias = Callable[["Session", Any], None]
Refusal: TypeAlias = tuple[str, str]
"""The URI of an ERROR, and what it says."""

_STRUCK: dict[LimitName, str] = {
    "payload_size": "payloads over the limit",
    "call_rate": "calls over the rate",
    "publication_rate": "publications over the rate",
}


class Bucket:
    """Tokens for what may be done so often: they come with time, and as many are kept as may be used at once."""

    __slots__ = ("_at", "_tokens", "rate")

    def __init__(self, rate: Rate, now: float) -> None:
        """Full, at the time ``now``."""
        self.rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token at the time ``now`` (monotonic seconds), if there is one."""
        rate = self.rate
        tokens = min(float(rate.burst), self._tokens + (now - self._at) * rate.per_second)
        self._at = now
        if tokens < 1.0:
            self._tokens = tokens
            return False
        self._tokens = tokens - 1.0
        return True


def guarded(limits: Limits) -> frozenset[type[Message]]:
    """The messages of a session with these limits that have to pass the gate."""
    kinds: set[type[Message]] = set()
    if limits.payload_size is not None:
        kinds |= {Call, Publish, Yield, Error}
    if limits.call_rate is not None:
        kinds.add(Call)
    if limits.publication_rate is not None:
        kinds.add(Publish)
    return frozenset(kinds)


class Gate:
    """The gate of one realm."""

    def __init__(
        self,
        handlers: Mapping[type[Message], Handler],
        dealer: Dealer,
        now: Callable[[], float],
        struck: Counter[str],
    ) -> None:
        """``handlers`` are those that it stands before; ``now`` tells monotonic seconds."""
        self._call = handlers[Call]
        self._publish = handlers[Publish]
        self._yield = handlers[Yield]
        self._error = handlers[Error]
        self._dealer = dealer
        self._now = now
        self._struck = struck
        self.handlers: dict[type[Message], Handler] = {
            Call: self.call,
            Publish: self.publish,
            Yield: self.result,
            Error: self.error,
        }
        """What serves the messages that are `guarded`."""

    def admit(self, session: Session) -> None:
        """Give a session that joins its tokens."""
        limits = session.limits
        if limits.call_rate is not None:
            session.call_tokens = Bucket(limits.call_rate, self._now())
        if limits.publication_rate is not None:
            session.publication_tokens = Bucket(limits.publication_rate, self._now())

    def call(self, caller: Session, message: Call) -> None:
        """Let a CALL through, or refuse it."""
        tokens = None if self._dealer.continues(caller, message) else caller.call_tokens
        refusal = self._refusal(caller, message, tokens, "call_rate")
        if refusal is None:
            self._call(caller, message)
        else:
            self._dealer.turn_away(caller, message, *refusal)

    def publish(self, publisher: Session, message: Publish) -> None:
        """Let a PUBLISH through, or refuse it."""
        refusal = self._refusal(publisher, message, publisher.publication_tokens, "publication_rate")
        if refusal is None:
            self._publish(publisher, message)
        elif message.options.acknowledge:
            publisher.refuse(PUBLISH, message.id, *refusal)

    def result(self, callee: Session, message: Yield) -> None:
        """Let a YIELD through, or end its call."""
        refusal = self._too_large(callee, message)
        if refusal is None:
            self._yield(callee, message)
        else:
            self._dealer.spoil(callee, message.id, message.options.progress, *refusal)

    def error(self, callee: Session, message: Error) -> None:
        """Let an ERROR through, or end its call without the payload."""
        refusal = self._too_large(callee, message)
        if refusal is None:
            self._error(callee, message)
        else:
            self._dealer.spoil(callee, message.id, False, *refusal)

    def _refusal(
        self, session: Session, message: Call | Publish, tokens: Bucket | None, limit: LimitName
    ) -> Refusal | None:
        too_large = self._too_large(session, message)
        if too_large is not None or tokens is None or tokens.take(self._now()):
            return too_large
        self._struck[_STRUCK[limit]] += 1
        return UNAVAILABLE, beyond(limit, tokens.rate.per_second)

    def _too_large(self, session: Session, message: Call | Publish | Yield | Error) -> Refusal | None:
        most = session.limits.payload_size
        if most is None or size_of(message.args) + size_of(message.kwargs) <= most:
            return None
        self._struck[_STRUCK["payload_size"]] += 1
        return PAYLOAD_SIZE_EXCEEDED, beyond("payload_size", most)


def size_of(part: Payload) -> int:
    """Bytes of a part of a payload."""
    return 0 if part is None else memoryview(part).nbytes
