"""The private socket of a router: who gets in there, and what can be asked for."""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys

import pytest

from tests.support.process import environment, free_port, running_wampd
from wampd.auth.methods import Deny, Principal, Request
from wampd.auth.owner import Owner
from wampd.realms.options import ClientRoles, HelloDetails
from wampd.router.control.minted import Minted
from wampd.router.control.where import LONGEST, Unusable, directory, prepared, sockets

CONFIG = """
realms:
  - {{name: realm1, roles: [{{name: anonymous}}], auth: {{anonymous: {{role: anonymous}}}}}}
  - {{name: w, match: prefix, roles: [{{name: anonymous}}], auth: {{anonymous: {{role: anonymous}}}}}}
listeners:
  - {{endpoint: "tcp:${{WAMPD_PORT}}:interface=127.0.0.1", rawsocket: {{}}}}
{more}
"""


OPENED: list[socket.socket] = []


def close():
    """Close what a test has opened."""
    while OPENED:
        OPENED.pop().close()


@pytest.fixture(autouse=True)
def closed():
    yield
    close()


class Client:
    """RawSocket in JSON, as little as is needed."""

    def __init__(self, family, address):
        self.socket = socket.socket(family)
        self.socket.settimeout(60)
        self.socket.connect(address)
        self.socket.sendall(b"\x7f\xf1\0\0")
        OPENED.append(self.socket)
        magic, agreed = self._read(4)[:2]
        assert (magic, agreed & 0xF) == (0x7F, 1)  # JSON; how long messages may be is the listener's

    def say(self, *message):
        payload = json.dumps(message).encode()
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def hear(self):
        return json.loads(self._read(struct.unpack(">I", self._read(4))[0]))

    def join(self, realm):
        self.say(1, realm, {"roles": {"caller": {}, "publisher": {}, "callee": {}}})
        return self.hear()

    def call(self, procedure, *args):
        self.say(48, 1, {}, procedure, args)
        return self.hear()

    def _read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, "the router closed the connection"
            data += part
        return data


@contextlib.contextmanager
def a_router(tmp_path, more=""):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(more=more))
    runtime = tmp_path / "run"
    runtime.mkdir()
    with running_wampd(config, tmp_path / "log", env={"XDG_RUNTIME_DIR": str(runtime)}) as (wampd, port):
        yield wampd, port, runtime / "wampd", config
        close()  # or the router would wait for their GOODBYE


def test_the_router_tells_operators_about_itself(tmp_path):
    with a_router(tmp_path) as (wampd, port, place, config):
        [path] = place.glob("*.sock")
        assert path.stem == str(wampd.pid)
        assert place.stat().st_mode & 0o777 == 0o700
        assert path.stat().st_mode & 0o777 == 0o600
        operator = Client(socket.AF_UNIX, str(path))
        kind, _, details = operator.join("wampd")
        assert (kind, details["authrole"], details["authid"]) == (2, "operator", f"uid-{os.getuid()}")
        _, _, _, [status] = operator.call("wampd.node.status")
        assert status["configuration"] == str(config)
        assert (status["pid"], status["ready"]) == (wampd.pid, True)
        assert status["listeners"] == [f"tcp:{port}:interface=127.0.0.1"]
        assert {"name": "realm1", "sessions": 0} in status["realms"]
        assert operator.call("wampd.node.status", "why")[4] == "wamp.error.invalid_argument"
        _, _, _, [overview] = operator.call("wampd.monitor.overview")
        assert overview["router"]["pid"] == wampd.pid
    assert not path.exists()


def test_who_only_looks_at_the_router_does_not_fill_its_log(tmp_path):
    with a_router(tmp_path) as (wampd, port, place, _):
        [path] = place.glob("*.sock")
        looking = Client(socket.AF_UNIX, str(path))
        looking.join("wampd")
        looking.call("wampd.node.status")
        Client(socket.AF_INET, ("127.0.0.1", port)).join("realm1")
        wampd.wait_for_log(" joined realm1\n")
        assert " joined wampd" not in wampd.log()
        looking.call("wampd.log.set", "sessions", "debug")
        Client(socket.AF_UNIX, str(path)).join("wampd")
        wampd.wait_for_log(" joined wampd\n")


def test_nobody_gets_into_the_realm_of_operators_by_another_listener(tmp_path):
    with a_router(tmp_path) as (_, port, place, _):
        [path] = place.glob("*.sock")
        Client(socket.AF_UNIX, str(path)).join("wampd")  # from now on the realm is there
        for realm in ("wampd", "wampd.", "wampd2"):
            answer = Client(socket.AF_INET, ("127.0.0.1", port)).join(realm)
            if realm == "wampd2":  # of the template
                assert answer[0] == 2
            else:
                assert answer[0] == 3
                assert answer[2] in ("wamp.error.no_such_realm", "wamp.error.invalid_uri")


def test_without_a_ticket_the_other_realms_are_closed_on_the_private_socket(tmp_path):
    with a_router(tmp_path) as (_, _, place, _):
        [path] = place.glob("*.sock")
        answer = Client(socket.AF_UNIX, str(path)).join("realm1")
        assert (answer[0], answer[2]) == (3, "wamp.error.no_such_realm")


def test_the_socket_may_be_where_the_configuration_says(tmp_path):
    path = tmp_path / "operate.sock"
    with a_router(tmp_path, f"control: {{socket: {path}}}"):
        assert Client(socket.AF_UNIX, str(path)).join("wampd")[0] == 2
    assert not path.exists()


