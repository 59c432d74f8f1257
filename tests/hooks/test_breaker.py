"""When a host is left alone, and when it is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from wampd.router.hooks.breaker import Breaker, HostRules

RULES = HostRules(concurrency=2, failures=3, pause=10.0, longest=30.0)


def fail(breaker, now):
    assert breaker.may_begin(now)
    breaker.begin()
    breaker.end(False, now)


def test_so_much_at_once():
    breaker = Breaker(RULES)
    breaker.begin()
    assert breaker.may_begin(0.0)
    breaker.begin()
    assert not breaker.may_begin(0.0)
    breaker.end(True, 0.0)
    assert breaker.may_begin(0.0)


def test_failures_in_a_row_open_it_and_one_attempt_may_close_it():
    breaker = Breaker(RULES)
    for _ in range(3):
        fail(breaker, 0.0)
    assert breaker.state == "open"
    assert not breaker.may_begin(9.9)
    assert breaker.may_begin(10.0)
    breaker.begin()
    assert not breaker.may_begin(10.0), "half open: one"
    breaker.end(True, 11.0)
    assert breaker.state == "closed"
    assert breaker.room == 2


def test_it_opens_longer_each_time():
    breaker = Breaker(RULES)
    for _ in range(3):
        fail(breaker, 0.0)
    fail(breaker, 10.0)
    assert breaker.opens_at == 30.0
    fail(breaker, 30.0)
    assert breaker.opens_at == 60.0, "at most 30 s"


def test_a_success_between_counts():
    breaker = Breaker(RULES)
    fail(breaker, 0.0)
    fail(breaker, 0.0)
    breaker.begin()
    breaker.end(True, 0.0)
    fail(breaker, 0.0)
    fail(breaker, 0.0)
    assert breaker.state == "closed"


def test_what_was_under_way_when_it_opened_does_not_open_it_longer():
    breaker = Breaker(HostRules(concurrency=5, failures=3, pause=10.0))
    for _ in range(5):
        breaker.begin()
    for _ in range(5):
        breaker.end(False, 0.0)
    assert breaker.opens_at == 10.0


@given(st.lists(st.tuples(st.sampled_from(["begin", "life", "none", "cancel"]), st.floats(0, 100))))
def test_never_more_at_once_than_allowed(steps):
    breaker, now, running = Breaker(RULES), 0.0, 0
    for step, later in steps:
        now += later
        if step == "begin" and breaker.may_begin(now):
            breaker.begin()
            running += 1
        elif running and step != "begin":
            running -= 1
            if step == "cancel":
                breaker.cancel()
            else:
                breaker.end(step == "life", now)
        assert breaker.running == running <= 2
        assert breaker.opens_at <= now + 30.0
