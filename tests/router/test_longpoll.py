"""HTTP long-poll on a real router: over TLS and Unix sockets, its limits and deadlines, and the way out."""

import json
import re
import signal
import socket
import time

import pytest

from tests.router.client import GOODBYE, Session, trusting
from tests.router.conftest import HALF, PATIENT
from tests.support.certificates import make_certificate
from tests.support.longpoll import BASE, Http, joined, opened
from tests.support.process import ROOT

LISTENERS = """
listeners:
  - endpoint: {endpoint}
    websocket: {{/ws: {{type: wamp}}}}
    rawsocket: {{}}
    http: {{/lp: {{type: longpoll, {path}}}}}
    {more}
"""
OPEN = b'{"protocols": ["wamp.2.json"]}'
PUBLISH, EVENT, SUBSCRIBE, SUBSCRIBED = 16, 36, 32, 33


def listeners(endpoint="tcp:${WAMPD_PORT}:interface=127.0.0.1", path="", more="limits: {close_timeout: 0.5}"):
    return LISTENERS.format(endpoint=endpoint, path=path, more=more)


def say(http, path, *message):
    assert http.ask(f"{path}/send", json.dumps(message).encode()).status == 202


def hear(http, path):
    """The next message, or the status of what is none."""
    answer = http.ask(f"{path}/receive")
    return answer.json() if answer.status == 200 else answer.status


def publishes_and_hears(http, path):
    say(http, path, SUBSCRIBE, 1, {}, "com.topic")
    assert hear(http, path)[:2] == [SUBSCRIBED, 1]
    say(http, path, PUBLISH, 2, {"exclude_me": False}, "com.topic", [7])
    assert hear(http, path)[4] == [7]


@pytest.mark.spec("LP-01", "LP-02", "LP-03")
def test_over_tls_beside_the_other_transports(start, tmp_path):
    pem = make_certificate(tmp_path)
    router = start(listeners=listeners(more=f"tls: {{certificate: {pem.certificate}, key: {pem.key}}}"))
    context = trusting(pem.certificate)
    with (
        socket.create_connection(("127.0.0.1", router.port), 5) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as end,
    ):
        http = Http(over=end)
        path = joined(http)
        publishes_and_hears(http, path)
        http.begin(f"{path}/receive")
        assert http.answer(0.2) is None
        with socket.create_connection(("127.0.0.1", router.port), 5) as more:
            other = Http(over=context.wrap_socket(more, server_hostname="localhost"))
            say(other, path, PUBLISH, 3, {"exclude_me": False}, "com.topic", ["x" * 900_000])
            assert len(http.answer().body) > 900_000
            assert other.ask(f"{path}/close").status == 202
            other.close()
    assert router.stop() == 0
    assert "Traceback" not in router.log()


def test_over_unix_sockets(start, tmp_path):
    router = start(listeners=listeners(endpoint=f"unix:{tmp_path}/wampd.sock"))
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(f"{tmp_path}/wampd.sock")
        http = Http(over=end)
        path = joined(http)
        publishes_and_hears(http, path)
        assert http.ask(f"{path}/close").status == 202
    assert router.stop() == 0
    assert "unix) joined realm1" in router.log()


@pytest.mark.spec("LP-07")
def test_who_does_not_receive_any_more_is_taken_away_and_his_session_too(start):
    router = start(listeners=listeners(path="poll_timeout: 0.5, absence_timeout: 1"))
    with Http(router.port) as http:
        path = joined(http)
        assert hear(http, path) == 204
        assert hear(http, path) == 204
        router.wait_for_log("connection lost: nothing was received for 1 s")
        assert hear(http, path) == 404
    assert router.stop() == 0


def test_who_does_not_join_in_time_is_told_and_taken_away(start):
    router = start(listeners=listeners(more="limits: {join_timeout: 0.5}"))
    with Http(router.port) as http:
        path = opened(http)
        began = time.monotonic()
        answer = http.ask(f"{path}/receive")
        assert 0.4 < time.monotonic() - began < 10  # what it would be without `limits`
        assert (answer.status, answer.body) == (404, b"no HELLO in time\n")
        assert hear(http, path) == 404
    assert router.stop() == 0


