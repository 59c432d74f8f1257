"""Metrics by HTTP, for those who collect them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from twisted.web.resource import Resource

from wampd.router.http.answer import say


class MetricsResource(Resource):
    """Answers ``GET`` with what is told at the time."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, tell: Callable[[str], tuple[str, bytes]]) -> None:
        """``tell`` takes the header ``Accept``, and returns the type of the answer and its body."""
        super().__init__()
        self._tell = tell

    def render_GET(self, request: Any) -> bytes:  # noqa: N802 - Twisted's name
        """Tell the metrics."""
        if any(request.postpath):
            return say(request, HTTPStatus.NOT_FOUND, "there is nothing here")
        kind, text = self._tell(request.getHeader("accept") or "")
        request.setHeader(b"Content-Type", kind.encode())
        request.setHeader(b"Cache-Control", b"no-store")
        return text
