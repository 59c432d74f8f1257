"""Metrics by HTTP, for those who collect them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from wampd.router.http.answer import say
from wampd.router.http.reading import Readable


class MetricsResource(Readable):
    """Answers ``GET`` with what is told at the time."""

    def __init__(self, tell: Callable[[str], tuple[str, bytes]]) -> None:
        """``tell`` takes the header ``Accept``, and returns the type of the answer and its body."""
        super().__init__()
        self._tell = tell

    def read(self, request: Any) -> bytes:
        """Tell the metrics."""
        if any(request.postpath):
            return say(request, HTTPStatus.NOT_FOUND, "there is nothing here")
        kind, text = self._tell(request.getHeader("accept") or "")
        request.setHeader(b"Content-Type", kind.encode())
        request.setHeader(b"Cache-Control", b"no-store")
        return text
