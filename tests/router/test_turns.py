"""Turns are kept short: who publishes very much has breathers, and very many are written to in several turns."""

import json

import pytest

from tests.attack.inside import House, frame
from wampd.realms.broker import WORK as HALF
from wampd.realms.realm import Realm
from wampd.router.turns import WRITES, part_of

WORK = 2 * HALF
"""Events of one turn before a breather."""


@pytest.fixture
def house():
    return House()


def member(house):
    wire = house.connect()
    wire.join()
    return wire


def subscribers(house, count, topic="com.news"):
    wires = [member(house) for _ in range(count)]
    for wire in wires:
        assert wire.say([32, 1, {}, topic])[0][0] == 33
    return wires


def chunk(*messages):
    return b"".join(frame(json.dumps(message).encode()) for message in messages)


def publications(count, topic="com.news"):
    return [[16, number, {}, topic, [number]] for number in range(1, count + 1)]


def numbers(messages):
    return [message[4][0] for message in messages if message[0] == 36]


def turn(house):
    house.clock.advance(0)
    house.realms.end_of_turn()


def test_who_publishes_very_much_has_a_breather_and_nothing_is_lost_or_out_of_order(house):
    wires = subscribers(house, 100)
    publisher = member(house)
    count = 3 * WORK // 100 + 50
    publisher.send(chunk(*publications(count), [6, {}, "wamp.close.normal"]))
    heard = [numbers(wire.heard()) for wire in wires]
    assert [len(each) for each in heard] == [WORK // 100] * 100
    assert publisher.transport.producerState == "paused"
    while house.realms.turns._resting:
        turn(house)
        for each, wire in zip(heard, wires, strict=True):
            each += numbers(wire.heard())
    assert all(each == list(range(1, count + 1)) for each in heard)
    assert publisher.heard()[-1][0] == 6
    assert publisher.transport.producerState == "producing"
    assert house.realms.turns.breathers == 3


@pytest.mark.parametrize(
    ("kind", "answer", "match"), [(32, 33, "wildcard"), (64, 65, "prefix"), (34, 8, None), (66, 8, None)]
)
def test_who_asks_for_very_many_places_at_once_has_breathers_and_every_answer(house, kind, answer, match):
    wire, other = member(house), member(house)
    asked = [
        [kind, number, {"match": match}, f"a.b{number}."] if match else [kind, number, number]
        for number in range(1, 251)
    ]
    answers = wire.say(*asked, [6, {}, "wamp.close.normal"])
    assert [message[0] for message in answers] == [answer] * Realm.AT_ONCE
    assert other.say([32, 1, {}, "com.other"])[0][0] == 33
    while house.realms.turns._resting:
        turn(house)
        answers += wire.heard()
    numbered = [message[1] if message[0] != 8 else message[2] for message in answers[:-1]]
    assert numbered == list(range(1, 251))
    assert answers[-1][0] == 6
    assert house.realms.turns.breathers == 2


def test_others_are_served_between_and_several_take_turns(house):
    wires = subscribers(house, 100)
    first, second, other = member(house), member(house), member(house)
    step = WORK // 100
    first.send(chunk(*publications(3 * step)))
    second.send(chunk(*([16, number, {}, "com.news", [-number]] for number in range(1, 3 * step + 1))))
    assert other.say([48, 1, {}, "com.nobody"])[0][4] == "wamp.error.no_such_procedure"
    while house.realms.turns._resting:
        turn(house)
    heard = numbers(wires[0].heard())
    assert [number > 0 for number in heard[::step]] == [True, False] * 3


def test_what_is_said_during_a_breather_comes_after_what_was_said_before(house):
    wires = subscribers(house, 100)
    publisher = member(house)
    publisher.send(chunk(*publications(WORK // 100 + 5)))
    # TLS may still deliver what it had decrypted
    answers = publisher.send(chunk([16, 900, {"acknowledge": True}, "com.news", [900]]))
    assert answers == b""
    turn(house)
    assert publisher.heard()[-1][:2] == [17, 900]
    assert numbers(wires[0].heard())[-2:] == [WORK // 100 + 5, 900]


@pytest.mark.parametrize("how", ["lose", "violate"])
def test_who_ends_during_a_breather_leaves_nothing(house, how):
    subscribers(house, 100)
    publisher = member(house)
    publisher.send(chunk(*publications(WORK // 100), [99]))
    if how == "lose":
        publisher.transport.lose()
    for _ in range(3):
        turn(house)
    assert not house.realms.turns._resting
    assert len(house.realm.sessions) == 100
    if how == "violate":
        assert publisher.heard()[-1][0] == 3


def test_many_patterns_of_one_subscriber_count_as_more(house):
    greedy, publisher = member(house), member(house)
    topic = ".".join("a" * 9)
    for number in range(200):
        pattern = ".".join(["a", *("a" if number >> place & 1 else "" for place in range(8))])
        greedy.say([32, number + 1, {"match": "wildcard"}, pattern])
    publisher.send(chunk(*publications(WORK // 200, topic)))
    heard = len(greedy.heard())
    assert 200 <= heard < WORK // 2
    while house.realms.turns._resting:
        turn(house)
        heard += len(greedy.heard())
    assert heard == 200 * (WORK // 200)


def test_events_that_are_dropped_count_as_well(house):
    wires = subscribers(house, 100)
    for session in list(house.realm.sessions.values()):
        session.deaf = True
    publisher = member(house)
    publisher.send(chunk(*publications(WORK // 100 + 1)))
    assert len(house.realms.turns._resting) == 1
    turn(house)
    assert house.realm.struck["events dropped"] == WORK + 100
    assert wires[0].heard() == []


def test_very_many_are_written_to_in_several_turns_the_last_ones_touched_among_the_first(house):
    house.lobby.most = 10_000
    wires = subscribers(house, WRITES + 400)
    publisher = member(house)
    answer = publisher.say([16, 1, {}, "com.news", [7]], [48, 2, {}, "com.nobody"])
    assert answer[0][0] == 8  # it does not wait for all the others
    served = [bool(wire.transport.value()) for wire in wires]
    assert WRITES - 2 <= sum(served) < len(wires)
    turn(house)
    assert all(numbers(wire.heard()) == [7] for wire in wires)
    turn(house)
    assert not house.clock.getDelayedCalls() or not house.realms.touched


def test_a_part_of_many_is_the_first_and_the_last_of_them():
    touched = list(range(WRITES * 3))
    part = part_of(touched)
    assert sorted(part) == [*range(WRITES // 2), *range(WRITES * 5 // 2, WRITES * 3)]
    assert touched == list(range(WRITES // 2, WRITES * 5 // 2))


def test_publications_that_come_in_many_turns_need_no_breather(house):
    subscribers(house, 100)
    publisher = member(house)
    for number in range(5):
        publisher.send(chunk(*publications(HALF // 100 - number)))
    assert house.realms.turns.breathers == 0
