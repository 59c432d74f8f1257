"""Answers: a line of text, or a JSON value; at once, or later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from twisted.python.failure import Failure

TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"
READING: Final = frozenset({b"GET", b"HEAD"})
"""The methods by which something is read."""


def say(request: Any, status: int, text: str) -> bytes:
    """Answer a request with a status and one line; return the body."""
    return _answer(request, status, TEXT, text.encode() + b"\n")


def say_json(request: Any, status: int, value: Any) -> bytes:
    """Answer a request with a status and a value; return the body."""
    return _answer(request, status, JSON, msgspec.json.encode(value))


def say_read_only(request: Any) -> bytes:
    """Answer a request whose method is not one of `READING`, which are all that there is here; return the body."""
    request.setHeader(b"Allow", b"GET, HEAD")
    return say(request, 405, "GET alone")


def give(request: Any, body: bytes) -> None:
    """Answer with this body, which is all of it; its status and type are set."""
    request.setHeader(b"Content-Length", b"%d" % len(body))
    if request.method != b"HEAD":
        request.write(body)
    request.finish()


class Later:
    """The answer to a request that is given later, once, unless the client has left before."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self.is_left = False
        """Nobody waits for the answer any more."""
        request.notifyFinish().addErrback(self._has_left)

    def headers(self, lines: Iterable[tuple[str, str]]) -> None:
        """Let the answer have these header lines, too."""
        for name, value in lines:
            self._request.responseHeaders.addRawHeader(name.encode("ascii"), value.encode("latin-1", "replace"))

    def text(self, status: int, text: str) -> None:
        """Answer with one line."""
        self._give(say, status, text)

    def json(self, status: int, value: Any) -> None:
        """Answer with a value."""
        self._give(say_json, status, value)

    def whole(self, kind: bytes, body: bytes) -> None:
        """Answer with this body of this type."""
        if not self.is_left:
            give(self._request, _answer(self._request, 200, kind, body))

    def empty(self, status: int) -> None:
        """Answer without a body."""
        if not self.is_left:
            self._request.setResponseCode(status)
            if status != 204:  # which has no body, and no length of it (RFC 9110, section 8.6)
                self._request.setHeader(b"Content-Length", b"0")
            self._request.finish()

    def failed(self, failure: Failure) -> None:
        """Serving the request raised, which is a bug of ours: the client learns nothing of it."""
        if not self.is_left:
            self._request.processingFailed(failure)

    def _give(self, how: Any, status: int, what: Any) -> None:
        if not self.is_left:
            give(self._request, how(self._request, status, what))

    def _has_left(self, _failure: object) -> None:
        self.is_left = True


def _answer(request: Any, status: int, kind: bytes, body: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", kind)
    return body
