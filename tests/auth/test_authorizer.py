"""What an authorizer is told, and what its answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.realms.house import House
from wampd.auth.authorizer import FAILED, Malformed, Verdict, arguments, refusal, verdict
from wampd.realms.asking import Question
from wampd.realms.grants import NOT_AUTHORIZED, Authorizer, Grant
from wampd.realms.messages import CALL, REGISTER
from wampd.router.audit import about


class Nothing:
    """Leaves everything undecided."""

    def decide(self, action: str, uri: str, match: Any) -> Grant:
        return Grant(refusal=NOT_AUTHORIZED, undecided=True)


def question(message: list[Any]) -> Question:
    house = House(policy=Nothing(), authorizer=Authorizer("com.authorizer"))
    member = house.join(authid="joe", authrole="visitor", authmethod="cookie")
    member.session.transport = {
        "type": "websocket",
        "protocol": "wamp.2.json",
        "peer": "192.0.2.1",
        "cookie": "hunter2",
        "headers": {"cookie": "id=hunter2"},
        "channel": object(),
    }
    member.say(message)
    return house.asked[0]


@pytest.mark.trap(7)
def test_an_authorizer_is_told_who_asks_and_nothing_that_proves_it():
    details, uri, action, options = arguments(question([CALL, 1, {}, "com.x"]))
    assert details == {
        "realm": "realm1",
        "session": 1,
        "authid": "joe",
        "authrole": "visitor",
        "authmethod": "cookie",
        "authprovider": "static",
        "transport": {"type": "websocket", "protocol": "wamp.2.json", "peer": "192.0.2.1"},
    }
    assert (uri, action, options) == ("com.x", "call", {})


def test_an_authorizer_is_told_the_match_policy():
    asked = question([REGISTER, 1, {"match": "wildcard", "invoke": "random"}, "com..x"])
    assert arguments(asked)[1:] == ("com..x", "register", {"match": "wildcard"})


@pytest.mark.trap(7)
def test_the_books_say_where_a_session_comes_from_and_nothing_that_proves_who_it_is():
    session = question([CALL, 1, {}, "com.x"]).session
    assert about(session, "realm1") == {
        "realm": "realm1",
        "session": 1,
        "authid": "joe",
        "role": "visitor",
        "method": "cookie",
        "address": "192.0.2.1",
    }


@pytest.mark.parametrize(
    ("answer", "grant", "remember"),
    [
        (True, Grant(), True),
        ({"allow": True, "cache": False}, Grant(), False),
        ({"allow": True, "disclose": "never", "trustlevel": 0}, Grant(disclose="never", trustlevel=0), True),
        ({"allow": True, "disclose": True}, Grant(disclose="always"), True),
    ],
)
def test_what_allows(answer, grant, remember):
    assert verdict(answer) == Verdict(grant, remember)


@pytest.mark.parametrize("answer", [False, {"allow": False}, {"allow": False, "disclose": True, "trustlevel": 9}])
def test_what_refuses(answer):
    assert verdict(answer).grant == Grant(refusal=NOT_AUTHORIZED)
    assert verdict(answer).remember


@pytest.mark.spec("AZ-03")
@given(
    st.recursive(
        st.none() | st.integers() | st.text() | st.binary() | st.floats(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["allow", "cache", "disclose", "x"]) | st.text(), inner)
        ),
    )
)
def test_nothing_allows_but_what_says_true(answer):
    with pytest.raises(Malformed):
        verdict(answer)


@pytest.mark.spec("AZ-03")
@given(st.text())
def test_no_error_allows(uri):
    said = refusal(uri) or FAILED
    assert said.grant.refusal is not None
    assert not FAILED.remember
