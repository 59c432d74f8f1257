"""Every status that the web server gives, from a router that runs: by curl where curl can say it, else by a socket.

The table grows with what is served; `test_no_status_is_forgotten` looks into the sources for statuses that nobody provokes.
"""

import base64
import json
import re
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.router.client import Session
from tests.router.conftest import Router

ROOT = Path(__file__).resolve().parents[2]
REALMS = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions: [{uri: com., match: prefix, allow: [call, register, publish, subscribe]}]
      - name: writer
        permissions: [{uri: com., match: prefix, allow: [publish]}]
    auth:
      anonymous: {role: anonymous}
      ticket: {}
      principals:
        - {authid: joe, role: writer, ticket: hunter2}
        - {authid: ann, role: anonymous, ticket: hunter2}
"""
LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}, /both: {type: wamp}}
    http:
      /: {type: static, directory: files}
      /old: {type: redirect, to: /new, status: 301}
      /moved: {type: redirect, to: /new, status: 307}
      /json: {type: json, value: {a: 1}, cors: {origins: ["https://a.example"]}}
      /both: {type: json, value: both}
      /lp: {type: longpoll}
      /box: {type: upload, directory: box, size: 1 MiB, insecure: true, types: ["text/*"]}
      /full: {type: upload, directory: box, keep_free: 1000000 GiB, insecure: true}
      /one: {type: upload, directory: box, concurrent: 1, insecure: true}
      /shut:
        type: upload
        directory: box
        access: {realm: realm1, basic: true, roles: [writer]}
        events: {realm: realm1, topic: com.shut}
      /app: {type: wsgi, application: "served:application", directory: ., threads: 2, waiting: 0, timeout: 20 s}
      /late: {type: wsgi, application: "served:application", directory: ., threads: 2, waiting: 0, timeout: 1 s}
      /thing: {type: resource, class: served.Thing, directory: ., arguments: {word: hello}}
      /publish: {type: publish, realm: realm1, access: {basic: true}}
      /call: {type: call, realm: realm1, access: {basic: true}}
      /gone: {type: proxy, backends: [{url: "http://127.0.0.1:${CLOSED}"}]}
    limits: {handshake_timeout: 2 s, message_size: 64 KiB, connections_per_address: 20}
"""
SERVED = """
from time import sleep

from twisted.web.resource import Resource


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        sleep(2)
    if path == "/broken":
        raise RuntimeError("private")
    start_response("418 I'm a teapot" if path == "/tea" else "200 OK", [("Content-Type", "text/plain")])
    return [environ["SCRIPT_NAME"].encode(), environ["wsgi.input"].read()]


class Thing(Resource):
    isLeaf = True

    def __init__(self, word):
        super().__init__()
        self.word = word

    def render_GET(self, request):
        if request.postpath == [b"broken"]:
            raise RuntimeError("private")
        return self.word.encode()
"""


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    directory = tmp_path_factory.mktemp("web")
    (directory / "served.py").write_text(SERVED)
    (directory / "files").mkdir()
    (directory / "files" / "page.txt").write_text("0123456789")
    (directory / "box").mkdir()
    (directory / "box" / "old.txt").write_text("old")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens there as long as it is ours
        with Router(directory, listeners=LISTENERS, realms=REALMS, CLOSED=str(closed.getsockname()[1])) as router:
            yield router
            log = router.log()
            assert log.count("Traceback") == log.count("RuntimeError: private")  # those of the table, and no others


def curl(router, path, *options):
    """The status that curl sees."""
    url = f"http://127.0.0.1:{router.port}{path}"
    command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is", "-m", "20", *options, url]
    return int(subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout)


def raw(router, sent, *, until=15.0):
    """What is answered to these octets, until the router closes, which it has to be asked for."""
    with socket.create_connection(("127.0.0.1", router.port), timeout=until) as connection:
        connection.sendall(sent)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    return answer


def tell(router, sent, **more):
    answers = re.findall(rb"HTTP/1\.[01] (\d{3}) ", raw(router, sent, **more))
    return [int(code) for code in answers]


def basic(name):
    return "Authorization: Basic " + base64.b64encode(f"{name}:hunter2".encode()).decode()


