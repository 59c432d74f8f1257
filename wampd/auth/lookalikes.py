"""What is shown to those who name a principal that nobody knows: a challenge like everybody's, and always the same one.

Rules
-----
* A lookalike looks like one of the models, the accounts that there are: their roles, costs and lengths of salts, as often as
  they have them. Which one, and the salt, depend on the authid and on a secret alone; so who asks twice learns nothing, and
  neither does who asks again after a restart, if the secret is configured.
* A lookalike is made for known principals, too, so that it takes no longer to answer for the unknown.
* The keys of a lookalike fit no password: they are drawn from the secret, too.

Source: WAMP advanced profile, "Salted Challenge Response Authentication Mechanism" (mock CHALLENGE); RFC 5802, section 9.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Container, Iterable, Sequence

import msgspec

from wampd.auth.accounts import Account, CraKey, Kdf, ScramKeys, usable
from wampd.auth.passwords import CRA_SALT, SCRAM_SALT

MOST_OCTETS = 64
"""The longest salt that a lookalike has, and so the longest that an account should have."""


class Lookalikes:
    """Makes the lookalikes of one realm.

    ``usual`` are accounts as they are made here: with a salted key for ``wampcra``, and keys for ``scram`` of every function
    that a client may know. Lookalikes look like these as long as there are no models.
    """

    __slots__ = ("_cra", "_realm", "_scram", "_secret", "_usual")

    def __init__(self, secret: bytes, realm: str, usual: Iterable[Account]) -> None:
        self._secret = secret
        self._realm = realm
        self._usual = tuple(usual)
        self.imitate(())

    def imitate(self, models: Iterable[Account]) -> None:
        """Make lookalikes that look like these from now on."""
        models = tuple(models)
        self._cra = [model for model in models if model.wampcra is not None] or self._usual
        self._scram = [model for model in models if model.scram] or self._usual

    def cra_salt(self, authid: str) -> str:
        """What to salt this principal's password with, if it is to be derived for ``wampcra``."""
        return b64encode(self._octets("salt", "wampcra", authid, CRA_SALT)).decode()

    def scram_salt(self, authid: str) -> bytes:
        """What to salt this principal's password with, if it is to be derived for ``scram``."""
        return self._octets("salt", "scram", authid, SCRAM_SALT)

    def wampcra(self, authid: str) -> Account:
        """The lookalike of an account that has a key for ``wampcra``."""
        model = self._like(self._cra, "wampcra", authid)
        assert model.wampcra is not None
        key = model.wampcra
        salt = self._octets("salt", "wampcra", authid, MOST_OCTETS)
        return Account(
            authid=authid,
            role=model.role,
            provider=model.provider,
            wampcra=CraKey(
                key=self._octets("key", "wampcra", authid, 32),
                salt=None if key.salt is None else b64encode(salt).decode()[: len(key.salt)],
                iterations=key.iterations,
                keylen=key.keylen,
            ),
        )

    def scram(self, authid: str, kdfs: Container[Kdf], known: tuple[ScramKeys, ...]) -> ScramKeys:
        """A lookalike of keys of one of these functions.

        ``known`` are the account's own. If none of them will do, the lookalike is what one of an unknown principal is whose
        model has none that will do.
        """
        model = self._like(self._scram, "scram", authid)  # also of the known, as it takes its time
        like = usable(known or model.scram, kdfs)
        method = "scram"
        if like is None:
            like = usable(self._usual[0].scram, kdfs)
            method = "scram in another way"
        assert like is not None
        return ScramKeys(
            kdf=like.kdf,
            salt=self._octets("salt", method, authid, len(like.salt)),
            iterations=like.iterations,
            memory=like.memory,
            stored_key=self._octets("stored key", method, authid, 32),
            server_key=self._octets("server key", method, authid, 32),
        )

    def _like(self, models: Sequence[Account], method: str, authid: str) -> Account:
        return models[int.from_bytes(self._octets("model", method, authid, 8), "big") % len(models)]

    def _octets(self, what: str, method: str, authid: str, length: int) -> bytes:
        """Octets that only who has the secret can foretell."""
        name = msgspec.json.encode((what, method, self._realm, authid))
        return hmac.digest(self._secret, name, "sha512")[:length]
