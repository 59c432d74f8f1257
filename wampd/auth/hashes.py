"""Hashes of passwords that are slow to compute on purpose: bcrypt and argon2, as their programs write them.

Rules
-----
* A hash is a text of the form ``$2b$…`` (``$2a$``, ``$2y$``) or ``$argon2id$…`` (``$argon2i$``, ``$argon2d$``; the PHC string
  format). No other form is taken: neither plain text nor anything fast. `fault` says what is wrong with one.
* bcrypt uses 72 octets of a password and its programs stop at a NUL: a password that is longer, or that holds one, fits no
  bcrypt hash. It is never shortened.
* Where there is no hash to compare with, a `decoy` takes its place: it fits no password, and costs the same.
* `fits` takes as long as the hash says: it is for a thread, not for the reactor's.

Sources: Provos and Mazières, "A Future-Adaptable Password Scheme"; RFC 9106.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

LONGEST_PASSWORD: Final = 4096
"""Octets; what is longer fits nothing."""
_BCRYPT_OCTETS: Final = 72
_MOST_BCRYPT_COST: Final = 18
_MOST_ARGON2: Final = {"memory (KiB)": 2**20, "iterations": 64, "parallelism": 64}

STANDARD: Final = f"$argon2id$v=19$m={19 * 1024},t=2,p=1${'A' * 22}${'A' * 43}"
"""Has the form and the costs of the hashes that we make; the costs are those of OWASP's "Password Storage Cheat Sheet"."""

_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>[0-9]{2})\$[./A-Za-z0-9]{53}")
_ARGON2 = re.compile(
    r"\$argon2(?P<kind>id|i|d)\$v=(?:16|19)\$m=(?P<m>[0-9]{1,10}),t=(?P<t>[0-9]{1,10}),p=(?P<p>[0-9]{1,10})"
    r"\$(?P<salt>[A-Za-z0-9+/]{11,128})\$(?P<key>[A-Za-z0-9+/]{16,128})"
)


def fault(text: str) -> str | None:
    """What is wrong with a hash; `None`: nothing. The hash itself is not in the answer."""
    if found := _BCRYPT.fullmatch(text):
        cost = int(found["cost"])
        return None if 4 <= cost <= _MOST_BCRYPT_COST else f"its cost must be from 4 to {_MOST_BCRYPT_COST}, not {cost}"
    if found := _ARGON2.fullmatch(text):
        costs = (int(found["m"]), int(found["t"]), int(found["p"]))
        for (name, most), value in zip(_MOST_ARGON2.items(), costs, strict=True):
            if not 1 <= value <= most:
                return f"its {name} must be from 1 to {most}, not {value}"
        if costs[0] < 8 * costs[2]:
            return "its memory must be at least 8 KiB for each of its parallel lanes"
        return "it is cut short" if len(found["salt"]) % 4 == 1 or len(found["key"]) % 4 == 1 else None
    return f"it is {_form(text)}, neither bcrypt nor argon2"


def _form(text: str) -> str:
    """The name of a form that is not taken."""
    if text.startswith(("$2", "$argon2")):
        return "cut short or not written as it should be"
    forms = {"$apr1$": "MD5 (apr1)", "$1$": "MD5", "{SHA}": "SHA-1", "$5$": "SHA-256 crypt", "$6$": "SHA-512 crypt"}
    for prefix, name in forms.items():
        if text.startswith(prefix):
            return name
    return "plain text, or of a form that is not known"


def slow_hash(password: str, salt: bytes) -> str:
    """A hash of a password, as we make it: argon2id, of the costs of `STANDARD`. Slow, and not for the reactor's thread."""
    from argon2.low_level import Type, hash_secret  # only for those who make such a hash

    return hash_secret(password.encode(), salt, 2, 19 * 1024, 1, 32, Type.ID).decode()


def fits(text: str, password: str) -> bool:
    """Whether this is the password of a hash that has no `fault`. Slow, and not for the reactor's thread."""
    octets = password.encode("utf-8", "surrogatepass")
    if len(octets) > LONGEST_PASSWORD:
        return False
    if text.startswith("$2"):
        import bcrypt  # only for those who have such a hash

        return len(octets) <= _BCRYPT_OCTETS and b"\x00" not in octets and bcrypt.checkpw(octets, text.encode())
    from argon2.exceptions import VerifyMismatchError  # likewise
    from argon2.low_level import Type, verify_secret

    kind = {"id": Type.ID, "i": Type.I, "d": Type.D}[text[len("$argon2") : text.index("$", 1)]]
    try:
        return verify_secret(text.encode(), octets, kind)
    except VerifyMismatchError:
        return False


def decoy(text: str) -> str:
    """A hash that no password fits, and that costs what this one costs."""
    if text.startswith("$2"):
        return text[:7] + "." * 53  # the sum of a real one is never all zeros
    head, salt, key = text.rsplit("$", 2)
    return f"{head}${'A' * len(salt)}${'A' * len(key)}"


class Decoys:
    """What unknown principals are compared with, so that neither their answer nor its time tells that they are unknown.

    There is one decoy for every hash of the known ones, chosen by the authid: so the costs that strangers meet are spread as
    those of the known, and each stranger always meets the same.
    """

    __slots__ = ("_decoys", "_key")

    def __init__(self, hashes: Iterable[str], key: bytes) -> None:
        """``key`` is secret, so that nobody can tell which decoy an authid has; up to 64 octets."""
        self._decoys = sorted(map(decoy, hashes))
        self._key = key

    def of(self, authid: str) -> str | None:
        """The decoy of a principal that is not known; `None`: nobody has a hash."""
        if not self._decoys:
            return None
        digest = hashlib.blake2b(authid.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key).digest()
        return self._decoys[int.from_bytes(digest, "big") % len(self._decoys)]
