"""Events for webhooks by HTTP: what is posted, what is refused, and with which status."""

import json

import pytest
from twisted.internet.defer import Deferred

from tests.http.house import body, connect, head
from tests.inside.house import House
from wampd.router.http.access.access import FixedRole
from wampd.router.http.bridges.errors import Errors
from wampd.router.http.bridges.hook import STATUSES, HookResource
from wampd.router.inside.insider import Refusal

JSON = "Content-Type: application/json"
POST = "POST /hook/orders HTTP/1.1"


class Play:
    """A site with the path ``/hook``, and what serves ``wampd.hook.post`` behind it."""

    def __init__(self, role=None):
        self.house = House()
        self.posted = []
        self.answer = {"event": "evt1", "deliveries": 2}
        self.callee = self.house.enter()
        self.registration = self.house.now(self.callee.register("wampd.hook.post", self.serve))
        access = FixedRole(lambda _: self.house.insiders.enter("realm1", role=role))
        self.port = connect({"/hook": HookResource(access, Errors(STATUSES), size=1000, timeout=15.0)})

    def serve(self, call):
        self.posted.append(call.values())
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def ask(self, content=b'{"a": 1}', line=POST, kind=JSON):
        """The status and the whole answer, if there is one already."""
        answer = self.port.ask(head(line, f"Content-Length: {len(content)}", *([kind] if kind else [])) + content)
        self.house.turns()
        answer += self.port.ask(b"")
        return (int(answer.split()[1]), answer) if answer else (None, b"")


@pytest.fixture
def play():
    return Play()


@pytest.mark.parametrize("content", [b'{"a": 1}', b"[]", b"null", b'"x"', b"1.50", b' {"a":\n[1]} ', '"ä"'.encode()])
def test_any_json_is_the_argument_of_an_event(play, content):
    status, answer = play.ask(content)
    assert status == 202
    assert json.loads(body(answer)) == {"event": "evt1", "deliveries": 2}
    assert play.posted == [["orders", [json.loads(content)]]]


def test_utf_8_may_be_said(play):
    assert play.ask(kind="Content-Type: application/json; charset=utf-8")[0] == 202


@pytest.mark.parametrize(
    ("line", "content", "kind", "status"),
    [
        ("GET /hook/orders HTTP/1.1", b"", JSON, 405),
        ("PUT /hook/orders HTTP/1.1", b"{}", JSON, 405),
        ("POST /hook HTTP/1.1", b"{}", JSON, 404),
        ("POST /hook/ HTTP/1.1", b"{}", JSON, 404),
        ("POST /hook/a/b HTTP/1.1", b"{}", JSON, 404),
        (POST, b"{}", None, 415),
        (POST, b"{}", "Content-Type: text/plain", 415),
        (POST, b"a=1", "Content-Type: application/x-www-form-urlencoded", 415),
        (POST, b"", JSON, 400),
        (POST, b"{", JSON, 400),
        (POST, b'{"a": 1} x', JSON, 400),
        (POST, b'{"a": 1}], {}], "x": [', JSON, 400),
        (POST, b"NaN", JSON, 400),
        (POST, b'"\xff"', JSON, 400),
        (POST, b"[" * 63 + b"]" * 63, JSON, 400),
        (POST, b"[" * 400 + b"]" * 400, JSON, 400),
        (POST, b'"' + b"x" * 1000 + b'"', JSON, 413),
    ],
)
def test_what_is_no_post(play, line, content, kind, status):
    assert play.ask(content, line, kind)[0] == status
    assert play.posted == []


def test_a_key_is_what_the_path_says_and_nothing_else(play):
    play.ask(b"{}", "POST /hook/a%22,%5B1%5D HTTP/1.1")
    assert play.posted == [['a",[1]', [{}]]]


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("wamp.error.invalid_argument", 400),
        ("wamp.error.not_authorized", 403),
        ("wamp.error.authorization_denied", 403),
        ("wamp.error.payload_size_exceeded", 413),
        ("wamp.error.unavailable", 503),
        ("wamp.error.runtime_error", 500),
    ],
)
def test_refusals_have_a_status_and_say_why(play, uri, status):
    play.answer = Refusal(uri, "because")
    got, answer = play.ask()
    assert got == status
    assert json.loads(body(answer)) == {"error": uri, "args": ["because"], "kwargs": {}}


def test_nobody_serves_it_yet(play):
    play.house.now(play.callee.unregister(play.registration))
    assert play.ask()[0] == 503


def test_who_may_not_call_it():
    assert Play(role="reader").ask()[0] == 403


def test_it_takes_too_long(play):
    play.answer = Deferred()
    assert play.ask()[0] is None
    play.house.later(15.1)
    assert b" 504 " in play.port.ask(b"")


@pytest.mark.trap(13)
def test_a_client_that_leaves_takes_its_request_back(play):
    ended = []
    play.answer = Deferred(ended.append)
    assert play.ask()[0] is None
    play.port.client.take_up()
    play.house.turns()
    assert ended
