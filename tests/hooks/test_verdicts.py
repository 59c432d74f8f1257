"""What becomes of a delivery after an attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.hooks.verdicts import Again, Dead, Delivered, Gone, Outcome, Patience, judge

PATIENCE = Patience(first=4.0, longest=60.0, attempts=5, refusals=2)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_delivered(status):
    assert judge(Outcome(status), 1, PATIENCE, 0.5) == Delivered()


def test_410_is_gone():
    assert judge(Outcome(410), 1, PATIENCE, 0.5) == Gone()


@pytest.mark.parametrize("outcome", [*map(Outcome, (408, 425, 429, 500, 502, 503, 599)), Outcome(reason="timeout")])
def test_what_may_pass_is_tried_again_later_and_later_and_then_given_up(outcome):
    verdicts = [judge(outcome, attempts, PATIENCE, 0.5) for attempts in range(1, 6)]
    assert verdicts == [Again(2.0), Again(4.0), Again(8.0), Again(16.0), Dead()]


@pytest.mark.parametrize("outcome", [*map(Outcome, (300, 301, 304, 400, 401, 404, 451)), Outcome(reason="denied")])
def test_what_is_refused_is_given_up_sooner(outcome):
    assert judge(outcome, 1, PATIENCE, 0.25) == Again(1.0)
    assert judge(outcome, 2, PATIENCE, 0.25) == Dead()


def test_a_host_that_refuses_lives():
    assert Outcome(404).shows_life
    assert Outcome(200).shows_life
    for outcome in (Outcome(500), Outcome(429), Outcome(reason="connect"), Outcome(reason="denied")):
        assert not outcome.shows_life


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 1e9))
def test_waits_are_bounded_and_no_shorter_than_asked_for(attempts, chance, wanted):
    patience = Patience(first=4.0, longest=60.0, attempts=20_000)
    verdict = judge(Outcome(503, retry_after=wanted), attempts, patience, chance)
    assert isinstance(verdict, Again)
    assert min(wanted or 0.0, 60.0) <= verdict.delay <= 60.0
