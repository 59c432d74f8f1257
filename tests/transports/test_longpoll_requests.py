"""The requests of HTTP long-poll on the universal port: statuses, headers, origins, and what a page may read."""

import json
import re
import socket

import pytest
from twisted.logger import LogLevel

from tests.support.overheard import overheard, text
from tests.transports.port import EVERYTHING, Port, build_site, headers, request, status
from wampd.router.http.channel import PATIENCE, STALL
from wampd.router.http.longpoll import MAX_OPEN, LongPollResource
from wampd.router.transports.connection import Pace
from wampd.router.transports.longpoll import MOST_HELD, LongPoll, LongPollPort

ALL = ("json", "msgpack", "cbor")
HOST = "router.example:8080"


class Client(Port):
    """One connection to a port with a long-poll path."""

    def __init__(self, *, origins=("same-host",), no_content=False, files=None, body_size=2**20, **speaks):
        super().__init__(EVERYTHING, web=True, site=None)
        self.transports = LongPollPort(LongPoll(**{"serializers": ALL, **speaks}), self.house, self.wheel)
        resource = LongPollResource(self.transports, origins=origins, no_content=no_content)
        self.site = build_site(files or {}, {"/deep/lp": resource}, body_size=body_size)
        self.site.reactor = self.loop
        self.protocol._web = self.site.buildProtocol
        self.line = None

    def another(self):
        """Another connection to the same port."""
        other = Port(EVERYTHING, house=self.house, loop=self.loop)
        other.protocol._web = self.protocol._web
        return other

    def post(self, endpoint, body=b"", *lines, method="POST"):
        """The answer that comes at once."""
        path = endpoint if endpoint.startswith("/") else f"/deep/lp/{endpoint}"
        head = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", f"Content-Length: {len(body)}", *lines, "", ""]
        return self.ask("\r\n".join(head).encode("latin-1") + body)

    def open(self, *protocols, lines=()):
        """Open a transport; `line` is it."""
        answer = self.post("open", json.dumps({"protocols": protocols or ["wamp.2.json"]}).encode(), *lines)
        assert status(answer) == 200, answer
        self.line = self.transports.find(json.loads(body(answer))["transport"])
        return answer

    def at(self, endpoint, *rest, **more):
        """A request about the open transport."""
        return self.post(f"{self.line.id}/{endpoint}", *rest, **more)

    def say(self, payload):
        self.line.write(self.line.framing.frame(payload))


@pytest.fixture
def client():
    return Client()


def body(answer):
    return answer.split(b"\r\n\r\n", 1)[1]


def content_type(answer):
    return headers(answer).get("content-type")


# -------------------------------------------------------------------------------------------------------- endpoints


def test_all_of_a_transports_life_on_one_connection(client):
    answer = client.open("wamp.2.cbor", "wamp.2.json")
    assert content_type(answer) == "application/json"
    assert headers(answer)["cache-control"] == "no-store"
    assert json.loads(body(answer)) == {"protocol": "wamp.2.cbor", "transport": client.line.id}
    answer = client.at("send", b"one")
    assert (status(answer), body(answer)) == (202, b"")
    assert client.served[0].heard == [b"one"]
    assert client.at("receive") == b""
    client.say(b"two")
    answer = client.client.read()
    assert (status(answer), content_type(answer), body(answer)) == (200, "application/octet-stream", b"two")
    answer = client.at("close")
    assert (status(answer), body(answer)) == (202, b"")
    assert [status(client.at(endpoint)) for endpoint in ("receive", "send", "close")] == [404, 404, 404]
    assert not client.client.is_cut_off()


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        ("wamp.2.json", "application/json"),
        ("wamp.2.json.batched", "application/json"),
        ("wamp.2.msgpack", "application/octet-stream"),
        ("wamp.2.cbor.batched", "application/octet-stream"),
    ],
)
def test_the_content_type_tells_text_from_octets(client, protocol, kind):
    client.open(protocol)
    client.say(b"one")
    assert content_type(client.at("receive")) == kind


def test_queries_are_ignored(client):
    opened = client.post("open?x=382913", b'{"protocols": ["wamp.2.json"]}')
    transport = json.loads(body(opened))["transport"]
    assert status(client.post(f"{transport}/send?x=1&y=/../close", b"one")) == 202
    assert status(client.post(f"{transport}/close?x=2")) == 202


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"{}",
        b"[]",
        b'["wamp.2.json"]',
        b'{"protocols": "wamp.2.json"}',
        b'{"protocols": [1]}',
        b'{"protocols": []}',
        b'{"protocols": null}',
        b'{"Protocols": ["wamp.2.json"]}',
        b'{"protocols": ["wamp.2.json"]',
        b'{"protocols": ["\xff"]}',
        b"\xff",
        b"null",
        b'{"x": ' + b"[" * 10_000,
        b'{"x": "' + b"x" * MAX_OPEN + b'", "protocols": ["wamp.2.json"]}',
    ],
    ids=lambda sent: repr(sent[:20]),
)
def test_an_open_without_a_list_of_protocols_is_refused(client, sent):
    answer = client.post("open", sent)
    assert status(answer) == 400
    assert content_type(answer) == "text/plain; charset=utf-8"
    assert b"protocols" in body(answer)
    assert client.served == []


