"""Accounts that a component knows: its procedure is called for each client that wants in.

Rules
-----
* The procedure is called with ``(realm, authid, details)`` and returns a role, or a dictionary: the form of Crossbar.io's
  dynamic authenticators. What its keys mean is in docs/authentication.md; keys that are unknown here are ignored.
* An ERROR that denies lets nobody in; neither does anything else that goes wrong: no such procedure, another ERROR, no
  answer in time, an answer that does not fit. Our log names the key that did not fit, never its value.
* Of the method ``ticket`` the procedure is given the ticket, and judges it. If its answer holds a ``ticket`` or ``secret``,
  that must be what the client sent: so an authenticator made for another method opens no door here.
* So many calls at once and no more; a client that leaves takes its call back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from wampd.auth.accounts import Account
from wampd.auth.certificates import described
from wampd.auth.methods import LONGEST_AUTHID, SAFE_TO_TELL, Channel, Deny, Failed, carriable, shown
from wampd.auth.questions import FindAccount
from wampd.router.envoy import Answer, CallFailed
from wampd.router.stores import proofs
from wampd.router.stores.accounts import Found

DENIALS: Final = frozenset(
    {
        "wamp.error.authentication_denied",
        "wamp.error.authorization_denied",
        "wamp.error.not_authorized",
    }
)
"""Errors by which an authenticator says no."""
NO_SUCH_PRINCIPAL: Final = "wamp.error.no_such_principal"
OUR_OWN: Final = frozenset(
    {
        "wamp.error.canceled",
        "wamp.error.invalid_argument",
        "wamp.error.no_available_callee",
        "wamp.error.no_such_procedure",
        "wamp.error.no_such_realm",
        "wamp.error.payload_size_exceeded",
        "wamp.error.timeout",
        "wamp.error.unavailable",
    }
)
"""Errors of the router itself, where the procedure said nothing."""
DEEPEST_EXTRA: Final = 32
"""Levels of lists and dictionaries in what WELCOME is to tell."""

Call = Callable[[str, str, Sequence[Any], float], Deferred[Answer]]


class Said(Struct, frozen=True):
    """What every answer holds; see `wampd.router.stores.proofs` for the rest."""

    role: str
    authid: str | None = None
    realm: str | None = None
    extra: dict[str, Any] | None = None
    factors: tuple[str, ...] = ()


class DynamicAccounts:
    """The accounts that one procedure knows."""

    def __init__(self, call: Call, realm: str, procedure: str, *, timeout: float = 5.0, most: int = 1_000) -> None:
        """``call`` calls a procedure in a realm; ``timeout`` in seconds; ``most`` calls are under way at once."""
        self._call = call
        self._realm = realm
        self._procedure = procedure
        self._timeout = timeout
        self._most = most
        self._under_way = 0

    def __str__(self) -> str:
        return f"the authenticator {self._procedure} in {self._realm}"

    def find(self, question: FindAccount) -> Found | Deferred[Found]:
        """Ask the procedure for the account, or whether the proof is right."""
        if self._under_way >= self._most:
            return Failed(f"{self}: {self._most} calls are under way")
        try:
            called = self._call(self._realm, self._procedure, _arguments(question), self._timeout)
        except (TypeError, ValueError, OverflowError) as why:  # UnicodeEncodeError among them
            return Failed(f"{self}: what the client said cannot be carried: {type(why).__name__}")
        self._under_way += 1

        def done(outcome: Any) -> Any:
            self._under_way -= 1
            return outcome

        answer: Deferred[Any] = called
        answer.addBoth(done)
        answer.addCallbacks(self._said, self._failed, callbackArgs=(question,), errbackArgs=(question,))
        return answer

    def _said(self, answer: Answer, question: FindAccount) -> Account | Deny | Failed:
        if len(answer.args) != 1:
            return self._unfit(f"it returned {len(answer.args)} values, not one")
        value = answer.args[0]
        if isinstance(value, str):
            value = {"role": value}
        if not isinstance(value, Mapping):
            return self._unfit(f"it returned {type(value).__name__}, not a role or a dictionary")
        try:
            return _account(question, {str(key).replace("-", "_"): each for key, each in value.items()})
        except ValueError as why:  # which msgspec.ValidationError is
            return self._unfit(str(why))

    def _failed(self, failure: Failure, question: FindAccount) -> Deny | Failed | None:
        error = failure.value
        if not isinstance(error, CallFailed):
            failure.raiseException()
        assert isinstance(error, CallFailed)
        if error.uri == NO_SUCH_PRINCIPAL:
            return None
        if error.uri in DENIALS:
            return Deny(f"{question.method}: {self} denied {shown(question.request.details.authid)}")
        return Failed(f"{self}: {shown(error.uri)}", guess=error.uri not in OUR_OWN)

    def _unfit(self, why: str) -> Failed:
        return Failed(f"{self}: the answer does not fit: {why}", guess=True)


def _arguments(question: FindAccount) -> tuple[Any, ...]:
    """``(realm, authid, details)``."""
    request = question.request
    details: dict[str, Any] = {
        "session": request.session_id,
        "authmethod": question.method,
        "authextra": request.details.authextra,
        "authrole": request.details.authrole,
        "transport": {key: request.transport[key] for key in SAFE_TO_TELL if key in request.transport},
    }
    if question.proof is not None:
        details["ticket"] = question.proof
    channel: Channel | None = request.transport.get("channel")
    if channel is not None and channel.certificate is not None:
        details["transport"]["auth"] = {"certificate": described(channel.certificate)}
    if isinstance(question.value, str):
        return request.realm, question.value, details
    if question.by == "key":
        details["pubkey"] = question.value.hex()
    return request.realm, request.details.authid, details


def _account(question: FindAccount, value: Mapping[str, Any]) -> Account:
    """Read an answer. Raise `ValueError` with what is wrong: a key and what was expected, never a value."""
    said = msgspec.convert(value, Said)
    named = question.value if isinstance(question.value, str) else question.request.details.authid
    authid = named if said.authid is None else said.authid
    if authid is None:
        raise ValueError("the client named no authid, so the answer must: no key 'authid'")
    if not authid or not said.role:
        raise ValueError(f"{'role' if authid else 'authid'!r} is empty")
    if len(authid) > LONGEST_AUTHID:
        raise ValueError(f"'authid' is longer than {LONGEST_AUTHID} characters")
    if not carriable(said.extra, DEEPEST_EXTRA):
        raise ValueError("'extra' holds what not every serialization carries, or nests too deeply")
    if said.realm not in (None, question.request.realm):
        raise ValueError("'realm' is not the realm that the client wants to join")
    proof = proofs.READERS.get(question.method)
    return Account(
        authid=authid,
        role=said.role,
        provider="dynamic",
        extra=said.extra,
        factors=said.factors,
        **({} if proof is None else proof(question, value)),
    )
