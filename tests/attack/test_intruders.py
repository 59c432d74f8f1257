"""The way into a realm, walked wrongly; and what answers and logs give away."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.attack.inside import EVERY_ROLE, House, Wire
from tests.support.overheard import overheard
from wampd.router.observe.lines import json_line, text_line

VIOLATION = "wamp.error.protocol_violation"
TICKET = "joe's hunter2"


@pytest.fixture
def log() -> Iterator[list[dict[str, Any]]]:
    with overheard() as events:
        yield events


def knock(house: House) -> Wire:
    wire = house.connect()
    wire.send(b"\x7f\xf1\0\0")
    return wire


def hello(**details: Any) -> list[Any]:
    return [1, "realm1", {"roles": EVERY_ROLE, **details}]


def ask_for_ticket(house: House, authid: str) -> Wire:
    wire = knock(house)
    assert wire.say(hello(authmethods=["ticket"], authid=authid))[0][:2] == [4, "ticket"]
    return wire


@pytest.mark.parametrize(
    "messages",
    [
        [[5, TICKET, {}]],
        [[48, 1, {}, "com.a"]],
        [[16, 1, {}, "com.a"]],
        [[6, {}, "wamp.close.normal"]],
        [[70, 1, {}]],
        [[2, 1, {}]],
        [[4, "ticket", {}]],
        [hello(authmethods=["ticket"], authid="joe"), hello()],
        [hello(authmethods=["ticket"], authid="joe"), [48, 1, {}, "com.a"]],
        [hello(authmethods=["ticket"], authid="joe"), [6, {}, "wamp.close.normal"]],
        [hello(), hello()],
        [hello(), [5, TICKET, {}]],
    ],
    ids=lambda messages: "-".join(str(message[0]) for message in messages),
)
def test_a_step_out_of_turn_ends_the_connection(messages: list[list[Any]]) -> None:
    house = House()
    wire = knock(house)
    *_, last = wire.say(*messages)
    assert (last[0], last[2]) == (3, VIOLATION)
    assert wire.transport.lost
    assert not house.realm.sessions


def test_there_is_one_guess(log: list[dict[str, Any]]) -> None:
    house = House()
    wire = ask_for_ticket(house, "joe")
    answers = wire.say([5, "wrong", {}], [5, TICKET, {}])
    assert [(answer[0], answer[2]) for answer in answers] == [(3, "wamp.error.authentication_denied")]
    assert wire.transport.lost
    assert not house.realm.sessions


def test_an_unknown_name_and_a_wrong_ticket_look_the_same() -> None:
    house = House()
    answers = [ask_for_ticket(house, authid).say([5, "wrong", {}]) for authid in ("joe", "nobody", "", "joe\0", "JOE")]
    assert all(answer == answers[0] for answer in answers)


def test_a_ticket_is_in_no_log_and_in_no_answer(log: list[dict[str, Any]]) -> None:
    house = House()
    ask_for_ticket(house, "joe").say([5, TICKET, {"hint": TICKET}])
    ask_for_ticket(house, "nobody").say([5, TICKET, {}])
    ask_for_ticket(house, "joe").say([5, TICKET, {}, "too much"])
    ask_for_ticket(house, "joe").say([5, [TICKET], {}])
    knock(house).say(hello(authmethods=["ticket"], authid="joe", authextra={"ticket": TICKET}, agent=1))
    wire = ask_for_ticket(house, "joe")
    wire.say([5, "wrong " + TICKET, {}])
    assert log
    for event in log:
        assert TICKET not in text_line(event)
        assert TICKET not in json_line(event)
        assert TICKET not in repr(event)


def test_what_a_client_asks_to_be_is_not_believed() -> None:
    house = House()
    wire = knock(house)
    ((_, _, details),) = wire.say(
        hello(authid="joe", authrole="member", authmethod="ticket", authprovider="x", session=1)
    )
    assert details["authrole"] == "guest"
    assert details["authid"].startswith("guest-")
    assert details["authmethod"] == "anonymous"


def test_a_challenge_is_not_carried_into_the_next_connection() -> None:
    house = House()
    ask_for_ticket(house, "joe").transport.lose()
    assert knock(house).say([5, TICKET, {}])[0][2] == VIOLATION


def test_a_session_cannot_be_joined_by_its_id() -> None:
    house = House()
    victim = house.connect()
    session = victim.join()
    wire = knock(house)
    ((_, mine, details),) = wire.say(hello(resumable=True, **{"resume-session": session, "resume-token": "x"}))
    assert mine != session
    assert "resumed" not in details


def test_session_ids_are_drawn_from_the_whole_range_and_do_not_follow_one_another() -> None:
    house = House()
    ids = [house.connect().join() for _ in range(200)]
    assert len(set(ids)) == 200
    assert all(1 <= session <= 2**53 for session in ids)
    assert max(ids) > 2**50
    assert len({abs(second - first) for first, second in pairwise(ids)}) == 199


INJECTIONS = (
    "com.a\n2026-01-01T00:00:00.000Z info fake: root joined",
    "\x1b[2J",
    "a\rb",
    "\x00",
    "\x9b31m",
    "\u2028",
    "\u202e",
)


@pytest.mark.parametrize("text", INJECTIONS)
def test_what_clients_say_cannot_break_a_line_of_the_log(log: list[dict[str, Any]], text: str) -> None:
    house = House()
    knock(house).say([3, {"message": text}, text])
    knock(house).say([1, text, {"roles": EVERY_ROLE}])
    knock(house).say(hello(authmethods=[text], authid=text))
    knock(house).say(hello(authmethods=["ticket", text], authid=text), [5, text, {}])
    knock(house).say(hello(agent=text), [32, 1, {"match": text}, "com.a"])
    knock(house).say(hello(), [6, {"message": text}, text])
    knock(house).say(hello(), [3, {"message": text}, text])
    assert len(log) >= 8
    for event in log:
        line = text_line(event)
        assert line.endswith("\n")
        assert line[:-1].isprintable(), ascii(line)
        assert json_line(event).count("\n") == 1


def test_a_lone_surrogate_can_be_logged() -> None:
    event = {"log_format": "{text}", "text": "a\udcffb", "log_time": 0.0}
    assert text_line(event).endswith("a\\udcffb\n")
    assert '"message":"a\\\\udcffb"' in json_line(event)
