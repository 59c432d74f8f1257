"""Settings of JSON values."""

from typing import Annotated, Any

from msgspec import Meta

from wampd.router.settings.parts import SecondsOrOff

from .served import Served


class JsonPath(Served, frozen=True, kw_only=True, tag_field="type", tag="json"):
    """An HTTP path that is one JSON value, for what pages have to know of their configuration. It is no place for secrets."""

    value: Annotated[Any, Meta(description="The value: any YAML.")]
    pretty: Annotated[bool, Meta(description="On several lines, for people.")] = False
    max_age: Annotated[
        SecondsOrOff, Meta(description="How long clients keep it; 0: they ask each time whether it has changed.")
    ] = 0.0
