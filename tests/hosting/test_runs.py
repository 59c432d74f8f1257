"""Runs that are processes, on a reactor that a test holds: what is told when, and who is let in how long."""

import signal

import pytest
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.hosting.house import guest
from wampd.router.hosting.processes import LINGER, Processes
from wampd.router.hosting.runs import Ending, Instance, Program


class Pipe:
    def __init__(self):
        self.is_read = True

    def stopReading(self):
        self.is_read = False

    def startReading(self):
        self.is_read = True


class Process:
    """What Twisted knows of a process."""

    def __init__(self, pid):
        self.pid = pid
        self.pipes = {1: Pipe(), 2: Pipe()}
        self.is_closed = False

    def loseConnection(self):
        self.is_closed = True

    def write(self, data):
        """Take what the warden is told."""


class Reactor(Clock):
    """Starts processes that are none; with `hasty` they have exited before that is told."""

    def __init__(self):
        super().__init__()
        self.started = []
        self.hasty = None
        self.trouble = None

    def spawnProcess(self, protocol, executable, arguments, environment, childFDs=None):  # noqa: N803
        if self.trouble:
            raise self.trouble
        self.started.append((arguments, environment))
        process = Process(2**22 + len(self.started))  # beyond what the system gives: no signal reaches anybody
        self.protocol, self.process = protocol, process
        protocol.makeConnection(process)
        if self.hasty:
            protocol.processExited(self.hasty)
        return process


class Book:
    """Told, passes and ward: writes down what happens."""

    def __init__(self):
        self.entries = []

    def issue(self, instance):
        self.entries.append("issue")
        return {"WAMPD_TICKET": "hunter2"}

    def bind(self, instance, pid):
        self.entries.append("bind")

    def void(self, instance):
        self.entries.append("void")

    def watch(self, mark, group, grace):
        self.entries.append("watch")

    def clear(self, mark):
        self.entries.append("clear")

    def printed(self, stream, line):
        self.entries.append((stream, line))

    def ended(self, ending):
        self.entries.append(ending)


@pytest.fixture
def reactor():
    return Reactor()


@pytest.fixture
def book():
    return Book()


def start(reactor, book, **more):
    program = Program(guest("a", **more), ("node", "a.js"), {"COLOUR": "blue"})
    return Processes(reactor, book, book, 1024).start(Instance(program, 1), book)


FAILED = Failure(ProcessTerminated(3, None))


def test_a_run_is_let_in_as_long_as_its_process_is_there(reactor, book):
    start(reactor, book)
    reactor.protocol.outReceived(b"one\ntwo")
    reactor.protocol.processExited(FAILED)
    reactor.protocol.errReceived(b"late\n")
    reactor.protocol.processEnded(FAILED)
    assert book.entries == [
        "issue",
        "bind",
        "watch",
        ("stdout", "one"),
        "void",
        "clear",
        ("stderr", "late"),
        ("stdout", "two"),
        Ending(3, None),
    ]


def test_its_environment_says_which_it_is_and_lets_it_in_and_its_command_line_does_not(reactor, book):
    start(reactor, book)
    [(arguments, environment)] = reactor.started
    assert arguments[-2:] == ("node", "a.js")
    assert "hunter2" not in " ".join(arguments)
    mark = environment.pop("WAMPD_RUN")
    assert len(mark) == 32
    assert environment == {
        "COLOUR": "blue",
        "PYTHONUNBUFFERED": "1",
        "WAMPD_COMPONENT": "a",
        "WAMPD_INSTANCE": "1",
        "WAMPD_TICKET": "hunter2",
    }


def test_one_that_has_exited_before_it_is_known_is_let_in_no_more(reactor, book):
    reactor.hasty = FAILED
    run = start(reactor, book)
    assert book.entries == ["issue", "bind", "watch", "void", "clear"]
    assert run.pid is None
    reactor.protocol.processEnded(FAILED)
    assert book.entries[-1] == Ending(3, None)


def test_one_that_cannot_be_started_is_let_in_no_more(reactor, book):
    reactor.trouble = OSError(11, "no room")
    with pytest.raises(OSError, match="no room"):
        start(reactor, book)
    assert book.entries == ["issue", "void"]


def test_outputs_that_stay_open_are_waited_for_a_moment_and_no_longer(reactor, book):
    start(reactor, book)
    reactor.protocol.processExited(FAILED)
    reactor.advance(LINGER / 2)
    assert not reactor.process.is_closed
    reactor.advance(LINGER / 2)
    assert reactor.process.is_closed


def test_one_that_prints_too_much_is_not_read_until_the_next_second(reactor, book):
    start(reactor, book)
    reactor.protocol.outReceived(b"x" * 2**20 + b"\n")
    assert [pipe.is_read for pipe in reactor.process.pipes.values()] == [False, True]
    reactor.advance(1)
    assert reactor.process.pipes[1].is_read


def test_the_last_words_of_one_that_is_not_read_are_read_when_it_has_exited(reactor, book):
    start(reactor, book)
    reactor.protocol.errReceived(b"x" * 2**20 + b"\n")
    reactor.protocol.processExited(FAILED)
    assert reactor.process.pipes[2].is_read
    reactor.protocol.errReceived(b"y" * 2**20 + b"\n")
    assert reactor.process.pipes[2].is_read  # else its end would not be seen


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (ProcessDone(0), "has ended"),
        (ProcessTerminated(3, None), "failed, exit status 3"),
        (ProcessTerminated(127, None), "cannot be started"),
        (ProcessTerminated(78, None), "cannot be imported"),
        (ProcessTerminated(None, signal.SIGKILL), "was ended by signal 9 (SIGKILL)"),
        (ProcessTerminated(None, 40), "was ended by signal 40 (a real-time signal)"),
    ],
)
def test_how_it_ended_is_said_in_words(reactor, book, reason, said):
    start(reactor, book)
    reactor.protocol.processExited(Failure(reason))
    reactor.protocol.processEnded(Failure(reason))
    assert str(book.entries[-1]) == said
