"""What a WSGI application says of its answer, and that it keeps to it: what Twisted's gateway takes as it comes.

Rules
-----
* Status and headers are looked at when they are said: what cannot be sent is a failure of the application, as long as it can
  still be told so. They are said before the first octets, once; again only by who handles an error.
* Headers that are for one hop are the server's alone, and left out.
* An answer has the length that it says: more is left out, less is a failure, for the client would take the next answer of its
  connection for the rest of this one. Only answers without a body (to HEAD, and those of some statuses) may say any length.

Source: PEP 3333, "The start_response() Callable", "Handling the Content-Length Header", "Other HTTP Features".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from twisted.logger import Logger
from twisted.web.http import NO_BODY_CODES

from wampd.router.headers import is_token
from wampd.router.http.head import HOP_BY_HOP

log = Logger()

Write = Callable[[bytes], Any]
_STATUS: Final = re.compile(r"[2-9][0-9]{2} [!-~\x80-\xff][\t -~\x80-\xff]*")
_VALUE: Final = re.compile(r"[\t -~\x80-\xff]*")


class Wrong(Exception):
    """An application does not answer as it should."""


class Promise:
    """What one answer is said to be, and how much of it came; in the thread of the application."""

    def __init__(self, method: str, path: str, begin: Callable[..., Write]) -> None:
        """``begin`` is Twisted's ``start_response``."""
        self._method = method
        self._path = path
        self._begin = begin
        self._said = False
        self._left: int | None = None
        """Octets that are still to come; `None`: nobody has said how many."""
        self._is_too_long = False

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Write:
        """What the application calls."""
        if self._said and exc_info is None:
            raise Wrong("start_response was called twice, the second time without exc_info")
        if not isinstance(status, str) or not _STATUS.fullmatch(status):
            raise Wrong("the status is none: three digits, a space and a reason")
        kept = [header for header in map(_checked, headers) if header[0].lower().encode() not in HOP_BY_HOP]
        has_body = self._method != "HEAD" and int(status[:3]) not in NO_BODY_CODES
        left = _length(kept) if has_body else None
        write = self._begin(status, kept, exc_info)  # raises `exc_info` where the answer has begun
        self._said, self._left = True, left
        return lambda data: write(self.piece(data))

    def piece(self, data: Any) -> bytes:
        """What is sent of the next piece of the body."""
        if not self._said:
            raise Wrong("start_response was not called")
        if not isinstance(data, bytes):
            raise Wrong(f"a piece of the body is {type(data).__name__}, not bytes")
        if self._left is None:
            return data
        if len(data) > self._left and not self._is_too_long:
            self._is_too_long = True
            log.warn("{path}: the answer of the WSGI application is longer than it said", path=self._path)
        piece = bytes(data[: self._left])
        self._left -= len(piece)
        return piece

    def end(self) -> None:
        """That was all."""
        if not self._said:
            raise Wrong("start_response was not called")
        if self._left:
            raise Wrong(f"the answer is {self._left} octets shorter than it said")


def _checked(header: tuple[str, str]) -> tuple[str, str]:
    name, value = header
    if not isinstance(name, str) or not isinstance(value, str):
        raise Wrong("names and values of headers are str")
    if not is_token(name):
        raise Wrong("that is no name of a header")
    if not _VALUE.fullmatch(value):
        raise Wrong(f"the header {name} holds what no header can")
    return name, value


def _length(headers: list[tuple[str, str]]) -> int | None:
    said = {value.strip() for name, value in headers if name.lower() == "content-length"}
    if not said:
        return None
    (length, *others) = said
    if others or not (length.isascii() and length.isdigit()):
        raise Wrong("Content-Length is no number")
    return int(length)
