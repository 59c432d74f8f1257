"""Who a client says it is, and how it proves that.

Rules
-----
* HELLO offers the methods that there is proof for, or the one that is named; a CHALLENGE of another is not answered.
* A router may ask more than once, each time by another method (`wampd.auth.factors`).
* A secret is sent as it is by ``ticket`` and ``jwt`` alone. By ``wampcra`` and ``scram`` the router learns a proof; what it may
  make us compute for that is bounded.
* Under ``scram`` the router must prove in WELCOME that it knows the password, too: else the session is not used.
* No secret is in a ``repr``, and none in the text of an error.

Sources: WAMP advanced profile, "Authentication Methods"; RFC 5802.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from wampd.auth.passwords import cra_key, saslprep
from wampd.client.errors import CannotConnect

METHODS: Final = ("anonymous", "ticket", "wampcra", "scram", "cryptosign", "tls", "cookie", "jwt")
BY_SECRET: Final = ("scram", "wampcra", "ticket")
"""What a secret is offered for where no method is named: those first that do not send it."""

MOST_ITERATIONS: Final = 10_000_000
"""Of PBKDF2: some seconds."""
MOST_WORK: Final = 64 * 2**20
"""Of Argon2: KiB of memory times iterations."""
MOST_MEMORY: Final = 2**20
"""Of Argon2, in KiB."""
MOST_KEY: Final = 1024
_NONCE: Final = re.compile(r"[!-+\--~]{1,1024}", re.ASCII)
"""RFC 5802, section 7: printable characters but the comma."""


class Credentials(Struct, frozen=True, kw_only=True):
    """Who the client says it is, and what it has to prove it. All empty: anonymous."""

    method: str | None = None
    """One of `METHODS`; `None`: whatever there is proof for."""
    authid: str | None = None
    role: str | None = None
    """The role that is asked for, where the router lets clients ask."""
    secret: str | None = None
    """A ticket, a password, or for ``jwt`` a token."""
    seed: bytes | None = None
    """Of the private Ed25519 key."""
    cookie: str | None = None
    """``name=value``, for the request that opens a WebSocket."""
    has_certificate: bool = False
    """The connection shows one."""

    def __repr__(self) -> str:  # nothing secret
        return f"<Credentials of {self.authid or 'somebody'}>"

    def __post_init__(self) -> None:
        """Raise `CannotConnect` if what the method needs is not there."""
        lacking = _lacking(self)
        if lacking:
            raise CannotConnect(lacking)


def _lacking(who: Credentials) -> str | None:
    match who.method:
        case "ticket" | "wampcra" | "scram" | "jwt" if who.secret is None:
            return f"the method {who.method} needs a secret (--secret-file, --ask)"
        case "ticket" | "wampcra" | "scram" if who.authid is None:
            return f"the method {who.method} needs --authid"
        case "cryptosign" if who.seed is None:
            return "the method cryptosign needs a key (--key-file)"
        case "tls" if not who.has_certificate:
            return "the method tls needs a certificate (--cert)"
        case "cookie" if who.cookie is None:
            return "the method cookie needs a cookie (--cookie-file)"
        case None if who.secret is not None and who.authid is None:
            return "a secret needs to be somebody's: --authid (or --auth jwt for a token)"
    return None


def methods(who: Credentials) -> list[str]:
    """What is offered in HELLO."""
    if who.method == "scram":
        return ["wamp-scram", "scram"]
    if who.method is not None:
        return [who.method]
    offered = ["cookie"] * (who.cookie is not None) + ["tls"] * who.has_certificate
    offered += ["cryptosign"] * (who.seed is not None)
    if who.secret is not None:
        offered += ["wamp-scram", "scram", "wampcra", "ticket"]
    return offered or ["anonymous"]


class Prover:
    """One handshake."""

    def __init__(self, who: Credentials) -> None:
        self._who = who
        self._nonce = b64encode(secrets.token_bytes(18)).decode()
        self._verifier: str | None = None
        self._offered = methods(who)
        self._asked: list[str] = []

    def details(self) -> dict[str, Any]:
        """What HELLO says of us."""
        who = self._who
        details: dict[str, Any] = {"authmethods": self._offered}
        if who.authid is not None:
            details["authid"] = who.authid
        if who.role is not None:
            details["authrole"] = who.role
        extra: dict[str, Any] = {}
        if "cryptosign" in self._offered:
            extra["pubkey"] = self._key().public.hex()
        if "scram" in self._offered:
            extra |= {"nonce": self._nonce, "channel_binding": None}
        return details | {"authextra": extra} if extra else details

    def answer(self, method: str, extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Signature and extra of AUTHENTICATE. Raise `CannotConnect`."""
        if method not in self._offered or method not in _ANSWERS:
            raise CannotConnect(f"the router asks for a proof by {method[:40]!r}, which was not offered")
        self._asked.append("scram" if method == "wamp-scram" else method)
        try:
            return _ANSWERS[method](self, extra)
        except (KeyError, TypeError, ValueError, AttributeError, MemoryError):
            raise CannotConnect(f"the router's CHALLENGE for {method} makes no sense") from None

    def hint(self) -> str:
        """What may help who was not let in: the router has chosen a method, and the secret may be one for another."""
        if not self._asked:
            given = " and ".join(each for each in self._offered if each != "wamp-scram")
            return f" (offered: {given}; others by --auth, --authid, --secret-file, --ask, --key-file)"
        if self._who.method is None and self._who.secret is not None and self._asked[-1] in BY_SECRET:
            return f" (by {self._asked[-1]}, which the router has chosen; --auth names another method)"
        return f" (by {self._asked[-1]})"

    def check_welcome(self, details: dict[str, Any]) -> None:
        """See that the router has proved what it has to. Raise `CannotConnect`."""
        if self._verifier is None:
            return
        extra = details.get("authextra")
        told = extra if isinstance(extra, dict) else {}
        proof = told.get("verifier", told.get("scram_server_signature"))
        if not isinstance(proof, str) or not hmac.compare_digest(proof.encode(), self._verifier.encode()):
            raise CannotConnect("the router did not prove that it knows the password: it may not be who it should be")

    def _key(self) -> Any:
        from wampd.auth.keys import SigningKey

        assert self._who.seed is not None
        return SigningKey(self._who.seed)

    def _secret(self) -> str:
        assert self._who.secret is not None
        return self._who.secret

    # ------------------------------------------------------------------------------------------------------- methods

    def _by_secret(self, _extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return self._secret(), {}

    def _by_wampcra(self, extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        from wampd.auth.passwords import CraCost

        key = self._secret().encode()
        if "salt" in extra:
            iterations, keylen = extra["iterations"], extra["keylen"]
            if not 0 < iterations <= MOST_ITERATIONS or not 0 < keylen <= MOST_KEY:
                raise ValueError("more than anybody needs")
            key = cra_key(self._secret(), extra["salt"], CraCost(iterations=iterations, keylen=keylen)).key
        return b64encode(hmac.digest(key, extra["challenge"].encode(), "sha256")).decode(), {}

    def _by_cryptosign(self, extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        challenge = bytes.fromhex(extra["challenge"])
        if len(challenge) != 32 or extra.get("channel_binding") is not None:
            raise ValueError("not 32 octets, or a binding that was not asked for")
        return (self._key().sign(challenge) + challenge).hex(), {}

    def _by_scram(self, extra: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """RFC 5802, section 3; the channel is not bound."""
        nonce = extra["nonce"]
        if not _NONCE.fullmatch(nonce) or not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise ValueError("the router's nonce does not go on from ours")
        is_bare = extra["kdf"] == "argon2id-13"  # what Crossbar.io makes of the text: see `wampd.auth.scram`
        user = saslprep(self._who.authid or "", stored=False)
        escaped = user if is_bare else user.replace("=", "=3D").replace(",", "=2C")
        channel = "" if is_bare else b64encode(b"n,,").decode()
        iterations, salt = extra["iterations"], extra["salt"]
        message = f"n={escaped},r={self._nonce},r={nonce},s={salt},i={iterations},c={channel},r={nonce}".encode()
        salted = _salted(self._secret(), extra)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._verifier = b64encode(hmac.digest(server_key, message, "sha256")).decode()
        answer = {} if is_bare else {"nonce": nonce, "channel_binding": None, "cbind_data": None}
        return b64encode(proof).decode(), answer


def _salted(password: str, extra: dict[str, Any]) -> bytes:
    """The salted password, by the function that the CHALLENGE names. Raise `ValueError`."""
    kdf, iterations = extra["kdf"], extra["iterations"]
    salt = b64decode(extra["salt"], validate=True)
    if not isinstance(iterations, int) or not 0 < iterations <= MOST_ITERATIONS:
        raise ValueError("iterations")
    if kdf == "pbkdf2":
        return hashlib.pbkdf2_hmac("sha256", saslprep(password, stored=True).encode(), salt, iterations, 32)
    if kdf not in ("argon2id13", "argon2id-13"):
        raise ValueError("another function")
    memory = extra["memory"]
    if not isinstance(memory, int) or not 0 < memory <= MOST_MEMORY or memory * iterations > MOST_WORK:
        raise ValueError("memory")
    from argon2.exceptions import HashingError
    from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw

    is_bare = kdf == "argon2id-13"
    prepared = password if is_bare else saslprep(password, stored=True)
    try:
        made: bytes = hash_secret_raw(prepared.encode(), salt, iterations, memory, 1, 32, Type.ID, ARGON2_VERSION)
    except HashingError:
        raise ValueError("a salt that is too short, or less memory than there must be") from None
    return b64encode(made).rstrip(b"=") if is_bare else made


_ANSWERS: Final[dict[str, Callable[[Prover, dict[str, Any]], tuple[str, dict[str, Any]]]]] = {
    "ticket": Prover._by_secret,
    "jwt": Prover._by_secret,
    "wampcra": Prover._by_wampcra,
    "wamp-scram": Prover._by_scram,
    "scram": Prover._by_scram,
    "cryptosign": Prover._by_cryptosign,
}
