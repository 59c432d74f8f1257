"""A running router that is observed: by an operator, by a collector of metrics, by who wants to know if it is ready."""

import base64
import json
import socket
import urllib.error
import urllib.request
from itertools import count

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.router.client import Session
from tests.router.test_listening import hear, raw, say
from tests.support.process import running_wampd

CONFIG = """\
realms:
  - name: realm1
    monitor: {{all_realms: true}}
    roles:
      - name: operator
        permissions:
          - {{uri: "", match: prefix, allow: [call, register, publish, subscribe]}}
          - {{uri: wampd.monitor., match: prefix, allow: [call, subscribe]}}
          - {{uri: wampd.monitor.kill, allow: [call]}}
    auth: {{anonymous: {{role: operator}}}}
listeners:
  - endpoint: tcp:${{WAMPD_PORT}}:interface=127.0.0.1
    websocket: {{/ws: {{type: wamp}}}}
    rawsocket: {{}}
    http:
      /metrics: {{type: metrics}}
      /health: {{type: health}}
{more}
"""

CLOSED = "auth: {ticket: {}, principals: [{authid: prometheus, role: operator, ticket: hunter2}]}"


@pytest.fixture
def run(tmp_path):
    def running(more=""):
        config = tmp_path / "config.yaml"
        config.write_text(CONFIG.format(more=more))
        return running_wampd(config, tmp_path / "log")

    return running


def get(port, path, **headers):
    """Status, headers and body of an answer."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.headers, refusal.read()


def result(answer):
    """The one positional value of a RESULT."""
    assert answer[0] == 50, answer
    (value,) = answer[3]
    return value


def ask(client, number, procedure, **given):
    client.send(48, number, {}, f"wampd.monitor.{procedure}", [], given)
    return result(client.receive())


def test_an_operator_sees_who_is_there_and_sends_one_away(run):
    with run() as (_, port), Session(port) as operator, Session(port) as victim:
        (session,) = [each for each in ask(operator, 1, "sessions")["sessions"] if each["received"] == 0]
        assert session["address"] == "127.0.0.1"
        assert ask(operator, 2, "kill", session=session["session"], message="go") is True
        goodbye = victim.receive()
        assert goodbye == [6, {"message": "go"}, "wamp.close.killed"]
        assert ask(operator, 3, "sessions")["total"] == 1


def test_how_each_client_is_connected_is_told(run):
    with run() as (_, port), Session(port) as operator, socket.create_connection(("127.0.0.1", port)) as other:
        raw(other)
        rows = ask(operator, 1, "sessions")["sessions"]
        told = {(row["transport"], row["protocol"], row["address"]) for row in rows}
        assert told == {("websocket", "wamp.2.json", "127.0.0.1"), ("rawsocket", "wamp.2.json", "127.0.0.1")}


def test_the_tick_comes_by_itself(run):
    with run() as (_, port), Session(port) as operator:
        operator.send(32, 1, {}, "wampd.monitor.tick")
        assert operator.receive()[0] == 33
        for _ in range(2):
            kind, _, _, _, (tick,) = operator.receive()
            assert kind == 36
            assert tick["realms"][0]["name"] == "realm1"
            assert tick["process"]["connections"] >= 1


def metric(port, name):
    _, _, body = get(port, "/metrics")
    return next(
        float(line.split()[1]) for line in body.decode().splitlines() if line.startswith(f'{name}{{realm="realm1"}}')
    )


def test_a_client_that_does_not_read_is_seen_as_long_as_it_does_not(run):
    with (
        run() as (wampd, port),
        Session(port) as operator,
        socket.create_connection(("127.0.0.1", port)) as deaf,
    ):
        raw(deaf)
        say(deaf, b'[32,1,{},"com.flood"]')
        assert hear(deaf).startswith(b"[33,")
        assert ask(operator, 1, "slow_consumers") == {"sessions": []}
        for number in range(12):
            operator.send(16, number + 2, {"acknowledge": True}, "com.flood", ["x" * 900_000])
            assert operator.receive()[0] == 17
        numbers = count(20)

        def slow():
            return ask(operator, next(numbers), "slow_consumers")["sessions"]

        def is_told_alike():  # the sockets of both sides may still take some
            rows = slow()
            return rows and metric(port, "wampd_queued_bytes") == rows[0]["queued"]

        wampd.wait_until(is_told_alike, "somebody is slow")
        (row,) = slow()
        assert row["realm"] == "realm1"
        assert row["queued"] > 1_000_000
        assert row["dropped"] == 0
        assert row["since"].endswith("Z")
        assert metric(port, "wampd_slow_consumers") == 1
        for _ in range(12):
            assert hear(deaf).startswith(b"[36,")
        assert slow() == []


def test_requests_that_are_refused_are_counted(run):
    with run() as (_, port), socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /health HTTP/9.0\r\n\r\n")
        answer = b""
        while data := client.recv(65536):
            answer += data
        assert answer.count(b"HTTP/1.1 ") == 2
        assert b"HTTP/1.1 505 " in answer
        assert b'wampd_struck_total{what="HTTP requests malformed"} 1.0' in get(port, "/metrics")[2]


def test_a_collector_reads_the_metrics(run):
    with run() as (_, port), Session(port):
        status, headers, body = get(port, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
        assert status == 200
        assert headers["Content-Type"].startswith("application/openmetrics-text")
        names = {family.name for family in text_string_to_metric_families(body.decode())}
        assert {"wampd_sessions", "wampd_calls", "wampd_build", "process_cpu_seconds"} <= names


def test_metrics_can_be_for_some_alone(tmp_path):
    config = tmp_path / "config.yaml"
    text = CONFIG.format(more="").replace("auth: {anonymous: {role: operator}}", CLOSED)
    config.write_text(text.replace("{type: metrics}", "{type: metrics, access: {realm: realm1, basic: true}}"))
    shown = base64.b64encode(b"prometheus:hunter2").decode()
    with running_wampd(config, tmp_path / "log") as (_, port):
        assert get(port, "/metrics")[0] == 401
        assert get(port, "/metrics", Authorization=f"Basic {shown[:-4]}")[0] == 401
        assert get(port, "/metrics", Authorization=f"Basic {shown}")[0] == 200
        assert get(port, "/health/ready")[0] == 200


def test_a_router_that_is_ready_says_so(run):
    with run() as (_, port):
        status, _, body = get(port, "/health/ready")
        assert status == 200
        assert json.loads(body)["status"] == "ready"
        assert get(port, "/health/live")[0] == 200


def test_a_router_whose_component_does_not_run_is_not_ready_but_lives(run):
    more = 'components: [{name: never, command: ["sh", "-c", "exit 3"]}]'
    with run(more) as (wampd, port):
        wampd.wait_for_log("component never failed")
        status, _, body = get(port, "/health/ready")
        assert (status, json.loads(body)["checks"]["components"]) == (503, "not ready: never")
        assert get(port, "/health/live")[0] == 200


def test_a_router_with_a_store_says_that_it_works(run, tmp_path):
    with run(f"store: {{file: {tmp_path}/wampd.sqlite}}") as (_, port):
        assert json.loads(get(port, "/health/ready")[2])["checks"]["store"] == "ok"
        assert b"wampd_store_up 1.0" in get(port, "/metrics")[2]
