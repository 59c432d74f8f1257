"""What is the process of a component in Python, run as the router runs it: by its path, with nothing but an environment."""

import ast
import signal
from pathlib import Path

import pytest

from tests.hosting import bare
from tests.hosting.conftest import RUNNER, Alone
from wampd.hosted.trouble import DONE, FAILED, REFUSED, UNREACHABLE, UNUSABLE

COMPONENT = """
from autobahn.{framework}.component import Component, run

component = Component(transports="ws://127.0.0.1:1/nobody", realm="elsewhere", extra="its own")


@component.register("com.example.{framework}.add")
def add(x, y):
    return x + y


@component.on_join
async def joined(session, details):
    total = await session.call("com.example.{framework}.add", 2, 3)
    print("joined", details.realm, "as", details.authid, details.authrole, "by", details.authmethod)
    print("the sum is", total, "and the extra", session.config.extra)


@component.on_leave
def left(session, details):
    print("left:", details.reason)


if __name__ == "__main__":
    run([component])
"""
CLASS = """
import asyncio
from autobahn.{framework}.wamp import ApplicationSession


class Adder(ApplicationSession):
    def onConnect(self):
        self.join("elsewhere", ["wampcra"], "me")  # when it runs on its own

    async def onJoin(self, details):
        await self.register(lambda x, y: x + y, "com.example.{framework}.add")
        print("the sum is", await self.call("com.example.{framework}.add", 2, 3))
        if self.config.extra == "raise":
            raise ValueError("not today")
        if self.config.extra == "leave":
            self.leave()

    def onDisconnect(self):
        if "{framework}" == "asyncio":
            asyncio.get_event_loop().stop()  # as autobahn's examples do
        else:
            from twisted.internet import reactor
            reactor.stop()
"""
FUNCTIONS = """
from autobahn.wamp.exception import ApplicationError
{more}

async def serve(session, extra):
    await session.register(lambda: 1, "com.example.one")
    print("one is", await session.call("com.example.one"), "with", extra)


async def main(loop, session):
    print("main with", type(loop).__name__)


async def failing(reactor, session):
    await session.call("com.example.missing")


def plain(it):
    print("plain with", it.is_attached())
    it.leave()


def greedy(session, wisdom):
    pass
"""
EITHER = pytest.mark.parametrize("framework", ["twisted", "asyncio"])


@EITHER
def test_a_component_joins_as_the_router_says_whatever_it_says_itself(alone: Alone, framework: str) -> None:
    alone.write("app.py", COMPONENT.format(framework=framework))
    alone.router()
    component = alone.start("app:component", extra={"a": [1]})
    component.wait_for_log("the sum is 5 and the extra {'a': [1]}")
    assert "joined realm1 as comp backend by ticket" in component.log()
    assert component.stop() == DONE
    assert "left: wamp.close.goodbye_and_out" in component.log()


@EITHER
def test_without_an_extra_a_component_has_its_own(alone: Alone, framework: str) -> None:
    alone.write("app.py", COMPONENT.format(framework=framework))
    alone.router()
    component = alone.start("app:component")
    component.wait_for_log("the extra its own")
    assert component.stop() == DONE


@EITHER
def test_a_class_of_sessions_joins_by_ticket_and_may_stop_the_loop_itself(alone: Alone, framework: str) -> None:
    alone.write("app.py", CLASS.format(framework=framework))
    alone.router()
    done = alone.run("app:Adder", extra="leave")
    assert (done.returncode, done.stdout, done.stderr) == (DONE, "the sum is 5\n", "")
    component = alone.start("app:Adder")
    component.wait_for_log("the sum is 5")
    assert component.stop() == DONE


@EITHER
def test_what_fails_while_joining_is_one_line_with_one_traceback_and_the_end(alone: Alone, framework: str) -> None:
    alone.write("app.py", CLASS.format(framework=framework))
    alone.router()
    done = alone.run("app:Adder", extra="raise")
    assert done.returncode == FAILED
    line = f"setting up failed: ValueError: not today ({alone.directory / 'app.py'}:14)"
    assert done.stderr.splitlines()[0] == line
    assert done.stderr.count("Traceback") == 1
    assert "autobahn/wamp" not in done.stderr


def test_functions_get_what_their_parameters_are_called_for(alone: Alone) -> None:
    alone.write("app.py", FUNCTIONS.format(more=""))
    alone.router()
    component = alone.start("app:serve", extra=7)
    component.wait_for_log("one is 1 with 7")
    assert component.stop() == DONE
    done = alone.run("app:plain")
    assert (done.returncode, done.stdout) == (DONE, "plain with True\n")


def test_a_main_function_is_the_whole_component(alone: Alone) -> None:
    alone.write("app.py", FUNCTIONS.format(more=""))
    alone.write("tx.py", FUNCTIONS.format(more="from twisted.internet.defer import Deferred"))
    alone.router()
    assert "EventLoop" in (done := alone.run("app:main")).stdout
    assert done.returncode == DONE
    assert "Reactor" in (done := alone.run("tx:main")).stdout
    assert done.returncode == DONE
    assert "Reactor" in alone.run("app:main", framework="twisted").stdout


