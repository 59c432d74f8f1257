"""What stands before the handlers of sessions whose rate or payload is limited.

Rules
-----
* Only those sessions pass here: the realm chooses a session's handlers when it joins, so that nobody else pays for it.
* Rates are token buckets, one for each session and kind: a request takes a token, and is refused where there is none. It is
  never made to wait, as what came after it would have to wait, too. What is refused takes nothing.
* A CALL and an acknowledged PUBLISH over a limit get an ERROR; a PUBLISH that asks for no answer is dropped and counted.
* An answer to an INVOCATION with too much payload ends the call with an ERROR to the caller: a call always ends.
* A part of a progressive call is no call of its own: it takes no token. One with too much payload ends the call.
* A rule of a role may have limits of its own for what is called or published by it: they count within those of the session,
  for each session and rule apart. What is not permitted is for the handlers to refuse.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from wampd.realms.limits import PAYLOAD_SIZE_EXCEEDED, UNAVAILABLE, LimitName, Limits, Rate, RuleLimits, beyond
from wampd.realms.messages import PUBLISH, Call, Error, Message, Payload, Publish, Yield

if TYPE_CHECKING:
    from wampd.realms.dealer import Dealer
    from wampd.realms.session import Session

Handler: TypeAlias = Callable[["Session", Any], None]
Refusal: TypeAlias = tuple[str, str]
"""The URI of an ERROR, and what it says."""

RateName: TypeAlias = Literal["call_rate", "publication_rate"]

_STRUCK: dict[LimitName, str] = {
    "payload_size": "payloads over the limit",
    "call_rate": "calls over the rate",
    "publication_rate": "publications over the rate",
}


_NONE: frozenset[type[Message]] = frozenset()


class Bucket:
    """Tokens for what may be done so often: they come with time, and as many are kept as may be used at once."""

    __slots__ = ("_at", "_tokens", "rate")

    def __init__(self, rate: Rate, now: float) -> None:
        """Full, at the time ``now``."""
        self.rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def has(self, now: float) -> bool:
        """Whether there is a token at the time ``now`` (monotonic seconds)."""
        rate = self.rate
        self._tokens = min(float(rate.burst), self._tokens + (now - self._at) * rate.per_second)
        self._at = now
        return self._tokens >= 1.0

    def take(self, now: float) -> bool:
        """Take a token at the time ``now`` (monotonic seconds), if there is one."""
        if not self.has(now):
            return False
        self._tokens -= 1.0
        return True


def guarded(limits: Limits, *, by_rule: bool = False) -> frozenset[type[Message]]:
    """The messages of a session that have to pass the gate: with these limits, and with rules that have some or not."""
    if not by_rule and limits.payload_size is None and limits.call_rate is None and limits.publication_rate is None:
        return _NONE
    kinds: set[type[Message]] = {Call, Publish} if by_rule else set()
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
        """Give a session that joins its tokens, or one that is here those of its new limits."""
        limits = session.limits
        if session.call_tokens is not None or limits.call_rate is not None:
            session.call_tokens = _tokens(session.call_tokens, limits.call_rate, self._now())
        if session.publication_tokens is not None or limits.publication_rate is not None:
            session.publication_tokens = _tokens(session.publication_tokens, limits.publication_rate, self._now())

    def call(self, caller: Session, message: Call) -> None:
        """Let a CALL through, or refuse it."""
        rule = caller.grants.limits_of("call", message.uri) if caller.grants.limited else None
        refusal = self._too_large(caller, message, rule)
        if refusal is None and not self._dealer.continues(caller, message):
            refusal = self._too_often(caller, caller.call_tokens, rule, "call_rate")
        if refusal is None:
            self._call(caller, message)
        else:
            self._dealer.turn_away(caller, message, *refusal)

    def publish(self, publisher: Session, message: Publish) -> None:
        """Let a PUBLISH through, or refuse it."""
        rule = publisher.grants.limits_of("publish", message.uri) if publisher.grants.limited else None
        refusal = self._too_large(publisher, message, rule)
        if refusal is None:
            refusal = self._too_often(publisher, publisher.publication_tokens, rule, "publication_rate")
        if refusal is None:
            self._publish(publisher, message)
        elif message.options.acknowledge:
            publisher.refuse(PUBLISH, message.id, *refusal, about=message.uri)

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

    def _too_often(
        self, session: Session, tokens: Bucket | None, rule: RuleLimits | None, limit: RateName
    ) -> Refusal | None:
        """Take the tokens that a request needs, of the session and of the rule, or tell which one there is not."""
        now = self._now()
        of_rule = None if rule is None else _tokens_of_rule(session, rule, limit, now)
        if tokens is not None and not tokens.has(now):
            refusal = beyond(limit, tokens.rate.per_second)
        elif of_rule is not None and not of_rule.take(now):
            refusal = _by_rule(limit, of_rule.rate.per_second)
        else:
            if tokens is not None:
                tokens.take(now)
            return None
        self._struck[_STRUCK[limit]] += 1
        return UNAVAILABLE, refusal

    def _too_large(
        self, session: Session, message: Call | Publish | Yield | Error, rule: RuleLimits | None = None
    ) -> Refusal | None:
        most = session.limits.payload_size
        by_rule = None if rule is None else rule.payload_size
        if most is None and by_rule is None:
            return None
        size = size_of(message.args) + size_of(message.kwargs)
        if most is not None and size > most:
            refusal = beyond("payload_size", most)
        elif by_rule is not None and size > by_rule:
            refusal = _by_rule("payload_size", by_rule)
        else:
            return None
        self._struck[_STRUCK["payload_size"]] += 1
        return PAYLOAD_SIZE_EXCEEDED, refusal


def _tokens(there: Bucket | None, rate: Rate | None, now: float) -> Bucket | None:
    """The tokens of a session for this rate; those that it has stay if the rate does."""
    if rate is None:
        return None
    return there if there is not None and there.rate == rate else Bucket(rate, now)


def _tokens_of_rule(session: Session, rule: RuleLimits, limit: RateName, now: float) -> Bucket | None:
    """The tokens of a session for what a rule allows; `None`: the rule sets no such rate."""
    rate = rule.call_rate if limit == "call_rate" else rule.publication_rate
    if rate is None:
        return None
    if session.rule_tokens is None:
        session.rule_tokens = {}
    tokens = session.rule_tokens.get((rule, limit))
    if tokens is None:
        tokens = session.rule_tokens[rule, limit] = Bucket(rate, now)
    return tokens


def _by_rule(limit: LimitName, value: float) -> str:
    return f"{beyond(limit, value)}, by the rule for this URI"


def size_of(part: Payload) -> int:
    """Bytes of a part of a payload."""
    return 0 if part is None else memoryview(part).nbytes
