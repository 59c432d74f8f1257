"""Publishing by HTTP: one event, batches, and what is refused."""

import json

import pytest

from tests.http.bridging import Stage
from wampd.router.http.bridges.errors import Errors
from wampd.router.http.bridges.publish import PublishResource

KIND = "Content-Type: application/json"


@pytest.fixture
def stage():
    stage = Stage()
    stage.heard = []
    resource = PublishResource(stage.as_role(), Errors(), stage.loop, timeout=10, batch=3)
    stage.serve(
        {"/publish": resource, "/read": PublishResource(stage.as_role("reader"), Errors(), stage.loop, timeout=10)}
    )
    stage.house.now(stage.house.enter().subscribe("com.", lambda event: stage.heard.append(event), "prefix"))
    return stage


def heard(stage):
    return [(event.details["topic"], event.values(), event.named()) for event in stage.heard]


def test_an_event_is_published_and_its_id_told(stage):
    answer = stage.client().post("/publish", {"topic": "com.app.news", "args": [1, "x"], "kwargs": {"y": None}})
    assert answer.status == 200
    assert answer.json()["id"] > 0
    assert answer.header("Cache-Control") == "no-store"
    assert heard(stage) == [("com.app.news", [1, "x"], {"y": None})]


def test_the_payload_is_passed_on_as_it_came(stage):
    stage.client().post("/publish", b'{"topic": "com.app.news", "args": [1.0, 1e2], "kwargs": {"a":  "\\u00e4"}}')
    (event,) = stage.heard
    assert (bytes(event.args), bytes(event.kwargs)) == (b"[1.0, 1e2]", b'{"a":  "\\u00e4"}')


@pytest.mark.parametrize(
    ("body", "args", "kwargs"),
    [
        (b"", [], {}),
        (b"{}", [], {}),
        (b"[1, 2]", [1, 2], {}),
        (b" [] ", [], {}),
        (b'{"x": 1}', [], {"x": 1}),
        (b'{"args": [1], "kwargs": {"x": 2}, "options": {}}', [1], {"x": 2}),
        (b'{"args": null, "kwargs": null}', [], {}),
    ],
)
def test_the_topic_may_stand_in_the_path(stage, body, args, kwargs):
    assert stage.client().post("/publish/com.app.news", body).status == 200
    assert heard(stage) == [("com.app.news", args, kwargs)]


def test_who_does_not_want_to_wait_does_not(stage):
    answer = stage.client().post("/publish", {"topic": "com.app.news", "options": {"acknowledge": False}})
    assert (answer.status, answer.json()) == (202, {})
    assert heard(stage) == [("com.app.news", [], {})]


def test_options_count(stage):
    stage.client().post("/publish", {"topic": "com.app.news", "options": {"exclude_authrole": ["wampd"]}})
    assert heard(stage) == []


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [
        (b"", 400, "the body is not JSON"),
        (b"{", 400, "the body is not JSON"),
        (b"\xff", 400, "the body is not JSON"),
        (b'"com.app.news"', 400, "the body must be a JSON object"),
        ({}, 400, "topic is missing"),
        ({"topic": 7}, 400, "topic must be text"),
        ({"topic": "com.app.news", "arg": [1]}, 400, "unknown key 'arg'"),
        ({"topic": "com.app.news", "args": {}}, 200, None),
        ({"topic": "com.app.news", "args": {"x": 1}}, 400, "Arguments must be an array"),
        ({"topic": "com.app.news", "kwargs": [1]}, 400, "ArgumentsKw must be an object"),
        ({"topic": "com.app.news", "args": "x"}, 400, "Arguments must be an array"),
        (b'{"topic": "com.app.news", "args": [NaN]}', 400, "the body is not JSON"),
        (b'{"topic": "com.app.news", "args": [' + b"[" * 100 + b"]" * 100 + b"]}", 400, None),
        (b'{"topic": "com.app.news", "args": [' + b"[" * 200_000 + b"]}", 400, None),
        (b'{"topic": "com.app.news", "args": ["\xff"]}', 400, "the body is not JSON"),
        ({"topic": "com.app.news", "options": []}, 200, None),
        ({"topic": "com.app.news", "options": [1]}, 400, None),
        ({"topic": "com.app.news", "options": {"excluded": [1]}}, 400, None),
        ({"topic": "com.app.news", "options": {"exclude": ["x"]}}, 400, None),
        ({"topic": "com.app.news", "options": {"exclude": [0]}}, 400, None),
        ({"topic": "com.app.news", "options": {"ppt_scheme": "x"}}, 400, None),
        ({"topic": "com.app.news", "options": {"forward_for": []}}, 400, None),
        ({"topic": "com app"}, 400, None),
        ({"topic": ""}, 400, None),
        ({"topic": "com.app.\ud800".encode("utf-16", "surrogatepass").decode("utf-16", "replace")}, 200, None),
        (b'{"topic": "com.app.\\ud800"}', 400, None),
    ],
)
def test_what_is_not_good_is_refused_and_concerns_nobody_else(stage, value, status, said):
    answer = stage.client().post("/publish", value)
    assert answer.status == status
    if status == 400:
        told = answer.json()
        assert told["error"] in ("wamp.error.invalid_argument", "wamp.error.invalid_uri")
        assert heard(stage) == []
        if said is not None:
            assert told["args"] == [said]
    before = len(stage.sessions)
    assert stage.client().post("/publish", {"topic": "com.app.after"}).status == 200
    assert len(stage.sessions) - before in (0, 1)
    assert not [each for each in stage.sessions if each.authid == "http"][1:]


