"""Short answers: a line of text, or a JSON value."""

from __future__ import annotations

from typing import Any, Final

import msgspec

TEXT: Final = b"text/plain; charset=utf-8"
JSON: Final = b"application/json"


def say(request: Any, status: int, text: str) -> bytes:
    """Answer a request with a status and one line; return the body."""
    return _answer(request, status, TEXT, text.encode() + b"\n")


def say_json(request: Any, status: int, value: Any) -> bytes:
    """Answer a request with a status and a value; return the body."""
    return _answer(request, status, JSON, msgspec.json.encode(value))


def _answer(request: Any, status: int, kind: bytes, body: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", kind)
    return body
