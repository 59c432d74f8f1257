"""Whoever is no component of the router does not come in as one."""

import os
import re
import signal
from pathlib import Path

from tests.hosting.outside import ABORT, AUTHENTICATE, CHALLENGE, ask, operate, python, socket_of, with_class, write
from tests.router.client import Session


def knock(router, authid, ticket, realm="realm1"):
    """Try to come in by somebody's ticket; the router's last word."""
    socket = socket_of(router)
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
from tests.hosting.outside import joined_as_told
print("joined" if joined_as_told() else "refused", flush=True)
time.sleep(1000)
"""


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


THIEF = """
import os, re, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.hosting.outside import joined_as_told
if os.environ["WAMPD_AUTHID"] == "victim":
    Path("victim").write_text(str(os.getpid()))
    print("victim joined" if joined_as_told() else "victim refused", flush=True)
    time.sleep(1000)
victim = int(Path("victim").read_text())
stolen = dict(line.split("=", 1) for line in Path(f"/proc/{{victim}}/environ").read_text().split("\\0") if line)
if os.fork() == 0:  # who leads a group cannot leave it
    try:
        os.setpgid(0, victim)
    except PermissionError:
        print("not in its group", flush=True)
    os.environ.update(stolen)
    print("thief joined" if joined_as_told() else "thief refused", flush=True)
time.sleep(1000)
"""


def guest(name, path, more=""):
    variables = f"environment: {{PYTHONPATH: '{os.environ.get('PYTHONPATH', '')}'}}"
    command = f"command: ['${{WAMPD_PYTHON}}', {path}]"
    return (
        f"  - {{name: {name}, {command}, {variables}, directory: {path.parent}, realm: realm1, role: backend{more}}}\n"
    )


def test_one_component_does_not_come_in_as_another_by_entering_its_group(host, tmp_path):
    write(tmp_path, "guest.py", THIEF.format(root=str(Path(__file__).parents[2])))
    path = tmp_path / "guest.py"
    router = host(guest("victim", path) + guest("thief", path, ", after: [victim], ready: {log: thief}"))
    router.wait_for_log("victim: victim joined")
    router.wait_until(lambda: re.search("thief: thief (joined|refused)", router.log()), "it has tried")
    assert "thief: thief refused" in router.log()
    assert "thief: not in its group" in router.log()


HEIR = """
import os, sys, time
sys.path.insert(0, {root!r})
from tests.router.client import Session, WELCOME
session = Session(unix=os.environ["WAMPD_SOCKET"], join=False)
told = {{"roles": {{"callee": {{}}}}, "authmethods": ["ticket"], "authid": "guest"}}
session.send(1, "realm1", told)
session.receive()
session.send(5, os.environ["WAMPD_TICKET"], {{}})
assert session.receive()[0] == WELCOME
session.socket.socket.set_inheritable(True)
print("joined", flush=True)
if os.fork() == 0:  # the child has the connection, leaves the group, and hides from the warden
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.execve(sys.executable, [sys.executable, "-c", "import time; time.sleep(60)"], {{}})
while not os.path.exists("go"):
    time.sleep(0.02)
os.unlink("go")
os._exit(1)
"""


def test_a_session_does_not_outlive_the_run_that_it_came_in_by(host, tmp_path):
    """Nor does it keep the next run from being seen to join."""
    write(tmp_path, "guest.py", HEIR.format(root=str(Path(__file__).parents[2])))
    router = host(guest("guest", tmp_path / "guest.py"))
    router.wait_for_log("guest: joined")
    (tmp_path / "go").touch()
    router.wait_until(lambda: router.log().count("guest: joined") >= 2, "it is back")
    router.wait_until(lambda: sessions(router) == 1, "what the first run has left behind is gone")
    [row] = operate(router, "wampd.component.list")[3]
    assert row[0]["ready"], row


def sessions(router):
    """How many are in the realm."""
    return operate(router, "wampd.node.status")[3][0]["realms"][0]["sessions"]