JSON = "Content-Type: application/json"
BIG = "@" + str(ROOT / "CHANGELOG.md")
BY_CURL = [
    (200, "/page.txt", ()),
    (200, "/page.txt", ("-I",)),
    (200, "/json", ()),
    (200, "/app/x", ("-d", "a")),
    (200, "/app/x", ("-d", "a", "-H", "Transfer-Encoding: chunked")),
    (200, "/thing", ()),
    (201, "/box/new.txt", ("-X", "PUT", "-H", "Content-Type: text/plain", "--data-binary", "hello")),
    (201, "/box", ("-F", f"file={BIG};type=text/plain;filename=form.txt")),
    (201, "/shut/joe.txt", ("-X", "PUT", "-H", basic("joe"), "--data-binary", "hello")),
    (204, "/json", ("-X", "OPTIONS", "-H", "Origin: https://a.example", "-H", "Access-Control-Request-Method: GET")),
    (206, "/page.txt", ("-r", "0-3")),
    (200, "/publish", ("-H", basic("joe"), "-H", JSON, "-d", '{"topic": "com.a", "args": [1]}')),
    (400, "/publish", ("-H", basic("joe"), "-H", JSON, "-d", "{")),
    (401, "/publish", ("-H", JSON, "-d", '{"topic": "com.a"}')),
    (403, "/publish", ("-H", basic("joe"), "-H", JSON, "-d", '{"topic": "org.a"}')),
    (404, "/call", ("-H", basic("ann"), "-H", JSON, "-d", '{"procedure": "com.nobody"}')),
    (405, "/call", ("-H", basic("ann"))),
    (301, "/old", ()),
    (304, "/page.txt", ("-H", "If-None-Match: *")),
    (307, "/moved", ("-d", "a")),
    (400, "/page%00.txt", ()),
    (400, "/page%zz", ()),
    (400, "/lp/open", ("-d", "{}")),
    (400, "/box/a%2f..%2fevil", ("-T", "-", "-H", "Content-Type: text/plain")),
    (404, "/box/..%2f..%2fevil", ("-T", "-", "-H", "Content-Type: text/plain")),
    (400, "/box", ("-H", "Content-Type: multipart/form-data; boundary=x", "-d", "hello")),
    (401, "/shut/a.txt", ("-X", "PUT", "--data-binary", "hello")),
    (401, "/shut/a.txt", ("-X", "PUT", "-H", basic("eve"), "--data-binary", "hello")),
    (403, "/shut/a.txt", ("-X", "PUT", "-H", basic("ann"), "--data-binary", "hello")),
    (403, "/json", ("-X", "OPTIONS", "-H", "Origin: https://b.example", "-H", "Access-Control-Request-Method: GET")),
    (403, "/lp/open", ("-d", "{}", "-H", "Origin: https://b.example")),
    (404, "/nothing", ()),
    (404, "/../../etc/passwd", ()),
    (404, "/%2e%2e/%2e%2e/etc/passwd", ()),
    (404, "/..%2f..%2fetc/passwd", ()),
    (404, "/lp/nobody/send", ("-d", "a")),
    (405, "/page.txt", ("-X", "DELETE")),
    (405, "/json", ("-X", "PUT")),
    (405, "/thing", ("-X", "DELETE")),
    (405, "/box/a.txt", ()),
    (409, "/box/old.txt", ("-X", "PUT", "-H", "Content-Type: text/plain", "--data-binary", "new")),
    (412, "/box/old.txt", ("-H", "If-None-Match: *", "-H", "Content-Type: text/plain", "-T", BIG[1:])),
    (400, "/box/part.txt", ("-H", "Content-Range: bytes 0-9/99", "-H", "Content-Type: text/plain", "-T", BIG[1:])),
    (413, "/json", ("-d", "x" * 70_000)),
    (413, "/app", ("-d", "x" * 70_000, "-H", "Transfer-Encoding: chunked")),
    (413, "/box", ("-H", "Content-Type: text/plain", "-d", "x" * 100_000, "-H", "Content-Length: 2000000")),
    (414, "/" + "x" * 20_000, ()),
    (415, "/box/a.png", ("-X", "PUT", "-H", "Content-Type: image/png", "--data-binary", "hello")),
    (416, "/page.txt", ("-r", "100-")),
    (417, "/json", ("-d", "a", "-H", "Expect: miracles")),
    (418, "/app/tea", ()),
    (426, "/ws", ()),
    (431, "/", ("-H", "X-Long: " + "x" * 20_000)),
    (500, "/app/broken", ()),
    (500, "/thing/broken", ()),
    (501, "/thing", ("-X", "BREW")),
    (501, "/json", ("-X", "CONNECT")),
    (502, "/gone", ()),
    (504, "/late/slow", ()),
    (507, "/full/a.txt", ("-X", "PUT", "--data-binary", "hello")),
]


