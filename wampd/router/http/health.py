"""Health by HTTP, for those who start, stop and feed the router.

Rules
-----
* ``/live`` below the path answers 200 as long as the process turns. ``/ready``, and the path itself, answers 200 if work may be
  sent here, else 503; its JSON says of each thing that is looked at whether it is as it should be, and if not, why.
* It tells nothing that a stranger could use: no names but those of components, no addresses, no versions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from wampd.router.http.answer import say, say_json
from wampd.router.http.reading import Readable


class HealthResource(Readable):
    """Answers whether the router lives, and whether it is ready."""

    def __init__(self, look: Callable[[], Mapping[str, str]]) -> None:
        """``look`` tells all that is looked at, each with what is wrong with it; ``""``: nothing."""
        super().__init__()
        self._look = look

    def read(self, request: Any) -> bytes:
        """Say how it is."""
        request.setHeader(b"Cache-Control", b"no-store")
        rest = [part for part in request.postpath if part]
        if rest == [b"live"]:
            return say_json(request, HTTPStatus.OK, {"status": "live"})
        if rest not in ([], [b"ready"]):
            return say(request, HTTPStatus.NOT_FOUND, "there is nothing here")
        checks = self._look()
        is_ready = not any(checks.values())
        answer = {
            "status": "ready" if is_ready else "not ready",
            "checks": {name: why or "ok" for name, why in checks.items()},
        }
        return say_json(request, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE, answer)
