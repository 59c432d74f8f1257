"""What struck how often: totals, and one line in the log in a while."""

from collections import Counter

from twisted.internet.task import Clock

from tests.support.overheard import overheard, text
from wampd.router.tally import INTERVAL, Tally


def test_totals_are_those_counted_here_and_those_that_sources_keep():
    tally = Tally(Clock())
    kept = Counter({"calls over the limit": 2})
    tally.ask(lambda: kept)
    tally.strike("joins refused")
    tally.strike("joins refused")
    kept["calls over the limit"] += 1
    assert tally.totals() == {"joins refused": 2, "calls over the limit": 3}


def test_what_has_grown_is_said_once_in_an_interval_whatever_the_flood():
    clock = Clock()
    tally = Tally(clock)
    tally.start()
    with overheard(text) as lines:
        for _ in range(1000):
            tally.strike("joins refused")
        clock.advance(INTERVAL)
        clock.advance(INTERVAL)
        tally.strike("protocol violations")
        clock.advance(INTERVAL)
    assert lines == ["in the last 10 s: 1000 joins refused", "in the last 10 s: 1 protocol violations"]


def test_all_totals_are_logged_on_request_also_when_there_are_none():
    tally = Tally(Clock())
    with overheard(text) as lines:
        tally.report()
        tally.strike("b")
        tally.strike("a")
        tally.report()
    assert lines == ["since the start: nothing struck", "since the start: 1 a, 1 b"]


def test_what_is_no_misfortune_is_counted_and_not_said():
    clock = Clock()
    tally = Tally(clock)
    tally.ask(lambda: {"breathers": 7}, quietly=True)
    tally.start()
    with overheard(text) as lines:
        clock.advance(INTERVAL)
    assert not lines
    assert tally.totals()["breathers"] == 7
