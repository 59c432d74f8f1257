"""What a client has already, and which part it wants: conditional requests and ranges, without I/O.

Rules
-----
* Tags decide alone, if there are any; a date that is none is ignored.
* One range is given; of several, or of what is no range, the whole is. A range of what has changed since is all of it.

Sources: RFC 9110, sections 13 (conditional requests) and 14 (ranges).
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import Any, Final

_CONDITIONS: Final = frozenset(
    {b"If-Match", b"If-Modified-Since", b"If-None-Match", b"If-Range", b"If-Unmodified-Since", b"Range"}
)
NEVER: Final = float("-inf")
"""Before all moments."""
_ONE_RANGE: Final = re.compile(rb"(?i:bytes)=(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))")


def is_conditional(request: Any) -> bool:
    """Whether a request asks for something else than the whole, whatever the client has."""
    return any(name in _CONDITIONS for name, _ in request.requestHeaders.getAllRawHeaders())


def has_not_changed(request: Any, etag: bytes, modified: int | None = None) -> bool:
    """Whether the client has what it asks for. Tags decide alone, if there are any (RFC 9110, section 13.2.2)."""
    headers = request.requestHeaders
    tags = headers.getRawHeaders(b"if-none-match")
    if tags is not None:
        given = b",".join(tags).split(b",")
        return any(tag.strip().removeprefix(b"W/") in (etag, b"*") for tag in given)
    if modified is None:
        return False
    since = headers.getRawHeaders(b"if-modified-since")
    return since is not None and modified <= _moment(since[-1])


def fails(request: Any, etag: bytes, modified: int) -> bool:
    """Whether the client wants what it knows or nothing, and it has changed (RFC 9110, sections 13.1.1 and 13.1.4)."""
    headers = request.requestHeaders
    tags = headers.getRawHeaders(b"if-match")
    if tags is not None:
        return all(tag.strip() not in (etag, b"*") for tag in b",".join(tags).split(b","))
    since = headers.getRawHeaders(b"if-unmodified-since")
    if since is None:
        return False
    moment = _moment(since[-1])
    return moment > NEVER and modified > moment


def part_of(request: Any, etag: bytes, size: int, modified: int) -> tuple[int, int] | None:
    """Which part is wanted, from where to where; `None`: one that there is not.

    Parts are for GET alone (RFC 9110, section 14.2), and the name of their unit is in any case (section 14.1).
    """
    headers = request.requestHeaders
    ranges = headers.getRawHeaders(b"range")
    if ranges is None or request.method != b"GET":
        return 0, size
    asked = _ONE_RANGE.fullmatch(ranges[-1])
    if asked is None or not _is_still_so(headers.getRawHeaders(b"if-range"), etag, modified):
        return 0, size
    first, last, suffix = asked.groups()
    if suffix is not None:
        return (max(0, size - int(suffix)), size) if int(suffix) and size else None
    begin, end = int(first), min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return 0, size  # not a range at all
    return (begin, end) if begin < size else None


def _is_still_so(conditions: list[bytes] | None, etag: bytes, modified: int) -> bool:
    """Whether it is what the client has a part of: by tag, or by its very date (RFC 9110, section 13.1.5)."""
    if conditions is None:
        return True
    condition = conditions[-1].strip()
    if condition[:1] == b'"' or condition[:2] == b"W/":
        return condition == etag
    return _moment(condition) == modified


def _moment(date: bytes) -> float:
    """Seconds since 1970; before all files, if it is not a date."""
    try:
        return parsedate_to_datetime(date.decode("latin-1")).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return NEVER
