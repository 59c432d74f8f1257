"""What clients say to prove that they know a secret: written for the tests, from the texts, so that a mistake of ours shows."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from typing import Any

from argon2.low_level import Type, hash_secret, hash_secret_raw


def sign(extra: dict[str, Any], secret: str) -> str:
    """The answer to a CHALLENGE of ``wampcra``."""
    key = secret.encode()
    if "salt" in extra:
        salt = extra["salt"].encode()
        key = b64encode(hashlib.pbkdf2_hmac("sha256", key, salt, extra["iterations"], extra["keylen"]))
    return b64encode(hmac.new(key, extra["challenge"].encode(), hashlib.sha256).digest()).decode()


class Prover:
    """A client of ``wamp-scram``, as the text has it."""

    def __init__(self, user: str, password: str, nonce: str = "rOprNGfwEbeRWgbNEkqO") -> None:
        self.user = user
        self.password = password
        self.nonce = nonce
        self.binding: str | None = None
        self.cbind_data = b""
        self.auth_message = b""
        self.salted = b""

    def bound(self, kind: str, data: bytes) -> Prover:
        """The same, bound to a channel."""
        self.binding, self.cbind_data = kind, data
        return self

    @property
    def authextra(self) -> dict[str, Any]:
        """``HELLO.Details.authextra``."""
        return {"nonce": self.nonce, "channel_binding": self.binding}

    def prove(self, extra: dict[str, Any]) -> str:
        """``AUTHENTICATE.Signature``."""
        assert extra["nonce"].startswith(self.nonce)
        assert len(extra["nonce"]) > len(self.nonce)
        flag = "n,," if self.binding is None else f"p={self.binding},,"
        channel = b64encode(flag.encode() + self.cbind_data).decode()
        user = self.user.replace("=", "=3D").replace(",", "=2C")
        return self._prove(extra, user, channel)

    def _prove(self, extra: dict[str, Any], user: str, channel: str) -> str:
        self.auth_message = ",".join(
            [
                f"n={user}",
                f"r={self.nonce}",
                f"r={extra['nonce']}",
                f"s={extra['salt']}",
                f"i={extra['iterations']}",
                f"c={channel}",
                f"r={extra['nonce']}",
            ]
        ).encode()
        self.salted = self.derive(extra)
        client_key = self._hmac(self.salted, b"Client Key")
        signature = self._hmac(hashlib.sha256(client_key).digest(), self.auth_message)
        proof = int.from_bytes(client_key, "big") ^ int.from_bytes(signature, "big")
        return b64encode(proof.to_bytes(32, "big")).decode()

    def derive(self, extra: dict[str, Any]) -> bytes:
        """The salted password."""
        salt = b64decode(extra["salt"])
        if extra["kdf"] == "pbkdf2":
            return hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt, extra["iterations"])
        assert extra["kdf"] == "argon2id13"
        return hash_secret_raw(
            self.password.encode(), salt, extra["iterations"], extra["memory"], 1, 32, Type.ID, version=19
        )

    def answer(self, extra: dict[str, Any]) -> dict[str, Any]:
        """``AUTHENTICATE.Extra``."""
        data = None if self.binding is None else b64encode(self.cbind_data).decode()
        return {"nonce": extra["nonce"], "channel_binding": self.binding, "cbind_data": data}

    def believes(self, verifier: str) -> bool:
        """Whether the router knows the password, too."""
        signature = self._hmac(self._hmac(self.salted, b"Server Key"), self.auth_message)
        return verifier == b64encode(signature).decode()

    @staticmethod
    def _hmac(key: bytes, text: bytes) -> bytes:
        return hmac.new(key, text, hashlib.sha256).digest()


class CrossbarProver(Prover):
    """A client of ``scram`` as autobahn is one."""

    @property
    def authextra(self) -> dict[str, Any]:
        return {"nonce": self.nonce}

    def prove(self, extra: dict[str, Any]) -> str:
        return self._prove(extra, self.user, "")

    def derive(self, extra: dict[str, Any]) -> bytes:
        if extra["kdf"] == "pbkdf2":
            return super().derive(extra)
        assert extra["kdf"] == "argon2id-13"
        salt = b64decode(extra["salt"])
        text = hash_secret(
            self.password.encode(), salt, extra["iterations"], extra["memory"], 1, 32, Type.ID, version=19
        )
        return text.rpartition(b"$")[2]

    def answer(self, extra: dict[str, Any]) -> dict[str, Any]:
        return {}
