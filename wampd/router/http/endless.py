"""Answers of HTTP that go on for as long as somebody listens: nobody waits for their end."""

from __future__ import annotations

from typing import Any, Final

ENDLESS: Final = frozenset({b"text/event-stream", b"multipart/x-mixed-replace"})
"""Kinds of answers that go on for as long as somebody listens."""
SWITCHING_PROTOCOLS: Final = 101


def is_endless(request: Any) -> bool:
    """Whether a request has no end to wait for, as far as its answer has told."""
    kind: bytes = (request.responseHeaders.getRawHeaders(b"content-type") or [b""])[0]
    return request.code == SWITCHING_PROTOCOLS or kind.partition(b";")[0].strip().lower() in ENDLESS
