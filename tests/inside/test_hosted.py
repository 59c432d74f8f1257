"""Components in the router's process, in memory: what they do, and what becomes of what they raise."""

import sys
import textwrap
import warnings

import pytest

from tests.inside.house import House
from wampd.auth.ticket import Ticket
from wampd.hosted.trouble import DONE, FAILED, REFUSED, UNUSABLE
from wampd.router.control.minted import Minted
from wampd.router.control.passes import ComponentPasses
from wampd.router.hosting.runs import Instance
from wampd.router.inside.hosted import Inside
from wampd.router.settings.components import PythonComponent
from wampd.router.wiring.programs import program_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # those of the library's own libraries
    import autobahn.twisted.component  # noqa: F401 - so that it is there

FUNCTIONS = """
    from twisted.internet.defer import Deferred

    async def serve(session, extra):
        await session.register(lambda x: [x, extra], "com.echo")
        session.log.info("serving {what}", what="all")

    async def failing(session):
        raise ValueError("not today")

    async def main(reactor, session):
        return "done"

    async def waiting(session):
        await Deferred()

    async def forbidden(session):
        await session.register(print, "wamp.nothing.of.yours")

    async def lost(session):
        session._transport.heard(b"this is no WAMP")
"""


class Told:
    """Whoever supervises a run."""

    def __init__(self):
        self.lines = []
        self.endings = []

    def printed(self, stream, line):
        self.lines.append((stream, line))

    def ended(self, ending):
        self.endings.append(ending)


class Attendance:
    def __init__(self):
        self.heard = []

    def pings(self, _name):
        return None

    def joined(self, name):
        self.heard.append(("joined", name))

    def left(self, name):
        self.heard.append(("left", name))

    def hung(self, name, why):
        self.heard.append(("hung", name, why))


class Inn(House):
    """A house with components inside."""

    def __init__(self, directory):
        super().__init__()
        self.directory = directory
        self.minted = Minted()
        self.passes = ComponentPasses(self.minted, lambda: "", self.clock)
        self.told = Told()
        self.inside = Inside(self.clock, self.realms, self, self.passes)

    def get(self, name):
        """The door of a realm for those who come by tickets of ours."""
        accounts = self.minted.of(name)
        return None if accounts is None else self.realms.door(name).by([Ticket(accounts)])

    def host(self, run, source=FUNCTIONS, role="user", **more):
        module, _, _ = run.partition(":")
        (self.directory / f"{module}.py").write_text(textwrap.dedent(source))
        component = PythonComponent(
            name="adder", run=run, realm="realm1", role=role, in_process=True, directory=self.directory, **more
        )
        running = self.inside.start(Instance(program_of(component, {}), 1), self.told)
        assert self.told.endings == self.told.lines == []  # not before it is started
        self.turns()
        return running


@pytest.fixture
def inn(tmp_path):
    path, modules = list(sys.path), set(sys.modules)
    yield Inn(tmp_path)
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_a_function_serves_callers_and_logs_as_its_component(inn):
    inn.host("app:serve", extra={"a": 1})
    caller = inn.enter("user")
    assert inn.now(caller.call("com.echo", [5], timeout=9)).values() == [[5, {"a": 1}]]
    assert inn.told.lines == [("stdout", "serving all")]
    assert inn.told.endings == []


def test_its_session_is_one_like_all_others(inn):
    inn.host("app:serve")
    (session,) = inn.realms["realm1"].core.sessions.values()
    assert (session.authid, session.authrole, session.authmethod) == ("adder", "user", "ticket")
    assert session.authprovider == "wampd"
    assert session.transport["peer"] == "inside"


def test_it_may_do_what_its_role_may_do(inn):
    inn.host("app:serve", role="reader")
    ((stream, line), *_) = inn.told.lines
    assert (stream, line[:35]) == ("stderr", "setting up failed: ApplicationError")
    assert "wamp.error.not_authorized" in line
    assert [ending.status for ending in inn.told.endings] == [FAILED]


def test_what_it_raises_while_it_joins_is_told_once_and_ends_it(inn):
    inn.host("app:failing")
    texts = [line for _, line in inn.told.lines]
    assert texts[0].startswith("setting up failed: ValueError: not today (")
    assert texts.count("Traceback (most recent call last):") == 1
    assert [ending.status for ending in inn.told.endings] == [FAILED]
    assert inn.realms["realm1"].core.sessions == {}
    assert inn.minted.of("realm1").mint("adder", "user")  # nothing of it is left


