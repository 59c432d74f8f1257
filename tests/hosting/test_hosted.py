"""Components in Python as the router hosts them: real processes, called from outside; those that hang, fail and forge."""

import json
import os
import re
import signal
import textwrap
import time
from pathlib import Path

import pytest

from tests.hosting import bare
from tests.router.client import RESULT, WELCOME, Session
from tests.router.conftest import Router, start  # noqa: F401 - a fixture

CHALLENGE, AUTHENTICATE, ABORT = 4, 5, 3
REALMS = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions:
          - {uri: com., match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: wamp.session., match: prefix, allow: [call]}
          - {uri: wamp.session.kill, allow: [call]}
      - name: backend
        permissions: [{uri: com., match: prefix, allow: [call, register, publish, subscribe]}]
    auth: {anonymous: {role: anonymous}}
"""
PATIENT = "limits: {drain: 2 s}\n"

CLASS = """
import os, time
from autobahn.{framework}.wamp import ApplicationSession


class Adder(ApplicationSession):
    async def onJoin(self, details):
        for name in ("add", "block", "work", "who", "fail", "crash", "leak", "flood"):
            await self.register(getattr(self, name), f"com.{framework}.{{name}}")
        self.log.info("the adder is in")

    def add(self, x, y):
        return x + y

    def who(self):
        return [os.getpid(), self.config.extra]

    def block(self):
        time.sleep(1000)

    def fail(self):
        raise ValueError("not today")

    def crash(self):
        os._exit(3)

    def leak(self):
        self.kept = [b"x" * 2**20 for _ in range(300)]
        return "kept"

    def flood(self):
        for number in range(20000):
            print("spam", number)
        return "said"

    async def work(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)
            await pause()
        return "done"