def test_an_open_without_a_protocol_in_common_says_what_is_spoken(client):
    answer = client.post("open", b'{"protocols": ["<script>", "wamp.1"]}')
    assert status(answer) == 400
    assert b"wamp.2.msgpack" in body(answer)
    assert b"script" not in answer


def test_too_many_transports_are_refused():
    client = Client(opening=1)
    client.open()
    client.served[0].is_in = False
    answer = client.post("open", b'{"protocols": ["wamp.2.json"]}')
    assert (status(answer), body(answer)) == (503, b"too many transports\n")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/deep/lp", 404),
        ("/deep/lp/", 404),
        ("/deep/lp/receive", 404),
        ("/deep/lp/open/", 404),
        ("/deep/lp/x/open", 404),
        ("/deep/lp/nobody/receive", 404),
        ("/deep/lp/%01%ff/send", 404),
        ("/deep/lp/nobody/send/", 404),
        ("/deep/lp/../lp/open", 404),
        ("/deep", 404),
        ("/deep/lpx/open", 404),
    ],
)
def test_there_is_nothing_else(client, path, code):
    assert status(client.post(path, b'{"protocols": ["wamp.2.json"]}')) == code


@pytest.mark.parametrize(
    "head",
    [
        "Content-Length: 3\r\nTransfer-Encoding: chunked",
        "Content-Length: 3\r\nContent-Length: 4",
        "Content-Length: +3",
        "Transfer-Encoding: xchunked",
    ],
)
def test_a_request_whose_end_can_be_misread_is_refused_and_nothing_of_it_counts(client, head):
    client.open()
    within = f"POST /deep/lp/{client.line.id}/close HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    request = f"POST /deep/lp/{client.line.id}/send HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n0\r\n\r\n{within}"
    assert status(client.ask(request.encode())) == 400
    assert client.client.is_cut_off()
    assert client.served[0].heard == []
    assert client.line.writable


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_nothing_but_post_is_served(client, method):
    client.open()
    answer = client.at("receive", method=method)
    assert status(answer) == 405
    assert headers(answer)["allow"] == "POST, OPTIONS"
    assert client.at("receive") == b""


def test_a_second_receive_is_an_error_and_leaves_the_first_alone(client):
    client.open()
    other = client.another()
    receive = f"POST /deep/lp/{client.line.id}/receive HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    assert client.ask(receive) == b""
    assert status(other.ask(receive)) == 409
    client.say(b"one")
    assert body(client.client.read()) == b"one"


def test_a_receive_with_nothing_to_say_ends_empty():
    client = Client(poll_timeout=2.0)
    client.open()
    assert client.at("receive") == b""
    client.loop.run(2.5)
    answer = client.client.read()
    assert (status(answer), body(answer)) == (204, b"")
    assert "content-length" not in headers(answer)


@pytest.mark.parametrize("leave", [socket.socket.close, lambda end: end.shutdown(socket.SHUT_WR)], ids=["all", "half"])
def test_who_leaves_while_it_waits_loses_nothing(client, leave):
    client.open()
    assert client.at("receive") == b""
    leave(client.client.end)
    client.loop.run()
    client.say(b"one")
    other = client.another()
    receive = f"POST /deep/lp/{client.line.id}/receive HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    assert body(other.ask(receive)) == b"one"


def test_what_was_sent_by_who_has_left_since_is_served_and_nobody_is_answered():
    client = Client(pace=Pace(send_queue=2**21))
    client.open()
    client.say(b"b" * 2**20)
    assert client.at("send", b"one") == b""  # held, since too much waits to be received
    client.client.close()
    client.loop.run()
    other = client.another()
    receive = f"POST /deep/lp/{client.line.id}/receive HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    assert status(other.ask(receive)) == 200
    assert client.served[0].heard == [b"one"]
    assert client.line.writable


def test_a_violation_is_a_bad_request_and_why_is_there_to_be_received(client):
    client.open()

    def violated(payloads):
        client.say(b"abort")
        client.line.close(1002, "a reason")

    client.served[0].receive = violated
    answer = client.at("send", b"?")
    assert (status(answer), body(answer)) == (400, b"a reason\n")
    assert body(client.at("receive")) == b"abort"
    assert status(client.at("receive")) == 404


def test_who_sends_much_and_receives_nothing_is_asked_to_receive(client):
    client.open()
    client.say(b"b" * 2**21)
    client.house.room = 100
    ports = [client, *(client.another() for _ in range(MOST_HELD))]
    send = f"POST /deep/lp/{client.line.id}/send HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx".encode()
    answers = [port.ask(send) for port in ports]
    assert answers[:-1] == [b""] * MOST_HELD
    assert status(answers[-1]) == 429


def test_a_body_over_the_limit_is_refused_and_the_transport_lives():
    client = Client(body_size=600)
    client.open()
    assert status(client.at("send", b"x" * 600)) == 202
    assert status(client.at("send", b"x" * 601)) == 413
    assert client.line.writable