def test_a_main_function_that_returns_is_done(inn):
    inn.host("app:main")
    assert [ending.status for ending in inn.told.endings] == [DONE]
    assert inn.told.lines == []


@pytest.mark.parametrize("function", ["serve", "waiting"])
def test_asked_to_end_it_leaves_its_realm(inn, function):
    running = inn.host(f"app:{function}")
    assert len(inn.realms["realm1"].core.sessions) == 1
    running.ask_to_end()
    inn.turns()
    assert [ending.status for ending in inn.told.endings] == [DONE]
    assert inn.realms["realm1"].core.sessions == {}


@pytest.mark.parametrize("early", [True, False])
def test_killed_it_is_gone_at_once_and_tells_so_once(inn, early):
    (inn.directory / "app.py").write_text(textwrap.dedent(FUNCTIONS))
    component = PythonComponent(
        name="adder", run="app:serve", realm="realm1", role="user", in_process=True, directory=inn.directory
    )
    running = inn.inside.start(Instance(program_of(component, {}), 1), inn.told)
    if not early:
        inn.turns()
    running.kill()
    running.kill()
    running.ask_to_end()
    inn.turns()
    assert len(inn.told.endings) == 1
    assert inn.realms["realm1"].core.sessions == {}


def test_who_supervises_it_hears_that_it_has_joined_and_left(inn):
    inn.passes.attendance = Attendance()
    inn.passes.attendance.pings = lambda _: object()
    running = inn.host("app:serve")
    assert inn.passes.attendance.heard == [("joined", "adder")]
    running.ask_to_end()
    inn.turns()
    assert inn.passes.attendance.heard == [("joined", "adder"), ("left", "adder")]


def test_who_supervises_it_hears_that_it_hangs_and_of_nothing_else_that_ends_its_connection(inn):
    inn.passes.attendance = Attendance()
    inn.passes.attendance.pings = lambda _: object()
    peer = inn.host("app:serve")._transport._line.peer
    peer.failed("a frame that is none")
    assert inn.passes.attendance.heard == [("joined", "adder")]
    peer.failed("no answer to a ping")
    peer.too_slow("nothing was read for 10 s")
    assert inn.passes.attendance.heard[1:] == [
        ("hung", "adder", "does not answer pings"),
        ("hung", "adder", "does not read what is sent to it: nothing was read for 10 s"),
    ]


def test_a_session_that_was_sent_away_is_the_end_of_the_run(inn):
    inn.host("app:serve")
    ((number, _),) = inn.realms["realm1"].core.sessions.items()
    assert inn.now(inn.enter().call("wamp.session.kill", [number], timeout=9)) is not None
    inn.turns()
    assert [ending.status for ending in inn.told.endings] == [FAILED]
    assert ("stderr", "the session was ended: wamp.close.killed") in inn.told.lines


def test_what_it_cannot_read_ends_its_session_and_nothing_else(inn):
    other = inn.enter("user")
    inn.host("app:lost")
    assert [ending.status for ending in inn.told.endings] == [FAILED]
    assert not other.is_over


@pytest.mark.parametrize(
    ("run", "source", "line"),
    [
        ("app:nothing", "x = 1", "there is no 'nothing' in "),
        ("app:x", "x = 1", "app:x is a int; it must be"),
        ("app:x", "1 / 0", "importing app failed: ZeroDivisionError"),
        ("app:x", "raise SystemExit(1)", "importing app ended the program"),
    ],
)
def test_what_cannot_be_run_is_hopeless_and_says_why(inn, run, source, line):
    inn.host(run, source)
    (ending,) = inn.told.endings
    assert ending.status == UNUSABLE
    assert ending.is_hopeless
    assert inn.told.lines[0][1].startswith(line)


def test_without_a_ticket_nobody_comes_in(inn):
    inn.passes.issue = lambda _: {"WAMPD_TICKET": "hunter2"}
    inn.minted.mint("realm1", "adder", "user")
    inn.host("app:serve")
    assert [ending.status for ending in inn.told.endings] == [REFUSED]
    assert "hunter2" not in str(inn.told.lines)
