"""Errors of WAMP as answers of HTTP.

Rules
-----
* The body is ``{"error": URI, "args": […], "kwargs": {…}}``, whoever found the error.
* A traceback, which libraries of callees put into ``kwargs``, stays here unless the path lets it through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from wampd.realms.services import INVALID_ARGUMENT
from wampd.router.envoy import CallFailed

STATUS: Final[Mapping[str, int]] = {
    "wamp.error.invalid_argument": 400,
    "wamp.error.invalid_payload": 400,
    "wamp.error.invalid_uri": 400,
    "wamp.error.type_check_error": 400,
    "wamp.error.feature_not_supported": 400,
    "wamp.error.protocol_violation": 400,
    "wamp.error.not_authorized": 403,
    "wamp.error.authorization_denied": 403,
    "wamp.error.authorization_required": 403,
    "wamp.error.option_disallowed.disclose_me": 403,
    "wamp.error.option_not_allowed": 403,
    "wamp.error.history_unavailable": 404,
    "wamp.error.no_such_procedure": 404,
    "wamp.error.no_such_realm": 404,
    "wamp.error.no_such_registration": 404,
    "wamp.error.no_such_session": 404,
    "wamp.error.no_such_subscription": 404,
    "wampd.error.no_such_hook": 404,
    "wamp.error.payload_size_exceeded": 413,
    "wamp.error.authorization_failed": 503,
    "wamp.error.network_failure": 503,
    "wamp.error.no_available_callee": 503,
    "wamp.error.no_eligible_callee": 503,
    "wamp.error.canceled": 503,
    "wamp.error.system_shutdown": 503,
    "wamp.error.unavailable": 503,
    "wamp.error.timeout": 504,
    "wampd.error.hook_not_reached": 502,
    "wampd.error.http.broken": 502,
    "wampd.error.http.busy": 503,
    "wampd.error.http.connect": 502,
    "wampd.error.http.denied": 502,
    "wampd.error.http.dns": 502,
    "wampd.error.http.redirect": 502,
    "wampd.error.http.timeout": 504,
    "wampd.error.http.tls": 502,
    "wampd.error.http.too_large": 502,
    "wampd.error.http.unusable": 502,
    "wampd.error.http.url": 502,
}
"""For all others, those of applications, it is 500."""
OTHERS: Final = 500
ELSEWHERE: Final = "wampd.error.http."
"""Begins the errors of procedures that are HTTP requests; a status of their server ends it, unless it is one of the above."""
NONE: Final[Mapping[str, int]] = MappingProxyType({})


class Unfit(Exception):
    """A request cannot be served as it is: answer with this status."""

    def __init__(
        self, status: int, text: str, uri: str = INVALID_ARGUMENT, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.uri = uri
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """What to answer."""
        return {"error": self.uri, "args": [self.text], "kwargs": {}}


class Errors(Struct, frozen=True):
    """How a path answers with errors."""

    statuses: Mapping[str, int] = NONE
    """For URIs of applications."""
    tracebacks: bool = False
    always_200: bool = False
    """The status of an ERROR is 200, as clients of Crossbar.io know it."""

    def status(self, uri: str) -> int:
        """The status for an ERROR."""
        if self.always_200:
            return 200
        return self.statuses.get(uri) or STATUS.get(uri, 502 if uri.startswith(ELSEWHERE) else OTHERS)

    def body(self, failed: CallFailed) -> dict[str, Any]:
        """What to answer."""
        kwargs: dict[str, Any] = dict(failed.kwargs_of_error)
        if not self.tracebacks:
            kwargs.pop("traceback", None)
        args: Sequence[Any] = failed.args_of_error
        return {"error": failed.uri, "args": args, "kwargs": kwargs}
