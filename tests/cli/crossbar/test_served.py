"""Node configurations with authentication and bridges, imported and run: their clients come in as they did."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.crossbar.importing import RULE, node, realm, role, router
from tests.interop.conftest import Field, python
from tests.support.process import Child, environment, free_port, wampd_command

TWISTED = python("twisted", "websocket", "json")
RAW = python("asyncio", "rawsocket", "cbor")
DERIVED = b64encode(hashlib.pbkdf2_hmac("sha256", b"hunter2-of-joe", b"salt123", 1000, 32)).decode()
SECRET = "hunter2 of the sensors"


def configuration(port: int) -> dict[str, object]:
    """One port for everything, with a way in for each kind of client."""
    people = {
        "wampcra": {"type": "static", "users": {"joe": {"secret": DERIVED, "salt": "salt123", "role": "people"}}},
        "anonymous": {"type": "static", "role": "anonymous"},
    }
    machines = {
        "ticket": {"type": "static", "principals": {"sensor": {"ticket": "${SENSOR_TICKET}", "role": "backend"}}}
    }
    bridge = {"realm": "realm1", "role": "backend"}
    paths = {
        "/": {"type": "json", "value": {"hello": "${X}"}},
        "api": {
            "type": "path",
            "paths": {
                "publish": {"type": "publisher", **bridge, "options": {"key": "sensor", "secret": SECRET}},
                "call": {"type": "caller", **bridge},
            },
        },
    }
    transport = {
        "type": "universal",
        "endpoint": {"type": "tcp", "port": "$NODE_PORT", "interface": "127.0.0.1"},
        "websocket": {"ws": {"type": "websocket", "auth": people}},
        "rawsocket": {"serializers": ["cbor"], "auth": machines},
        "web": {"paths": paths},
    }
    meta = {"uri": "wamp.", "match": "prefix", "allow": {"call": True}}
    roles = [
        role("anonymous", {"uri": "com.public.*", "allow": {"call": True}}),
        role("people", RULE),
        role("backend", RULE, meta),
    ]
    return node(router(realms=[realm("realm1", *roles)], transports=[transport]))


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    directory = tmp_path_factory.mktemp("served")
    port = free_port()
    (directory / "config.json").write_text(json.dumps(configuration(port), indent=2))
    env = environment(NODE_PORT=str(port), SENSOR_TICKET="hunter2-of-the-sensor")
    words = wampd_command("import-crossbar", directory / "config.json", "-o", directory / "wampd.yaml")
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with Child(wampd_command("run", directory / "wampd.yaml"), directory / "log", env=env) as wampd:
        wampd.wait_for_port(port)
        yield Field(port, wampd)
        assert "Traceback" not in wampd.log()


@pytest.mark.parametrize(
    ("client", "method", "given", "who"),
    [
        (TWISTED, "wampcra", {"authid": "joe", "secret": "hunter2-of-joe"}, ("joe", "people")),
        (RAW, "wampcra", {"authid": "joe", "secret": "hunter2-of-joe"}, ("joe", "people")),
        (RAW, "ticket", {"authid": "sensor", "ticket": "hunter2-of-the-sensor"}, ("sensor", "backend")),
    ],
)
def test_who_came_in_comes_in(field, client, method, given, who):
    facts = field.hold(client, "authentication", WAMP_REALM="realm1", WAMP_AUTHENTICATION=json.dumps({method: given}))
    assert (facts["authid"], facts["authrole"], facts["authmethod"]) == (*who, method)


@pytest.mark.parametrize(
    ("method", "given"),
    [("wampcra", {"authid": "joe", "secret": "hunter2"}), ("ticket", {"authid": "joe", "ticket": "hunter2"})],
)
def test_who_did_not_does_not(field, method, given):
    facts = field.hold(TWISTED, "authentication", WAMP_REALM="realm1", WAMP_AUTHENTICATION=json.dumps({method: given}))
    assert facts == {"refused": "wamp.error.authentication_denied"}


def test_the_callers_bridge_calls(field):
    body = json.dumps({"procedure": "wamp.session.count", "args": []}).encode()
    asked = urllib.request.Request(
        f"http://127.0.0.1:{field.port}/api/call", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        (count,) = json.load(answer)["args"]
    assert count >= 1  # the bridge itself is here
    asked.data = json.dumps({"procedure": "com.nobody"}).encode()
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert json.load(answer)["error"] == "wamp.error.no_such_procedure"


CLIENT = """
import sys
from crossbarhttp import Client, ClientSignatureError
print(Client(sys.argv[1], key="sensor", secret=sys.argv[2]).publish("com.example.reading", 1) > 0)
try:
    Client(sys.argv[1], key="sensor", secret="hunter2 of nobody").publish("com.example.reading")
except ClientSignatureError:
    print("refused")
"""


def test_the_publishers_bridge_takes_what_its_clients_sign(field, tmp_path: Path):
    (tmp_path / "client.py").write_text(CLIENT)
    words = [
        sys.executable,
        "-W",
        "ignore",
        tmp_path / "client.py",
        f"http://127.0.0.1:{field.port}/api/publish",
        SECRET,
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["True", "refused"]


def test_a_text_that_looks_like_a_variable_is_a_text(field):
    with urllib.request.urlopen(f"http://127.0.0.1:{field.port}/", timeout=30) as answer:
        assert json.load(answer) == {"hello": "${X}"}


COMPONENT = """
from autobahn.twisted.wamp import ApplicationSession


class AppSession(ApplicationSession):
    def onJoin(self, details):
        registered = self.register(lambda a, b: a + b + self.config.extra["more"], "com.example.add")
        return registered.addCallback(lambda _: print("serves as", details.authrole))
"""


def test_components_of_containers_and_guests_are_hosted(tmp_path: Path):
    port = free_port()
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "shop_of_this_test.py").write_text(COMPONENT)
    at = {"type": "tcp", "host": "127.0.0.1", "port": port}
    hosted = {
        "type": "class",
        "classname": "shop_of_this_test.AppSession",
        "realm": "realm1",
        "extra": {"more": 10},
        "transport": {"type": "websocket", "endpoint": at, "url": f"ws://127.0.0.1:{port}/ws"},
    }
    paths = {"ws": {"type": "websocket"}, "call": {"type": "caller", "realm": "realm1", "role": "anonymous"}}
    configuration = node(
        router(
            transports=[
                {"type": "web", "endpoint": {"type": "tcp", "port": port, "interface": "127.0.0.1"}, "paths": paths}
            ]
        ),
        {"type": "container", "options": {"pythonpath": ["src"]}, "components": [hosted]},
        {
            "type": "guest",
            "executable": "/bin/sh",
            "arguments": ["-c", "echo $GREETING; exec sleep 600"],
            "options": {"env": {"vars": {"GREETING": "the guest says ${hello}"}}},
        },
    )
    (tmp_path / "config.json").write_text(json.dumps(configuration, indent=2))
    words = wampd_command("import-crossbar", tmp_path / "config.json", "-o", tmp_path / "wampd.yaml")
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    with Child(wampd_command("run", tmp_path / "wampd.yaml"), tmp_path / "log", env=environment()) as wampd:
        wampd.wait_for_log("serves as anonymous")
        wampd.wait_for_log("the guest says ${hello}")
        body = json.dumps({"procedure": "com.example.add", "args": [1, 2]}).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/call", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert json.load(answer)["args"] == [13]
