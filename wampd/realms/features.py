"""What the router announces in WELCOME: the advanced features that its broker and its dealer have.

Rules
-----
* A feature is announced when, and only when, it works (advanced profile, "Feature Announcement").
* Of what a client announces, the features that the router knows are kept, and no more: the rest may be as long as a message.
* ``call_canceling`` is also announced as ``call_cancelling``: the specification writes both; so are sharded subscriptions,
  which it spells in its own way.
* A router that serves event history should announce the role ``callee``, too: common clients refuse a WELCOME with any role
  but broker and dealer, so that is left out.
* ``reflection`` is announced beside a role's features, as the specification has it, and among them, as all others are.
"""

from __future__ import annotations

from functools import lru_cache

from wampd.realms.options import ClientRole, ClientRoles, JsonDict

BROKER_FEATURES: tuple[str, ...] = (
    "event_history",
    "event_retention",
    "pattern_based_subscription",
    "payload_encryption_cryptobox",
    "payload_passthru_mode",
    "payload_transparency",
    "publication_trustlevels",
    "publisher_exclusion",
    "publisher_identification",
    "reflection",
    "session_meta_api",
    "sharded_subscriptions",
    "shareded_subscriptions",
    "subscriber_blackwhite_listing",
    "subscription_meta_api",
    "subscription_revocation",
)

DEALER_FEATURES: tuple[str, ...] = (
    "call_canceling",
    "call_cancelling",
    "call_reroute",
    "call_timeout",
    "call_trustlevels",
    "caller_identification",
    "pattern_based_registration",
    "payload_encryption_cryptobox",
    "payload_passthru_mode",
    "payload_transparency",
    "progressive_call_invocations",
    "progressive_call_results",
    "reflection",
    "registration_meta_api",
    "registration_revocation",
    "session_meta_api",
    "sharded_registration",
    "shared_registration",
    "testament_meta_api",
)


def router_roles() -> JsonDict:
    """``WELCOME.Details.roles``: ``{"broker": {"features": {…: True}, "reflection": True}, "dealer": {…}}``."""
    return {
        "broker": {"features": dict.fromkeys(BROKER_FEATURES, True), "reflection": True},
        "dealer": {"features": dict.fromkeys(DEALER_FEATURES, True), "reflection": True},
    }


def known_roles(roles: ClientRoles) -> ClientRoles:
    """What a client announced, as far as the router has a use for it: this is kept for the life of the session.

    Sessions that announce the same, as those of one library do, share it.
    """
    return _shared(
        _known(roles.publisher, BROKER_FEATURES),
        _known(roles.subscriber, BROKER_FEATURES),
        _known(roles.caller, DEALER_FEATURES),
        _known(roles.callee, DEALER_FEATURES),
    )


def _known(role: ClientRole | None, features: tuple[str, ...]) -> tuple[str, ...] | None:
    if role is None:
        return None
    announced = role.features
    return tuple([feature for feature in features if announced.get(feature) is True]) if announced else ()


@lru_cache(maxsize=64)
def _shared(*known: tuple[str, ...] | None) -> ClientRoles:
    """The roles of publisher, subscriber, caller and callee that have these features; `None`: the client has no such role."""
    return ClientRoles(*[None if names is None else ClientRole(dict.fromkeys(names, True)) for names in known])
