"""Calling by HTTP: results, errors, parts as lines, timeouts, and clients that leave."""

import json

import pytest
from msgspec import Raw
from twisted.internet.defer import Deferred

from tests.http.bridging import Stage
from wampd.realms.counts import KINDS
from wampd.router.envoy import CallFailed
from wampd.router.hooks.procedures import NO_SUCH_HOOK, NOT_REACHED
from wampd.router.http.bridges.call import CallResource
from wampd.router.http.bridges.errors import STATUS, Errors
from wampd.router.inside.insider import Refusal, Returned

STREAM = "Accept: application/x-ndjson"


class Callee:
    """Serves procedures, and remembers what became of them."""

    def __init__(self, stage):
        self.insider = stage.house.enter()
        self.ended = []
        self.calls = []
        for name in ("add", "echo", "fail", "slow", "count", "odd"):
            stage.house.now(self.insider.register(f"com.app.{name}", getattr(self, name)))

    def add(self, call):
        return sum(call.values())

    def echo(self, call):
        return Returned(call.args, call.kwargs)

    def odd(self, call):
        return Returned(Raw(b'[1.0,\n"a\\nb"\r\n]'))

    def fail(self, call):
        raise Refusal(*call.values())

    def slow(self, call):
        self.calls.append(call)
        return Deferred(lambda _: self.ended.append(call))

    def count(self, call):
        self.calls.append(call)
        (number,) = call.values()
        for part in range(number):
            self.insider.yield_progress(call, [part])
        return "done" if number < 100 else Deferred(lambda _: self.ended.append(call))


@pytest.fixture
def stage():
    stage = Stage()
    stage.callee = Callee(stage)
    return serving(stage)


def serving(stage, *, timeout=10.0, most_waiting=2**20, **errors):
    access = stage.access = stage.as_role()
    stage.struck = []
    strike = stage.struck.append
    resource = CallResource(access, Errors(**errors), strike, timeout=timeout, most_waiting=most_waiting)
    reading = CallResource(stage.as_role("reader"), Errors(), strike, timeout=timeout)
    return stage.serve({"/call": resource, "/read": reading})


def lines(answer):
    """The lines of an answer in chunks."""
    text, rest = b"", answer.body
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        text, rest = text + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return [json.loads(line) for line in text.split(b"\n") if line]


def test_a_procedure_is_called_and_its_result_told(stage):
    answer = stage.client().post("/call", {"procedure": "com.app.add", "args": [1, 2]})
    assert (answer.status, answer.json()) == (200, {"args": [3], "kwargs": {}})
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("body", [{"args": [1, 2]}, [1, 2]])
def test_the_procedure_may_stand_in_the_path(stage, body):
    assert stage.client().post("/call/com.app.add", body).json()["args"] == [3]


def test_nothing_need_be_sent_to_a_procedure_in_the_path(stage):
    assert stage.client().post("/call/com.app.add", b"").json()["args"] == [0]


def test_a_page_of_another_site_cannot_call_without_asking_its_browser(stage):
    """What it may send unasked has no type, or one that is not taken."""
    assert stage.client().ask("POST /call/com.app.add").status == 415
    assert stage.client().ask("POST /call/com.app.add", "Content-Type: text/plain", body=b"[1]").status == 415


def test_payload_goes_through_as_it_is_both_ways(stage):
    answer = stage.client().post("/call/com.app.echo", b'{"args": [1.0, 1e2], "kwargs": {"a": "\\u00e4"}}')
    assert answer.body == b'{"args":[1.0, 1e2],"kwargs":{"a": "\\u00e4"}}'
    assert stage.client().post("/call/com.app.odd", []).json()["args"] == [1.0, "a\nb"]


@pytest.mark.parametrize(("uri", "status"), [*STATUS.items(), ("com.app.error.odd", 500)])
def test_errors_have_statuses(stage, uri, status):
    answer = stage.client().post("/call/com.app.fail", [uri, "because", 7])
    assert (answer.status, answer.json()) == (status, {"error": uri, "args": ["because", 7], "kwargs": {}})


