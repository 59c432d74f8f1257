"""Settings of the registry of webhooks of a realm."""

from typing import Annotated

from msgspec import Meta

from .parts import KIB, MIB, Bytes, Count, Name, Part, Seconds


class HookDeliveries(Part, frozen=True, kw_only=True):
    """How events are delivered to the URLs of webhooks.

    What fails is tried again after a random time between nothing and `first_retry`, twice as long after each attempt, up to
    `longest_retry`; a `Retry-After` of the receiver is waited for as long as that is no more than `longest_retry`.
    """

    timeout: Annotated[Seconds, Meta(le=300, description="How long one attempt may take.")] = 15.0
    attempts: Annotated[
        Count,
        Meta(description="Attempts that fail before a delivery becomes a dead letter: no answer, 408, 425, 429, 5xx."),
    ] = 24
    refusals: Annotated[
        Count,
        Meta(
            description="The same for attempts that are refused: redirections, other 4xx, addresses that are not allowed."
            " 410 ends the registration."
        ),
    ] = 3
    first_retry: Annotated[Seconds, Meta(description="The most that is waited after the first attempt.")] = 5.0
    longest_retry: Annotated[Seconds, Meta(description="The most that is waited after any attempt.")] = 3600.0
    at_once: Annotated[Count, Meta(description="Attempts at once, to all hosts together.")] = 100
    per_host: Annotated[
        Count, Meta(description="Attempts at once to one host; of one webhook there is one at a time.")
    ] = 4
    failures: Annotated[
        Count,
        Meta(description="Attempts that fail in a row, until a host is left alone for `pause`, then tried by one."),
    ] = 5
    pause: Annotated[
        Seconds,
        Meta(description="How long a host is left alone first; twice as long each time, up to `longest_pause`."),
    ] = 10.0
    longest_pause: Annotated[Seconds, Meta(description="How long a host is left alone at most.")] = 600.0


class Hooks(Part, frozen=True, kw_only=True):
    """A registry of webhooks: parties register URLs under keys, and what is published under a key goes to all of them.

    The procedures are `wampd.hook.register`, `unregister`, `renew`, `list`, `test`, `deliveries`, `dead`, `redeliver` and
    `post`; who may call them is a matter of roles. What is registered, and what is not delivered yet, is in the store. Where
    URLs may lead is said by `outgoing` beside `realms`. docs/webhooks.md has it all.
    """

    topic_prefix: Annotated[
        Name,
        Meta(
            description="What the topics of keys begin with: the events of `hook.orders` are those of the key `orders`."
        ),
    ] = "hook."
    ttl: Annotated[
        Seconds, Meta(description="How long a registration lasts that asks for no time of its own; none asks for more.")
    ] = 30 * 86400.0
    challenge: Annotated[
        bool, Meta(description="Register a URL only if it answers a request with the challenge that is in it.")
    ] = False
    deliveries: Annotated[HookDeliveries, Meta(description="How events are delivered.")] = HookDeliveries()
    registrations: Annotated[Count, Meta(description="Most registrations; more are refused.")] = 10_000
    registrations_per_key: Annotated[Count, Meta(description="Most registrations under one key.")] = 1_000
    registrations_per_principal: Annotated[Count, Meta(description="Most registrations of one authid.")] = 1_000
    pending: Annotated[
        Count, Meta(description="Most deliveries that wait; then events are refused until there is room.")
    ] = 100_000
    pending_per_hook: Annotated[
        Count, Meta(description="Most deliveries that wait for one webhook; more become dead letters at once.")
    ] = 1_000
    pending_per_principal: Annotated[
        Count,
        Meta(description="Most deliveries that wait for all webhooks of one authid; more become dead letters at once."),
    ] = 20_000
    event_size: Annotated[
        Bytes,
        Meta(ge=KIB, le=16 * MIB, description="Most bytes of what is delivered of one event; larger ones are refused."),
    ] = 256 * KIB
    size: Annotated[
        Bytes,
        Meta(
            ge=MIB, description="Most bytes of all events that are kept; then events are refused until there is room."
        ),
    ] = 256 * MIB
    dead_letters: Annotated[
        Count, Meta(description="Deliveries given up that are kept; the oldest make room for new ones.")
    ] = 10_000
    logged: Annotated[
        Count,
        Meta(le=1_000, description="Attempts of each webhook that `wampd.hook.deliveries` tells of, the last ones."),
    ] = 50
