"""Settings of streams of server-sent events."""

from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import KIB, MIB, Bytes, Count, Name, Seconds

from .served import Bridge


class EventsPath(Bridge, frozen=True, kw_only=True, tag_field="type", tag="events"):
    """An HTTP path that streams events (`text/event-stream`) to pages without a WAMP client: `GET …?topic=com.example.news`.

    Each stream is a session that subscribes, with the permissions of its role. A page that comes back gets what it missed of
    topics that have a `history`.
    """

    event: Annotated[
        Name | None,
        Meta(description="The name of all events, as `message`; `null`: each is called as its topic."),
    ] = None
    heartbeat: Annotated[Seconds, Meta(description="After this time without an event a comment is sent.")] = 15.0
    retry: Annotated[Seconds, Meta(description="How long browsers are told to wait before they come back.")] = 3.0
    streams: Annotated[Count, Meta(description="Streams of this path at once; more are refused with 503.")] = 1_000
    streams_per_address: Annotated[
        Count, Meta(description="Streams of this path from one address at once; more are refused with 429.")
    ] = 100
    buffer: Annotated[
        Bytes,
        Meta(ge=64 * KIB, description="Most bytes that wait for one client; one that stays behind further is cut off."),
    ] = MIB
    resent: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Most events that are sent to a page that comes back; of more, the newest."),
    ] = 1_000
