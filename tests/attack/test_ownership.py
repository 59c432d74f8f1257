"""What one session holds no other can touch: ids of one session mean nothing in another (limits and trust, trap 3)."""

from __future__ import annotations

import pytest

from tests.attack.inside import House
from tests.attack.member import Member

pytestmark = pytest.mark.trap(3)

_FEATURES = {"features": dict.fromkeys(("progressive_call_invocations", "call_canceling", "call_reroute"), True)}
IN_PARTS = {"caller": _FEATURES, "callee": _FEATURES}


@pytest.fixture
def house() -> House:
    return House()


def under_way(house: House) -> tuple[Member, Member]:
    """A callee that holds invocations 1 to 3, and their caller."""
    callee, caller = Member(house), Member(house)
    callee.say([64, 1, {}, "com.victim"])
    for call in (1, 2, 3):
        caller.say([48, call, {}, "com.victim", [call]])
    assert [message[1] for message in callee.heard()] == [1, 2, 3]
    return callee, caller


@pytest.mark.parametrize("answer", [[70, 2, {}, ["forged"]], [8, 68, 2, {}, "com.forged"]])
def test_who_was_sent_no_invocation_cannot_answer_one(house: House, answer: list[object]) -> None:
    callee, caller = under_way(house)
    thief = Member(house)
    assert thief.say(answer)[0][2] == "wamp.error.protocol_violation"
    assert thief.wire.transport.lost
    assert caller.heard() == []
    callee.say([70, 2, {}, ["honest"]])
    assert caller.heard() == [[50, 2, {}, ["honest"]]]


@pytest.mark.parametrize("answer", [[70, 1, {}, ["forged"]], [8, 68, 1, {}, "com.forged"]])
def test_an_answer_counts_for_the_sessions_own_invocation_of_that_id(house: House, answer: list[object]) -> None:
    _, caller = under_way(house)
    other, theirs = Member(house), Member(house)
    other.say([64, 1, {}, "com.other"])
    theirs.say([48, 9, {}, "com.other"])
    assert other.heard()[0][1] == 1
    other.say(answer)
    assert caller.heard() == []
    assert theirs.heard()[0][:2] in ([50, 9], [8, 48])


@pytest.mark.parametrize("request_type", [16, 32, 34, 48, 64, 66, 70, 0, 8])
def test_an_error_about_anything_but_an_invocation_is_a_violation(house: House, request_type: int) -> None:
    _, caller = under_way(house)
    thief = Member(house)
    assert thief.say([8, request_type, 1, {}, "com.forged"])[0][2] == "wamp.error.protocol_violation"
    assert caller.heard() == []


def test_nobody_cancels_the_calls_of_another(house: House) -> None:
    callee, caller = under_way(house)
    thief = Member(house)
    for call in (1, 2, 3):
        thief.say([48, call, {}, "com.nobody"])
    for mode in ("kill", "killnowait", "skip"):
        assert thief.say([49, 2, {"mode": mode}]) == []
    assert callee.heard() == []
    assert caller.heard() == []


def test_nobody_unregisters_or_unsubscribes_for_another(house: House) -> None:
    owner, thief = Member(house), Member(house)
    ((_, _, registration),) = owner.say([64, 1, {}, "com.victim"])
    ((_, _, subscription),) = owner.say([32, 2, {}, "com.topic"])
    assert thief.say([66, 1, registration])[0][4] == "wamp.error.no_such_registration"
    assert thief.say([34, 2, subscription])[0][4] == "wamp.error.no_such_subscription"
    thief.say([16, 3, {}, "com.topic", [1]], [48, 4, {}, "com.victim"])
    assert [message[0] for message in owner.heard()] == [36, 68]


def test_an_invocation_is_answered_once(house: House) -> None:
    callee, caller = under_way(house)
    callee.say([70, 1, {}, ["first"]], [70, 1, {}, ["second"]], [8, 68, 1, {}, "com.third"])
    assert caller.heard() == [[50, 1, {}, ["first"]]]
    assert not callee.wire.transport.lost


