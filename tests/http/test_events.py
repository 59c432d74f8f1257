"""Server-sent events: what a request may ask for, what a stream says, and how one goes on after a break."""

import json
from functools import partial

import pytest
from msgspec import Raw

from tests.inside.house import House
from tests.transports.port import EVERYTHING, Port, build_site, headers
from tests.transports.wires import Loop
from wampd.realms.history import HistoryRule
from wampd.router.http.access import FixedRole, Refused
from wampd.router.http.events import EventsResource, Streams
from wampd.router.inside.insiders import NotLetIn

RUN = "0123abcd"
KEPT = (HistoryRule("com.app.news", "exact", 3), HistoryRule("com.app.", "prefix", 100))


class Past:
    """The histories of the realm of a house."""

    def __init__(self, house):
        self._core = house.realms["realm1"].core

    def history(self, topic, match):
        subscription = self._core.broker.subscriptions.get(topic, match)
        return None if subscription is None else subscription.history

    def session(self, number):
        return self._core.sessions.get(number)


class Stage:
    """A router in memory that serves streams of events, and one that publishes."""

    def __init__(self, role="reader", run=RUN, **streams):
        self.loop = Loop()
        self.house = House(self.loop, history=KEPT)
        self.struck = []
        self.role = role
        access = FixedRole(self.enter)
        self.resource = EventsResource(
            access, Past(self.house), self.loop, lambda: 1.5, self.struck.append, run, Streams(**streams)
        )
        self.site = build_site({}, {"/events": self.resource})
        self.site.reactor = self.loop
        self.publisher = self.house.enter()

    def enter(self, request):
        try:
            return self.house.insiders.enter("realm1", role=self.role)
        except NotLetIn as why:
            raise Refused(403, why.reason, (("WWW-Authenticate", "Nothing"),)) from None

    def publish(self, topic, *args, **kwargs):
        return self.house.now(self.publisher.publish(topic, list(args), kwargs))

    def sessions(self):
        return len(self.house.realms["realm1"].core.sessions) - 1

    def ask(self, target, *lines, method="GET", version="HTTP/1.1"):
        return Stream(self, target, lines, method, version)


class Stream:
    """A client: the head of its answer, and the events that have come."""

    def __init__(self, stage, target, lines, method, version):
        self.stage = stage
        self.port = Port(EVERYTHING, loop=stage.loop)
        self.port.protocol._web = partial(stage.site.buildProtocol, None)
        head = [f"{method} {target} {version}", "Host: router.example", *lines, "", ""]
        self.port.client.send("\r\n".join(head).encode("latin-1"))
        stage.house.turns()
        self.head, _, rest = self.port.client.read().partition(b"\r\n\r\n")
        self.head += b"\r\n\r\n"
        self.status = int(self.head.split(b" ")[1])
        self.text = self._plain(rest)
        self.mark = None

    def _plain(self, data):
        if b"chunked" not in self.head:
            return data.decode()
        text = b""
        while data:
            size, _, data = data.partition(b"\r\n")
            text += data[: int(size, 16)]
            data = data[int(size, 16) + 2 :]
        return text.decode()

    def read(self):
        """All blocks since the last time: each the dictionary of its fields."""
        self.stage.house.turns()
        text, self.text = self.text + self._plain(self.port.client.read()), ""
        blocks = [dict(line.split(": ", 1) for line in block.split("\n")) for block in text.split("\n\n") if block]
        for block in blocks:
            self.mark = block.get("id", self.mark)
        return blocks

    def events(self):
        """The names and arguments of the events since the last time."""
        told = [(block["event"], json.loads(block["data"])) for block in self.read() if "data" in block]
        return [(name, data.get("args", data)) for name, data in told]

    def leave(self):
        self.port.client.take_up()
        self.stage.house.turns()


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


def test_who_does_not_read_is_cut_off():
    stage = Stage(buffer=20_000)
    stream = stage.ask("/events?topic=com.app.news")
    for _ in range(200):
        stage.publish("com.app.news", "x" * 1000)
        stage.house.turns()
    assert stage.struck == ["readers of event streams cut off"]
    assert stage.sessions() == 0
    assert stream.port.client.is_cut_off()


# -------------------------------------------------------------------------------------------------------- coming back


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
    port.protocol._web = partial(stage.site.buildProtocol, None)
    port.client.end.send(f"GET {target} HTTP/1.1\r\nHost: a\r\nLast-Event-ID: {stream.mark}\r\n\r\n".encode())
    for number in range(12):  # while it comes in, bit by bit
        stage.publisher.publish("com.app.news", [number])
        stage.loop.turn()
        stage.house.realms.end_of_turn()
    stage.house.turns()
    data = port.client.read()
    told = [json.loads(line[6:])["args"][0] for line in data.decode().splitlines() if line.startswith("data: ")]
    assert told == list(range(12))
