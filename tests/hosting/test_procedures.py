"""``wampd.component.*``: what operators see of the components of a real router, and do with them."""

import json
import re
import sys

import pytest
from websockets.sync.client import unix_connect

from tests.support.probe import Probe, RefusedError
from tests.support.process import Child, environment, free_port, wampd_command

CONFIG = """
realms: [{name: realm1, roles: [{name: anonymous}], auth: {anonymous: {role: anonymous}}}]
listeners: [{endpoint: "tcp:${WAMPD_PORT}:interface=127.0.0.1", rawsocket: {}}]
components:
  - {name: two, instances: 2, command: [sh, -c, "echo I am $WAMPD_INSTANCE; exec sleep 1000"]}
  - {name: failing, command: [PYTHON, -c, "raise SystemExit(3)"], restart: {first: 30 s}}
  - {name: late, command: [sleep, "1000"], ready: {log: never}, ready_timeout: 500 ms, restart: {first: 30 s}}
  - {name: waiting, command: [sleep, "1000"], after: [late]}
limits: {drain: 2 s}
"""


class Operator:
    """A session in the realm of operators, and the router."""

    def __init__(self, wampd, probe):
        self.wampd = wampd
        self.call = probe.call
        self.subscribe = probe.subscribe
        self.next_event = probe.next_event

    def rows(self):
        return {row["id"]: row for row in self.call("wampd.component.list")}

    def refused(self, procedure, *args):
        with pytest.raises(RefusedError) as refused:
            self.call(procedure, *args)
        return refused.value.args[0]


@pytest.fixture
def operator(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.replace("PYTHON", sys.executable))
    variables = environment(WAMPD_PORT=str(free_port()), XDG_RUNTIME_DIR=str(tmp_path / "run"))
    with Child(wampd_command("run", config), tmp_path / "log", env=variables) as wampd:
        for number in (1, 2):
            wampd.wait_for_log(f"two.{number}: I am {number}")
        wampd.wait_for_log("component failing failed, exit status 3")
        path = str(tmp_path / "run" / "wampd" / f"{wampd.pid}.sock")
        with unix_connect(path, "ws://localhost/ws", subprotocols=["wamp.2.json"], compression=None) as connection:
            yield Operator(wampd, Probe(connection, "wampd"))


def test_all_instances_are_told_with_how_they_are(operator):
    rows = operator.rows()
    assert list(rows) == ["two.1", "two.2", "failing", "late", "waiting"]
    two = rows["two.2"]
    assert (two["name"], two["instance"], two["type"], two["state"], two["ready"]) == ("two", 2, "guest", "ready", True)
    assert (two["restarts"], two["exit"], two["why"]) == (0, None, "")
    assert two["memory"] > 0
    assert two["cpu"] >= 0  # it is counted in hundredths of a second, and begins in less
    assert two["processes"] == 1
    assert f"component two.2 started, process {two['pid']}" in operator.wampd.log()
    failing = rows["failing"]
    assert (failing["state"], failing["pid"], failing["ready"]) == ("restarting", None, False)
    assert (failing["exit"], failing["why"]) == ("failed, exit status 3", "failed, exit status 3")
    assert (rows["waiting"]["state"], rows["waiting"]["why"]) == ("waiting", "waits for late")


def test_the_status_of_the_router_tells_what_is_not_ready(operator):
    status = operator.call("wampd.node.status")
    assert status["ready"] is False
    assert status["checks"]["components"].startswith("not ready: failing")


def test_a_component_is_stopped_started_and_restarted(operator):
    before = operator.rows()
    operator.call("wampd.component.stop", "two")
    assert {operator.rows()[name]["state"] for name in ("two.1", "two.2")} == {"stopped"}
    operator.call("wampd.component.start", "two.1")
    rows = operator.rows()
    assert (rows["two.1"]["state"], rows["two.2"]["state"]) == ("ready", "stopped")
    operator.call("wampd.component.restart", "two")
    after = operator.rows()
    assert {after[name]["state"] for name in ("two.1", "two.2")} == {"ready"}
    assert {before["two.1"]["pid"], rows["two.1"]["pid"], after["two.1"]["pid"]} != {None}
    assert len({before["two.1"]["pid"], rows["two.1"]["pid"], after["two.1"]["pid"]}) == 3


def test_what_cannot_be_done_is_an_error(operator):
    assert operator.refused("wampd.component.start", "late") == "wampd.error.component_failed"
    assert operator.refused("wampd.component.stop", "nobody") == "wampd.error.no_such_component"
    assert operator.refused("wampd.component.stop", "two.3") == "wampd.error.no_such_component"
    assert operator.refused("wampd.component.stop") == "wamp.error.invalid_argument"
    assert operator.refused("wampd.component.logs", "two", -1) == "wamp.error.invalid_argument"
    assert operator.refused("wampd.component.logs", "two", 10, 7) == "wampd.error.no_such_component"


def test_the_last_lines_are_told(operator):
    lines = operator.call("wampd.component.logs", "two")
    assert sorted((line["instance"], line["stream"], line["text"]) for line in lines) == [
        (1, "stdout", "I am 1"),
        (2, "stdout", "I am 2"),
    ]
    assert [line["text"] for line in operator.call("wampd.component.logs", "two", 10, 2)] == ["I am 2"]
    assert [line["text"] for line in operator.call("wampd.component.logs", "two.1")] == ["I am 1"]
    assert len(operator.call("wampd.component.logs", "two", 1)) == 1
    assert operator.call("wampd.component.logs", "two", 0) == []
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", lines[0]["time"])


def test_new_lines_and_states_are_events(operator):
    operator.subscribe("wampd.component.two.log")
    operator.subscribe("wampd.component.on_state")
    operator.call("wampd.component.restart", "two.1")
    states = []
    while "ready" not in states:
        told = operator.next_event("wampd.component.on_state")[0][0]
        if told["id"] == "two.1":  # others have their own lives
            states.append(told["state"])
    assert states == ["restarting", "waiting", "starting", "ready"]
    line = operator.next_event("wampd.component.two.log")[0][0]
    assert (line["instance"], line["stream"], line["text"]) == (1, "stdout", "I am 1")
    assert json.dumps(line)
