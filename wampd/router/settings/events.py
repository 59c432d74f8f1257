"""Settings of what is kept of events: retained ones, and histories."""

from typing import Annotated

from msgspec import Meta

from wampd.realms.options import Match

from .parts import KIB, MIB, Part, Seconds


class Retention(Part, frozen=True, kw_only=True):
    """How events are kept that are published with `retain: true`; they are in memory, and gone when the router stops."""

    age: Annotated[Seconds | None, Meta(description="How long an event is kept; `null`: as long as the realm.")] = None
    empty_clears: Annotated[
        bool,
        Meta(
            description="Whether publishing an event without arguments (and without lists of receivers) clears what"
            " its topic retains; else it is retained like any other."
        ),
    ] = False


class History(Part, frozen=True, kw_only=True):
    """A topic or pattern whose events are kept for `wamp.subscription.get_events`, also while nobody subscribes.

    The subscription of this URI and match policy stands as long as the realm. Its events may be asked for by who may
    subscribe to it. They are in memory, and gone when the router stops.
    """

    uri: Annotated[str, Meta(description="The topic, or the pattern.")]
    match: Annotated[Match, Meta(description="How `uri` matches; a pattern keeps the events of all its topics.")] = (
        "exact"
    )
    events: Annotated[int, Meta(ge=1, le=100_000, description="Events that are kept; of more, the newest.")] = 1_000
    size: Annotated[
        int, Meta(ge=64 * KIB, extra={"unit": "bytes"}, description="About how much memory they may take.")
    ] = 16 * MIB
    age: Annotated[Seconds | None, Meta(description="How long an event is kept; `null`: until there are too many.")] = (
        None
    )
