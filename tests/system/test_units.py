"""The units for systemd: systemd finds nothing wrong with them, and the router can live with what they forbid.

docs/operation.md says how they are installed.
"""

import configparser
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.router.client import RESULT, Session
from tests.support.certificates import make_certificate
from tests.support.process import ROOT

UNITS = ROOT / "contrib" / "systemd"
CONFINED = Path(__file__).with_name("confined.py")
MOST_EXPOSED = 2.0
"""Of ten, as ``systemd-analyze security`` rates units; what is left is that the router is on the network."""


@pytest.fixture
def units(tmp_path):
    """The units as files, with a program that is there."""
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/wampd/bin/wampd", "/bin/true"))
    return tmp_path


def run(*command: str | Path) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.needs("systemd-analyze")
def test_systemd_finds_nothing_wrong(units):
    assert run("systemd-analyze", "verify", "--man=no", units / "wampd.service", units / "wampd.socket") == ""


@pytest.mark.needs("systemd-analyze")
def test_the_service_is_hardly_exposed(units):
    rated = run("systemd-analyze", "security", "--offline=yes", "--no-pager", units / "wampd.service")
    found = re.search(r"Overall exposure level for wampd.service: ([0-9.]+)", rated)
    assert found is not None
    assert float(found[1]) <= MOST_EXPOSED


def test_the_service_says_what_the_documentation_promises():
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / "wampd.service")
    service = dict(unit["Service"])
    promised = {"Type": "notify", "NoNewPrivileges": "yes", "ProtectSystem": "strict", "Restart": "on-failure"}
    assert {name: service[name] for name in promised} == promised
    assert service["RuntimeDirectory"] == service["StateDirectory"] == "wampd"
    assert int(service["TimeoutStopSec"]) > 30  # limits.stop
    # With this mode systemd sends SIGKILL at once to a main process that it has not started: after `wampd restart`.
    assert service["KillMode"] == "mixed"
    assert service["ExecStop"] == "-/opt/wampd/bin/wampd stop --wait /etc/wampd/config.yaml"


def test_the_service_needs_no_program_but_the_router():
    """Not even /bin/kill: a small Debian has none (it is of procps)."""
    programs = re.findall(r"^Exec\w+=-?(\S+) (\w+)", (UNITS / "wampd.service").read_text(), re.MULTILINE)
    assert dict(programs) == {"/opt/wampd/bin/wampd": "stop"}
    assert [command for _, command in programs] == ["check", "run", "reload", "stop"]


SOUND = """
store: {file: wampd.sqlite}
components: [{name: one, command: [sh, -c, "echo runs confined; exec sleep 600"]}]
listeners:
  - {endpoint: "tcp:${WAMPD_PORT}:interface=127.0.0.1", websocket: {/ws: {type: wamp}}}
  - {endpoint: "tcp:0:interface=127.0.0.1", rawsocket: {}, tls: {certificate: localhost.crt, key: localhost.key}}
"""


@pytest.mark.needs("systemd-analyze", "libseccomp.so.2")
def test_the_router_lives_with_the_system_calls_that_the_service_allows(start, tmp_path):
    make_certificate(tmp_path)
    under = (sys.executable, CONFINED, UNITS / "wampd.service", "--")
    router = start(listeners=SOUND, under=under)
    with Session(router.port) as session, Session(router.port) as other:
        other.register("com.echo")
        request = session.call("com.echo", 1)
        other.send(70, other.receive()[1], {}, ["here"])
        assert session.receive() == [RESULT, request, {}, ["here"]]
    router.wait_for_log("one: runs confined")
    router.signal(signal.SIGTERM)
    assert router.wait() == 0
    assert "Operation not permitted" not in router.log()
    assert "Traceback" not in router.log()


@pytest.mark.needs("systemd-analyze", "libseccomp.so.2")
def test_the_filter_of_that_test_refuses(tmp_path):
    calls = "import ctypes, json; refused = ctypes.CDLL(None, use_errno=True).chroot(b'/')"
    script = f"{calls}; print(json.dumps([refused, ctypes.get_errno()]))"
    said = run(sys.executable, CONFINED, UNITS / "wampd.service", "--", sys.executable, "-c", script)
    assert json.loads(said) == [-1, 1]
