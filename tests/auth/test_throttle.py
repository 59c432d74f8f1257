"""Who has failed too often must wait: laws of the throttle, by itself."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.auth.throttle import REFUSED, STRUCK, Attempt, Refused, Throttle, Tolerance, network_of

JOE, ANN = "joe", "ann"
HERE, THERE = "192.0.2.1", "192.0.2.2"
DOOR, OTHER_DOOR = object(), object()


class Doorman:
    """A throttle on a clock that the test moves."""

    def __init__(self, **tolerance: object) -> None:
        self.now = 1000.0
        self.throttle = Throttle(Tolerance(**tolerance), lambda: self.now)  # type: ignore[arg-type]

    def knock(self, authid: str | None = JOE, peer: str = HERE, door: object = DOOR) -> Attempt:
        return self.throttle.attempt(door, authid, peer)

    def fails(self, authid: str | None = JOE, peer: str = HERE, door: object = DOOR) -> bool:
        """Fail, or be refused: then false."""
        attempt = self.knock(authid, peer, door)
        if attempt.begin() is not None:
            return False
        attempt.failed()
        return True

    def fail(self, times: int, authid: str | None = JOE, peer: str = HERE) -> None:
        for _ in range(times):
            assert self.fails(authid, peer)

    def succeeds(self, authid: str | None = JOE, peer: str = HERE) -> bool:
        attempt = self.knock(authid, peer)
        if attempt.begin() is not None:
            return False
        attempt.succeeded()
        return True

    def seconds(self, authid: str | None = JOE, peer: str = HERE) -> float:
        """How long one is refused."""
        attempt = self.knock(authid, peer)
        refused = attempt.begin()
        attempt.dropped()
        return 0.0 if refused is None else refused.seconds


def test_some_failures_are_everybodys_right() -> None:
    doorman = Doorman()
    doorman.fail(4)
    assert doorman.succeeds()
    doorman.fail(4)
    assert doorman.seconds() == 0


def test_from_the_fifth_on_each_failure_doubles_the_wait_up_to_a_limit() -> None:
    doorman = Doorman()
    doorman.fail(5)
    for seconds in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        assert doorman.seconds() == seconds
        doorman.now += seconds / 2
        assert doorman.seconds() == seconds / 2
        doorman.now += seconds / 2
        doorman.fail(1)


def test_attempts_that_are_refused_prolong_nothing() -> None:
    doorman = Doorman()
    doorman.fail(5)
    for _ in range(1000):
        assert not doorman.fails()
    doorman.now += 1.0
    assert doorman.succeeds()


def test_the_first_refusal_after_a_failure_is_told_from_the_others() -> None:
    doorman = Doorman()
    doorman.fail(5)
    refusals = [doorman.knock().begin() for _ in range(3)]
    assert [isinstance(each, Refused) and each.first for each in refusals] == [True, False, False]
    assert doorman.throttle.struck == {REFUSED: 3, STRUCK: 1}


def test_failures_are_forgotten_after_a_while_without_one() -> None:
    doorman = Doorman()
    doorman.fail(5)
    doorman.now += 60.9
    doorman.fail(1)  # the sixth
    assert doorman.seconds() == 2.0
    doorman.now += 62.0
    doorman.fail(4)
    assert doorman.seconds() == 0


def test_a_success_forgets_the_failures_of_the_pair() -> None:
    doorman = Doorman()
    doorman.fail(5)
    doorman.now += 1
    assert doorman.succeeds()
    doorman.fail(4)
    assert doorman.seconds() == 0


def test_others_are_not_concerned() -> None:
    doorman = Doorman()
    doorman.fail(5)
    assert doorman.seconds(ANN) == 0
    assert doorman.seconds(JOE, THERE) == 0
    assert doorman.fails(JOE, HERE, OTHER_DOOR)
    assert doorman.seconds() == 1.0


def test_one_address_may_not_try_many_names() -> None:
    doorman = Doorman(of_address=10)
    for number in range(10):
        doorman.fail(1, f"user{number}")
    assert doorman.seconds("somebody else") == 1.0
    assert doorman.seconds("somebody else", THERE) == 0


def test_one_name_may_not_be_tried_from_many_addresses() -> None:
    doorman = Doorman(of_principal=10)
    for number in range(10):
        doorman.fail(1, JOE, f"198.51.100.{number}")
    assert doorman.seconds(JOE, THERE) == 1.0
    assert doorman.seconds(ANN, THERE) == 0


def test_strangers_do_not_lock_out_who_has_come_in_from_there_before() -> None:
    doorman = Doorman(of_principal=10, of_address=10)
    assert doorman.succeeds(JOE, HERE)
    for number in range(10):
        doorman.fail(1, JOE, f"198.51.100.{number}")
        doorman.fail(1, f"user{number}", HERE)
    assert doorman.seconds(JOE, THERE) > 0
    assert doorman.seconds(ANN, HERE) > 0
    assert doorman.succeeds(JOE, HERE)
    doorman.fail(5, JOE, HERE)  # its own failures count all the same
    assert doorman.seconds(JOE, HERE) == 1.0


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("2001:db8:0:1::1", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", ""),
        ("memory", ""),
        ("", ""),
    ],
)
def test_what_an_address_counts_as(peer: str, network: str) -> None:
    assert network_of(peer) == network


def test_all_addresses_of_an_ipv6_network_are_one() -> None:
    doorman = Doorman()
    for number in range(5):
        doorman.fail(1, JOE, f"2001:db8::{number}")
    assert doorman.seconds(JOE, "2001:db8::abcd:1") == 1.0
    assert doorman.seconds(JOE, "2001:db8:0:1::1") == 0


def test_clients_without_an_address_are_counted_by_name_alone() -> None:
    doorman = Doorman(of_address=1)
    for number in range(20):
        doorman.fail(1, f"user{number}", "unix")
    doorman.fail(5, JOE, "unix")
    assert doorman.seconds(JOE, "unix") == 1.0


def test_an_address_that_many_share_is_counted_by_name_alone() -> None:
    doorman = Doorman(of_address=1, shared=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")))
    for peer in ("10.1.2.3", "2001:db8:1:2:3::"):
        for number in range(20):
            doorman.fail(1, f"user{number}", peer)
    doorman.fail(1, JOE, HERE)
    assert doorman.seconds(ANN, HERE) == 1.0


def test_who_names_nobody_is_counted_by_address_alone() -> None:
    doorman = Doorman(of_address=20)
    doorman.fail(20, None)
    assert doorman.seconds(None) == 1.0
    assert doorman.seconds(None, THERE) == 0


def test_any_number_may_be_tolerated() -> None:
    doorman = Doorman(of_pair=None, of_address=None, of_principal=None)
    doorman.fail(1000)
    assert doorman.throttle.sizes() == {"known": 0, "pair": 0, "address": 0, "principal": 0}


# --------------------------------------------------------------------------------------------------------- many at once


def test_of_many_guesses_at_once_only_so_many_are_looked_at() -> None:
    doorman = Doorman()
    woken: list[Attempt] = []
    attempts = [doorman.knock() for _ in range(100)]
    for attempt in attempts:
        attempt.turn = lambda attempt=attempt: woken.append(attempt)  # type: ignore[misc]
        assert attempt.begin() is None
    looked_at = [attempt for attempt in attempts if not attempt.waits]
    assert len(looked_at) == 5
    for attempt in looked_at:
        attempt.failed()
    refused = 0
    while woken:
        outcome = woken.pop(0).begin()
        assert outcome is not None, "a guess is looked at"
        refused += 1
    assert refused == 95
    assert doorman.throttle.sizes()["pair"] == 1


def test_many_clients_that_come_back_at_once_all_come_in() -> None:
    doorman = Doorman()
    woken: list[Attempt] = []
    attempts = [doorman.knock() for _ in range(100)]
    under_way: list[Attempt] = []
    most, let_in = 0, 0
    for attempt in attempts:
        attempt.turn = lambda attempt=attempt: woken.append(attempt)  # type: ignore[misc]
        attempt.begin()
        if not attempt.waits:
            under_way.append(attempt)
    while under_way or woken:
        most = max(most, len(under_way))
        if under_way:
            under_way.pop(0).succeeded()
            let_in += 1
        while woken:
            attempt = woken.pop(0)
            assert attempt.begin() is None
            if not attempt.waits:
                under_way.append(attempt)
    assert (let_in, most) == (100, 5)
    assert doorman.throttle.sizes() == {"known": 1, "pair": 0, "address": 0, "principal": 0}


def test_those_who_wait_are_woken_though_those_before_them_leave() -> None:
    doorman = Doorman(of_pair=1)
    first, second, third = (doorman.knock() for _ in range(3))
    turns: list[str] = []
    second.turn = lambda: turns.append("second")
    third.turn = lambda: turns.append("third")
    for attempt in (first, second, third):
        assert attempt.begin() is None
    assert (first.waits, second.waits, third.waits) == (False, True, True)
    first.succeeded()
    assert turns == ["second"]
    second.abandoned()  # before it could begin
    assert turns == ["second", "third"]
    assert third.begin() is None
    assert not third.waits


def test_who_leaves_while_a_guess_is_looked_at_has_failed() -> None:
    doorman = Doorman()
    for _ in range(5):
        attempt = doorman.knock()
        assert attempt.begin() is None
        attempt.abandoned()
    assert doorman.seconds() == 1.0


def test_an_attempt_ends_once() -> None:
    doorman = Doorman()
    attempt = doorman.knock()
    attempt.begin()
    attempt.failed()
    for _ in range(10):
        attempt.failed()
        attempt.dropped()
        attempt.succeeded()
        attempt.abandoned()
    doorman.fail(3)
    assert doorman.seconds() == 0
    doorman.fail(1)
    assert doorman.seconds() == 1.0


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["begin", "fail", "succeed", "drop", "leave", "wait"]), st.integers(0, 7)),
        max_size=120,
    )
)
def test_whatever_happens_guesses_are_few_and_nothing_is_left(steps: list[tuple[str, int]]) -> None:
    """In any minute of any course of one pair: at most the tolerated failures, and one for each delay that has passed."""
    doorman = Doorman(of_pair=3, of_address=None, of_principal=None)
    attempts: list[Attempt] = []
    woken: list[Attempt] = []
    failures: list[float] = []

    def begin(attempt: Attempt) -> None:
        if attempt.begin() is None and attempt not in attempts:  # one that has waited is there
            attempts.append(attempt)

    for what, number in steps:
        if what == "wait":
            doorman.now += number
        elif what == "begin":
            attempt = doorman.knock()
            attempt.turn = lambda attempt=attempt: woken.append(attempt)  # type: ignore[misc]
            begin(attempt)
        elif attempts:
            attempt = attempts.pop(number % len(attempts))
            if attempt.waits:
                attempt.abandoned()
            elif what == "fail":
                failures.append(doorman.now)
                attempt.failed()
            elif what == "succeed":
                failures.clear()
                attempt.succeeded()
            elif what == "drop":
                attempt.dropped()
            else:
                failures.append(doorman.now)
                attempt.abandoned()
        while woken:
            begin(woken.pop(0))
        in_hand = {id(attempt) for attempt in attempts if not attempt.waits}
        assert len(in_hand) <= 3
    recent = [when for when in failures if when > doorman.now - 15]
    assert len(recent) <= 3 + 4 + 3  # 3 at once, delays of 1, 2, 4 and 8 s, and those in hand before
    for attempt in attempts:
        attempt.dropped()
        attempt.abandoned()
    while woken:
        woken.pop(0).dropped()
    doorman.now += 1000
    assert doorman.seconds() == 0
    assert doorman.throttle.sizes()["pair"] == 0


@pytest.mark.trap(16)
def test_what_is_remembered_is_bounded() -> None:
    doorman = Doorman(remembered=100)
    for number in range(1000):
        doorman.fails(f"user{number}", f"10.0.{number // 250}.{number % 250}")
        doorman.succeeds(f"guest{number}", f"10.1.{number // 250}.{number % 250}")
    assert all(90 < size <= 100 for size in doorman.throttle.sizes().values())


@pytest.mark.trap(16)
def test_a_flood_of_names_from_one_address_displaces_nobody() -> None:
    doorman = Doorman(remembered=100)
    doorman.fail(5, JOE, THERE)
    for number in range(1000):
        doorman.fails(f"user{number}")
    assert doorman.seconds(JOE, THERE) == 1.0
    assert doorman.throttle.sizes()["pair"] <= 52


def test_no_secret_and_no_name_is_in_what_is_printed() -> None:
    attempt = Doorman().knock()
    assert repr(attempt) == "<Attempt from 192.0.2.1>"
