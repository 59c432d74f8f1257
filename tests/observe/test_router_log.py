"""The log of the process: configured anew while it runs, written from other threads, in colours where somebody looks."""

import os
import pty
import threading
import tty

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel

from wampd.router.observe.logs import RouterLog
from wampd.router.settings.log import Log, LogLevels


class Reactor(Clock):
    """A clock that other threads can hand calls to."""

    def __init__(self):
        super().__init__()
        self.handed = []

    def callFromThread(self, what, *args):
        self.handed.append((threading.get_ident(), what, args))


@pytest.fixture
def reactor():
    return Reactor()


@pytest.fixture
def made(tmp_path, reactor):
    """Makes a log to a file; and what is in that."""
    path = tmp_path / "log"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    yield lambda **settings: RouterLog(Log(**settings), descriptor, reactor, {}, str(tmp_path / "none")), path.read_text
    os.close(descriptor)


def event(text, level="info", namespace="wampd.router.sessions", **fields):
    return {
        "log_time": 1.0,
        "log_level": LogLevel.lookupByName(level),
        "log_namespace": namespace,
        "log_format": text,
        **fields,
    }


def test_levels_format_and_burst_change_while_it_runs(made):
    make, written = made
    log = make(level="warn")
    log(event("one"))
    log.configure(Log(level="warn", levels=LogLevels(sessions="info"), format="json", burst=1))
    log(event("two"))
    log(event("two"))
    log(event("two", namespace="wampd.router.http"))
    log.configure(Log(format="text", burst=None))
    log(event("two"))
    log.finish()
    first, second, third = written().splitlines()
    assert '"message":"two"' in first
    assert second.endswith("wampd.router.sessions: two")
    assert third.endswith("… 1 more like this in the last 10 s: two")
    assert log.counts() == {"log lines dropped": 0, "log lines summed up": 1}


def test_a_line_of_another_thread_is_written_in_the_reactors(made, reactor):
    make, written = made
    log = make()
    thread = threading.Thread(target=log, args=(event("from afar"),))
    thread.start()
    thread.join()
    assert written() == ""
    ((ident, what, args),) = reactor.handed
    assert ident == thread.ident
    what(*args)
    assert "from afar" in written()
    log.finish()


def test_after_the_reactor_has_stopped_a_line_of_another_thread_is_written_at_once(made, reactor):
    make, written = made
    log = make()
    log._thread = None  # as `finish` leaves it
    thread = threading.Thread(target=log, args=(event("late"),))
    thread.start()
    thread.join()
    assert "late" in written()
    log.finish()


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, False)],
)
def test_on_a_terminal_levels_have_colours_unless_nobody_wants_them(reactor, environ, coloured):
    main, terminal = pty.openpty()
    tty.setraw(terminal)
    try:
        log = RouterLog(Log(), terminal, reactor, environ)
        log(event("careful", "warn"))
        log.finish()
        line = os.read(main, 4096).decode()
    finally:
        os.close(main)
        os.close(terminal)
    word = "\x1b[33mwarn \x1b[0m" if coloured else "warn "
    assert line == f"1970-01-01T00:00:01.000Z {word} wampd.router.sessions: careful\n"
