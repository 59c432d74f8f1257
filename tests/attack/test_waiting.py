"""Who lets very many calls wait does not keep others from waiting."""

from __future__ import annotations

from tests.realms.house import House
from wampd.realms.limits import Quota


def test_calls_of_a_flood_give_way_and_each_has_one_answer() -> None:
    house = House(quota=Quota(waiting_calls=10))
    callee, flood, other = house.join(), house.join(), house.join()
    callee.say([64, 1, {"invoke": "roundrobin", "concurrency": 1}, "com.slow"])
    callee.heard()
    flood.say(*[[48, number, {}, "com.slow"] for number in range(1, 101)])
    refused = {message[2]: message[4] for message in flood.heard()}
    assert set(refused) == set(range(12, 101))
    assert set(refused.values()) == {"wamp.error.no_available_callee"}
    other.say(*[[48, number, {}, "com.slow"] for number in range(1, 8)])
    assert [message[2] for message in other.heard()] == [6, 7]
    gave_way = flood.heard()
    assert [message[2] for message in gave_way] == [11, 10, 9, 8, 7]
    assert gave_way[0][5] == ["too many calls of this caller wait, and others want to"]
    for _ in range(11):
        invocation = next(message for message in callee.heard() if message[0] == 68)
        callee.say([70, invocation[1], {}])
    assert [message[:2] for message in flood.heard()] == [[50, number] for number in range(1, 7)]
    assert [message[:2] for message in other.heard()] == [[50, number] for number in range(1, 6)]
