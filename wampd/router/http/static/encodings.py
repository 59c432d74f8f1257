"""Which compressed form of a file a client takes: ``Accept-Encoding`` (RFC 9110, section 12.5.3)."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

from wampd.router.headers import WORD

SUFFIXES: Final = {"br": ".br", "gzip": ".gz"}
"""What the names of compressed forms end with, by the coding; the better one first."""
IDENTITY: Final = "identity"
MAX_HEADER: Final = 1024
_CODING: Final = re.compile(rf"\s*({WORD})\s*(?:;\s*[qQ]\s*=\s*([01](?:\.[0-9]{{0,3}})?)\s*)?")
_UNSAID: Final = 0.0001
"""The weight of `IDENTITY` where nothing is said of it: it is as good as any, but after all that is named."""


def chosen(accepted: bytes, there: Collection[str]) -> str:
    """The coding of the form to send, of those that are ``there``; `IDENTITY`, the file itself, if nothing is better."""
    weights = _weights(accepted) if len(accepted) <= MAX_HEADER else {}
    best, most = IDENTITY, weights.get(IDENTITY, _UNSAID)
    for coding in reversed(SUFFIXES):
        weight = weights.get(coding, weights.get("*", 0.0))
        if coding in there and weight > 0 and weight >= most:
            best, most = coding, weight
    return best


@lru_cache(maxsize=256)
def _weights(accepted: bytes) -> dict[str, float]:
    """The weight of each coding that is named; what cannot be read is left out."""
    found = (_CODING.fullmatch(each) for each in accepted.decode("latin-1").split(","))
    return {each[1].lower(): float(each[2] or 1) for each in found if each is not None}
