"""From what is configured of a principal to its account: secrets become digests, keys and verifiers.

Rules
-----
* Deriving is slow: it is done when principals are read, and only for the methods that the realm offers. It may be done in a
  thread.
* The salts of passwords are those that would be shown of the principal if it were unknown: so nobody can tell them apart.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable

from msgspec import structs

from wampd.auth.accounts import Account, CraKey, Kdf, ScramKeys
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.passwords import CRA_SALT, SCRAM_SALT, CraCost, ScramCost, cra_key, cra_secret, scram_keys
from wampd.auth.ticket import digest_of
from wampd.router.settings.auth import Auth, CraProof, Principal, ScramAuth, ScramProof
from wampd.router.settings.key_rules import certificate_name

_PBKDF2_ITERATIONS = 600_000
"""OWASP's "Password Storage Cheat Sheet", for HMAC-SHA256."""


class Proofs:
    """Makes the accounts of one realm, which has this name and these roles; ``secret`` is for salts."""

    def __init__(self, auth: Auth, realm: str, roles: Iterable[str], secret: bytes) -> None:
        self._cra = None if auth.wampcra is None else CraCost(auth.wampcra.iterations)
        self._scram = None if auth.scram is None else _scram_cost(auth.scram)
        self._takes_tickets = auth.ticket is not None
        strangers = None if auth.anonymous is None else auth.anonymous.role
        named = [role for role in roles if role != strangers] or [""]
        self.usual = [_usual(role, self._cra or CraCost(), self._scram or ScramCost()) for role in named]
        """What accounts look like that are made here of passwords."""
        self._secret = secret
        self._realm = realm
        self.lookalikes = Lookalikes(secret, realm, self.usual)

    def strangers(self, provider: str) -> Lookalikes:
        """Lookalikes of accounts that are kept elsewhere, where nobody knows what they look like."""
        return Lookalikes(
            self._secret, self._realm, [structs.replace(account, provider=provider) for account in self.usual]
        )

    def account(self, principal: Principal) -> Account:
        """What is kept of a principal."""
        password = None if principal.password is None else principal.password.reveal()
        ticket = password if principal.ticket is None else principal.ticket.reveal()
        return Account(
            authid=principal.authid,
            role=principal.role,
            ticket=digest_of(ticket) if ticket is not None and self._takes_tickets else None,
            wampcra=self._cra_key(principal, password),
            scram=self._scram_keys(principal, password),
            factors=principal.factors,
            keys=tuple(bytes.fromhex(key) for key in principal.keys),
            certificates=tuple(filter(None, map(certificate_name, principal.certificates))),
        )

    def _cra_key(self, principal: Principal, password: str | None) -> CraKey | None:
        if self._cra is None:
            return None
        if principal.wampcra is not None:
            return _given_cra(principal.wampcra)
        if password is None:
            return None
        return cra_key(password, self.lookalikes.cra_salt(principal.authid), self._cra)

    def _scram_keys(self, principal: Principal, password: str | None) -> tuple[ScramKeys, ...]:
        if self._scram is None:
            return ()
        if principal.scram is not None:
            return (_given_scram(principal.scram),)
        if password is None:
            return ()
        return scram_keys(password, self.lookalikes.scram_salt(principal.authid), self._scram)


def _scram_cost(auth: ScramAuth) -> ScramCost:
    if auth.kdf == "pbkdf2":
        return ScramCost("pbkdf2", auth.iterations or _PBKDF2_ITERATIONS, None)
    return ScramCost("argon2id13", auth.iterations or ScramCost().iterations, auth.memory)


def _usual(role: str, cra: CraCost, scram: ScramCost) -> Account:
    """An account without keys that otherwise looks like those of passwords."""
    kdfs: tuple[Kdf, ...] = ("pbkdf2",) if scram.kdf == "pbkdf2" else ("argon2id13", "argon2id-13")
    return Account(
        authid="",
        role=role,
        wampcra=CraKey(key=b"", salt="." * (CRA_SALT // 3 * 4), iterations=cra.iterations, keylen=cra.keylen),
        scram=tuple(
            ScramKeys(
                kdf=kdf,
                salt=bytes(SCRAM_SALT),
                iterations=scram.iterations,
                memory=scram.memory,
                stored_key=b"",
                server_key=b"",
            )
            for kdf in kdfs
        ),
    )


def _given_cra(proof: CraProof) -> CraKey:
    """What the configuration says of a key for ``wampcra``."""
    if proof.secret is not None:
        return cra_secret(proof.secret.reveal())
    assert proof.key is not None
    assert proof.iterations is not None
    return CraKey(key=proof.key.reveal().encode(), salt=proof.salt, iterations=proof.iterations, keylen=proof.keylen)


def _given_scram(proof: ScramProof) -> ScramKeys:
    """What the configuration says of keys for ``scram``."""
    return ScramKeys(
        kdf=proof.kdf,
        salt=b64decode(proof.salt),
        iterations=proof.iterations,
        memory=proof.memory,
        stored_key=b64decode(proof.stored_key.reveal()),
        server_key=b64decode(proof.server_key.reveal()),
    )