@pytest.mark.parametrize(
    ("line", "lines", "status"),
    [
        ("GET /publish", (KIND,), 405),
        ("PUT /publish", (KIND,), 405),
        ("POST /publish", (), 415),
        ("POST /publish", ("Content-Type: text/plain",), 415),
        ("POST /publish", ("Content-Type: application/json; charset=latin-1",), 415),
        ("POST /publish", (KIND, "Content-Encoding: gzip"), 415),
        ("POST /publish", ('Content-Type: application/json; charset="UTF-8"',), 200),
        ("POST /publish/com.app.news/more", (KIND,), 404),
        ("POST /publish/%ff", (KIND,), 400),
    ],
)
def test_requests_say_what_they_are(stage, line, lines, status):
    answer = stage.client().ask(line, *lines, body=b'{"topic": "com.app.news"}')
    assert answer.status == status
    if status == 405:
        assert answer.header("Allow") == "POST"


def test_who_may_not_publish_is_told_so(stage):
    answer = stage.client().post("/read", {"topic": "com.app.news"})
    assert (answer.status, answer.json()["error"]) == (403, "wamp.error.not_authorized")


@pytest.mark.parametrize("form", ["array", "object", "lines"])
def test_a_batch_is_published_in_order(stage, form):
    batch = [{"topic": "com.app.news", "args": [number]} for number in range(3)]
    if form == "lines":
        body = b"\n".join(json.dumps(each).encode() for each in batch) + b"\n"
        answer = stage.client().ask("POST /publish", "Content-Type: application/x-ndjson", body=body)
    else:
        answer = stage.client().post("/publish", batch if form == "array" else {"batch": batch})
    assert answer.status == 200
    assert len({each["id"] for each in answer.json()["batch"]}) == 3
    assert heard(stage) == [("com.app.news", [number], {}) for number in range(3)]


def test_of_a_batch_with_something_wrong_in_it_nothing_is_published(stage):
    answer = stage.client().post("/publish", [{"topic": "com.app.news"}, {"args": []}])
    assert (answer.status, answer.json()["args"]) == (400, ["topic is missing"])
    assert heard(stage) == []


def test_each_of_a_batch_is_answered_for_itself(stage):
    answer = stage.client().post("/publish", [{"topic": "com.app.one"}, {"topic": "com app"}, {"topic": "com.app.two"}])
    assert answer.status == 207
    assert ["id" in each for each in answer.json()["batch"]] == [True, False, True]
    assert answer.json()["batch"][1]["error"] == "wamp.error.invalid_uri"
    assert [topic for topic, _, _ in heard(stage)] == ["com.app.one", "com.app.two"]


def test_a_batch_is_bounded_and_not_empty(stage):
    assert stage.client().post("/publish", [{"topic": "com.app.news"}] * 4).status == 413
    assert stage.client().post("/publish", []).status == 400
    assert heard(stage) == []
