"""Settings of redirects."""

from typing import Annotated, Literal

from msgspec import Meta

from wampd.router.settings.parts import Name

from .served import Served

RedirectStatus = Literal["301", "302", "303", "307", "308"]


class RedirectPath(Served, frozen=True, kw_only=True, tag_field="type", tag="redirect"):
    """An HTTP path that sends clients elsewhere."""

    to: Annotated[
        Name,
        Meta(
            description="Where to: a URL, or a path of this host. `{host}` stands for the host that was asked for, without"
            " port."
        ),
    ]
    status: Annotated[
        RedirectStatus,
        Meta(
            description="301 and 302 as of old; 303 goes on with GET; 307 and 308 with the same method and body. 301 and 308"
            " are for good, and remembered by browsers."
        ),
    ] = "302"
    keep_path: Annotated[bool, Meta(description="Append what the request's path has below this one.")] = False
    keep_query: Annotated[bool, Meta(description="Append the query of the request, where `to` has none.")] = True
