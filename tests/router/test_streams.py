"""Streams of events, procedures that are HTTP requests, and forwarded topics of a running router."""

import http.server
import json
import subprocess
import threading
from contextlib import contextmanager
from queue import Queue

import pytest
import yaml

from tests.router.client import Session
from tests.router.conftest import LISTENERS
from tests.support.process import START_TIMEOUT

REALMS = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions: [{uri: com., match: prefix, allow: [call, register, publish, subscribe]}]
      - name: reader
        permissions: [{uri: com.app.news, allow: [subscribe]}]
    auth:
      anonymous: {role: anonymous}
      ticket: {}
      principals: [{authid: joe, role: reader, ticket: hunter2}]
    history: [{uri: com.app.news}]
"""
CALLEES = """
    http_callees:
      - procedure: com.app.user
        url: "http://127.0.0.1:%d/users/{id}{?page}"
        secret_headers: {Authorization: "Bearer hunter2"}
        errors: {"404": com.app.no_such_user}
      - procedure: com.app.slow
        url: "http://127.0.0.1:%d/users/slow"
        timeout: 500 ms
    forwards:
      - topic: com.app.
        match: prefix
        url: "http://127.0.0.1:%d/in"
        pause: 100 ms
        secret: whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==
"""
EVENTS = (
    LISTENERS
    + """
    http:
      /call: {type: call, realm: realm1, role: anonymous, insecure: true}
      /openapi: {type: openapi, realm: realm1, role: anonymous, insecure: true, calls: /call}
      /mine: {type: events, realm: realm1, access: {basic: true}}
      /events: {type: events, realm: realm1, role: reader, insecure: true, retry: 100 ms, streams: 2}
