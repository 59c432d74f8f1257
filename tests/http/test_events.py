"""Server-sent events: what a request may ask for, and what a stream says."""

import json

import pytest
from msgspec import Raw

from tests.http.streams import Stage
from tests.transports.port import headers
from wampd.router.http.access.access import FixedRole
from wampd.router.inside.insider import Insider


@pytest.fixture
def stage():
    return Stage()


# -------------------------------------------------------------------------------------------------------- the request


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?topics=com.app.news",
        "?match=prefix&topic=com.app.news",
        "?topic=com.app.&match=regex",
        "?topic=%ff",
        "?topic=com..app",
        "?topic=",
        "?topic=com.app%0a",
        "?" + "&".join(f"topic=com.app.t{number}" for number in range(33)),
        "?topic=com.app.news&" + "&".join("x=1" for _ in range(100)),
    ],
)
def test_what_cannot_be_subscribed_to_is_refused(stage, query):
    stream = stage.ask(f"/events{query}")
    assert stream.status == 400
    assert stage.sessions() == 0


def test_get_and_head_alone(stage):
    stream = stage.ask("/events?topic=com.app.news", "Content-Length: 0", method="POST")
    assert stream.status == 405
    assert headers(stream.head)["allow"] == "GET, HEAD"
    stream = stage.ask("/events?topic=com.app.news", method="HEAD")
    assert (stream.status, headers(stream.head)["content-type"], stream.text) == (200, "text/event-stream", "")
    assert stage.sessions() == 0


def test_who_may_not_subscribe_gets_no_stream():
    stage = Stage("reader")
    assert stage.ask("/events?topic=wamp.session.on_join").status == 403
    stream = stage.ask("/events?topic=com.app.news&topic=wamp.&match=prefix")
    assert (stream.status, stream.text) == (403, "wamp.error.not_authorized\n")
    assert stage.sessions() == 0


def test_who_is_not_let_in_is_told_so():
    stream = Stage("nobody").ask("/events?topic=com.app.news")
    assert stream.status == 403
    assert headers(stream.head)["www-authenticate"] == "Nothing"


def test_there_are_so_many_streams_of_a_path_and_of_an_address():
    stage = Stage(most=3, most_per_address=2, retry=7)
    first, second = stage.ask("/events?topic=a"), stage.ask("/events?topic=a")
    third = stage.ask("/events?topic=a")
    assert (first.status, second.status, third.status) == (200, 200, 429)
    assert headers(third.head)["retry-after"] == "7"
    first.leave()
    assert stage.ask("/events?topic=a").status == 200
    stage = Stage(most=1)
    stage.ask("/events?topic=a")
    assert stage.ask("/events?topic=a").status == 503


# --------------------------------------------------------------------------------------------------------- the stream


def test_a_stream_says_how_to_come_back_and_then_what_is_published(stage):
    stream = stage.ask("/events?topic=com.app.news")
    assert stream.status == 200
    head = headers(stream.head)
    assert head["content-type"] == "text/event-stream"
    assert head["cache-control"] == "no-store"
    assert head["x-accel-buffering"] == "no"
    assert "content-length" not in head
    (start,) = stream.read()
    assert (start["retry"], list(start)) == ("3000", ["retry", "id"])
    publication = stage.publish("com.app.news", "ä", 1.0, x={"y": None})
    stage.publish("com.app.other", "no")
    (event,) = stream.read()
    assert event["event"] == "com.app.news"
    assert event["id"] != start["id"]
    assert json.loads(event["data"]) == {
        "topic": "com.app.news",
        "publication": publication,
        "time": "1970-01-01T00:00:01.500000Z",
        "args": ["ä", 1.0],
        "kwargs": {"x": {"y": None}},
    }


def test_patterns_are_for_the_topic_before_them(stage):
    stream = stage.ask("/events?topic=com.app&topic=com.shop.&match=prefix&topic=org..news&match=wildcard")
    for topic in ("com.app.x", "com.shop.x", "org.a.news", "com.app", "org.a.b.news"):
        stage.publish(topic, topic)
    assert stream.events() == [(topic, [topic]) for topic in ("com.shop.x", "org.a.news", "com.app")]


def test_an_event_that_several_topics_match_comes_once(stage):
    stream = stage.ask("/events?topic=com.app.news&topic=com.app.&match=prefix&topic=com..news&match=wildcard")
    stage.publish("com.app.news", 1)
    stage.publish("com.app.news", 2)
    assert stream.events() == [("com.app.news", [1]), ("com.app.news", [2])]