def test_transports_count_as_connections_of_their_address(start):
    router = start(listeners=listeners(more="limits: {connections_per_address: 3, close_timeout: 0.5}"))
    with Http(router.port) as http:
        paths = [joined(http) for _ in range(2)]
        refused = http.ask(f"{BASE}/open", OPEN)
        assert (refused.status, refused.body) == (503, b"too many transports\n")
        publishes_and_hears(http, paths[0])
        assert http.ask(f"{paths[1]}/close").status == 202
        assert http.ask(f"{BASE}/open", OPEN).status == 200
    assert router.stop() == 0
    assert "no more than 3 connections of one address" in router.log()


def test_transports_count_as_connections_of_the_process(start):
    router = start("limits: {connections: 3}", listeners=listeners())
    with Http(router.port) as http, Session(router.port) as session:
        path = opened(http)
        assert http.ask(f"{BASE}/open", OPEN).status == 503
        assert http.ask(f"{path}/close").status == 202
        with Session(router.port):
            session.register("com.there")
            assert http.ask(f"{BASE}/open", OPEN).status == 503
    assert router.stop() == 0


def test_those_who_have_not_joined_do_not_shut_others_out(start):
    router = start(listeners=listeners(path="opening: 5"))
    with Http(router.port) as http:
        first = joined(http)
        others = [opened(http) for _ in range(5)]
        assert http.ask(f"{BASE}/open", OPEN).status == 503
        publishes_and_hears(http, first)
        say(http, others[0], 1, "realm1", {"roles": {"caller": {}}})
        assert http.ask(f"{BASE}/open", OPEN).status == 200
        with Session(router.port) as session:
            session.register("com.there")
    assert router.stop() == 0


@pytest.mark.spec("LP-04")
def test_when_the_router_stops_who_waits_hears_goodbye(start):
    router = start(PATIENT, listeners=listeners(more="limits: {close_timeout: 1 s}"))
    http, answering, silent = Http(router.port), Http(router.port), Http(router.port)
    paths = [joined(each) for each in (answering, silent)]
    for each, path in zip((answering, silent), paths, strict=True):
        each.begin(f"{path}/receive")
        assert each.answer(0.1) is None
    began = time.monotonic()
    router.signal(signal.SIGTERM)
    for each in (answering, silent):
        code, _, reason = each.answer().json()
        assert (code, reason) == (GOODBYE, "wamp.close.system_shutdown")
    assert http.ask(f"{BASE}/open", OPEN).status == 503
    say(http, paths[0], GOODBYE, {}, "wamp.close.goodbye_and_out")
    assert http.ask(f"{paths[0]}/receive").status == 404
    assert router.wait() == 0
    assert time.monotonic() - began < HALF
    for each in (http, answering, silent):
        each.close()
    assert "Traceback" not in router.log()
    assert "0 connections were left" in router.log()


@pytest.mark.spec("LP-06")
@pytest.mark.trap(12)
def test_named_origins_may_read_with_credentials_and_all_others_not(start):
    router = start(listeners=listeners(path='origins: ["https://app.example", same-host]'))
    with Http(router.port) as http:
        answer = http.ask(f"{BASE}/open", OPEN, Origin="https://app.example")
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert answer.headers["access-control-allow-credentials"] == "true"
        for origin in ("https://app.example.evil", "http://app.example", "null"):
            answer = http.ask(f"{BASE}/open", OPEN, Origin=origin)
            assert answer.status == 403
            assert "access-control-allow-origin" not in answer.headers
    assert router.stop() == 0


def test_204_can_be_what_a_path_answers(start):
    router = start(listeners=listeners(path="no_content: true, serializers: [json]"))
    with Http(router.port) as http:
        path = opened(http)
        assert http.ask(f"{path}/send", b'[1,"realm1",{"roles":{"caller":{}}}]').status == 204
        assert http.ask(f"{BASE}/open", b'{"protocols": ["wamp.2.cbor"]}').status == 400
        assert http.ask(f"{path}/close").status == 204
    assert router.stop() == 0


def test_the_configuration_of_the_documentation_works(start):
    text = (ROOT / "docs" / "transports.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(listeners:.*?)```", text, re.DOTALL).group(1)
    assert "tcp:8080:" in example
    router = start(listeners=example.replace("tcp:8080:", "tcp:${WAMPD_PORT}:"))
    with Http(router.port) as http, Session(router.port):
        path = opened(http)
        assert http.ask(f"{path}/send", b'[1,"realm1",{"roles":{"caller":{}}}]').status == 204
        assert hear(http, path)[0] == 2
        assert http.ask(f"{path}/close").status == 204
    assert router.stop() == 0