"""
)


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers as its path says, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.put((self.path, dict(self.headers), b""))
        if self.path == "/users/slow":
            self.server.left.wait(20)
        body = b'{"name":"joe"}' if self.path.startswith("/users/7") else b'{"name":null}'
        self._answer(200 if self.path.startswith("/users/7") else 404, body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.put((self.path, dict(self.headers), body))
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 200, b"")

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def backend():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    server.asked, server.left, server.statuses = Queue(), threading.Event(), []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.left.set()
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def curl(port, target, *options):
    """``curl -N``: its output comes line by line."""
    command = ["curl", "-sN", "--max-time", "60", *options, f"http://127.0.0.1:{port}{target}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout
        process.kill()


def event(lines):
    """The next event: its fields."""
    fields = {}
    for line in lines:
        name, _, value = line.rstrip("\n").partition(": ")
        if name:
            fields[name] = value
        elif fields:
            return fields
    return fields


def publish(session, topic, *args):
    session.send(16, 1, {"acknowledge": True}, topic, list(args))
    assert session.receive()[0] == 17


def call(session, uri, **kwargs):
    session.send(48, 2, {}, uri, [], kwargs)
    return session.receive()


def test_curl_follows_a_topic_and_goes_on_where_it_was(start):
    router = start(realms=REALMS, listeners=EVENTS)
    publisher = Session(router.port)
    with curl(router.port, "/events?topic=com.app.news") as lines:
        start_of_it = event(lines)
        assert start_of_it["retry"] == "100"
        publish(publisher, "com.app.news", 1)
        first = event(lines)
        assert (first["event"], json.loads(first["data"])["args"]) == ("com.app.news", [1])
    publish(publisher, "com.app.news", 2)
    publish(publisher, "com.app.news", 3)
    with curl(router.port, "/events?topic=com.app.news", "-H", f"Last-Event-ID: {first['id']}") as lines:
        assert event(lines) == {"retry": "100"}
        assert [json.loads(event(lines)["data"])["args"] for _ in range(2)] == [[2], [3]]
        assert router.stop() == 0
        last = event(lines)
        assert (last["event"], json.loads(last["data"])) == ("wampd.over", {"reason": "wamp.close.system_shutdown"})


def test_who_shows_who_it_is_follows_as_that(start):
    router = start(realms=REALMS, listeners=EVENTS)
    assert ask(router.port, "/mine?topic=com.app.news", "-u", "joe:hunter3")[0] == 401
    assert ask(router.port, "/mine?topic=com.app.other", "-u", "joe:hunter2")[0] == 403
    with curl(router.port, "/mine?topic=com.app.news", "-u", "joe:hunter2") as lines:
        assert "id" in event(lines)
        publish(Session(router.port), "com.app.news", 1)
        assert json.loads(event(lines)["data"])["args"] == [1]


def ask(port, target, *options):
    """``curl``: the status, and the body."""
    command = ["curl", "-s", "--max-time", "60", "-w", "\\n%{http_code}", *options, f"http://127.0.0.1:{port}{target}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=70, check=True)
    body, _, code = done.stdout.rpartition("\n")
    return int(code), body


def test_what_a_document_describes_can_be_called(start, backend):
    port = backend.server_port
    router = start(realms=REALMS + CALLEES % (port, port, port), listeners=EVENTS)
    callee = Session(router.port)
    callee.register("com.app.mine")
    code, body = ask(router.port, "/openapi")
    made = json.loads(body)
    assert (code, list(made["paths"])) == (200, ["/call/com.app.mine", "/call/com.app.slow", "/call/com.app.user"])
    assert yaml.safe_load(ask(router.port, "/openapi/openapi.yaml")[1]) == made
    json_body = ["-H", "Content-Type: application/json", "-d"]
    code, body = ask(router.port, list(made["paths"])[2], *json_body, '{"kwargs": {"id": 7}}')
    assert (code, json.loads(body)) == (200, {"args": [{"name": "joe"}], "kwargs": {}})
    code, body = ask(router.port, "/call/com.app.slow", *json_body, "{}")
    assert (code, json.loads(body)["error"]) == (504, "wampd.error.http.timeout")


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("/events?topic=com.app.news", "HEAD", 200),
        ("/events?topic=com.app.other", "GET", 403),
        ("/events?topic=com.app.&match=prefix", "GET", 403),
        ("/events", "GET", 400),
        ("/events?topic=com.app.news", "POST", 405),
    ],
)
def test_curl_is_told_what_cannot_be(start, target, method, status):
    router = start(realms=REALMS, listeners=EVENTS)
    options = ["--head"] if method == "HEAD" else ["-X", method]
    url = f"http://127.0.0.1:{router.port}{target}"
    command = ["curl", "-s", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=70, check=False)
    assert done.stdout == str(status)


def test_a_procedure_is_a_request(start, backend):
    port = backend.server_port
    router = start(realms=REALMS + CALLEES % (port, port, port))
    caller = Session(router.port)
    assert call(caller, "com.app.user", id=7, page=2) == [50, 2, {}, [{"name": "joe"}]]
    path, headers, _ = backend.asked.get(timeout=START_TIMEOUT)
    assert (path, headers["Authorization"]) == ("/users/7?page=2", "Bearer hunter2")
    about = {"status": 404, "body": {"name": None}}
    assert call(caller, "com.app.user", id=8) == [8, 48, 2, {}, "com.app.no_such_user", ["Not Found"], about]
    assert call(caller, "com.app.user", id="../7")[4] == "wamp.error.invalid_argument"
    assert call(caller, "com.app.slow")[4:] == ["wampd.error.http.timeout", ["it took too long"]]
    assert "hunter2" not in router.log()
    backend.left.set()
    assert router.stop() == 0


def test_a_procedure_whose_server_is_not_there_is_an_error(start, backend):
    port = backend.server_port
    backend.shutdown()
    backend.server_close()
    router = start(realms=REALMS + CALLEES % (port, port, port))
    assert call(Session(router.port), "com.app.user", id=7)[4] == "wampd.error.http.connect"


def test_events_are_forwarded_in_order_and_signed_and_tried_again(start, backend):
    port = backend.server_port
    backend.statuses += [200, 503, 200]
    router = start(realms=REALMS + CALLEES % (port, port, port))
    publisher = Session(router.port)
    for number in range(3):
        publish(publisher, "com.app.news", number)
    asked = [backend.asked.get(timeout=START_TIMEOUT) for _ in range(4)]
    assert [json.loads(body)["args"] for _, _, body in asked] == [[0], [1], [1], [2]]
    _, headers, body = asked[1]
    assert headers["Webhook-Id"] == f"msg_{json.loads(body)['publication']}"
    assert headers["Webhook-Signature"].startswith("v1,")
    assert headers["Content-Type"] == "application/json"
    assert "status 503" in router.log()
    assert router.stop() == 0
