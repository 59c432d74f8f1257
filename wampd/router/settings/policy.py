"""Settings of what holds for all web sites of a listener: strict transport security, and the access log."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from .parts import Part

AccessLogFormat = Literal["combined", "json"]


class Hsts(Part, frozen=True, kw_only=True):
    """Tell browsers never to come without TLS again (HTTP Strict Transport Security, RFC 6797)."""

    max_age: Annotated[
        float, Meta(ge=0, extra={"unit": "seconds"}, description="How long they remember it; 0 makes them forget it.")
    ] = 365 * 86_400.0
    subdomains: Annotated[bool, Meta(description="The same for all hosts below this one's name.")] = False
    preload: Annotated[
        bool, Meta(description="Agree to be on the list that browsers are delivered with; there is hardly a way back.")
    ] = False


class AccessLog(Part, frozen=True, kw_only=True):
    """A line for each HTTP request that was answered, or whose client has left before. WebSocket connections have none."""

    format: Annotated[
        AccessLogFormat,
        Meta(
            description="`combined`, as Apache and nginx write it, or `json`, one object a line, with the duration, too."
        ),
    ] = "combined"
    file: Annotated[
        Path | None,
        Meta(
            description="The file that is appended to; made if it is not there, and opened anew when it was renamed or removed."
            " Without it, the lines go to the log, at level `info`."
        ),
    ] = None
