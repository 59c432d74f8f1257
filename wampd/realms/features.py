"""What the router announces in WELCOME: the advanced features that its broker and its dealer have.

Rules
-----
* A feature is announced when, and only when, it works (advanced profile, "Feature Announcement").
* ``call_canceling`` is also announced as ``call_cancelling``: the specification writes both.
"""

from __future__ import annotations

from wampd.realms.options import JsonDict

BROKER_FEATURES: tuple[str, ...] = (
    "pattern_based_subscription",
    "publisher_exclusion",
    "publisher_identification",
    "subscriber_blackwhite_listing",
)

DEALER_FEATURES: tuple[str, ...] = (
    "call_canceling",
    "call_cancelling",
    "caller_identification",
    "pattern_based_registration",
)


def router_roles() -> JsonDict:
    """``WELCOME.Details.roles``: ``{"broker": {"features": {…: True}}, "dealer": {"features": {…: True}}}``."""
    return {
        "broker": {"features": dict.fromkeys(BROKER_FEATURES, True)},
        "dealer": {"features": dict.fromkeys(DEALER_FEATURES, True)},
    }
