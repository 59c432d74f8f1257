"""The reactor: the end of every turn, a clock that is never set back, and a loop that nothing kills."""

import os
import socket
import time

import pytest
from twisted.internet.protocol import Factory, Protocol

from tests.support.overheard import failure, overheard
from wampd.router.reactor import _epoll_reactor, _select_reactor


@pytest.fixture(params=[_epoll_reactor, _select_reactor], ids=["epoll", "select"])
def turns(request):
    """A reactor that is not installed, and what happened in it."""
    happened = []
    reactor = request.param(lambda: happened.append("end"))
    yield reactor, happened
    reactor.disconnectAll()
    reactor.removeAll()
    if hasattr(reactor, "_poller"):
        reactor._poller.close()
    os.close(reactor.waker.i)
    os.close(reactor.waker.o)


def run(reactor, seconds=30.0):
    """Run until it is stopped, not for ever."""
    limit = reactor.callLater(seconds, reactor.stop)
    reactor.run(installSignalHandlers=False)
    in_time = limit.active()
    if in_time:
        limit.cancel()
    return in_time


class Talker(Protocol):
    """Tells what it hears; some of it is followed by something in the next turn."""

    def __init__(self, happened, reactor, then):
        self.happened = happened
        self.reactor = reactor
        self.then = then

    def heard(self, what):
        self.happened.append(what)
        if what in self.then:
            self.reactor.callLater(0, *self.then.pop(what))

    def dataReceived(self, data):
        self.heard(data)
        if data == b"fail":
            raise RuntimeError("a bug")
        if data == b"stop":
            self.reactor.stop()

    def connectionLost(self, reason=None):
        self.heard("lost")


def listen(reactor, happened, then):
    """``then``: a function and its arguments, for what is heard. Timers would run together where the machine is busy."""
    port = reactor.listenTCP(0, Factory.forProtocol(lambda: Talker(happened, reactor, then)), interface="127.0.0.1")
    return port.getHost().port


def test_the_end_of_a_turn_comes_after_all_that_was_read_in_it_and_before_the_next(turns):
    reactor, happened = turns
    then = {}
    port = listen(reactor, happened, then)
    with socket.create_connection(("127.0.0.1", port)) as one, socket.create_connection(("127.0.0.1", port)) as two:
        then[b"2"] = two.sendall, b"stop"

        def both_speak():
            one.sendall(b"1")
            two.sendall(b"2")

        reactor.callLater(0.2, both_speak)
        assert run(reactor)
    first = min(happened.index(b"1"), happened.index(b"2"))
    assert set(happened[first : first + 2]) == {b"1", b"2"}
    assert happened[first + 2] == "end"
    assert happened[happened.index(b"stop") + 1] == "end"


def test_the_end_of_a_turn_comes_after_timers_too(turns):
    reactor, happened = turns

    def both():
        """Set timers that are due in the same turn."""
        for _ in range(2):
            reactor.callLater(0, happened.append, "timer")

    reactor.callLater(0.05, both)
    reactor.callLater(0.2, reactor.callLater, 0.1, reactor.stop)
    assert run(reactor)
    first = happened.index("timer")
    assert happened[first : first + 3] == ["timer", "timer", "end"]


def test_what_fails_in_a_handler_ends_its_connection_alone(turns):
    reactor, happened = turns
    then = {}
    port = listen(reactor, happened, then)
    with (
        overheard() as events,
        socket.create_connection(("127.0.0.1", port)) as bad,
        socket.create_connection(("127.0.0.1", port)) as good,
    ):
        then |= {"lost": (good.sendall, b"hello"), b"hello": (good.sendall, b"stop")}
        reactor.callLater(0.1, bad.sendall, b"fail")
        assert run(reactor)
    assert happened.index("lost") < happened.index(b"hello")
    assert b"stop" in happened
    assert [event["failure"].type for event in events if "failure" in event] == [RuntimeError]


def test_a_timer_that_fails_does_not_stop_the_others(turns):
    reactor, happened = turns

    def fail():
        raise RuntimeError("a bug")

    reactor.callLater(0.05, fail)
    reactor.callLater(0.06, happened.append, "timer")
    reactor.callLater(0.1, reactor.stop)
    with overheard(failure) as failures:
        assert run(reactor)
    assert "timer" in happened
    assert len(failures) == 1


def test_timers_that_are_put_off_or_given_up_and_those_set_by_others_run_when_they_are_due(turns):
    reactor, _ = turns
    begun = time.monotonic()
    ran = {}

    def runs(name):
        ran[name] = time.monotonic() - begun
        if name == "first":
            reactor.callLater(0, runs, "at once")
            late.reset(0.3)
            never.cancel()
        if name == "late":
            reactor.callLater(0.1, reactor.stop)

    late = reactor.callLater(0.1, runs, "late")
    never = reactor.callLater(0.1, runs, "never")
    reactor.callLater(0.05, runs, "first")
    assert run(reactor)
    assert list(ran) == ["first", "at once", "late"]
    assert ran["late"] > 0.3


def test_a_thread_wakes_a_reactor_that_waits_for_nothing_else(turns):
    reactor, happened = turns
    reactor.callWhenRunning(reactor.callInThread, reactor.callFromThread, reactor.stop)
    reactor.addSystemEventTrigger("during", "shutdown", happened.append, "shutdown")
    assert run(reactor)
    assert happened[-1] != "shutdown", "the turn in which it ends has an end, too"
    assert "shutdown" in happened


def test_more_descriptors_than_are_served_in_one_turn_have_theirs_in_the_next(turns, monkeypatch):
    monkeypatch.setattr("wampd.router.reactor.AT_ONCE", 3)
    reactor, happened = turns
    then = {}
    port = listen(reactor, happened, then)
    ends = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]

    def speak():
        for number, end in enumerate(ends):
            end.sendall(b"%d" % number)

    def stop_when_all_are_heard():
        if {b"%d" % number for number in range(20)} <= set(happened):
            reactor.stop()
        else:
            reactor.callLater(0.01, stop_when_all_are_heard)

    reactor.callLater(0.2, speak)
    reactor.callLater(0.3, stop_when_all_are_heard)
    assert run(reactor)
    for end in ends:
        end.close()
    assert {b"%d" % number for number in range(20)} <= set(happened)


def test_an_end_of_turn_that_fails_does_not_stop_the_loop():
    ends = []

    def end():
        ends.append(time.monotonic())
        if len(ends) < 3:
            raise RuntimeError("a bug")

    def turn_again():
        reactor.callLater(0, turn_again if len(ends) <= 3 else reactor.stop)

    reactor = _epoll_reactor(end)
    reactor.callLater(0.1, turn_again)
    try:
        with overheard(failure) as failures:
            assert run(reactor)
    finally:
        reactor.removeAll()
        reactor._poller.close()
        os.close(reactor.waker.i)
        os.close(reactor.waker.o)
    assert len(ends) > 3
    assert len(failures) == 2


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_a_step_of_the_wall_clock_neither_fires_nor_freezes_a_timer(turns, monkeypatch, step):
    """Trap 14: Twisted's own reactors take the wall clock."""
    reactor, happened = turns
    wall = time.time
    fired = []

    def set_the_clock():
        monkeypatch.setattr(time, "time", lambda: wall() + step)

    begun = time.monotonic()
    reactor.callLater(0.1, set_the_clock)
    reactor.callLater(0.4, lambda: fired.append(time.monotonic() - begun))
    reactor.callLater(0.5, reactor.stop)
    far = reactor.callLater(600, happened.append, "too early")
    assert run(reactor)
    assert fired[0] > 0.35
    assert "too early" not in happened
    far.cancel()
