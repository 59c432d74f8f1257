"""Streams of events that go on after a break: what was missed comes once and in order, or is said to be lost."""

import json

import pytest
from msgspec import Raw
from twisted.internet.defer import Deferred

from tests.http.streams import Stage
from tests.transports.port import EVERYTHING, Port
from wampd.router.http.streams.following import MOST_EARLY, Following
from wampd.router.http.streams.marks import Topic
from wampd.router.inside.insider import Reply


@pytest.fixture
def stage():
    return Stage()


def back(stage, target, mark):
    return stage.ask(target, f"Last-Event-ID: {mark}")


def test_who_comes_back_gets_what_was_missed_once_and_in_order(stage):
    target = "/events?topic=com.app.news&topic=com.app.&match=prefix"
    stream = stage.ask(target)
    stage.publish("com.app.news", 1)
    assert stream.events() == [("com.app.news", [1])]
    stream.leave()
    stage.publish("com.app.other", 2)
    stage.publish("com.app.news", 3)
    stage.publish("com.app.other", 4)
    again = back(stage, target, stream.mark)
    stage.publish("com.app.news", 5)
    assert [args for _, args in again.events()] == [[2], [3], [4], [5]]
    again.leave()
    assert back(stage, target, again.mark).events() == []


def test_who_has_seen_nothing_yet_misses_nothing(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    stream.leave()
    stage.publish("com.app.news", 1)
    assert back(stage, "/events?topic=com.app.news", stream.mark).events() == [("com.app.news", [1])]


def test_the_query_may_say_where_to_go_on(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    stage.publish("com.app.news", 1)
    for name in ("Last-Event-ID", "lastEventId"):
        assert stage.ask(f"/events?topic=com.app.news&{name}={stream.mark}").events() == [("com.app.news", [1])]


def test_what_history_does_not_reach_is_said_to_be_lost(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    stream.leave()
    for number in range(5):
        stage.publish("com.app.news", number)
    again = back(stage, "/events?topic=com.app.news", stream.mark)
    lost = {"topics": [{"topic": "com.app.news", "match": "exact"}]}
    assert again.events() == [("wampd.lost", lost)] + [("com.app.news", [number]) for number in (2, 3, 4)]
    assert back(stage, "/events?topic=com.app.news", again.mark).events() == []


def test_of_what_is_too_much_the_newest_comes():
    stage = Stage(resent=4)
    target = "/events?topic=com.app.&match=prefix"
    stream = stage.ask(target)
    stream.read()
    for number in range(10):
        stage.publish("com.app.x", number)
    events = back(stage, target, stream.mark).events()
    assert [name for name, _ in events] == ["wampd.lost"] + 4 * ["com.app.x"]
    assert [args for _, args in events[1:]] == [[6], [7], [8], [9]]


def test_topics_without_a_history_are_lost_ones(stage):
    target = "/events?topic=com.app.news&topic=org.other"
    stream = stage.ask(target)
    stream.read()
    stage.publish("com.app.news", 1)
    events = back(stage, target, stream.mark).events()
    assert events == [("wampd.lost", {"topics": [{"topic": "org.other", "match": "exact"}]}), ("com.app.news", [1])]


@pytest.mark.parametrize(
    "mark",
    [
        "7",
        "ä" * 2000,
        "0123abcd.00000000.0",
        "ffffffff.00000000.0-0",
        "0123abcd..",
        "'; DROP TABLE",
    ],
)
def test_what_is_no_mark_of_ours_is_as_if_all_was_missed(stage, mark):
    stage.publish("com.app.news", 1)
    stream = back(stage, "/events?topic=com.app.news", mark)
    events = stream.events()
    assert [name for name, _ in events] == ["wampd.lost", "com.app.news"]
    assert back(stage, "/events?topic=com.app.news", stream.mark).events() == []


def test_a_mark_beyond_the_end_or_of_other_topics_is_none(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    far = stream.mark.rpartition(".")[0] + ".ff"
    assert back(stage, "/events?topic=com.app.news", far).events()[0][0] == "wampd.lost"
    assert back(stage, "/events?topic=com.app.&match=prefix", stream.mark).events()[0][0] == "wampd.lost"


def test_what_is_not_meant_for_one_is_not_sent_again(stage):
    stream = stage.ask("/events?topic=com.app.news")
    stream.read()
    stage.house.now(stage.publisher.publish("com.app.news", ["a"], options={"eligible_authrole": ["user"]}))
    stage.house.now(stage.publisher.publish("com.app.news", ["b"], options={"eligible_authrole": ["reader"]}))
    stage.house.now(stage.publisher.publish("com.app.news", ["c"], options={"exclude": [1]}))
    assert stream.events() == [("com.app.news", ["b"]), ("com.app.news", ["c"])]
    again = back(stage, "/events?topic=com.app.news", stream.mark)
    assert again.events() == []


def test_what_is_on_its_way_while_the_history_is_read_comes_once(stage):
    target = "/events?topic=com.app.news&topic=com.app.&match=prefix"
    stream = stage.ask(target)
    stream.read()
    stream.leave()
    port = Port(EVERYTHING, loop=stage.loop)
    port.protocol._web = stage.site.buildProtocol
    port.client.end.send(f"GET {target} HTTP/1.1\r\nHost: a\r\nLast-Event-ID: {stream.mark}\r\n\r\n".encode())
    for number in range(12):  # while it comes in, bit by bit
        stage.publisher.publish("com.app.news", [number])
        stage.loop.turn()
        stage.house.realms.end_of_turn()
    stage.house.turns()
    data = port.client.read()
    told = [json.loads(line[6:])["args"][0] for line in data.decode().splitlines() if line.startswith("data: ")]
    assert told == list(range(12))


class Early:
    """A client whose topics are being subscribed to, in a realm that keeps nothing."""

    def __init__(self, *topics):
        self.told, self.left, self.hear = [], [], []
        self.following = Following(
            self, [Topic(topic, "exact") for topic in topics], self, "run", lambda: 0.0, self.told.append
        )
        self.following.subscribe()

    def subscribe(self, topic, heard, match):
        self.hear.append(heard)
        return Deferred()

    def leave(self, reason):
        self.left.append(reason)

    def history(self, topic, match):
        return None

    def session(self, session_id):
        return None


def event(number):
    return Reply(Raw(b"[%d]" % number), None, {"publication": number})


def test_what_comes_before_all_topics_are_subscribed_to_is_told_when_they_are():
    early = Early("com.app.a", "com.app.b")
    early.hear[0](event(1))
    early.hear[1](event(2))
    early.hear[0](event(2))  # of both topics, once
    assert early.told == []
    early.following.begin(None, 10, 10_000)
    early.following.go_on()
    early.hear[0](event(3))
    assert [frame.name for frame in early.told] == ["com.app.a", "com.app.b", "com.app.a"]
    assert [json.loads(frame.data)["args"] for frame in early.told] == [[1], [2], [3]]


def test_what_comes_before_is_bounded():
    early = Early("com.app.a")
    for number in range(MOST_EARLY - 1):
        early.hear[0](event(number))
    assert early.left == []
    early.hear[0](event(MOST_EARLY))
    assert early.left == ["wamp.close.slow_consumer"]