@pytest.mark.needs("curl")
@pytest.mark.parametrize(("code", "path", "options"), BY_CURL, ids=lambda value: str(value)[:60])
def test_curl_is_told(router, code, path, options):
    assert curl(router, path, *options) == code


def head(line, *lines):
    return "\r\n".join([line, "Host: localhost", *lines, "", ""]).encode("latin-1")


GET = head("GET /json HTTP/1.1")
LAST = head("GET /json HTTP/1.1", "Connection: close")
WEBSOCKET = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
    "Sec-WebSocket-Protocol: wamp.2.json",
)
OLD = "Sec-WebSocket-Version: 8"
BY_SOCKET = {
    "two at a time": (GET + LAST, [200, 200]),
    "one that is the last": (LAST + GET, [200]),
    "a page where WebSocket is, too": (head("GET /both HTTP/1.1") + LAST, [200, 200]),
    "WebSocket where a page is, too": (head("GET /both HTTP/1.1", *WEBSOCKET, OLD), [426]),
    "WebSocket later on": (GET + head("GET /ws HTTP/1.1", *WEBSOCKET, OLD) + GET, [200, 426]),
    "HTTP/1.0": (b"GET /json HTTP/1.0\r\n\r\n" + GET, [200]),
    "absolute form": (head("GET http://localhost/json HTTP/1.1", "Connection: close"), [200]),
    "what is expected": (
        head("POST /box HTTP/1.1", "Content-Type: text/plain", "Content-Length: 1", "Expect: 100-continue")
        + b"x"
        + LAST,
        [100, 201, 200],
    ),
    "what is not wanted": (
        head("POST /box HTTP/1.1", "Content-Type: a/b", "Content-Length: 9", "Expect: 100-continue"),
        [415],
    ),
    "HTTP/0.9": (b"GET /\r\n\r\n", [400]),
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", [400]),
    "two Hosts": (head("GET / HTTP/1.1", "Host: b"), [400]),
    "LF alone": (b"GET / HTTP/1.1\nHost: a\n\n", [400]),
    "both lengths": (
        head("POST / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + GET,
        [400],
    ),
    "two lengths": (head("POST / HTTP/1.1", "Content-Length: 0", "Content-Length: 5") + GET, [400]),
    "xchunked": (head("POST / HTTP/1.1", "Transfer-Encoding: xchunked") + b"0\r\n\r\n" + GET, [400]),
    "bad chunk": (head("POST / HTTP/1.1", "Transfer-Encoding: chunked") + b"0x1\r\na\r\n0\r\n\r\n" + GET, [400]),
    "obs-fold": (head("GET / HTTP/1.1", "X: a", " b") + GET, [400]),
    "space before the colon": (head("GET / HTTP/1.1", "X : a") + GET, [400]),
    "NUL": (head("GET / HTTP/1.1", "X: a\0b") + GET, [400]),
    "gzip, chunked": (head("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked") + GET, [501]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]),
}


@pytest.mark.trap(10)
@pytest.mark.parametrize(("sent", "codes"), BY_SOCKET.values(), ids=BY_SOCKET)
def test_a_socket_is_told(router, sent, codes):
    assert tell(router, sent) == codes


def test_whoever_begins_a_head_and_goes_on_slowly_is_cut_off(router):
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        began = time.monotonic()
        with suppress(OSError):  # reset, or broken pipe
            while not _is_over(connection) and time.monotonic() - began < 15:
                connection.sendall(b"X: y\r\n")
                time.sleep(0.1)
        assert 1 < time.monotonic() - began < 15


