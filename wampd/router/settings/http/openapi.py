"""Settings of OpenAPI documents."""

from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import Name, Text

from .served import Bridge


class OpenApiPath(Bridge, frozen=True, kw_only=True, tag_field="type", tag="openapi"):
    """An HTTP path with an OpenAPI 3.1 document of the procedures that the one who asks may call by a path of `type: call`.

    It is made of what is registered, and of what components say of their procedures (`wamp.reflection.define`). It is JSON; or
    YAML for those who ask for that, or for `openapi.yaml` below the path.
    """

    calls: Annotated[Name, Meta(description="The path of this site, of `type: call`, where the procedures are called.")]
    title: Annotated[Text | None, Meta(description="The title; `null`: one with the name of the realm.")] = None
    version: Annotated[Text, Meta(description="The version that the document says it has.")] = "1"
    description: Annotated[Text, Meta(description="What else it says of itself, in Markdown.")] = ""
    procedures: Annotated[
        int, Meta(ge=1, le=1_000, description="Procedures of one document; the rest is in those that it links to.")
    ] = 500
