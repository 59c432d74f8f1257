"""Settings of who may use a path of HTTP."""

from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import Count, Name, Part, Seconds
from wampd.router.settings.paths import Cookie, Origins


class PathAccess(Part, frozen=True, kw_only=True):
    """Who may use an HTTP path: those whom a realm lets in by what their requests show.

    Methods, throttle and books are those of the realm. Who is in has a session there, which serves all requests that show the
    same; it counts as a session of its realm, and can be sent away.
    """

    realm: Annotated[
        Name | None,
        Meta(
            description="The realm that lets them in. `null`: that of the bridge; paths that are no bridge have to name one."
        ),
    ] = None
    basic: Annotated[
        bool,
        Meta(description="HTTP Basic authentication (RFC 7617): name and password, by the realm's method `ticket`."),
    ] = False
    bearer: Annotated[
        bool,
        Meta(
            description="Bearer tokens (RFC 6750), by the realm's method `jwt`. A token need not name an authid first."
        ),
    ] = False
    cookie: Cookie = None
    anonymous: Annotated[
        bool, Meta(description="Who shows nothing comes in by the realm's method `anonymous`, too.")
    ] = False
    roles: Annotated[
        tuple[Name, ...] | None,
        Meta(description="The roles that may use the path; who has another gets 403. `null`: all roles."),
    ] = None
    origins: Origins = ("same-host",)
    idle: Annotated[Seconds, Meta(description="How long a session stays that no request uses.")] = 60.0
    longest: Annotated[
        Seconds, Meta(description="How long a session serves requests; then they have to be let in again.")
    ] = 600.0
    sessions: Annotated[
        Count,
        Meta(
            description="Sessions of this path at once; where there is no room, the one that was not used longest ends."
        ),
    ] = 1_000
