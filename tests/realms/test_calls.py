"""One call under way, and what is remembered of it when it is over."""

from __future__ import annotations

import pytest

from tests.realms.house import CAPABLE, House
from wampd.realms.calls import GRACE, MOST_ENDED, Course, Timeouts
from wampd.realms.messages import CALL, REGISTER, REGISTERED, YIELD, Call
from wampd.realms.options import CallOptions, ClientRole, ClientRoles

MORE = {"progress": True}

# ---------------------------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("timeouts", "asked", "allowed"),
    [
        (Timeouts(), 0, 0),
        (Timeouts(), 1500, 1.5),
        (Timeouts(default=2), 0, 2),
        (Timeouts(default=2), 1500, 1.5),
        (Timeouts(default=2), 3000, 3),
        (Timeouts(maximum=2), 0, 2),
        (Timeouts(maximum=2), 1500, 1.5),
        (Timeouts(maximum=2), 3000, 2),
        (Timeouts(default=1, maximum=2), 0, 1),
        (Timeouts(default=3, maximum=2), 0, 2),
        (Timeouts(), 10**400, 2**53 / 1000),
    ],
    ids=str,
)
@pytest.mark.spec("TMO-09")
def test_what_a_realm_allows(timeouts, asked, allowed):
    assert timeouts.allowed(asked) == allowed


@pytest.mark.parametrize(
    ("forward", "requested", "able", "passes"),
    [
        ("requested", True, True, True),
        ("requested", False, True, False),
        ("requested", True, False, False),
        ("always", False, True, True),
        ("always", True, False, False),
        ("never", True, True, False),
    ],
)
@pytest.mark.spec("TMO-04", "TMO-05")
def test_who_watches_the_time(forward, requested, able, passes):
    callee = House().join(roles=ClientRoles(callee=ClientRole({"call_timeout": able})))
    assert Timeouts(forward=forward).passes_on(callee.session, requested) is passes


# -------------------------------------------------------------------------------------------------------------- a seat


class Counted:
    """A seat that counts how often it was given back."""

    def __init__(self) -> None:
        self.times = 0

    def give_back(self) -> None:
        self.times += 1


def test_a_seat_is_given_back_once():
    seat = Counted()
    course = Course(Call(1, CallOptions(), "com.p"), None, {})
    course.leave_seat()
    course.seat = seat
    course.leave_seat()
    course.leave_seat()
    assert seat.times == 1


# ------------------------------------------------------------------------------------------------ calls that ended early


@pytest.mark.spec("PCI-14")
def test_only_so_many_calls_that_ended_early_are_remembered():
    house = House()
    caller = house.join(roles=CAPABLE)
    many = MOST_ENDED + 10
    caller.say(*[[CALL, number, MORE, "com.nobody"] for number in range(1, many + 1)])
    assert len(caller.heard()) == many
    ended = caller.session.ended
    assert list(ended) == list(range(11, many + 1))
    house.now += GRACE + 1
    caller.say([CALL, many + 1, MORE, "com.nobody"])
    assert list(ended) == [many + 1]
    caller.leave()
    assert caller.holds_nothing()


@pytest.mark.spec("PCI-14", "PCI-16")
@pytest.mark.parametrize(
    ("message", "answered"),
    [
        ([CALL, 1, {}, "com.p"], False),
        ([CALL, 1, MORE, "com.p"], False),
        ([CALL, 1, {}, "com.other"], True),
        ([CALL, 2, {}, "com.p"], True),
    ],
    ids=str,
)
def test_what_belongs_to_a_call_that_is_over_is_told_from_what_does_not(message, answered):
    house = House()
    callee, caller = house.join(roles=CAPABLE), house.join(roles=CAPABLE)
    callee.say([REGISTER, 1, {}, "com.p"])
    assert callee.heard()[0][0] == REGISTERED
    caller.say([CALL, 1, MORE, "com.p"])
    callee.say([YIELD, 1, {}])
    callee.heard(), caller.heard()
    caller.say(message)
    assert bool(callee.heard() or caller.heard()) is answered
    remembered = message in ([CALL, 1, MORE, "com.p"], [CALL, 2, {}, "com.p"])
    assert (caller.session.ended is not None) is remembered
