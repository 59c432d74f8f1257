"""Calls of and to those who leave, where they are very many: each ends once, and a slice at a time."""

from __future__ import annotations

import pytest

from tests.realms.house import House, Member
from wampd.realms.messages import CALL, CANCEL, ERROR, GOODBYE, INTERRUPT, INVOCATION, REGISTER, RESULT, YIELD

CANCELED = "wamp.error.canceled"


def serving(house: House, uri: str = "a.p", **who: str) -> Member:
    callee = house.join(**who)
    callee.say([REGISTER, 1, {}, uri])
    callee.heard()
    return callee


def call(caller: Member, numbers: range, uri: str = "a.p") -> None:
    caller.say(*[[CALL, number, {}, uri] for number in numbers])


def ends(caller: Member) -> list[int]:
    """The calls that have ended with being cancelled, in order."""
    heard = caller.heard()
    assert all(message[:2] == (ERROR, CALL) and message[4] == CANCELED for message in map(tuple, heard))
    return [message[2] for message in heard]


@pytest.mark.spec("RPC-16", "RPC-18")
def test_who_waits_for_a_callee_that_leaves_is_answered_once_and_in_order_a_slice_at_a_time():
    house = House()
    house.realm.SLICE = 10
    callee, one, other = serving(house), house.join(), house.join()
    call(one, range(1, 26))
    call(other, range(1, 11))
    callee.leave()
    assert ends(one) == list(range(1, 21))  # when it leaves, and in the first slice
    one.say([CANCEL, 23, {}])
    assert ends(one) == [23]
    other.leave()
    assert house.realm.has_leavers
    while house.realm.has_leavers:
        house.realm.tidy()
    assert ends(one) == [21, 22, 24, 25]
    assert all(member.holds_nothing() for member in (callee, one, other))


@pytest.mark.spec("META-S-06", "RPC-16", "RPC-18")
def test_calls_of_those_who_are_sent_away_end_when_they_are_told_and_not_later():
    house = House()
    killer, callee = house.join(), serving(house)
    victims = [house.join(authrole="victim") for _ in range(2)]
    for victim in victims:
        call(victim, range(1, 6))
    callee.heard()
    house.realm.SLICE = 4
    killer.say([CALL, 1, {}, "wamp.session.kill_by_authrole", ["victim"]])
    assert killer.heard() == [[RESULT, 1, {}, [2]]]
    first, second = victims
    *ended, goodbye = first.heard()
    assert [tuple(message[:3]) for message in ended] == [(ERROR, CALL, number) for number in range(1, 6)]
    assert goodbye == [GOODBYE, {}, "wamp.close.killed"]
    assert [message[:2] for message in callee.heard()] == [[INTERRUPT, number] for number in range(1, 6)]
    callee.say([YIELD, 6, {}, ["in time"]])
    house.realm.tidy()
    heard = second.heard()
    assert heard[0] == [RESULT, 1, {}, ["in time"]]
    assert [tuple(message[:3]) for message in heard[1:5]] == [(ERROR, CALL, number) for number in range(2, 6)]
    assert heard[5:] == [[GOODBYE, {}, "wamp.close.killed"]]
    callee.say([YIELD, 7, {}, ["too late"]])
    assert second.heard() == []
    assert not house.realm.has_leavers
    assert all(victim.holds_nothing() for victim in victims)


def test_a_slice_counts_the_calls_of_those_who_are_told():
    house = House()
    killer, callee = house.join(), serving(house)
    victims = [house.join(authrole="victim") for _ in range(3)]
    for victim in victims:
        call(victim, range(1, 31))
    house.realm.SLICE = 50  # two tellings cost 40 each
    killer.say([CALL, 1, {}, "wamp.session.kill_by_authrole", ["victim"]])
    told = [bool(victim.session.outbox) for victim in victims]
    assert told == [True, True, False]
    assert len([message for message in callee.heard() if message[0] == INVOCATION]) == 90
    house.realm.tidy()
    assert victims[2].heard()[-1] == [GOODBYE, {}, "wamp.close.killed"]


def test_who_is_sent_away_as_a_callee_leaves_nobody_waiting():
    house = House()
    killer, callee, caller = house.join(), serving(house, authrole="victim"), house.join()
    call(caller, range(1, 26))
    house.realm.SLICE = 10
    killer.say([CALL, 1, {}, "wamp.session.kill_by_authrole", ["victim"]])
    assert callee.heard()[-1] == [GOODBYE, {}, "wamp.close.killed"]
    assert ends(caller) == []
    caller.say([CALL, 26, {}, "a.p"])
    assert [message[4] for message in caller.heard()] == ["wamp.error.no_such_procedure"]
    ended = []
    while house.realm.has_leavers:
        house.realm.tidy()
        ended.append(len(ends(caller)))
    assert sum(ended) == 25
    assert max(ended) == 10
    assert callee.holds_nothing()
