"""What is announced, and what follows from it (advanced profile, "Feature Announcement")."""

from __future__ import annotations

import re
from functools import cache

import pytest

from tests.spec.scenes import registered
from tests.support import profile
from tests.support.play import ALL, BASIC, nothing
from tests.support.process import ROOT
from wampd.realms.features import BROKER_FEATURES, DEALER_FEATURES
from wampd.realms.messages import CALL, CANCEL, ERROR, INTERRUPT, INVOCATION, YIELD

PREDEFINED = {
    "wamp.close.close_realm",
    "wamp.close.goodbye_and_out",
    "wamp.close.killed",
    "wamp.close.system_shutdown",
    "wamp.error.authentication_denied",
    "wamp.error.authentication_failed",
    "wamp.error.authentication_required",
    "wamp.error.authorization_denied",
    "wamp.error.authorization_failed",
    "wamp.error.authorization_required",
    "wamp.error.canceled",
    "wamp.error.feature_not_supported",
    "wamp.error.invalid_argument",
    "wamp.error.invalid_uri",
    "wamp.error.network_failure",
    "wamp.error.no_available_callee",
    "wamp.error.no_matching_auth_method",
    "wamp.error.no_such_principal",
    "wamp.error.no_such_procedure",
    "wamp.error.no_such_realm",
    "wamp.error.no_such_registration",
    "wamp.error.no_such_role",
    "wamp.error.no_such_session",
    "wamp.error.no_such_subscription",
    "wamp.error.not_authorized",
    "wamp.error.option_disallowed.disclose_me",
    "wamp.error.option_not_allowed",
    "wamp.error.payload_size_exceeded",
    "wamp.error.procedure_already_exists",
    "wamp.error.protocol_violation",
    "wamp.error.timeout",
    "wamp.error.unavailable",
}
"""The URIs of errors and reasons that the specification defines."""

OUR_OWN = {"wamp.close.slow_consumer", "wamp.close.logout", "wamp.error.runtime_error"}
"""For what the specification has no word; the second is Crossbar.io's, the third that of all client libraries."""


@pytest.mark.spec("FEA-01", "SES-03", "AMB-22")
def test_welcome_announces_what_the_router_can_do_and_nothing_else(play):
    roles = play.alice.details["roles"]
    assert roles == {
        "broker": {"features": dict.fromkeys(BROKER_FEATURES, True), "reflection": True},
        "dealer": {"features": dict.fromkeys(DEALER_FEATURES, True), "reflection": True},
    }


SHOWN_BY = {
    "event_history": "HIST-01",
    "event_retention": "RET-02",
    "pattern_based_subscription": "PSUB-02",
    "payload_encryption_cryptobox": "PPT-10",
    "payload_passthru_mode": "PPT-01",
    "payload_transparency": "PPT-10",
    "publication_trustlevels": "TPL-01",
    "publisher_exclusion": "EXC-02",
    "publisher_identification": "PID-01",
    "sharded_subscriptions": "SHS-01",
    "shareded_subscriptions": "SHS-01",
    "subscriber_blackwhite_listing": "BWL-01",
    "subscription_revocation": "SRV-01",
    "testament_meta_api": "TST-01",
    "call_canceling": "CAN-04",
    "call_reroute": "RER-01",
    "call_timeout": "TMO-03",
    "progressive_call_invocations": "PCI-01",
    "progressive_call_results": "PCR-02",
    "call_cancelling": "CAN-04",
    "call_trustlevels": "CTL-01",
    "caller_identification": "CID-01",
    "pattern_based_registration": "PRG-02",
    "registration_revocation": "RRV-01",
    "sharded_registration": "SHD-01",
    "reflection": "RFL-01",
    "registration_meta_api": "META-R-01",
    "session_meta_api": "META-S-01",
    "subscription_meta_api": "META-P-01",
    "shared_registration": "SHR-04",
}
"""The row whose tests show a feature at work."""


@pytest.mark.spec("FEA-01")
@pytest.mark.parametrize("feature", [*BROKER_FEATURES, *DEALER_FEATURES])
def test_every_feature_that_is_announced_is_shown_by_tests(feature):
    """Its whole chapter: what must be is there, and tests prove each row."""
    shown = SHOWN_BY[feature]
    chapter = next((part for part in profile.sections() if shown in {row.name for row in part.rows}), None)
    assert chapter is not None, f"{shown} is not in docs/spec-rows.yaml"
    needed = {row.name for row in chapter.rows if row.level == "must"} | {shown}
    assert {row.name for row in chapter.rows if row.missing is not None} & needed == set()
    assert needed - proved() == set()


@cache
def proved():
    """Every row that a test says it proves."""
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return {row for rows in re.findall(r"mark\.spec\(([^)]*)\)", tests) for row in re.findall(r'"([A-Z0-9-]+)"', rows)}


@pytest.mark.spec("FEA-02")
@pytest.mark.parametrize("able", [True, False], ids=["announced", "not announced"])
def test_the_router_remembers_what_a_callee_announced(play, able):
    play.session("callee", roles=ALL if able else BASIC)
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.caller > [CANCEL, 1, {"mode": "kill"}]
    if able:
        play.callee < [INTERRUPT, 1, {...: ...}]
        play.caller < nothing
        play.callee > [YIELD, 1, {}]
        play.caller < [50, 1, {}]
    else:
        play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
        play.callee < nothing


@pytest.mark.spec("FEA-03")
@pytest.mark.parametrize(
    "roles",
    [
        {"caller": {"features": {"x_of_the_future": True, "y": 1, "z": {"a": []}}}},
        {"caller": {"features": {}, "extra": 1}},
        {"caller": {"features": {"call_canceling": "yes"}}},
        {"caller": {}, "janitor": {"features": {"mop": True}}},
    ],
    ids=str,
)
def test_features_and_roles_of_the_future_are_ignored(play, roles):
    play.session("alice", roles=roles)
    play.alice < nothing


@pytest.mark.spec("URI-11")
def test_the_router_has_no_error_uris_of_its_own_where_the_specification_has_one():
    said = set()
    # What components, other routers and libraries say is understood there, too:
    understood = ("router/http/bridges/errors.py", "cli/speaking/ending.py", "hosted/course.py")
    for path in {*(ROOT / "wampd").rglob("*.py")} - {ROOT / "wampd" / name for name in understood}:
        said |= set(re.findall(r'"(wamp\.(?:error|close)\.[a-z_.]+)"', path.read_text()))
    assert said - OUR_OWN <= PREDEFINED
    assert len(said) > 10