@pytest.mark.parametrize("module", ["app", "tx"])
def test_what_a_main_function_raises_is_told_once(alone: Alone, module: str) -> None:
    alone.write("app.py", FUNCTIONS.format(more=""))
    alone.write("tx.py", FUNCTIONS.format(more="from twisted.internet.defer import Deferred"))
    alone.router()
    done = alone.run(f"{module}:failing")
    assert done.returncode == FAILED
    begin = "setting up failed: ApplicationError: wamp.error.no_such_procedure: no procedure 'com.example.missing'"
    assert done.stderr.startswith(begin)
    assert done.stderr.count("Traceback") == 1


# ----------------------------------------------------------------------------------------- what cannot be run at all


BROKEN = {
    "missing:x": "there is no module 'missing' in {dir} (directory, path), nor among the packages of ",
    "app:adder": "there is no 'adder' in {dir}/app.py; did you mean 'Adder'?",
    "app:asyncio": "app:asyncio is a module; it must be an autobahn Component, a class of sessions",
    "app:Adder.NAMES": "app:Adder.NAMES is a list; it must be an autobahn Component, a class of sessions",
    "app:Plain": "app:Plain is the class Plain; it must be an autobahn Component, a class of sessions",
    "app:greedy": "the function has a parameter 'wisdom', for which there is nothing; there are session, details, extra",
    "bad:x": "importing bad failed: SyntaxError: ",
    "late:x": "importing late failed: ZeroDivisionError: division by zero ({dir}/late.py:2)",
    "needs:x": "importing needs failed: ModuleNotFoundError: No module named 'nothing_like_it' ({dir}/needs.py:1)",
    "eager:x": "importing eager ended the program; what runs it on its own belongs under: if __name__",
}


@pytest.mark.parametrize("run", BROKEN)
def test_what_cannot_be_run_is_one_line_that_says_what_to_do(alone: Alone, run: str) -> None:
    alone.write(
        "app.py",
        CLASS.format(framework="asyncio") + "    NAMES = []\n\nclass Plain: pass\ndef greedy(session, wisdom): pass\n",
    )
    alone.write("bad.py", "x = = 1\n")
    alone.write("late.py", "\n1 / 0\n")
    alone.write("needs.py", "import nothing_like_it\n")
    alone.write("eager.py", "raise SystemExit(3)\n")
    done = alone.run(run)
    assert done.returncode == UNUSABLE
    assert done.stderr.splitlines()[0].startswith(BROKEN[run].format(dir=alone.directory))
    assert done.stderr.count("Traceback") == int(run in ("late:x", "needs:x"))
    assert "importlib" not in done.stderr
    assert str(RUNNER.parent) not in done.stderr


@pytest.mark.parametrize("run", ["app:Adder", "app:serve"])
def test_a_framework_that_is_not_the_objects_is_refused(alone: Alone, run: str) -> None:
    alone.write("app.py", CLASS.format(framework="asyncio") + "\nasync def serve(session): pass\n")
    done = alone.run(run, framework="twisted")
    assert (done.returncode, done.stderr) == (UNUSABLE, f"{run} is for asyncio, but the configuration says twisted\n")


def test_without_a_router_it_says_so(alone: Alone) -> None:
    alone.write("app.py", COMPONENT.format(framework="twisted"))
    alone.write("function.py", FUNCTIONS.format(more=""))
    for run in ("app:component", "function:serve"):
        done = alone.run(run)
        assert done.returncode == UNREACHABLE
        assert done.stderr.startswith(f"no router at {alone.socket}: ")
        assert len(done.stderr.splitlines()) == 1


@EITHER
def test_a_ticket_that_is_void_is_one_line(alone: Alone, framework: str) -> None:
    alone.write("app.py", CLASS.format(framework=framework))
    alone.router()
    done = alone.run("app:Adder", ticket="hunter2-of-another")
    assert done.returncode == REFUSED
    first, *_ = done.stderr.splitlines()
    assert (
        first == "the router does not let this component in: wamp.error.authentication_denied (authentication failed)"
    )
    assert "hunter2" not in done.stderr + done.stdout


@EITHER
def test_who_is_sent_away_or_loses_the_router_has_failed(alone: Alone, framework: str) -> None:
    alone.write("app.py", COMPONENT.format(framework=framework))
    router = alone.router()
    component = alone.start("app:component")
    component.wait_for_log("the sum is 5")
    assert router.stop() == 0
    assert component.wait() == FAILED
    assert "left: wamp.close.system_shutdown" in component.log()


