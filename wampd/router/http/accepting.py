"""Which types of answer a client names: the header ``Accept`` (RFC 9110, section 12.5.1).

Rules
-----
* Only what is named counts here: a client that takes anything (``*/*``) has not asked for something out of the ordinary.
* What cannot be read is left out, and so is a header that is longer than any client has reason for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from wampd.router.headers import WORD

MAX_HEADER: Final = 1024
_RANGE: Final = re.compile(rf"\s*({WORD}/{WORD})\s*((?:;[^;]*)*)")
_WEIGHT: Final = re.compile(r"\s*[qQ]\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*")
_NOTHING: Final[Mapping[str, float]] = MappingProxyType({})


def named(request: Any) -> Mapping[str, float]:
    """The weight, 0 to 1, of each type that a request names, in lower case and without parameters."""
    accepted = b",".join(request.requestHeaders.getRawHeaders(b"accept", []))
    return _weights(accepted) if len(accepted) <= MAX_HEADER else _NOTHING


@lru_cache(maxsize=256)
def _weights(accepted: bytes) -> Mapping[str, float]:
    weights: dict[str, float] = {}
    for found in map(_RANGE.fullmatch, accepted.decode("latin-1").split(",")):
        if found is not None:
            said = [weight[1] for weight in map(_WEIGHT.fullmatch, found[2].split(";")) if weight is not None]
            kind = found[1].lower()
            weights[kind] = max(weights.get(kind, 0.0), float(said[-1]) if said else 1.0)
    return MappingProxyType(weights)