OF_OTHERS = {"runtime_error", "procedure_already_exists", "procedure_exists_with_different_invocation_policy"}
"""Callees fail so, or nobody who calls does."""
AT_THE_DOOR = {"no_such_principal", "no_such_role"}


def test_every_error_that_wamp_and_the_router_know_has_a_status_of_its_own():
    known = KINDS - {f"wamp.error.{kind}" for kind in OF_OTHERS | AT_THE_DOOR}
    assert (known | {NO_SUCH_HOOK, NOT_REACHED}) - set(STATUS) == set()


@pytest.mark.parametrize("uri", ["wampd.error.http.404", "wampd.error.http.500"])
def test_what_another_server_refused_is_a_bad_gateway(stage, uri):
    assert stage.client().post("/call/com.app.fail", [uri, "because"]).status == 502


def test_a_path_may_say_what_status_an_error_of_an_application_has(stage):
    serving(stage, statuses={"com.app.error.missing": 404})
    assert stage.client().post("/call/com.app.fail", ["com.app.error.missing"]).status == 404


def test_errors_may_be_answers_as_good_as_others(stage):
    serving(stage, always_200=True)
    answer = stage.client().post("/call", {"procedure": "com.app.missing"})
    assert (answer.status, answer.json()["error"]) == (200, "wamp.error.no_such_procedure")


def test_what_is_not_there_or_not_allowed(stage):
    assert stage.client().post("/call/com.app.missing", []).status == 404
    assert stage.client().post("/read/com.app.add", []).status == 403
    assert stage.client().post("/call/com..app", []).status == 400


@pytest.mark.parametrize("shown", [False, True])
def test_a_traceback_stays_here_unless_the_path_lets_it_through(shown):
    failed = CallFailed("wamp.error.runtime_error", ["no"], {"traceback": ["File x"], "more": 1})
    kwargs = Errors(tracebacks=shown).body(failed)["kwargs"]
    assert kwargs == ({"traceback": ["File x"], "more": 1} if shown else {"more": 1})


@pytest.mark.trap(13)
def test_every_call_has_a_timeout(stage):
    client = stage.client()
    assert client.post("/call/com.app.slow", []) is None
    stage.later(9)
    assert client.answer() is None
    stage.later(1.5)
    answer = client.answer()
    assert (answer.status, answer.json()["error"]) == (504, "wamp.error.timeout")
    assert len(stage.callee.ended) == 1


def test_a_client_may_ask_for_less_time_but_not_for_more(stage):
    hasty, patient = stage.client(), stage.client()
    hasty.post("/call/com.app.slow", {"options": {"timeout": 2000}})
    patient.post("/call/com.app.slow", {"options": {"timeout": 2_000_000}})
    stage.later(2.5)
    assert hasty.answer().status == 504
    assert patient.answer() is None
    stage.later(8)
    assert patient.answer().status == 504


@pytest.mark.trap(13)
@pytest.mark.parametrize("how", [(), (STREAM,)])
def test_a_client_that_leaves_cancels_its_call(stage, how):
    client = stage.client()
    client.post("/call/com.app.slow", [], *how)
    assert (len(stage.callee.calls), stage.callee.ended) == (1, [])
    client.leave()
    assert len(stage.callee.ended) == 1


@pytest.mark.parametrize(
    "value",
    [
        {"procedure": "com.app.add", "options": {"timeout": -1}},
        {"procedure": "com.app.add", "options": {"timeout": "x"}},
        {"procedure": "com.app.add", "options": {"receive_progress": True}},
        {"procedure": "com.app.add", "options": {"runmode": "gather"}},
        {"procedure": "com.app.add", "args": 7},
        {"topic": "com.app.add"},
        b"[[[[",
    ],
)
def test_what_is_not_good_is_refused(stage, value):
    assert stage.client().post("/call", value).status == 400
    assert stage.client().post("/call/com.app.add", [1]).status == 200


def test_parts_come_as_lines_and_the_last_one_is_the_result(stage):
    answer = stage.client().post("/call/com.app.count", [3], STREAM)
    assert (answer.status, answer.header("Content-Type")) == (200, "application/x-ndjson")
    parts = [{"progress": True, "args": [number], "kwargs": {}} for number in range(3)]
    assert lines(answer) == [*parts, {"args": ["done"], "kwargs": {}}]


