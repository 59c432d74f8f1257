"""Changes of the configuration have their turn one after the other, and nobody waits for ever for its turn."""

import os
import threading
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock

from wampd.router.wiring.changing import READING, TURN, Changing, NotChanged


class Reactor(MemoryReactorClock):
    """What threads tell it comes too late for anybody."""

    def callFromThread(self, *_):
        pass


@pytest.fixture
def clock():
    return Reactor()


def changing(clock, file=None):
    return Changing(SimpleNamespace(means=SimpleNamespace(reactor=clock, settings=None)), file, {})


def outcome(deferred):
    """What came of it so far."""
    found = []
    deferred.addCallbacks(found.append, lambda failure: found.append(failure.value))
    return found


def test_what_is_done_alone_waits_for_its_turn_but_not_for_ever(clock):
    router = changing(clock)
    first: Deferred[int] = Deferred()
    results = [outcome(router.alone(lambda: first)), outcome(router.alone(lambda: succeed(2)))]
    clock.advance(TURN - 1)
    assert results == [[], []]
    clock.advance(1)
    assert isinstance(results[1][0], NotChanged)
    assert str(results[1][0]) == "the configuration is being changed, which takes longer than 30 s"
    waiting = outcome(router.alone(lambda: succeed(3)))
    first.callback(1)
    assert (results[0], waiting) == ([1], [3])
    assert not clock.getDelayedCalls()


def test_what_fails_alone_gives_its_turn_away(clock):
    router = changing(clock)

    def fails():
        raise ValueError

    assert isinstance(outcome(router.alone(fails))[0], ValueError)
    assert outcome(router.alone(lambda: succeed(1))) == [1]


def test_a_file_that_cannot_be_read_to_its_end_keeps_nobody_waiting_for_ever(clock, tmp_path):
    """As on a machine that does not answer; here it is a pipe that nobody writes to."""
    os.mkfifo(tmp_path / "wampd.yaml")
    router = changing(clock, tmp_path / "wampd.yaml")
    compared = outcome(router.difference())
    waiting = outcome(router.alone(lambda: succeed("its turn")))
    clock.advance(TURN)
    assert compared == []
    assert isinstance(waiting[0], NotChanged)
    clock.advance(READING - TURN)
    assert isinstance(compared[0], NotChanged)
    assert outcome(router.alone(lambda: succeed("its turn"))) == ["its turn"]
    with (tmp_path / "wampd.yaml").open("w"):  # let the thread end
        pass
    for thread in threading.enumerate():
        if "configuration" in thread.name:
            assert thread.daemon
