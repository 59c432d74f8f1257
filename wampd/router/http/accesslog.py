"""The access log: one line for each request, as Apache's ``combined``, or as JSON.

Rules
-----
* What a client says cannot break a line or steer a terminal: all but printable ASCII, quotes and backslashes too, is escaped.
* A target that holds a secret is shown as whoever serves it says (``request.shown``); of the page that a link was on
  (``Referer``) only where it is, without its query.
* A request whose client left before the answer was complete has the status 499, as nginx has it.

Source: https://httpd.apache.org/docs/2.4/logs.html#combined.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic, strftime, time
from typing import Any, Final

import msgspec

from wampd.router.http.request import address_of

LEFT: Final = 499
MAX_TEXT: Final = 1024
"""The most characters of one text of a client's."""
_COMBINED: Final = b'%b - %b [%b] "%b %b %b" %d %d "%b" "%b"\n'
_UNSAFE: Final = re.compile(rb"[^ !#-\[\]-~]")

Line = Callable[[Any], bytes]
"""Makes the line of a request."""


class AccessLog:
    """Writes a line for each request."""

    def __init__(self, line: Line, write: Callable[[bytes], None]) -> None:
        """``write`` takes a line, its end included."""
        self._line = line
        self._write = write

    def __call__(self, request: Any) -> None:
        """A request was answered, or its client has left."""
        self._write(self._line(request))


def combined(request: Any) -> bytes:
    """``192.0.2.1 - joe [10/Oct/2026:13:55:36 +0000] "GET /a HTTP/1.1" 200 2326 "http://other/" "agent"``."""
    return _COMBINED % (
        address_of(request).encode(),
        _escaped((request.who or "-").encode()).replace(b" ", b"\\x20"),
        _now(int(time())),
        _escaped(request.method),
        _escaped(request.shown or request.uri),
        _escaped(request.clientproto),
        _status(request),
        request.sentLength,
        _escaped(_header(request, b"referer").partition(b"?")[0]) or b"-",
        _escaped(_header(request, b"user-agent")) or b"-",
    )


def as_json(request: Any) -> bytes:
    """One object: time, client, who, method, host, target, version, status, bytes, seconds, referer, agent."""
    record = {
        "time": datetime.fromtimestamp(time(), tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "client": address_of(request),
        "who": request.who,
        "method": _text(request.method),
        "host": request.asked_host,
        "target": _text(request.shown or request.uri),
        "version": _text(request.clientproto),
        "status": _status(request),
        "bytes": request.sentLength,
        "seconds": round(monotonic() - request.began, 6),
        "referer": _text(_header(request, b"referer").partition(b"?")[0]),
        "agent": _text(_header(request, b"user-agent")),
    }
    return msgspec.json.encode(record) + b"\n"


FORMATS: Final = {"combined": combined, "json": as_json}

_second: tuple[int, bytes] = (0, b"")


def _now(second: int) -> bytes:
    """The time as Apache writes it; of one second it is made once."""
    global _second
    if _second[0] != second:
        _second = second, strftime("%d/%b/%Y:%H:%M:%S +0000", _utc(second)).encode()
    return _second[1]


def _utc(second: int) -> Any:
    return datetime.fromtimestamp(second, tz=UTC).timetuple()


def _status(request: Any) -> int:
    return int(request.code) if request.finished or not request._disconnected else LEFT


def _header(request: Any, name: bytes) -> bytes:
    given = request.requestHeaders.getRawHeaders(name)
    value: bytes = given[0] if given else b""
    return value


def _text(value: bytes) -> str:
    return _escaped(value).decode("ascii")


def _escaped(value: bytes) -> bytes:
    """Printable ASCII without quotes and backslashes; the rest as hexadecimal numbers, and not without end."""
    return _UNSAFE.sub(lambda found: b"\\x%02x" % ord(found[0]), value[:MAX_TEXT])