@pytest.mark.parametrize("whole_directory", [False, True])
def test_a_socket_that_was_taken_away_is_made_anew_on_sighup_and_who_is_connected_stays(tmp_path, whole_directory):
    with a_router(tmp_path) as (wampd, _, place, _):
        [path] = place.glob("*.sock")
        before = Client(socket.AF_UNIX, str(path))
        assert before.join("wampd")[0] == 2
        path.unlink()
        if whole_directory:
            place.rmdir()
        wampd.signal(signal.SIGHUP)
        wampd.wait_for_log(f"the private socket {path} was taken away: it is made anew")
        wampd.wait_for_log("was read again")
        assert path.stat().st_mode & 0o777 == 0o600
        after = Client(socket.AF_UNIX, str(path))
        assert after.join("wampd")[0] == 2
        for operator in (before, after):
            assert operator.call("wampd.node.status")[0] == 50
    assert not path.exists()


def test_a_router_whose_place_is_taken_says_so_and_routes(tmp_path):
    path = tmp_path / "operate.sock"
    with a_router(tmp_path, f"control: {{socket: {path}}}") as (_, _, _, config):
        with running_wampd(config, tmp_path / "second.log") as (second, port):
            assert Client(socket.AF_INET, ("127.0.0.1", port)).join("realm1")[0] == 2
            second.wait_for_log(f"another router listens at {path}")
            close()
        assert Client(socket.AF_UNIX, str(path)).join("wampd")[0] == 2


def named_after_the_dead(runtime):
    """Where the private socket of a router was that has ended; its directory is there."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    place = runtime / "wampd"
    place.mkdir(mode=0o700)
    return place / f"{ended.pid}.sock"


def test_what_a_killed_router_has_left_is_taken_away(tmp_path):
    left = named_after_the_dead(tmp_path)
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(left))
    environ = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert list(sockets(environ, os.getuid()))[:1] == [left]
    assert prepared(None, environ) == left.parent / f"{os.getpid()}.sock"
    assert not left.exists()


def test_what_another_router_takes_away_at_the_same_time_is_no_trouble(tmp_path):
    gone = named_after_the_dead(tmp_path)
    gone.symlink_to(tmp_path / "nothing")  # as what is found, and is not there any more when it is looked at
    assert prepared(None, {"XDG_RUNTIME_DIR": str(tmp_path)}) == gone.parent / f"{os.getpid()}.sock"


def test_a_socket_that_somebody_listens_at_is_left_whatever_its_number(tmp_path):
    """In a directory that containers share numbers of processes mean nothing."""
    there = named_after_the_dead(tmp_path)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(there))
        other.listen()
        prepared(None, {"XDG_RUNTIME_DIR": str(tmp_path)})
        assert there.exists()


def test_a_directory_that_others_may_enter_is_not_used(tmp_path):
    (tmp_path / "wampd").mkdir(mode=0o755)
    with pytest.raises(Unusable, match="no other may enter"):
        prepared(None, {"XDG_RUNTIME_DIR": str(tmp_path)})


def test_a_place_where_everybody_may_put_another_socket_is_not_used(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(Unusable, match="everybody may replace what is in"):
        prepared(tmp_path / "operate.sock", {})
    tmp_path.chmod(0o1777)  # as /tmp: files are their owners' there
    assert prepared(tmp_path / "operate.sock", {}) == tmp_path / "operate.sock"


def test_a_link_to_a_directory_is_not_used(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "wampd").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unusable, match="belongs to the router's user"):
        prepared(None, {"XDG_RUNTIME_DIR": str(tmp_path)})


def test_what_is_in_the_way_is_never_removed_unless_it_is_a_dead_socket(tmp_path):
    file = tmp_path / "precious"
    file.write_text("x")
    with pytest.raises(Unusable, match="is no socket"):
        prepared(file, {})
    assert file.read_text() == "x"
    with pytest.raises(Unusable, match=f"longer than {LONGEST} bytes"):
        prepared(tmp_path / ("x" * LONGEST), {})


def test_where_the_sockets_are():
    assert str(directory({"RUNTIME_DIRECTORY": "/run/a:/run/b", "XDG_RUNTIME_DIR": "/x"}, 7)) == "/run/a"
    assert str(directory({"XDG_RUNTIME_DIR": "/x"}, 7)) == "/x/wampd"
    assert str(directory({}, 7)) == "/tmp/wampd-7"


def test_only_users_that_operate_the_router_are_let_in():
    owner = Owner("operator", {0, 1000})

    def step(**transport):
        return owner.begin(Request("wampd", 1, HelloDetails(roles=ClientRoles()), transport)).challenge()

    assert step(user=1000) == Principal("uid-1000", "operator", "system")
    assert isinstance(step(user=1001), Deny)
    assert isinstance(step(), Deny)


def test_a_ticket_is_good_until_it_is_revoked_or_replaced():
    minted = Minted()
    assert minted.of("realm1") is None
    first = minted.mint("realm1", "adder", "backend")
    second = minted.mint("realm1", "adder", "backend")
    assert first != second
    assert minted.of("realm2") is None
    minted.revoke("realm1", "adder")
    minted.revoke("realm1", "nobody")


def test_the_name_of_the_realm_is_reserved(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(more="").replace("realm1", "wampd"))
    environ = environment(WAMPD_PORT=str(free_port()))
    checked = subprocess.run(
        [sys.executable, "-P", "-m", "wampd", "check", config], capture_output=True, text=True, env=environ, check=False
    )
    assert checked.returncode == 2
    assert "is the realm in which the router is operated" in checked.stderr