@pytest.mark.parametrize("preference", ["return=minimal", "x, Return=Minimal"])
def test_204_is_for_who_prefers_it(client, preference):
    client.open()
    answer = client.at("send", b"one", f"Prefer: {preference}")
    assert (status(answer), headers(answer)["preference-applied"]) == (204, "return=minimal")
    assert status(client.at("send", b"one", "Prefer: return=representation")) == 202
    assert status(client.at("close", b"", f"Prefer: {preference}")) == 204


def test_204_is_for_everybody_if_the_path_is_set_so():
    client = Client(no_content=True)
    client.open()
    assert [status(client.at("send", b"one")), status(client.at("close"))] == [204, 204]


# ---------------------------------------------------------------------------------------------------------- origins

PAGE = "https://app.example"


@pytest.mark.trap(12)
@pytest.mark.parametrize(
    ("origins", "origin", "code", "may_read", "with_credentials"),
    [
        (("same-host",), None, 200, None, None),
        (("same-host",), f"http://{HOST}", 200, None, None),
        (("same-host",), PAGE, 403, None, None),
        (("same-host",), "null", 403, None, None),
        (("*",), PAGE, 200, "*", None),
        (("*",), None, 200, "*", None),
        ((PAGE,), PAGE, 200, PAGE, "true"),
        ((PAGE, "*"), "https://evil.example", 200, "*", None),
        ((PAGE,), "https://evil.example", 403, None, None),
        ((PAGE,), f"{PAGE}.evil.example", 403, None, None),
        ((PAGE,), f"http://{HOST}", 403, None, None),
        (("*",), "*", 200, "*", None),
        (("*",), "same-host", 200, "*", None),
        (("same-host",), "same-host", 403, None, None),
        (("same-host",), "*", 403, None, None),
    ],
)
def test_only_pages_of_allowed_origins_are_served_and_may_read(origins, origin, code, may_read, with_credentials):
    client = Client(origins=origins)
    lines = [] if origin is None else [f"Origin: {origin}"]
    answer = client.post("open", b'{"protocols": ["wamp.2.json"]}', *lines)
    assert status(answer) == code
    assert headers(answer).get("access-control-allow-origin") == may_read
    assert headers(answer).get("access-control-allow-credentials") == with_credentials
    assert len(client.served) == (code == 200)
    asked = client.post("open", b"", *lines, "Access-Control-Request-Method: POST", method="OPTIONS")
    assert status(asked) == (204 if code == 200 else 403)
    assert headers(asked).get("access-control-allow-origin") == may_read
    assert headers(asked).get("access-control-allow-credentials") == with_credentials
    if code == 200:
        assert headers(asked)["access-control-allow-methods"] == "POST"
        assert headers(asked)["vary"] == "Origin"


def test_two_origins_are_none_of_the_allowed(client):
    answer = client.post("open", b'{"protocols": ["wamp.2.json"]}', f"Origin: http://{HOST}", f"Origin: {PAGE}")
    assert status(answer) == 403


# ----------------------------------------------------------------------------------------------- beside other things


def test_files_and_websocket_are_served_on_the_same_port(tmp_path):
    (tmp_path / "index.html").write_text("<p>home")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_text("a file")
    client = Client(files={"/": tmp_path})
    client.open()
    assert body(client.post("/", method="GET")) == b"<p>home"
    assert body(client.post("/deep/file", method="GET")) == b"a file"
    assert status(client.at("close")) == 202
    assert status(Port(EVERYTHING, site=client.site).ask(request())) == 101


def test_files_below_a_long_poll_path_are_served(tmp_path):
    (tmp_path / "index.html").write_text("<p>docs")
    client = Client(files={"/deep/lp/docs": tmp_path})
    assert body(client.post("/deep/lp/docs/", method="GET")) == b"<p>docs"
    client.open()


def test_the_log_does_not_tell_the_names_of_transports(client):
    with overheard(lambda event: text(event) if event["log_level"] is LogLevel.debug else None) as said:
        client.open()
        client.at("send", b"one")
        client.post(f"{client.line.id}")
        client.post(f"{client.line.id}/open")
        client.at("close")
    lines = [re.sub(".*POST ", "", line) for line in said if "POST" in line]
    assert lines == [
        "/deep/lp/...: 200",
        "/deep/lp/.../send: 202",
        "/deep/lp/...: 404",
        "/deep/lp/...: 404",
        "/deep/lp/.../close: 202",
    ]


def test_a_wait_may_be_longer_than_a_request_may_take_to_come():
    client = Client(poll_timeout=3 * PATIENCE)
    client.open()
    assert client.at("receive") == b""
    client.loop.run(2 * PATIENCE)
    client.say(b"one")
    assert body(client.client.read()) == b"one"


def test_who_does_not_read_its_answer_is_cut_off(client):
    client.open()
    client.say(b"b" * 2**20)
    client.client.send(f"POST /deep/lp/{client.line.id}/receive HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    client.loop.run(STALL + 1)
    assert client.client.is_cut_off()
