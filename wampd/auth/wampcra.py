"""Authentication method ``wampcra``: a shared secret, or a key derived from a password, signs a challenge.

Rules
-----
* HELLO must name an authid. An unknown one gets a CHALLENGE like a known one's (see `wampd.auth.lookalikes`) and, in the same
  time, the same answer as a wrong signature: ``wamp.error.authentication_denied``.
* The challenge is signed as the text that it is. It holds a nonce, and the id of the session to be, so that no signature
  serves twice; the handshake takes one answer to it, and none that is late.
* Signatures are compared as text in constant time: base64 in its canonical form.

Source: WAMP advanced profile, "Challenge Response Authentication".
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import msgspec

from wampd.auth.accounts import Account
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.methods import Challenge, Deny, Request, Step, Wait, nameless, shown
from wampd.auth.questions import FindAccount
from wampd.realms.options import JsonDict
from wampd.realms.timestamps import rfc3339

NAME = "wampcra"


class Wampcra:
    """The method, with where the accounts are of those who may come in."""

    __slots__ = ("accounts", "lookalikes", "new_nonce", "now")

    name = NAME

    def __init__(
        self, accounts: Any, lookalikes: Lookalikes, new_nonce: Callable[[], str], now: Callable[[], int]
    ) -> None:
        """``accounts`` is where to look for them: see `FindAccount`; ``now`` tells microseconds of Unix time."""
        self.accounts = accounts
        self.lookalikes = lookalikes
        self.new_nonce = new_nonce
        self.now = now

    def begin(self, request: Request) -> WampcraExchange:
        """Start with one client."""
        return WampcraExchange(self, request)


class WampcraExchange:
    """One client's way: an authid, a CHALLENGE, its signature."""

    __slots__ = ("_account", "_authid", "_expected", "_method", "_request")

    def __init__(self, method: Wampcra, request: Request) -> None:
        self._method = method
        self._request = request
        # Set with the CHALLENGE.
        self._account: Account | None
        self._authid: str
        self._expected: bytes

    def challenge(self) -> Step:
        """Look for the account; then ask for a signature."""
        authid = self._request.details.authid
        if authid is None:
            return nameless(NAME)
        self._authid = authid
        return Wait(FindAccount(self._method.accounts, "authid", authid, NAME, self._request), self._found)

    def _found(self, account: Account | None) -> Challenge:
        lookalike = self._method.lookalikes.wampcra(self._authid)
        self._account = account
        who = lookalike if account is None or account.wampcra is None else account
        key = who.wampcra
        assert key is not None
        text = msgspec.json.encode(
            {
                "authid": who.authid,
                "authrole": who.role,
                "authmethod": NAME,
                "authprovider": who.provider,
                "nonce": self._method.new_nonce(),
                "timestamp": rfc3339(self._method.now(), digits=3),
                "session": self._request.session_id,
            }
        )
        self._expected = b64encode(hmac.digest(key.key, text, "sha256"))
        extra: JsonDict = {"challenge": text.decode()}
        if key.salt is not None:
            extra |= {"salt": key.salt, "keylen": key.keylen, "iterations": key.iterations}
        return Challenge(NAME, extra)

    def authenticate(self, signature: str, extra: JsonDict) -> Step:  # noqa: ARG002 - the method defines no extra
        """Compare the signature."""
        same = hmac.compare_digest(self._expected, signature.encode("utf-8", "surrogatepass"))
        account = self._account
        if account is None or account.wampcra is None or not same:
            why = (
                "unknown authid"
                if account is None
                else "no key for"
                if account.wampcra is None
                else "wrong signature of"
            )
            return Deny(f"wampcra: {why} {shown(self._authid)}")
        return account.principal()