def test_nobody_has_a_part_in_the_stream_of_another(house: House) -> None:
    callee, caller, thief = Member(house), Member(house), Member(house)
    callee.say([64, 1, {}, "com.victim"])
    thief.say([64, 1, {}, "com.own"])
    caller.say([48, 1, {"receive_progress": True}, "com.victim"])
    thief.say([48, 2, {}, "com.own"])
    callee.heard(), thief.heard()
    thief.say([70, 1, {"progress": True}, ["forged"]])
    assert caller.heard() == []
    assert thief.say([70, 2, {"progress": True}, ["forged"]])[0][2] == "wamp.error.protocol_violation"
    assert caller.heard() == []
    callee.say([70, 1, {"progress": True}, ["honest"]], [70, 1, {}])
    assert caller.heard() == [[50, 1, {"progress": True}, ["honest"]], [50, 1, {}]]


def test_nobody_adds_a_part_to_the_call_of_another(house: House) -> None:
    callee, caller, thief = (Member(house, roles=IN_PARTS) for _ in range(3))
    callee.say([64, 1, {}, "com.victim"])
    caller.say([48, 1, {"progress": True}, "com.victim", ["honest"]])
    thief.say([48, 1, {"progress": True}, "com.victim", ["forged"]])
    assert [message[1:2] + message[4:] for message in callee.heard()] == [[1, ["honest"]], [2, ["forged"]]]
    caller.say([48, 1, {}, "com.victim", ["honest"]])
    assert [message[1] for message in callee.heard()] == [1]


def test_a_callee_that_passed_a_call_on_has_no_more_part_in_it(house: House) -> None:
    first, second = Member(house, roles=IN_PARTS), Member(house, roles=IN_PARTS)
    caller = Member(house)
    for callee in (first, second):
        callee.say([64, 1, {"invoke": "roundrobin"}, "com.victim"])
    caller.say([48, 1, {}, "com.victim"])
    first.say([8, 68, 1, {}, "wamp.error.unavailable"])
    first.say([70, 1, {}, ["forged"]], [70, 1, {"progress": True}, ["forged"]], [8, 68, 1, {}, "com.forged"])
    assert caller.heard() == []
    second.say([70, 1, {}, ["honest"]])
    assert caller.heard() == [[50, 1, {}, ["honest"]]]


def test_an_answer_after_the_caller_has_gone_reaches_nobody(house: House) -> None:
    callee, caller = under_way(house)
    caller.wire.transport.lose()
    successor = Member(house)
    callee.heard()
    callee.say([70, 1, {}, ["late"]], [70, 2, {}, ["late"]])
    assert successor.heard() == []
    assert not callee.wire.transport.lost


@pytest.mark.spec("RLK-01")
@pytest.mark.parametrize("option", ["forward_for", "trustlevel", "caller", "publisher", "caller_authid"])
def test_a_client_cannot_say_for_whom_it_speaks(house: House, option: str) -> None:
    callee, caller = Member(house), Member(house)
    callee.say([64, 1, {}, "com.victim"], [32, 2, {}, "com.topic"])
    callee.heard()
    forged = {option: [{"session": 1, "authid": "root", "authrole": "admin"}]}
    caller.say([48, 1, forged, "com.victim"], [16, 2, forged, "com.topic"])
    for message in callee.heard():
        assert "root" not in str(message)
        assert str(callee.id) not in str(message[3])


def test_who_is_disclosed_is_who_it_is(house: House) -> None:
    callee, caller = Member(house), Member(house, authid="root", authrole="admin", authextra={"authid": "root"})
    callee.say([64, 1, {}, "com.victim"])
    caller.say([48, 1, {"disclose_me": True}, "com.victim"])
    ((*_, details),) = callee.heard()
    assert details == {"caller": caller.id, "caller_authid": caller.welcome["authid"], "caller_authrole": "guest"}
    assert caller.welcome["authid"] != "root"
