"""Moments as text: RFC 3339, in UTC, to the microsecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_FORM = re.compile(  # hours end with 23 (RFC 3339, section 5.6); Python reads 24:00 from 3.14 on, as ISO 8601 has it
    r"(\d{4}-\d\d-\d\d)[Tt ]((?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d{1,30}))?(?:([Zz])|([+-](?:[01]\d|2[0-3]):[0-5]\d))",
    re.ASCII,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(microseconds: int, digits: int = 6) -> str:
    """A moment, so many microseconds of Unix time, as text: ``2026-11-21T06:09:38.123456Z``; or with fewer ``digits``."""
    seconds, fraction = divmod(microseconds, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{f'{fraction:06d}'[:digits]}Z"


def nanoseconds(text: str) -> int:
    """The moment that an RFC 3339 text names, in nanoseconds of Unix time; what is finer is cut off.

    Raises `ValueError` if it names none.
    """
    form = _FORM.fullmatch(text)
    if form is None:
        raise ValueError("not a timestamp of RFC 3339, such as 2026-11-21T06:09:38.123456Z")
    date, time, fraction, zulu, offset = form.groups()
    moment = datetime.fromisoformat(f"{date}T{time}{'+00:00' if zulu else offset}")
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int((fraction or "0")[:9].ljust(9, "0"))