def _is_over(connection):
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(20)


def test_more_than_may_be_inside_are_told_so(router):
    first = socket.create_connection(("127.0.0.1", router.port), timeout=20)
    with first:
        first.sendall(head("PUT /one/first.txt HTTP/1.1", "Content-Length: 10", "Expect: 100-continue"))
        assert b" 100 " in first.recv(1000)
        assert curl(router, "/one/second.txt", "-X", "PUT", "--data-binary", "hello") == 503
        first.sendall(b"0123456789")
        assert b" 201 " in first.recv(1000)


def test_more_connections_than_may_be_are_told_so(router):
    several = [socket.create_connection(("127.0.0.1", router.port), timeout=20) for _ in range(20)]
    try:
        for each in several:
            each.sendall(b"GET / HTTP/1.1\r\n")
        router.wait_until(lambda: 503 in tell(router, LAST), "there is no room")
    finally:
        for each in several:
            each.close()
    router.wait_until(lambda: tell(router, LAST) == [200], "there is room again")


def test_others_hear_of_uploads(router):
    session = Session(router.port)
    session.send(32, 1, {}, "com.shut")
    assert session.receive()[0] == 33
    options = ("-X", "PUT", "-H", basic("joe"), "-H", "Upload-Id: one", "--data-binary", "hello")
    assert curl(router, "/shut/told.txt", *options) == 201
    events = [session.receive()[4:] for _ in range(2)]
    session.close()
    assert [args for args, _ in events] == [["started"], ["finished"]]
    assert all((known["id"], known["authid"], known["size"]) == ("one", "joe", 5) for _, known in events)
    assert events[1][1]["files"][0]["name"] == "told.txt"


def test_nothing_of_an_upload_is_left_that_did_not_arrive(router):
    box = router.directory / "box"
    with socket.create_connection(("127.0.0.1", router.port), timeout=20) as connection:
        connection.sendall(
            head("PUT /box/half.txt HTTP/1.1", "Content-Type: text/plain", "Content-Length: 1000") + b"half"
        )
        router.wait_until(lambda: any(file.name.startswith(".") for file in box.iterdir()), "it is being written")
    router.wait_until(lambda: not any(file.name.startswith(".") for file in box.iterdir()), "nothing is left")
    assert not (box / "half.txt").exists()
    assert (box / "old.txt").read_text() == "old"


@pytest.mark.needs("curl")
def test_the_file_of_a_form_arrives_as_it_is(router):
    assert curl(router, "/box", "-F", f"file={BIG};type=text/plain;filename=whole.txt") == 201
    assert (router.directory / "box" / "whole.txt").read_bytes() == (ROOT / "CHANGELOG.md").read_bytes()


def test_no_failure_is_shown(router):
    for path in ("/app/broken", "/thing/broken"):
        answer = raw(router, head(f"GET {path} HTTP/1.1", "Connection: close"))
        assert b" 500 " in answer.split(b"\r\n")[0]
        assert b"private" not in answer
        assert b"Traceback" not in answer


KNOWN = {code for code, _, _ in BY_CURL} | {code for _, codes in BY_SOCKET.values() for code in codes}
ELSEWHERE = {
    101: "a WebSocket: everywhere",
    202: "long-poll: tests/transports/test_longpoll_requests.py",
    302: "a directory without its slash: tests/http/test_static.py",
    408: "half a minute: tests/http/test_bad_input.py",
    421: "another host by TLS: tests/router/test_sites.py",
    429: "long-poll: tests/transports/test_longpoll_requests.py",
    503: "test_more_than_may_be_inside_are_told_so",
    508: "a proxy that asks itself: tests/http/test_proxy_faults.py",
}


def test_no_status_is_forgotten():
    said = set()
    for file in [*(ROOT / "wampd/router/http").rglob("*.py"), *(ROOT / "wampd/router/transports").glob("u*.py")]:
        said |= {
            int(code)
            for code in re.findall(
                r"(?:say(?:_json)?\(\w+(?:\.\w+)?, |Refusal\(|Unfit\(|_refuse\()(\d{3})\b", file.read_text()
            )
        }
    assert json.dumps(sorted(said - KNOWN - ELSEWHERE.keys())) == "[]"
