"""Authentication method ``cryptosign``: the client signs a challenge with its Ed25519 key.

Rules
-----
* HELLO brings the client's public key and may name an authid. Whoever brings a key gets a CHALLENGE, whether the key is known
  or not; the signature is checked first, and only who owns the key learns that it lets nobody in.
* What is signed is the challenge, or where the client asks for channel binding and there is such a channel id, the challenge
  XOR the channel id. Signature **and** message are checked against what this very challenge demands, so that no older
  signature, and none made for another connection, is of any use.
* The channel id of ``tls-unique`` is the SHA-256 digest of the Finished message, which is shorter than a challenge;
  ``tls-exporter`` has the right size by itself. A kind that is not to be had is left out of CHALLENGE, and the client decides
  whether to go on; a realm may demand a binding.
* On TLS 1.3 there is no ``tls-unique`` (RFC 8446, appendix C.5), but autobahn and Crossbar.io take the client's Finished
  message for it there, too. A realm may do so: it is as much of one connection as in TLS 1.2, since nothing is resumed here.
* A client that challenges the router gets its own challenge signed, with the router's public key, under the same binding. The
  router's key signs whatever 32 octets somebody brings, so it must not let anybody in anywhere.
* Public key and challenge of the client are in ``HELLO.Details.authextra``; where they are not, they may be in ``Details``.

Sources: WAMP advanced profile, "Cryptosign-based Authentication"; RFC 5929; RFC 9266.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from wampd.auth.accounts import Account
from wampd.auth.keys import KEY_SIZE, SIGNATURE_SIZE, SigningKey, is_signed, read_hex
from wampd.auth.methods import AUTHENTICATION_FAILED, Challenge, Channel, Deny, Request, Step, Wait, shown
from wampd.auth.questions import FindAccount
from wampd.realms.options import JsonDict

CHALLENGE_SIZE = 32


class Cryptosign:
    """The method, with where the accounts are of those who may come in."""

    __slots__ = ("_kinds", "_new_challenge", "accounts", "is_binding_required", "router_key")

    name = "cryptosign"

    def __init__(
        self,
        accounts: Any,
        new_challenge: Callable[[], bytes],
        *,
        router_key: SigningKey | None = None,
        is_binding_required: bool = False,
        finds_unique_in_tls_1_3: bool = False,
    ) -> None:
        """``accounts`` is where to look for them (see `FindAccount`), ``new_challenge`` draws 32 octets.

        ``router_key`` is what the router shows to clients that challenge it; ``finds_unique_in_tls_1_3``: as autobahn does.
        """
        self.accounts = accounts
        self._new_challenge = new_challenge
        self.router_key = router_key
        self.is_binding_required = is_binding_required
        self._kinds: dict[str, tuple[str, ...]] = {
            "tls-unique": ("tls-unique", "finished") if finds_unique_in_tls_1_3 else ("tls-unique",),
            "tls-exporter": ("tls-exporter",),
        }

    def begin(self, request: Request) -> CryptosignExchange:
        """Start with one client."""
        return CryptosignExchange(self, request, self._new_challenge())

    def channel_id(self, request: Request, kind: str) -> bytes | None:
        """What both ends of the connection know, of the size of a challenge; `None`: there is none of this kind."""
        channel: Channel | None = request.transport.get("channel")
        if channel is None:
            return None
        ids = (channel.binding(each) for each in self._kinds.get(kind, ()))
        found = next((each for each in ids if each is not None), None)
        return hashlib.sha256(found).digest() if found is not None and kind == "tls-unique" else found


class CryptosignExchange:
    """One client's way: a public key, a CHALLENGE, a signature."""

    __slots__ = ("_expected", "_key", "_method", "_nonce", "_request")

    def __init__(self, method: Cryptosign, request: Request, nonce: bytes) -> None:
        self._method = method
        self._request = request
        self._nonce = nonce
        self._key = b""
        self._expected = b""

    def challenge(self) -> Step:
        """Ask for a signature; sign what the client wants to be signed."""
        key = read_hex(self._told("pubkey"), KEY_SIZE)
        if key is None:
            return _unfit("HELLO brings no pubkey of 64 hex digits")
        kind = self._told("channel_binding")
        if kind is not None and not isinstance(kind, str):
            return _unfit("the channel_binding in HELLO is not a string")
        channel_id = None if kind is None else self._method.channel_id(self._request, kind)
        if channel_id is None and self._method.is_binding_required:
            return _unfit("this realm demands a channel_binding: tls-exporter (TLS 1.3) or tls-unique (TLS 1.2)")
        self._key = key
        self._expected = _bound(self._nonce, channel_id)
        extra: JsonDict = {"challenge": self._nonce.hex()}
        if channel_id is not None:
            extra["channel_binding"] = kind
        return self._prove_router(extra, channel_id)

    def _prove_router(self, extra: JsonDict, channel_id: bytes | None) -> Step:
        """The CHALLENGE, with the router's own signature where the client asks for it."""
        asked = self._told("challenge")
        if asked is not None:
            theirs = read_hex(asked, CHALLENGE_SIZE)
            if theirs is None:
                return _unfit("the challenge in HELLO is not 64 hex digits")
            if self._method.router_key is not None:
                message = _bound(theirs, channel_id)
                extra["signature"] = (self._method.router_key.sign(message) + message).hex()
                extra["pubkey"] = self._method.router_key.public.hex()
        return Challenge("cryptosign", extra)

    def authenticate(self, signature: str, extra: JsonDict) -> Step:  # noqa: ARG002 - the method defines no extra
        """Check the signature, then look who owns the key."""
        answer = read_hex(signature, SIGNATURE_SIZE + CHALLENGE_SIZE)
        if answer is None:
            return Deny("cryptosign: the signature is not 192 hex digits")
        if not hmac.compare_digest(answer[SIGNATURE_SIZE:], self._expected):
            return Deny("cryptosign: what is signed is not this challenge on this channel")
        if not is_signed(self._key, answer[:SIGNATURE_SIZE], self._expected):
            return Deny(f"cryptosign: wrong signature for the key {self._key.hex()}")
        question = FindAccount(self._method.accounts, "key", self._key, "cryptosign", self._request)
        return Wait(question, self._found)

    def _found(self, account: Account | None) -> Step:
        authid = self._request.details.authid
        if self._method.router_key is not None and self._key == self._method.router_key.public:
            return Deny("cryptosign: the router's own key, which signs whatever clients bring")
        if account is None:
            return Deny(f"cryptosign: unknown key {self._key.hex()}, for {shown(authid)}")
        if self._key not in account.keys or authid not in (None, account.authid):
            return Deny(f"cryptosign: the key {self._key.hex()} is not of {shown(authid)}")
        return account.principal()

    def _told(self, name: str) -> Any:
        """What HELLO brings under this name."""
        details = self._request.details
        told = (details.authextra or {}).get(name)
        return getattr(details, name, None) if told is None else told


def _bound(challenge: bytes, channel_id: bytes | None) -> bytes:
    """What is to be signed."""
    if channel_id is None:
        return challenge
    return bytes(one ^ other for one, other in zip(challenge, channel_id, strict=True))


def _unfit(why: str) -> Deny:
    """HELLO does not fit the method; that has nothing to do with who the client is."""
    return Deny(f"cryptosign: {why}", AUTHENTICATION_FAILED, f"the method 'cryptosign': {why}")