@pytest.mark.parametrize(
    ("accepted", "in_parts"),
    [
        ("application/x-ndjson, application/json", True),
        ("application/json;q=0.9, Application/X-NDJSON", True),
        ("application/x-ndjson;charset=utf-8;q=0.5, */*;q=0.8", True),
        ("application/x-ndjson;q=0", False),
        ("application/json, application/x-ndjson;q=0.5", False),
        ("application/x-ndjson-other", False),
        ("*/*", False),
        ("a/b," * 256 + "application/x-ndjson", False),
    ],
)
def test_parts_are_for_those_who_would_rather_have_them(stage, accepted, in_parts):
    answer = stage.client().post("/call/com.app.count", [2], f"Accept: {accepted}")
    assert answer.header("Content-Type") == ("application/x-ndjson" if in_parts else "application/json")
    assert (lines(answer)[-1] if in_parts else answer.json()) == {"args": ["done"], "kwargs": {}}


def test_a_line_is_a_line_whatever_the_callee_wrote(stage):
    assert lines(stage.client().post("/call/com.app.odd", [], STREAM)) == [{"args": [1.0, "a\nb"], "kwargs": {}}]


def test_an_error_before_the_first_part_has_its_status(stage):
    answer = stage.client().post("/call/com.app.missing", [], STREAM)
    assert (answer.status, answer.json()["error"]) == (404, "wamp.error.no_such_procedure")


def test_an_error_after_the_first_part_is_the_last_line(stage):
    client = stage.client()
    first = client.post("/call/com.app.count", [100], STREAM)
    assert (first.status, first.body.count(b"progress")) == (200, 100)
    stage.later(11)
    rest = client.read()
    assert b'{"error":"wamp.error.timeout","args":[],"kwargs":{}}\n' in rest
    assert rest.endswith(b"0\r\n\r\n")
    assert len(stage.callee.ended) == 1


def test_a_client_that_does_not_read_is_cut_off_and_its_call_cancelled(stage):
    serving(stage, most_waiting=10_000)
    client = stage.client()
    body = b"[100]"
    head = f"POST /call/com.app.count HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{STREAM}\r\n"
    client.port.client.send(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    stage.house.turns()
    stage.loop.run()
    (call,) = stage.callee.calls
    for _ in range(1000):
        stage.callee.insider.yield_progress(call, ["x" * 1000])
        stage.callee.insider.yield_progress(call, ["x" * 1000])
        stage.house.turns(1)
        stage.loop.run()
    stage.house.turns()
    assert stage.callee.ended == [call]
    assert client.port.house.inside == 0
    assert stage.struck == ["readers of results in parts cut off"]


def test_answers_of_one_session_find_their_requests(stage):
    clients = [stage.client() for _ in range(5)]
    for number, client in enumerate(clients):
        client.port.client.send(Request.post("/call/com.app.add", [number]))
    assert [client.answer().json()["args"] for client in clients] == [[number] for number in range(5)]


class Request:
    """A request as octets."""

    @staticmethod
    def post(path, value):
        body = json.dumps(value).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


# ------------------------------------------------------------------------------------------------- a path that goes


def ours(stage):
    return [session for session in stage.sessions if session.authid == "http"]


def test_the_session_of_a_path_ends_with_the_path(stage):
    stage.client().post("/call/com.app.add", [1, 2])
    assert len(ours(stage)) == 1
    stage.access.close()
    stage.house.turns()
    assert ours(stage) == []


def test_a_call_that_is_under_way_when_its_path_goes_is_answered_first(stage):
    client = stage.client()
    assert client.post("/call/com.app.slow", [1]) is None
    stage.access.close()
    stage.house.turns()
    assert len(ours(stage)) == 1
    stage.later(10.1)
    assert client.answer().status == 504
    stage.house.turns()
    assert ours(stage) == []


def test_who_comes_late_to_a_path_that_is_gone_leaves_no_session_there(stage):
    stage.access.close()
    assert stage.client().post("/call/com.app.add", [1, 2]).json() == {"args": [3], "kwargs": {}}
    stage.house.turns()
    assert ours(stage) == []
