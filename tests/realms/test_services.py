"""Procedures of the router itself: what they take, what they answer, and how much of them at once."""

from __future__ import annotations

import pytest

from tests.realms.house import House, Member
from wampd.realms.messages import CALL, ERROR, RESULT
from wampd.realms.services import Arguments, Refused, Result, Services, taking

INVALID = "wamp.error.invalid_argument"


class Pair(Arguments, frozen=True):
    """Two."""

    first: int
    second: str = "two"


def serving(procedure) -> tuple[House, Member]:
    """A realm that serves a procedure, and somebody to call it."""
    house = House()
    house.realm.dealer.services.procedures["wamp.x"] = procedure
    return house, house.join()


def call(member: Member, *args: object, **kwargs: object) -> list[object]:
    member.say([CALL, 1, {}, "wamp.x", list(args), kwargs])
    (answer,) = member.heard()
    return answer


@pytest.mark.parametrize(
    ("args", "kwargs", "taken"),
    [
        ([1], {}, (1, "two")),
        ([1, "b"], {}, (1, "b")),
        ([1], {"second": "b"}, (1, "b")),
        ([], {"first": 1}, (1, "two")),
        ([1.0], {}, (1, "two")),
    ],
)
def test_arguments_are_given_by_place_or_by_name(args, kwargs, taken):
    _, member = serving(taking(Pair, lambda _, pair: [pair.first, pair.second]))
    assert call(member, *args, **kwargs) == [RESULT, 1, {}, [list(taken)]]


@pytest.mark.parametrize(
    ("args", "kwargs", "why"),
    [
        ([], {}, "missing required field `first`"),
        (["a"], {}, "`$.first`"),
        ([1.5], {}, "`$.first`"),
        ([True], {}, "`$.first`"),
        ([1, 2], {}, "`$.second`"),
        ([1, "b", 3], {}, "at most 2 arguments: first, second"),
        ([1], {"first": 1}, "'first' is given by place and by name"),
        ([1], {"third": 1}, "unknown field `third`"),
        ([1], {"x" * 1000: 1}, "unknown field"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_and_what_is_told_is_short(args, kwargs, why):
    _, member = serving(taking(Pair, lambda _, pair: pytest.fail("was served")))
    code, _, _, _, uri, (text,) = call(member, *args, **kwargs)
    assert (code, uri) == (ERROR, INVALID)
    assert why in text
    assert len(text) <= 200


@pytest.mark.parametrize(
    ("result", "tail"),
    [
        (5, [[5]]),
        (None, [[None]]),
        ([], [[[]]]),
        (Result(), []),
        (Result([1, 2]), [[1, 2]]),
        (Result([1], {"a": 2}), [[1], {"a": 2}]),
        (Result(kwargs={"a": 2}), [[], {"a": 2}]),
    ],
    ids=str,
)
def test_what_is_returned_is_the_result(result, tail):
    _, member = serving(lambda caller, args, kwargs: result)
    assert call(member) == [RESULT, 1, {}, *tail]


def test_a_refusal_is_an_error():
    def refuse(*_: object) -> None:
        raise Refused("wamp.error.no_such_session", "gone")

    _, member = serving(refuse)
    assert call(member) == [ERROR, CALL, 1, {}, "wamp.error.no_such_session", ["gone"]]


def test_a_procedure_says_what_it_does():
    def served(_caller: object, _given: Pair) -> None:
        """It does nothing."""

    assert taking(Pair, served).__doc__ == "It does nothing."


COSTLY = Services.MOST * 2 // 5


@pytest.mark.parametrize(
    "costly",
    [Result([1], cost=COSTLY), [0] * COSTLY, {"exact": [0] * (COSTLY - 1), "prefix": [1]}],
    ids=["said", "list", "lists"],
)
def test_who_asks_for_too_much_in_one_turn_gets_some_of_it(costly):
    house, member = serving(lambda *_: costly)
    other = house.join()
    for _turn in range(2):
        member.say(*[[CALL, number, {}, "wamp.x"] for number in range(1, 7)])
        other.say([CALL, 1, {}, "wamp.x"])
        answers = member.heard()
        refused = [message for message in answers if message[4:5] == ["wamp.error.unavailable"]]
        assert [message[2] for message in refused] == [4, 5, 6]
        assert len(answers) == 6
        assert other.heard()[0][4:5] != ["wamp.error.unavailable"]
    assert house.realm.struck["calls of the router that cost too much"] == 6