"""
PAUSES = {
    "asyncio": "\nfrom asyncio import sleep\ndef pause(): return sleep(0)\n",
    "twisted": (
        "\nfrom twisted.internet.task import deferLater\n"
        "def pause():\n    from twisted.internet import reactor\n    return deferLater(reactor, 0, lambda: None)\n"
    ),
}
EITHER = pytest.mark.parametrize("framework", ["twisted", "asyncio"])
HANGS = "hang: {ping_interval: 0.3 s, ping_timeout: 1 s}"


def python(name, run, more=""):
    return f"  - {{name: {name}, type: python, run: '{run}', realm: realm1, role: backend{more and ', '}{more}}}\n"


def write(directory, name, source):
    (directory / name).write_text(textwrap.dedent(source))


def ask(router, uri, *args, timeout=20):
    """The outcome of a call from outside; asked again while nobody is there to answer it."""
    deadline = time.monotonic() + timeout
    with Session(router.port) as session:
        while True:
            session.call(uri, *args)
            answer = session.receive(timeout)
            if answer[0] == RESULT:
                return answer[3][0]
            if answer[4] != "wamp.error.no_such_procedure" or time.monotonic() > deadline:
                return answer[4]
            time.sleep(0.05)


def details_of(router, authid):
    with Session(router.port) as session:
        session.call("wamp.session.list")
        for number in session.receive()[3][0]:
            session.call("wamp.session.get", number)
            found = session.receive()[3][0]
            if found["authid"] == authid:
                return found
    return None


@pytest.fixture
def host(start, tmp_path):  # noqa: F811 - the fixture
    """Starts a router with these components."""

    def run(*components, **more) -> Router:
        return start(PATIENT + "components:\n" + "".join(components), realms=REALMS, **more)

    return run


def with_class(directory, framework):
    write(directory, "app.py", CLASS.format(framework=framework) + PAUSES[framework])


# --------------------------------------------------------------------------------------------------------- they serve


@EITHER
def test_a_hosted_class_serves_callers_and_shows_who_let_it_in(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", "extra: {a: [1]}"))
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    pid, extra = ask(router, f"com.{framework}.who")
    assert extra == {"a": [1]}
    assert pid != router.pid
    found = details_of(router, "adder")
    assert (found["authrole"], found["authmethod"], found["authprovider"]) == ("backend", "ticket", "wampd")
    assert "adder: the adder is in" in router.log()
    assert router.stop() == 0
    assert "Traceback" not in router.log()


def test_instances_have_names_of_their_own(host, tmp_path):
    write(
        tmp_path,
        "app.py",
        "import os\nasync def serve(session):\n    print(os.environ['WAMPD_INSTANCE'], session.authid)\n",
    )
    router = host(python("many", "app:serve", "instances: 2"))
    router.wait_for_log("many.1: 1 many.1")
    router.wait_for_log("many.2: 2 many.2")
    assert router.stop() == 0


def test_a_component_has_an_interpreter_a_directory_and_a_path_of_its_own(host, tmp_path):
    bare.with_autobahn(tmp_path / "venv")
    (tmp_path / "home").mkdir()
    (tmp_path / "lib").mkdir()
    write(tmp_path, "lib/library.py", "WORDS = 'from the library'\n")
    source = """
        import importlib.util, os, sys, library
        async def serve(session):
            print(sys.prefix, os.getcwd(), library.WORDS, importlib.util.find_spec("wampd"), os.environ["COLOUR"])
    """
    write(tmp_path, "home/app.py", source)
    more = "python: venv, directory: home, path: [lib], environment: {COLOUR: blue}"
    router = host(python("own", "app:serve", more))
    router.wait_for_log(f"own: {tmp_path}/venv {tmp_path}/home from the library None blue")
    assert router.stop() == 0


@pytest.mark.parametrize("where", ["in_process: false", "in_process: true, framework: twisted"])
def test_a_component_may_send_large_messages(host, tmp_path, where):
    source = """
        async def serve(session):
            await session.register(lambda text: text, "com.echo")
            session.log.info("came back {size}", size=len(await session.call("com.echo", "x" * 3_000_000)))
    """
    write(tmp_path, "app.py", source)
    router = host(python("large", "app:serve", where))
    router.wait_for_log("came back 3000000")
    assert router.stop() == 0


def test_one_is_started_when_the_other_has_joined(host, tmp_path):
    write(
        tmp_path,
        "first.py",
        "import time\nasync def serve(session):\n    await session.register(lambda: 'yes', 'com.first')\n",
    )
    write(tmp_path, "second.py", "async def serve(session):\n    print('first?', await session.call('com.first'))\n")
    router = host(python("second", "second:serve", "after: [first]"), python("first", "first:serve"))
    router.wait_for_log("second: first? yes")
    log = router.log()
    assert log.index("(first, backend, unix) joined") < log.index("component second started")


def test_a_component_that_is_stopped_leaves_its_realm_first(host, tmp_path):
    source = """
        from autobahn.twisted.component import Component
        component = Component()

        @component.on_leave
        def left(session, details):
            print("left:", details.reason)
    """
    write(tmp_path, "app.py", source)
    router = host(python("polite", "app:component"))
    router.wait_for_log("(polite, backend, unix) joined")
    assert operate(router, "wampd.component.stop", "polite")[0] == RESULT
    assert "polite: left: wamp.close.goodbye_and_out" in router.log()
    assert "(polite, backend, unix) left realm1: said goodbye" in router.log()


def operate(router, procedure, *args):
    """Ask the router as its operator does."""
    sockets = Path(f"/tmp/wampd-{os.getuid()}") / f"{router.pid}.sock"
    with Session(unix=sockets, realm="wampd") as session:
        session.call(procedure, *args)
        return session.receive(20)


# -------------------------------------------------------------------------------------------------- they fail, and hang


@EITHER
def test_one_that_crashes_is_back(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder"))
    pid, _ = ask(router, f"com.{framework}.who")
    ask(router, f"com.{framework}.crash")
    router.wait_for_log("component adder failed, exit status 3")
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    assert ask(router, f"com.{framework}.who")[0] != pid


@EITHER
def test_one_that_takes_too_much_memory_is_ended_and_is_back(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", "limits: {memory: 200 MiB}"))
    pid, _ = ask(router, f"com.{framework}.who")
    ask(router, f"com.{framework}.leak")
    router.wait_for_log("of memory, more than its 200 MiB")
    assert ask(router, f"com.{framework}.who")[0] != pid


@EITHER
def test_one_that_floods_its_output_serves_on(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder"))
    before = ask(router, f"com.{framework}.who")
    assert ask(router, f"com.{framework}.flood") == "said"
    assert ask(router, f"com.{framework}.who") == before
    assert router.log().count("adder: spam") < 20_000


@EITHER
def test_what_a_procedure_raises_is_an_error_for_its_caller_and_no_end(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder"))
    before = ask(router, f"com.{framework}.who")
    assert ask(router, f"com.{framework}.fail") == "wamp.error.runtime_error"
    assert ask(router, f"com.{framework}.who") == before


@EITHER
def test_one_that_blocks_its_loop_is_found_says_where_and_is_back(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", HANGS))
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    assert ask(router, f"com.{framework}.block") == "wamp.error.canceled"
    router.wait_for_log("component adder hangs: it does not answer pings")
    router.wait_for_log("component adder was ended: it does not answer pings")
    assert ask(router, f"com.{framework}.add", 2, 3) == 5
    assert re.search(r'adder: +File ".*/app.py", line \d+ in block', router.log())
    assert router.log().count("hangs") == 1


def test_one_that_is_frozen_is_found_and_is_back(host, tmp_path):
    with_class(tmp_path, "asyncio")
    router = host(python("adder", "app:Adder", HANGS))
    pid, _ = ask(router, "com.asyncio.who")
    os.kill(pid, signal.SIGSTOP)
    router.wait_for_log("component adder was ended: it does not answer pings")
    assert ask(router, "com.asyncio.who")[0] != pid


@EITHER
def test_one_that_works_hard_and_answers_is_left_alone(host, tmp_path, framework):
    with_class(tmp_path, framework)
    router = host(python("adder", "app:Adder", HANGS))
    before = ask(router, f"com.{framework}.who")
    assert ask(router, f"com.{framework}.work", 3) == "done"
    assert ask(router, f"com.{framework}.who") == before
    assert "hangs" not in router.log()


def test_without_pings_nobody_is_seen_to_hang(host, tmp_path):
    with_class(tmp_path, "asyncio")
    router = host(
        python("adder", "app:Adder", "hang: {ping_interval: 0}"),
        python("other", "app:Adder", HANGS + ", after: [adder], ready: started"),
    )
    pid, _ = ask(router, "com.asyncio.who")
    os.kill(pid, signal.SIGSTOP)
    router.wait_for_log("(other, backend, unix) joined")  # which cannot register what the first has
    router.wait_for_log("component other failed")
    os.kill(pid, signal.SIGCONT)
    assert ask(router, "com.asyncio.who")[0] == pid


def test_one_that_does_not_end_with_its_session_is_ended(host, tmp_path):
    source = """
        import threading, time
        async def serve(session):
            threading.Thread(target=time.sleep, args=(1000,)).start()
            session.leave()
    """
    write(tmp_path, "app.py", source)
    router = host(python("stays", "app:serve", "stop: {grace: 0.5 s}"))
    router.wait_for_log("component stays was ended: it goes on 0.5 s after its session")
    assert router.stop() == 0


def test_what_cannot_be_imported_is_one_line_and_not_tried_again_soon(host, tmp_path):
    write(tmp_path, "app.py", "import nothing_like_it\n")
    router = host(python("broken", "app:serve"), python("missing", "nowhere:serve"))
    router.wait_for_log("component broken cannot be imported")
    router.wait_for_log("component missing cannot be imported")
    log = router.log()
    where = f"({tmp_path / 'app.py'}:1)"
    assert f"broken: importing app failed: ModuleNotFoundError: No module named 'nothing_like_it' {where}" in log
    assert f"missing: there is no module 'nowhere' in {tmp_path}" in log
    pauses = [float(pause) for pause in re.findall(r"starts again in ([\d.]+) s", log)]
    assert len(pauses) == 2
    assert min(pauses) >= 15


# ---------------------------------------------------------------------------------------------------------- forgeries


def knock(router, authid, ticket, realm="realm1"):
    """Try to come in by somebody's ticket; the router's last word."""
    socket = Path(f"/tmp/wampd-{os.getuid()}") / f"{router.pid}.sock"
    with Session(unix=socket, join=False) as session:
        roles = {"caller": {}, "callee": {}}
        session.send(1, realm, {"roles": roles, "authmethods": ["ticket"], "authid": authid})
        answer = session.receive()
        if answer[0] == CHALLENGE:
            session.send(AUTHENTICATE, ticket, {})
            answer = session.receive()
        return answer


GUEST = """
import os, sys, time
sys.path.insert(0, {root!r})
from tests.hosting.test_hosted import joined_as_told
print("joined" if joined_as_told() else "refused", flush=True)
time.sleep(1000)
"""


def joined_as_told(ticket=None):
    """In a guest: whether what stands in the environment lets us in."""
    with Session(unix=os.environ["WAMPD_SOCKET"], join=False) as session:
        told = {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": os.environ["WAMPD_AUTHID"]}
        session.send(1, os.environ["WAMPD_REALM"], told)
        assert session.receive()[0] == CHALLENGE
        session.send(AUTHENTICATE, ticket or os.environ["WAMPD_TICKET"], {})
        return session.receive()[0] == WELCOME


def test_a_ticket_is_of_no_use_to_another_process(host, tmp_path):
    write(tmp_path, "guest.py", GUEST.format(root=str(Path(__file__).parents[2])))
    command = f"command: ['${{WAMPD_PYTHON}}', {tmp_path}/guest.py]"
    variables = f"environment: {{PYTHONPATH: '{os.environ.get('PYTHONPATH', '')}'}}"
    router = host(f"  - {{name: guest, {command}, {variables}, realm: realm1, role: backend}}\n")
    router.wait_for_log("guest: joined")
    pid = int(re.findall(r"component guest started, process (\d+)", router.log())[-1])
    environ = dict(line.split("=", 1) for line in Path(f"/proc/{pid}/environ").read_text().split("\0") if line)
    ticket = environ["WAMPD_TICKET"]
    assert knock(router, "guest", ticket)[0] == ABORT
    os.kill(pid, signal.SIGKILL)
    router.wait_until(lambda: router.log().count("guest: joined") == 2, "it is back")
    pid = int(re.findall(r"component guest started, process (\d+)", router.log())[-1])
    again = Path(f"/proc/{pid}/environ").read_text()
    assert ticket not in again
    assert ticket not in router.log()
    assert f"ticket: the process {os.getpid()} is none of the component 'guest'" in router.log()


def test_nobody_comes_in_as_a_component_by_other_doors(host, tmp_path):
    with_class(tmp_path, "asyncio")
    router = host(python("adder", "app:Adder"))
    router.wait_for_log("(adder, backend, unix) joined")
    with Session(router.port, join=False) as session:
        session.send(1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "adder"})
        assert session.receive()[2] == "wamp.error.no_matching_auth_method"
    assert knock(router, "adder", "hunter2")[2] == "wamp.error.authentication_denied"
    assert knock(router, "nobody", "hunter2")[2] == "wamp.error.authentication_denied"
    assert knock(router, "adder", "hunter2", realm="realm2")[2] == "wamp.error.no_such_realm"


def test_whoever_guesses_tickets_does_not_lock_the_component_out(host, tmp_path):
    with_class(tmp_path, "asyncio")
    router = host(python("adder", "app:Adder"))
    pid, _ = ask(router, "com.asyncio.who")
    for _ in range(20):
        assert knock(router, "adder", "hunter2")[2] == "wamp.error.authentication_denied"
    os.kill(pid, signal.SIGKILL)
    assert ask(router, "com.asyncio.who")[0] != pid
    assert router.log().count("component adder failed") == 0


# ----------------------------------------------------------------------------------------------- in the router's process


INSIDE = "in_process: true"


def test_a_component_inside_serves_callers_as_a_session_like_any_other(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", f"{INSIDE}, extra: 7"))
    assert ask(router, "com.twisted.add", 2, 3) == 5
    assert ask(router, "com.twisted.who") == [router.pid, 7]
    found = details_of(router, "adder")
    assert (found["authrole"], found["authmethod"], found["authprovider"]) == ("backend", "ticket", "wampd")
    assert found["transport"]["type"] == "memory"
    assert "adder: the adder is in" in router.log()
    assert router.stop() == 0
    assert "(adder, backend, inside) left realm1: said goodbye" in router.log()


@pytest.mark.parametrize("run", ["main", "component"])
def test_what_a_component_inside_raises_ends_its_session_and_not_the_router(host, tmp_path, run):
    source = """
        from autobahn.twisted.component import Component

        async def main(reactor, session):
            raise ValueError("not today")

        component = Component()

        @component.on_join
        async def joined(session, details):
            raise ValueError("not today")
    """
    write(tmp_path, "app.py", source)
    router = host(python("raises", f"app:{run}", INSIDE))
    router.wait_until(lambda: router.log().count("component raises failed, exit status 1") >= 2, "it is tried again")
    assert "raises: setting up failed: ValueError: not today" in router.log()
    with Session(router.port):
        pass
    assert router.stop() == 0
    assert "Unhandled" not in router.log()


def test_a_component_inside_that_was_sent_away_is_back(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", INSIDE))
    assert ask(router, "com.twisted.fail") == "wamp.error.runtime_error"
    first = details_of(router, "adder")["session"]
    with Session(router.port) as session:
        session.call("wamp.session.kill", first)
        assert session.receive()[0] == RESULT
    router.wait_for_log("component adder failed, exit status 1")
    assert ask(router, "com.twisted.add", 2, 3) == 5
    assert details_of(router, "adder")["session"] != first


def test_a_component_inside_is_stopped_and_started_by_operators(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", INSIDE))
    assert ask(router, "com.twisted.add", 2, 3) == 5
    assert operate(router, "wampd.component.stop", "adder")[0] == RESULT
    with Session(router.port) as session:
        session.call("com.twisted.add", 2, 3)
        assert session.receive()[4] == "wamp.error.no_such_procedure"
    assert operate(router, "wampd.component.start", "adder")[0] == RESULT
    assert ask(router, "com.twisted.add", 2, 3) == 5


def test_what_operators_see_of_components_in_python(host, tmp_path):
    with_class(tmp_path, "twisted")
    router = host(python("adder", "app:Adder", INSIDE), python("other", "app:Adder", "ready: started"))
    router.wait_for_log("(adder, backend, inside) joined")
    listed = {row["name"]: row for row in operate(router, "wampd.component.list")[3][0]}
    assert listed["adder"]["pid"] is None
    assert json.dumps(listed).count("hunter2") == 0
