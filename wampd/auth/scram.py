"""Authentication method ``scram``: client and router prove to each other that they know a password, and neither tells it.

Rules
-----
* HELLO brings an authid, a nonce and, if the client is to be bound to its channel, how: ``tls-unique``,
  ``tls-server-end-point`` or ``tls-exporter`` (RFC 9266). How that cannot be had ends in ABORT, and so does having none where
  it is required: nobody in between can talk a client out of it.
* An unknown authid gets a CHALLENGE like a known one's (see `wampd.auth.lookalikes`) and, in the same time, the same answer as
  a wrong proof.
* What is signed holds both nonces, salt, cost and channel (RFC 5802, section 3: AuthMessage), so that nobody in between can
  change them. Base64 is taken in its canonical form alone.
* ABORT tells in ``Details.scram`` which error of RFC 5802, section 7, it was; but never that a user is unknown.
* The method has two names. Who says ``wamp-scram`` is spoken to as the text has it. Who says ``scram`` gets the proof of the
  router under two names; and unless ``channel_binding`` is named in HELLO, be it as null, also what Crossbar.io and autobahn
  make of the text: the function ``argon2id-13`` (see `wampd.auth.passwords`), no nonce in AUTHENTICATE, and in AuthMessage an
  empty attribute for the channel and an authid without escapes.

Sources: WAMP advanced profile, "Salted Challenge Response Authentication Mechanism"; RFC 5802, RFC 7677; autobahn-python 26.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from wampd.auth.accounts import Account, Kdf, ScramKeys, usable
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.methods import (
    AUTHENTICATION_DENIED,
    AUTHENTICATION_FAILED,
    Challenge,
    Deny,
    Request,
    Step,
    Wait,
    nameless,
    shown,
)
from wampd.auth.passwords import SCRAM_KEY, saslprep
from wampd.auth.questions import FindAccount
from wampd.realms.options import JsonDict

Name: TypeAlias = Literal["wamp-scram", "scram"]
NAMES: tuple[Name, ...] = ("wamp-scram", "scram")

BINDINGS = frozenset({"tls-unique", "tls-server-end-point", "tls-exporter"})

_NONCE = re.compile(r"[A-Za-z0-9+/_-]{1,256}={0,2}", re.ASCII)
_TEXT: tuple[Kdf, ...] = ("argon2id13", "pbkdf2")
_CROSSBAR: tuple[Kdf, ...] = ("argon2id-13", "pbkdf2")


class Scram:
    """The method under one of its names, with where the accounts are of those who may come in."""

    __slots__ = ("accounts", "is_binding_required", "lookalikes", "name", "new_nonce")

    def __init__(
        self,
        name: Name,
        accounts: Any,
        lookalikes: Lookalikes,
        new_nonce: Callable[[], str],
        *,
        is_binding_required: bool = False,
    ) -> None:
        """``accounts`` is where to look for them: see `FindAccount`; ``new_nonce`` draws a base64 text."""
        self.name: Name = name
        self.accounts = accounts
        self.lookalikes = lookalikes
        self.new_nonce = new_nonce
        self.is_binding_required = is_binding_required

    def begin(self, request: Request) -> ScramExchange:
        """Start with one client."""
        return ScramExchange(self, request)


class _Hello(Struct, frozen=True):
    """What HELLO says."""

    authid: str
    username: str
    """The authid, normalized."""
    nonce: str
    binding: str | None
    cbind_data: bytes
    """What we know of the channel."""
    is_crossbar: bool
    """Whether the client makes of the text what Crossbar.io does."""

    def __repr__(self) -> str:  # which channel it is need not be in a log
        return f"<_Hello of {shown(self.authid)}>"


class ScramExchange:
    """One client's way: an authid and a nonce, a CHALLENGE, a proof; and ours in WELCOME."""

    __slots__ = ("_account", "_hello", "_keys", "_method", "_nonce", "_request")

    def __init__(self, method: Scram, request: Request) -> None:
        self._method = method
        self._request = request
        # Set with the CHALLENGE.
        self._hello: _Hello
        self._account: Account | None
        self._keys: ScramKeys
        self._nonce: str
        """Of both sides."""

    # ------------------------------------------------------------------------------------------------------- HELLO

    def challenge(self) -> Step:
        """Read HELLO, and look for the account; then ask for a proof."""
        hello = self._read()
        if isinstance(hello, Deny):
            return hello
        self._hello = hello
        return Wait(FindAccount(self._method.accounts, "authid", hello.authid, "scram", self._request), self._found)

    def _read(self) -> _Hello | Deny:
        """What HELLO says, or what is wrong with it; nothing depends on whether the authid is known."""
        authid, extra = self._request.details.authid, self._request.details.authextra or {}
        if authid is None:
            return nameless(self._method.name)
        nonce, binding = extra.get("nonce"), extra.get("channel_binding")
        if type(nonce) is not str or not _NONCE.fullmatch(nonce):
            return self._failed("invalid-encoding", "HELLO.Details.authextra.nonce must be a base64 text")
        try:
            username = saslprep(authid, stored=False)
        except ValueError:
            username = ""
        if not username:
            return self._failed("invalid-username-encoding", "SASLprep does not take this authid")
        cbind_data = b"" if binding is None else self._cbind_data(binding)
        if isinstance(cbind_data, Deny):
            return cbind_data
        if binding is None and self._method.is_binding_required:
            return self._failed("server-does-support-channel-binding", "channel binding is required here")
        is_crossbar = self._method.name == "scram" and "channel_binding" not in extra
        return _Hello(authid, username, nonce, binding, cbind_data, is_crossbar)

    def _cbind_data(self, binding: object) -> bytes | Deny:
        """What we know of the channel that the client wants to be bound to."""
        channel = self._request.transport.get("channel")
        if channel is None:
            return self._failed("channel-binding-not-supported", "this connection has no channel to bind to")
        data: bytes | None = channel.binding(binding) if type(binding) is str and binding in BINDINGS else None
        if data is None:
            return self._failed("unsupported-channel-binding-type", "this connection has no such channel binding")
        return data

    # --------------------------------------------------------------------------------------------------- CHALLENGE

    def _found(self, account: Account | None) -> Challenge:
        kdfs = _CROSSBAR if self._hello.is_crossbar else _TEXT
        known = () if account is None else account.scram
        own = usable(known, kdfs)
        keys = self._method.lookalikes.scram(self._hello.authid, kdfs, known)
        if own is None:
            account = None
        else:
            keys = own
        self._account = account
        self._keys = keys
        self._nonce = self._hello.nonce + self._method.new_nonce()
        extra: JsonDict = {
            "nonce": self._nonce,
            "salt": b64encode(keys.salt).decode(),
            "kdf": keys.kdf,
            "iterations": keys.iterations,
        }
        if keys.memory is not None or not self._hello.is_crossbar:  # autobahn cannot read null
            extra["memory"] = keys.memory
        return Challenge(self._method.name, extra)

    # ------------------------------------------------------------------------------------------------ AUTHENTICATE

    def authenticate(self, signature: str, extra: JsonDict) -> Step:
        """Verify the proof; and prove that we know the password, too."""
        hello, account = self._hello, self._account
        is_bare = hello.is_crossbar and "nonce" not in extra
        if not is_bare and extra.get("nonce") != self._nonce:
            return self._denied("other-error", "another nonce")
        if extra.get("channel_binding") != hello.binding:
            return self._denied("channel-bindings-dont-match", "another kind of channel binding")
        if not _is_bound(extra.get("cbind_data"), hello):
            return self._denied("channel-bindings-dont-match", "another channel")
        proof = _octets(signature)
        if proof is None or len(proof) != SCRAM_KEY:
            return self._denied("invalid-encoding", "not a proof")
        message = self._auth_message(is_bare=is_bare)
        if not _proves(proof, self._keys, message) or account is None:
            return self._denied("invalid-proof", "unknown authid" if account is None else "wrong proof")
        verifier = b64encode(hmac.digest(self._keys.server_key, message, "sha256")).decode()
        mine = {"verifier": verifier}
        if self._method.name == "scram":
            mine["scram_server_signature"] = verifier
        return structs.replace(account.principal(), extra={**(account.extra or {}), **mine})

    def _auth_message(self, *, is_bare: bool) -> bytes:
        """What is signed (RFC 5802, section 3)."""
        hello, keys, nonce = self._hello, self._keys, self._nonce
        if is_bare:
            username, channel = hello.username, ""
        else:
            username = hello.username.replace("=", "=3D").replace(",", "=2C")
            flag = "n" if hello.binding is None else f"p={hello.binding}"
            channel = b64encode(f"{flag},,".encode() + hello.cbind_data).decode()
        salt = b64encode(keys.salt).decode()
        return f"n={username},r={hello.nonce},r={nonce},s={salt},i={keys.iterations},c={channel},r={nonce}".encode()

    def _failed(self, error: str, message: str) -> Deny:
        """HELLO cannot be served."""
        authid = shown(self._request.details.authid)
        return Deny(
            f"{self._method.name}: {authid}: {message}",
            AUTHENTICATION_FAILED,
            message,
            guess=False,
            details={"scram": error},
        )

    def _denied(self, error: str, why: str) -> Deny:
        """AUTHENTICATE does not prove anything."""
        log = f"{self._method.name}: {shown(self._hello.authid)}: {why}"
        return Deny(log, AUTHENTICATION_DENIED, details={"scram": error})


def _is_bound(cbind_data: object, hello: _Hello) -> bool:
    """Whether the client sees the channel that we see, or neither is to look."""
    if hello.binding is None:
        return cbind_data is None
    seen = cbind_data.encode("utf-8", "surrogatepass") if isinstance(cbind_data, str) else b""
    return hmac.compare_digest(seen, b64encode(hello.cbind_data))


def _octets(text: str) -> bytes | None:
    """What canonical base64 says; `None`: it is not that."""
    try:
        octets = b64decode(text, validate=True)
    except ValueError:
        return None
    return octets if b64encode(octets).decode() == text else None


def _proves(proof: bytes, keys: ScramKeys, message: bytes) -> bool:
    """Whether who made this proof knows the password (RFC 5802, section 3)."""
    signature = hmac.digest(keys.stored_key, message, "sha256")
    client_key = bytes(one ^ other for one, other in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), keys.stored_key)
