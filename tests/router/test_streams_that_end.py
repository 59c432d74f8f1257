"""What follows over HTTP when a right is taken away while an answer is open: it ends, and who asks again is told why not."""

import contextlib
import http.server
import json
import threading
import time

import jwt
import pytest

from tests.router.client import Session
from tests.router.conftest import LISTENERS, write
from tests.router.test_streams import ask, curl, event, publish

KEY = "hunter2-hunter2-hunter2-hunter2-"
REALMS = f"""
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions: [{{uri: com., match: prefix, allow: [call, register, publish, subscribe]}}]
      - name: reader
        permissions:
          - {{uri: com.app.news, allow: [subscribe]}}
          - {{uri: com.app., match: prefix, allow: [call]}}
    auth:
      anonymous: {{role: anonymous}}
      ticket: {{}}
      jwt: {{secret: {KEY}, leeway: 0 s, role: {{default: reader}}}}
      principals: [{{authid: ann, role: reader, ticket: hunter2}}]
      files: [people.yaml]
"""
PEOPLE = """
- {authid: joe, role: reader, ticket: hunter2}
- {authid: jim, role: reader, ticket: hunter2}
"""
JOE = PEOPLE.splitlines()[1] + "\n"
WEB = (
    LISTENERS
    + """
    http:
      /calls: {type: call, realm: realm1, access: {basic: true}}
      /mine: {type: events, realm: realm1, access: {basic: true, bearer: true}}
      /events: {type: events, realm: realm1, role: reader, insecure: true}
"""
)
MINE = "/mine?topic=com.app.news"
EVENTS = "/events?topic=com.app.news"


def router_with_people(start, tmp_path):
    write(tmp_path / "people.yaml", PEOPLE)
    return start(realms=REALMS, listeners=WEB)


def reason(lines):
    """Why a stream has ended; there is nothing after that."""
    last = event(lines)
    assert last["event"] == "wampd.over"
    assert lines.read() == ""
    return json.loads(last["data"])["reason"]


def test_streams_end_with_the_rights_to_them_and_who_comes_back_is_refused(start, tmp_path):
    router = router_with_people(start, tmp_path)
    with (
        curl(router.port, MINE, "-u", "joe:hunter2") as joe,
        curl(router.port, MINE, "-u", "ann:hunter2") as ann,
        curl(router.port, MINE, "-u", "jim:hunter2") as jim,
        curl(router.port, EVENTS) as anybody,
    ):
        for lines in (joe, ann, jim, anybody):
            assert "id" in event(lines)
        router.reload((JOE, ""), ("{authid: jim, role: reader", "{authid: jim, role: anonymous"), file="people.yaml")
        assert [reason(joe), reason(jim)] == ["wamp.close.killed"] * 2
        assert ask(router.port, MINE, "-u", "joe:hunter2")[0] == 401
        publish(Session(router.port), "com.app.news", 1)  # nobody else has noticed anything
        for lines in (ann, anybody):
            assert json.loads(event(lines)["data"])["args"] == [1]
        router.reload(("          - {uri: com.app.news, allow: [subscribe]}\n", ""))
        assert [reason(ann), reason(anybody)] == ["wampd.revoked.not_allowed"] * 2
        assert ask(router.port, MINE, "-u", "ann:hunter2") == (403, "wamp.error.not_authorized\n")
        assert ask(router.port, EVENTS) == (403, "wamp.error.not_authorized\n")
    assert "hunter2" not in router.log()
    assert router.stop() == 0


def test_where_it_has_to_be_shown_who_comes_all_show_it_again_when_that_is_configured_otherwise(start, tmp_path):
    router = router_with_people(start, tmp_path)
    with curl(router.port, MINE, "-u", "ann:hunter2") as ann, curl(router.port, EVENTS) as anybody:
        for lines in (ann, anybody):
            assert "id" in event(lines)
        router.reload(
            ("{authid: ann, role: reader, ticket: hunter2}", "{authid: ann, role: reader, ticket: hunter3}"),
        )
        assert reason(ann) == "wamp.close.system_shutdown"
        assert ask(router.port, MINE, "-u", "ann:hunter2")[0] == 401
        publish(Session(router.port), "com.app.news", 1)
        assert json.loads(event(anybody)["data"])["args"] == [1]


def test_a_stream_does_not_outlive_its_token(start, tmp_path):
    router = router_with_people(start, tmp_path)
    claims = {"sub": "tom", "exp": time.time() + 5}
    shown = f"Authorization: Bearer {jwt.encode(claims, KEY, algorithm='HS256')}"
    with curl(router.port, MINE, "-H", shown) as lines:
        assert "id" in event(lines)
        assert reason(lines) == "wamp.close.killed"
    assert ask(router.port, MINE, "-H", shown)[0] == 401


class Endless(http.server.BaseHTTPRequestHandler):
    """Streams one event, and then nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"data: 1\n\n")
        with contextlib.suppress(OSError):
            self.rfile.read()  # until the router hangs up
        self.server.left.set()

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def endless():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    server.left = threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_stream_of_a_backend_ends_with_the_principal_that_was_let_in(start, tmp_path, endless):
    write(tmp_path / "people.yaml", PEOPLE)
    backends = f"[{{url: 'http://127.0.0.1:{endless.server_port}'}}]"
    proxy = f"{{type: proxy, backends: {backends}, access: {{realm: realm1, basic: true}}}}"
    router = start(realms=REALMS, listeners=WEB + f"      /behind: {proxy}\n")
    with (
        curl(router.port, "/behind", "-u", "joe:hunter2") as joe,
        curl(router.port, "/behind", "-u", "jim:hunter2") as jim,
    ):
        assert [event(joe), event(jim)] == [{"data": "1"}] * 2
        router.reload((JOE, ""), file="people.yaml")
        assert joe.read() == ""
        assert endless.left.wait(20)
        assert ask(router.port, "/behind", "-u", "joe:hunter2")[0] == 401
        endless.left.clear()
        router.reload(("authid: jim", "authid: tim"), file="people.yaml")
        assert jim.read() == ""
        assert endless.left.wait(20)


@pytest.mark.trap(13)
def test_a_call_in_parts_ends_with_the_principal_that_made_it(start, tmp_path):
    router = router_with_people(start, tmp_path)
    able = {"features": {"progressive_call_results": True, "call_canceling": True}}
    callee = Session(router.port, join=False)
    callee.send(1, "realm1", {"roles": {"callee": able}})
    assert callee.receive()[0] == 2
    callee.register("com.app.slow")
    options = ["-u", "joe:hunter2", "-H", "Accept: application/x-ndjson", "-H", "Content-Type: application/json"]
    with curl(router.port, "/calls/com.app.slow", *options, "-d", "{}") as lines:
        invocation = callee.receive()[1]
        callee.send(70, invocation, {"progress": True}, [1])
        assert json.loads(lines.readline()) == {"progress": True, "args": [1], "kwargs": {}}
        router.reload((JOE, ""), file="people.yaml")
        assert json.loads(lines.readline())["error"] == "wamp.error.canceled"
        assert lines.read() == ""
        assert callee.receive()[:2] == [69, invocation]
    assert ask(router.port, "/calls/com.app.slow", *options, "-d", "{}")[0] == 401
