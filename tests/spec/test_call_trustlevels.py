"""How far a call may be trusted (advanced profile, "Call Trust Levels")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import joined_as
from tests.support.play import ALL, ANY, BASIC
from wampd.realms.messages import CALL, INVOCATION, REGISTER, REGISTERED


@pytest.mark.spec("CTL-01", "FEA-02")
@pytest.mark.trap(4)
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
@pytest.mark.parametrize("invoke", ["single", "roundrobin"])
@pytest.mark.parametrize(
    ("authid", "uri", "told"),
    [
        (None, "com.p", {"trustlevel": 1}),
        (None, "com.low.p", {"trustlevel": 0}),
        (None, "com.high.p", {"trustlevel": 1}),
        ("joe", "com.p", {}),
        ("joe", "com.high.p", {"trustlevel": 9}),
    ],
)
def test_a_callee_is_told_the_trust_level_of_the_callers_role_and_of_the_procedure(
    play, roles, invoke, authid, uri, told
):
    callee = play.session("callee", "trusting", roles)
    callee > [REGISTER, 1, {"invoke": invoke}, uri]
    callee < [REGISTERED, 1, ANY.as_("reg")]
    caller = joined_as(play, "joe", authid, "trusting") if authid else play.session("visitor", "trusting")
    # What a caller says of it itself does not count.
    for number, options in enumerate([{}, {"trustlevel": 7}, {"runon": "all", "trustlevel": "high"}], 1):
        caller > [CALL, number, options, uri]
        callee < [INVOCATION, number, play.reg, told]


@pytest.mark.spec("CTL-01", "PRG-06", "CID-01")
def test_the_trust_level_is_told_beside_procedure_and_caller(play):
    callee = play.session("callee", "trusting")
    callee > [REGISTER, 1, {"match": "prefix"}, "com."]
    callee < [REGISTERED, 1, ANY.as_("reg")]
    caller = play.session("visitor", "trusting")
    caller > [CALL, 1, {"disclose_me": True}, "com.low.p"]
    callee < [INVOCATION, 1, play.reg, {"trustlevel": 0, "procedure": "com.low.p", "caller": caller.id, ...: ...}]


@pytest.mark.spec("CTL-01")
def test_where_nothing_is_configured_nothing_is_told_of_trust(play):
    play.callee > [REGISTER, 1, {}, "com.p"]
    play.callee < [REGISTERED, 1, ANY.as_("reg")]
    play.caller > [CALL, 1, {"trustlevel": 9}, "com.p"]
    play.callee < [INVOCATION, 1, play.reg, {}]