@EITHER
def test_a_router_that_is_killed_is_noticed(alone: Alone, framework: str) -> None:
    alone.write("app.py", COMPONENT.format(framework=framework))
    router = alone.router()
    component = alone.start("app:component")
    component.wait_for_log("the sum is 5")
    router.kill()
    assert component.wait() == FAILED
    assert "the session was ended: wamp.close.transport_lost" in component.log()


def test_a_description_is_taken_out_of_the_environment(alone: Alone) -> None:
    alone.write("app.py", "import os\nprint(sorted(name for name in os.environ if name.startswith('WAMPD_')))\n1 / 0\n")
    done = alone.run("app:x")
    assert done.stdout == "['WAMPD_AUTHID', 'WAMPD_REALM', 'WAMPD_SOCKET']\n"


def test_modules_are_found_in_the_directory_then_in_path(alone: Alone) -> None:
    alone.write("one.py", "async def run(session):\n    print('the first'); session.leave()\n")
    alone.write("more/one.py", "async def run(session):\n    print('the second'); session.leave()\n")
    alone.write("more/other.py", "async def run(session):\n    print('the other'); session.leave()\n")
    alone.router()
    assert alone.run("one:run", path=["more"]).stdout == "the first\n"
    assert alone.run("other:run", path=["more"]).stdout == "the other\n"
    assert alone.run("other:run").returncode == UNUSABLE


OWN_LOG = """
import txaio
txaio.use_{framework}()
txaio.start_logging(level="info")


async def main(loop, session):
    session.log.info("it is said {{times}}", times="once")
"""


@EITHER
def test_one_that_logs_in_its_own_way_goes_on_to(alone: Alone, framework: str) -> None:
    alone.write("app.py", OWN_LOG.format(framework=framework))
    alone.router()
    done = alone.run("app:main", framework=framework)
    assert done.returncode == DONE
    assert (done.stdout + done.stderr).count("it is said once") == 1


def test_one_that_calls_sys_exit_leaves_its_realm_and_ends_so(alone: Alone) -> None:
    ends = "def ends(session):\n    session.on('leave', lambda *_: print('left', flush=True))\n    sys.exit(3)\n"
    alone.write("app.py", "import sys\n\n" + ends)
    alone.router()
    done = alone.run("app:ends", framework="asyncio")
    assert (done.returncode, done.stdout, done.stderr) == (3, "left\n", "")


def test_where_it_hangs_is_printed_on_a_signal(alone: Alone) -> None:
    alone.write("app.py", "import time\n\ndef stuck(session):\n    print('ready', flush=True)\n    time.sleep(1000)\n")
    alone.router()
    component = alone.start("app:stuck")
    component.wait_for_log("ready")
    component.signal(signal.SIGUSR2)
    component.wait_for_log('app.py", line 5 in stuck')
    component.kill()


# ---------------------------------------------------------------------------------------------- other interpreters


def test_an_interpreter_that_has_only_autobahn_is_enough(alone: Alone) -> None:
    python = bare.with_autobahn(alone.directory / "bare")
    alone.write(
        "app.py",
        "import importlib.util\nprint(importlib.util.find_spec('wampd'))\n" + COMPONENT.format(framework="twisted"),
    )
    alone.router()
    component = alone.start("app:component", python=python)
    component.wait_for_log("the sum is 5")
    assert component.log().startswith("None\n")
    assert component.stop() == DONE


def test_an_interpreter_without_autobahn_is_told_how_to_get_it(alone: Alone) -> None:
    python = bare.without_anything(alone.directory / "bare")
    alone.write("app.py", COMPONENT.format(framework="asyncio"))
    alone.write("function.py", "async def serve(session):\n    pass\n")
    alone.router()
    for run in ("app:component", "function:serve"):
        done = alone.run(run, python=python)
        assert (done.returncode, done.stderr) == (
            UNUSABLE,
            f"{python} has no autobahn: {python} -m pip install 'autobahn'\n",
        )


def test_the_runner_is_written_for_old_interpreters() -> None:
    for file in RUNNER.parent.glob("*.py"):
        ast.parse(file.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_a_router_without_a_private_socket_cannot_be_reached(alone: Alone) -> None:
    alone.write("app.py", FUNCTIONS.format(more=""))
    alone.socket = ""
    done = alone.run("app:serve")
    assert (done.returncode, done.stderr) == (UNREACHABLE, "the router has no private socket; its log says why\n")


def test_what_could_be_run_is_only_looked_at_on_request(alone: Alone) -> None:
    alone.write("app.py", COMPONENT.format(framework="twisted"))
    done = alone.run("app:component", check=True)
    assert (done.returncode, done.stdout, done.stderr) == (DONE, "twisted\n", "")


def test_a_runner_that_nobody_has_described_says_so(tmp_path: Path, alone: Alone) -> None:
    import subprocess
    import sys

    done = subprocess.run([sys.executable, RUNNER], env={}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == UNUSABLE
    assert done.stderr == "this is started by wampd alone; the environment lacks 'WAMPD_HOSTED'\n"
