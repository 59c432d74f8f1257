"""Settings of the dashboard."""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from wampd.router.settings.parts import Name

from .served import Served

LoginMethod: TypeAlias = Literal["cookie", "anonymous", "ticket", "wampcra", "scram", "cryptosign", "jwt"]
"""The methods of authentication that the page knows."""


class DashboardPath(Served, frozen=True, kw_only=True, tag_field="type", tag="dashboard"):
    """An HTTP path with a page for operators, which is a WAMP client: it shows what `wampd.monitor.*` tells to its role.

    The page itself is open to everybody who comes to the path, and holds nothing; what it shows is decided by the realm that it
    joins, for whoever logs in.
    """

    realm: Annotated[Name, Meta(description="The realm that the page joins, unless the visitor names another.")]
    websocket: Annotated[
        Name | None,
        Meta(
            description="The WebSocket path of this site that the page connects to; `null`: the first that speaks WAMP in JSON."
        ),
    ] = None
    methods: Annotated[
        Annotated[tuple[LoginMethod, ...], Meta(min_length=1)] | None,
        Meta(
            description="The ways to log in that the page offers; `null`: those of the realm that the page knows, but for those"
            " that demand a channel binding, which browsers cannot have."
        ),
    ] = None
    title: Annotated[
        Name, Meta(max_length=80, description="What the page is called, to tell several routers apart.")
    ] = "wampd"
