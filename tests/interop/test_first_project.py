"""What ``wampd init`` writes, run as a user runs it: the router starts, its component joins, and calls are answered."""

import asyncio
import json
import shlex
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.support.loops import run
from tests.support.needs import unavailable
from tests.support.process import ROOT, Child, environment, free_port, wampd_command
from wampd.client import CannotConnect, Credentials, Session, WampError, connect

NODE_MODULES = ROOT / "examples" / "hello" / "node_modules"


class Project:
    """A project, its router, and commands that are given there."""

    def __init__(self, directory, port):
        self.directory, self.port = directory, port
        self.url = f"ws://127.0.0.1:{port}/ws"
        self.variables = environment(XDG_RUNTIME_DIR=str(directory.parent), PYTHONPATH=str(ROOT))
        self.router = None

    def wampd(self, *words):
        command = [sys.executable, "-P", "-m", "wampd", *words]
        done = subprocess.run(
            command, cwd=self.directory, env=self.variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stderr == ""
        return done.stdout

    def wait_for_component(self, again=0):
        """Wait until it offers what it has to offer, in its first run or in a later one: it is ready when it has joined."""
        self.router.wait_until(
            lambda: self.router.log().count("joined realm1 as hello") > again, "the component serves"
        )

    def secret(self, name):
        return (self.directory / "secrets" / name).read_text().strip()

    def ask(self, work, **credentials):
        """Do something in a session; what it comes to."""

        async def asked():
            who = Credentials(**credentials) if credentials else None
            async with connect(self.url, "realm1", credentials=who) as session:
                return await work(session)

        return run(asked())


@contextmanager
def project(directory, *words):
    """``wampd init`` and ``wampd run``, until the router is ready, components included."""
    port = free_port()
    made = Project(directory / "hello", port)
    init = wampd_command("init", "hello", "--yes", "--port", str(port), *words)
    subprocess.run(init, cwd=directory, env=made.variables, check=True, stdout=subprocess.DEVNULL)
    if "node" in words:
        if not (NODE_MODULES / "autobahn").is_dir():
            unavailable("the npm packages of examples/hello are missing; run: tools/setup node")
        (made.directory / "node_modules").symlink_to(NODE_MODULES)
    with Child(wampd_command("run"), directory / "log", env=made.variables, cwd=made.directory) as made.router:
        made.router.wait_for_port(port)
        if "--no-component" not in words:
            made.wait_for_component()
        yield made


async def hello(session: Session, name: str = "Ann") -> object:
    """Call what the component offers; what it returned, and what it told of that."""
    told = asyncio.Queue()
    await session.subscribe("com.example.greeted", lambda event: told.put_nowait(event.args))
    result = await session.call("com.example.hello", [name], timeout=20)
    return result.value, await asyncio.wait_for(told.get(), 20)


@pytest.mark.parametrize(
    "language",
    ["python-asyncio", "python-twisted", pytest.param("node", marks=pytest.mark.needs("node"))],
)
def test_the_component_is_hosted_and_answers(tmp_path, language):
    with project(tmp_path, "--language", language) as it:
        assert it.ask(hello) == ("Hello Ann!", ["Ann", 1])
        assert "hello" in it.wampd("component", "list").splitlines()[1]
        assert "hello joined realm1 as hello" in it.wampd("component", "logs", "hello")
        assert it.wampd("component", "restart", "hello") == "hello is ready again\n"
        it.wait_for_component(again=1)
        assert it.ask(hello) == ("Hello Ann!", ["Ann", 1])
    assert "Traceback" not in it.router.log()


@pytest.mark.parametrize("auth", ["ticket", "wampcra"])
def test_visitors_with_the_password_come_in_and_others_do_not(tmp_path, auth):
    with project(tmp_path, "--auth", auth) as it:
        known = {"method": auth, "authid": "visitor"}
        assert it.ask(hello, **known, secret=it.secret("visitor"))[0] == "Hello Ann!"
        for wrong in ({}, {**known, "secret": "hunter2"}, {**known, "authid": "backend", "secret": "hunter2"}):
            with pytest.raises(CannotConnect):
                it.ask(hello, **wrong)


@pytest.mark.parametrize("auth", ["anonymous", "wampcra"])
def test_the_commands_of_its_page_do_what_it_says(tmp_path, auth):
    with project(tmp_path, "--auth", auth) as it:
        page = (it.directory / "README.md").read_text()
        commands = [shlex.split(line.removeprefix("$ ")) for line in page.splitlines() if line.startswith("$ ")]
        assert [words[:2] for words in commands[:3]] == [["pip", "install"], ["wampd", "check"], ["wampd", "run"]]
        said = [it.wampd(*words[1:]) for words in commands[3:]]
        assert ": ready\n" in said[0]
        assert "hello joined realm1 as hello" in said[1]
        assert json.loads(said[2]) == "Hello Ann!"


def test_without_a_component_its_page_says_how_to_be_one(tmp_path):
    with project(tmp_path, "--no-component", "--auth", "ticket") as it:
        page = (it.directory / "README.md").read_text()
        commands = [shlex.split(line.removeprefix("$ wampd ")) for line in page.splitlines() if "$ wampd " in line]
        _, _, status, register, call = commands
        assert ": ready\n" in it.wampd(*status)
        serving = Child(wampd_command(*register), tmp_path / "serving", env=it.variables, cwd=it.directory)
        it.router.wait_for_log("(backend, backend, 127.0.0.1) joined realm1")
        serving.wait_for_log("com.example.hello")
        assert json.loads(it.wampd(*call)) == "Hello!"
        serving.kill()


def test_visitors_may_do_nothing_else(tmp_path):
    with project(tmp_path) as it:

        async def register(session):
            await session.register("com.example.hello", hello)

        async def publish(session):
            await session.publish("com.example.greeted", ["x"], acknowledge=True)

        async def subscribe(session):
            await session.subscribe("com.example.", print, match="prefix")

        async def monitor(session):
            await session.call("wampd.monitor.overview")

        for each in (register, publish, subscribe, monitor):
            with pytest.raises(WampError, match="not_authorized"):
                it.ask(each)


def test_without_a_component_whoever_has_the_ticket_may_be_one(tmp_path):
    with project(tmp_path, "--no-component") as it:

        async def nobody(session):
            await session.call("com.example.hello", ["Ann"])

        with pytest.raises(WampError, match=r"wamp\.error\.no_such_procedure"):
            it.ask(nobody)

        async def serve(session):
            async def greet(invocation):
                return f"Hello {invocation.args[0]}!"

            await session.register("com.example.hello", greet)
            async with connect(it.url, "realm1") as visitor:
                return (await visitor.call("com.example.hello", ["Ann"])).value

        assert it.ask(serve, method="ticket", authid="backend", secret=it.secret("backend")) == "Hello Ann!"
