"""When what was not taken is sent again: what statuses and headers of answers say of that. No I/O, no clock.

Rules
-----
* 408, 425, 429 and 5xx may pass: the same request may come to something else later.
* ``Retry-After`` is a number of seconds or a date; what is neither is not there (RFC 9110, section 10.2.3).
* Pauses double from one attempt to the next, up to a bound.

Sources: RFC 9110, section 15; RFC 8470, section 5.2 (425); RFC 6585, section 4 (429).
"""

from __future__ import annotations

import email.utils
from typing import Final

_PASSING: Final = frozenset({408, 425, 429})
"""Statuses of clients' errors that ask for another attempt."""


def may_pass(status: int) -> bool:
    """Whether another attempt may come to something else."""
    return status in _PASSING or status >= 500


def pause_after(attempts: int, first: float, longest: float) -> float:
    """Seconds to wait after so many attempts: ``first`` after one."""
    return min(longest, first * 2.0 ** min(attempts - 1, 60))


def read_retry_after(text: str | None, now: float) -> float | None:
    """The seconds that a header ``Retry-After`` asks for; ``now`` is in seconds since 1970."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None