def test_all_events_may_have_one_name():
    stage = Stage(event="message")
    stream = stage.ask("/events?topic=com.app.news")
    stage.publish("com.app.news", 1)
    assert stream.events() == [("message", [1])]


def test_no_text_of_a_publisher_begins_a_field(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stage.house.now(stage.publisher.publish("com.app.news", Raw(b'[1,\r\n"a\\n\\nid: 7"\n\n]')))
    assert stream.events() == [("com.app.news", [1, "a\n\nid: 7"])]


def test_silence_is_broken_by_comments(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    stage.house.later(14)
    assert stream.port.client.read() == b""
    stage.house.later(2)
    assert stream._plain(stream.port.client.read()) == ":\n\n"
    stage.house.later(15)
    assert stream._plain(stream.port.client.read()) == ":\n\n"


def test_a_stream_lasts_longer_than_any_request_may_take(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    for _ in range(20):
        stage.house.later(14)
        stage.publish("com.app.news", 1)
        assert stream.events() == [("com.app.news", [1])]


def test_who_speaks_http_1_0_gets_a_stream_that_ends_with_the_connection(stage):
    stream = stage.ask("/events?topic=com.app.news", version="HTTP/1.0")
    assert "transfer-encoding" not in headers(stream.head)
    stage.publish("com.app.news", 1)
    assert stream.events() == [("com.app.news", [1])]


@pytest.mark.trap(13)
def test_the_session_ends_with_the_client(stage):
    stream = stage.ask("/events?topic=com.app.news")
    assert stage.sessions() == 1
    stream.leave()
    assert stage.sessions() == 0
    assert stage.resource._open.total() == 0
    stage.house.later(60)


def test_the_stream_ends_with_the_session(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    caller = stage.house.enter()
    (session,) = set(stage.house.realms["realm1"].core.sessions) - {caller.id, stage.publisher.id}
    stage.house.now(caller.call("wamp.session.kill", [session], {"reason": "com.app.go"}, timeout=5))
    (last,) = [block for block in stream.read() if "event" in block]
    assert (last["event"], json.loads(last["data"])) == ("wampd.over", {"reason": "com.app.go"})
    assert "id" not in last
    assert stream.port.client.read() == b""
    assert stage.resource._open.total() == 0


def test_the_stream_ends_with_the_first_of_its_topics_that_is_taken_off_it(stage):
    stream = stage.ask("/events?topic=com.app.news&topic=com.app.other")
    stream.read()
    caller = stage.house.enter()
    (session,) = set(stage.house.realms["realm1"].core.sessions) - {caller.id, stage.publisher.id}
    (topic,) = stage.house.now(caller.call("wamp.subscription.lookup", ["com.app.news"], timeout=5)).values()
    remove = "wamp.subscription.remove_subscriber"
    stage.house.now(caller.call(remove, [topic, session], {"reason": "com.app.go"}, timeout=5))
    (last,) = [block for block in stream.read() if "event" in block]
    assert (last["event"], json.loads(last["data"])) == ("wampd.over", {"reason": "com.app.go"})
    assert (stage.resource._open.total(), stage.sessions()) == (0, 1)


def test_a_topic_that_is_taken_off_before_the_stream_begins_refuses_it(stage):
    sent = []
    insider = Insider(stage.loop, sent.extend)
    stage.resource._access = FixedRole(lambda _: insider)
    stream = stage.request("/events?topic=com.app.a&topic=com.app.b")
    insider.heard(b"[33, 1, 7]")
    insider.heard(b'[35, 0, {"subscription": 7, "reason": "wampd.revoked.not_allowed"}]')
    assert stream.answer() == b""
    insider.heard(b"[33, 2, 8]")
    stream.hear()
    assert (stream.status, stream.text) == (403, "wamp.error.not_authorized\n")
    assert insider.is_over


def test_who_does_not_read_is_cut_off():
    stage = Stage(buffer=20_000)
    stream = stage.ask("/events?topic=com.app.news")
    for _ in range(200):
        stage.publish("com.app.news", "x" * 1000)
        stage.house.turns()
    assert stage.struck == ["readers of event streams cut off"]
    assert stage.sessions() == 0
    assert stream.port.client.is_cut_off()
