"""The wheel: one timer for the clocks of very many connections."""

import gc
import time
import weakref

import pytest
from twisted.internet.task import Clock

from tests.support.overheard import failure, overheard
from wampd.router.reactor import _epoll_reactor
from wampd.router.wheel import AFTER_A_BUG, AT_ONCE, SLOT, Wheel


class Item:
    def __init__(self, again=1000.0):
        self.slot = 0
        self.again = again
        self.asked = []

    def tick(self, now, stalled):
        self.asked.append((now, stalled))
        return now + self.again

    @property
    def times(self):
        return [when for when, _ in self.asked]


@pytest.fixture
def clock():
    clock = Clock()
    clock.rightNow = 50.0
    return clock


@pytest.fixture
def wheel(clock):
    return Wheel(clock)


def run(clock, seconds, step=0.05):
    for _ in range(round(seconds / step)):
        clock.advance(step)


def test_an_item_is_asked_when_it_said_and_at_most_a_slot_later(clock, wheel):
    item = Item(again=3.0)
    wheel.watch(item, 1.0)
    run(clock, 10)
    assert len(item.times) == 3
    for earliest, when in zip([51.0, item.times[0] + 3, item.times[1] + 3], item.times, strict=True):
        assert earliest <= when <= earliest + 2 * SLOT


def test_an_earlier_deadline_is_heeded_and_a_later_one_does_not_delay(clock, wheel):
    item = Item()
    wheel.watch(item, 10.0)
    wheel.wake(item, 52.0)
    wheel.wake(item, 59.0)
    run(clock, 3)
    assert len(item.asked) == 1
    run(clock, 12)
    assert len(item.asked) == 1


def test_watching_again_forgets_what_was_said_before(clock, wheel):
    item = Item()
    wheel.watch(item, 1.0)
    wheel.watch(item, 5.0)
    run(clock, 4)
    assert item.asked == []
    run(clock, 2)
    assert len(item.asked) == 1


def test_what_is_forgotten_is_not_asked_and_let_go_at_once(clock, wheel):
    item = Item()
    gone = weakref.ref(item)
    wheel.watch(item, 1000.0)
    wheel.wake(item, 60.0)
    wheel.forget(item)
    wheel.wake(item, 51.0)
    run(clock, 30)
    assert item.asked == []
    del item
    gc.collect()
    assert gone() is None
    assert clock.getDelayedCalls() == []


def test_an_item_that_forgets_itself_while_it_is_asked_is_not_asked_again(clock, wheel):
    item = Item(again=1.0)
    tick = item.tick
    item.tick = lambda now, stalled: wheel.forget(item) or tick(now, stalled)
    wheel.watch(item, 1.0)
    run(clock, 10)
    assert len(item.asked) == 1


def test_an_item_may_forget_another_of_the_same_round(clock, wheel):
    items = [Item(), Item()]
    for item in items:
        wheel.watch(item, 1.0)

    def only(mine, other):
        tick = mine.tick
        mine.tick = lambda now, stalled: wheel.forget(other) or tick(now, stalled)

    only(*items)
    only(*reversed(items))
    run(clock, 3)
    assert sum(len(item.asked) for item in items) == 1


def test_after_a_round_in_time_nobody_is_told_of_a_delay_and_after_a_late_one_everybody_is(clock, wheel):
    early, late = Item(), Item()
    wheel.watch(early, 1.0)
    wheel.watch(late, 5.0)
    run(clock, 2)
    clock.advance(20)
    assert early.asked[0][1] is False
    assert late.asked[0][1] is True


def test_the_wheel_rests_when_nothing_is_watched_and_that_is_no_delay(clock, wheel):
    item = Item()
    wheel.watch(item, 1.0)
    wheel.forget(item)
    run(clock, 2)
    assert clock.getDelayedCalls() == []
    clock.advance(500)
    wheel.watch(item, 1.0)
    run(clock, 3)
    assert [stalled for _, stalled in item.asked] == [False]


def test_very_many_at_once_are_asked_in_several_turns_and_all_are_told_of_a_delay(clock, wheel, monkeypatch):
    delays = []
    call_later = clock.callLater
    monkeypatch.setattr(clock, "callLater", lambda delay, *call: delays.append(delay) or call_later(delay, *call))
    items = [Item() for _ in range(2 * AT_ONCE + 10)]
    for item in items:
        wheel.watch(item, 10.0)
    clock.advance(30)
    assert delays.count(0) == 2  # a reactor runs those in its next turns, after reading and writing
    assert [len(item.asked) for item in items] == [1] * len(items)
    assert all(item.asked[0][1] for item in items)


def test_an_item_that_raises_is_logged_and_the_others_are_asked_all_the_same(clock, wheel):
    def fail(now, stalled):
        raise RuntimeError("a bug")

    bad, good = Item(), Item(again=1.0)
    bad.tick = fail
    wheel.watch(bad, 1.0)
    wheel.watch(good, 1.0)
    with overheard(failure) as events:
        run(clock, 5)
        failures = [event["log_failure"].type for event in events]
        run(clock, AFTER_A_BUG)
    assert len(good.asked) >= 3
    assert failures == [RuntimeError]
    assert sum("log_failure" in event for event in events) == 2, "it was asked again, later"


def test_the_reactors_clock_is_the_monotonic_one_which_steps_of_the_wall_clock_do_not_touch():
    reactor = _epoll_reactor(lambda: None)
    assert type(reactor).seconds is time.monotonic
    before = time.monotonic()
    assert before <= reactor.seconds() <= time.monotonic()
    call = reactor.callLater(5, lambda: None)
    assert before + 5 <= call.getTime() <= time.monotonic() + 5
    call.cancel()
    reactor.removeAll()
    reactor._poller.close()
