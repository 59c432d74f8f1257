"""Settings of limits: what a session may hold and do, by realm and by role, and what a realm may hold."""

from typing import Annotated

from msgspec import Meta

from wampd.realms.uris import MAX_URI_BYTES

from .parts import MIB, Count, Part

Depth = Annotated[int, Meta(ge=4, le=512)]
Size = Annotated[int, Meta(ge=1, extra={"unit": "bytes"})]


class Rate(Part, frozen=True, kw_only=True):
    """How often each session may do something. Who goes over it gets an ERROR, if anything; nothing is made to wait."""

    per_second: Annotated[float, Meta(gt=0, description="How often in a second, in the long run.")]
    burst: Annotated[
        Count | None,
        Meta(
            description="How often at once, after a pause; `null`: as often as otherwise in one second, at least once."
        ),
    ] = None


class RuleLimits(Part, frozen=True, kw_only=True):
    """What each session may do by one rule of its role: within its own limits, and for each rule apart; `null`: no more."""

    payload_size: Annotated[
        Size | None, Meta(description="Size of the arguments of one call or publication, as they are sent.")
    ] = None
    call_rate: Annotated[Rate | None, Meta(description="Calls a second; the parts of a progressive call are one.")] = (
        None
    )
    publication_rate: Annotated[Rate | None, Meta(description="Publications a second.")] = None


class RealmLimits(Part, frozen=True, kw_only=True):
    """What each session of the realm may hold and do, and what the realm may hold of all of them together.

    A request beyond a limit gets an ERROR that names it: `wamp.error.not_authorized`; `wamp.error.unavailable` for
    `sessions` and `sessions_per_principal` (an ABORT), rates and what is retained; `wamp.error.payload_size_exceeded`;
    `wamp.error.invalid_uri`; `wamp.error.no_available_callee` for calls that cannot wait. A publication without
    acknowledgement is dropped, or only not retained; too deep a message ends the session. All is counted, and the counters are
    in the log.
    """

    sessions: Annotated[Count | None, Meta(description="Sessions in the realm at once; `null` sets no limit.")] = None
    sessions_per_principal: Annotated[
        Count | None,
        Meta(description="Sessions of one authid in the realm at once, in whatever roles; `null` sets no limit."),
    ] = None
    retained: Annotated[Count, Meta(description="Retained events in the realm.")] = 10_000
    retained_size: Annotated[Size, Meta(description="About how much memory they may take.")] = 64 * MIB
    waiting_calls: Annotated[
        Count, Meta(description="Calls that wait until a callee of their registration has room for them.")
    ] = 1_000
    waiting_size: Annotated[Size, Meta(description="Size of the arguments of all these calls.")] = 16 * 2**20
    kept_size: Annotated[
        Size,
        Meta(
            description="Size of what is kept in the realm of all calls under way: arguments of calls that wait, or that may"
            " go to another callee if the first is not available, and results of calls of all callees."
        ),
    ] = 64 * MIB
    subscriptions: Annotated[Count, Meta(description="Subscriptions of a session.")] = 10_000
    registrations: Annotated[Count, Meta(description="Registrations of a session.")] = 10_000
    pending_calls: Annotated[Count, Meta(description="Calls of a session that have no final answer yet.")] = 10_000
    testaments: Annotated[Count, Meta(description="Testaments of a session.")] = 100
    testaments_size: Annotated[Size, Meta(description="About how much memory they may take.")] = MIB
    definitions: Annotated[
        Count, Meta(description="Definitions of procedures, topics and errors by a session, for reflection.")
    ] = 1_000
    uri_length: Annotated[Count, Meta(description="Length of a URI in bytes of UTF-8.")] = MAX_URI_BYTES
    payload_size: Annotated[
        Size | None,
        Meta(
            description="Size of the arguments of one message, as they are sent; `null`: what the listener's"
            " `message_size` leaves. Too large a result ends its call with the ERROR.",
        ),
    ] = None
    depth: Annotated[
        Depth | None,
        Meta(
            description="Nesting of lists and dictionaries in a message, if that is less than the listener's `depth`."
        ),
    ] = None
    call_rate: Annotated[
        Rate | None, Meta(description="Calls of a session a second; the parts of a progressive call are one.")
    ] = None
    publication_rate: Annotated[Rate | None, Meta(description="Publications of a session a second.")] = None


class RoleLimits(Part, frozen=True, kw_only=True):
    """What each session of one role may hold and do, where that is not what the realm says; `null`: as the realm says."""

    sessions: Annotated[
        Count | None, Meta(description="Sessions of this role in the realm at once, within what the realm allows.")
    ] = None
    sessions_per_principal: Annotated[
        Count | None, Meta(description="Sessions that an authid may have when it joins in this role.")
    ] = None
    subscriptions: Annotated[Count | None, Meta(description="Subscriptions of a session.")] = None
    registrations: Annotated[Count | None, Meta(description="Registrations of a session.")] = None
    pending_calls: Annotated[Count | None, Meta(description="Calls of a session that have no final answer yet.")] = None
    testaments: Annotated[Count | None, Meta(description="Testaments of a session.")] = None
    testaments_size: Annotated[Size | None, Meta(description="About how much memory they may take.")] = None
    definitions: Annotated[
        Count | None, Meta(description="Definitions of procedures, topics and errors by a session, for reflection.")
    ] = None
    uri_length: Annotated[Count | None, Meta(description="Length of a URI in bytes of UTF-8.")] = None
    payload_size: Annotated[Size | None, Meta(description="Size of the arguments of one message.")] = None
    depth: Annotated[Depth | None, Meta(description="Nesting of lists and dictionaries in a message.")] = None
    call_rate: Annotated[
        Rate | None, Meta(description="Calls of a session a second; the parts of a progressive call are one.")
    ] = None
    publication_rate: Annotated[Rate | None, Meta(description="Publications of a session a second.")] = None
