"""Forwarded topics: in order, one at a time, tried again, and bounded."""

import json

import pytest
from msgspec import Raw
from twisted.internet.defer import fail
from twisted.internet.task import Clock
from twisted.logger import LogLevel

from tests.inside.house import House
from tests.outgoing.client import FakeClient
from tests.support.overheard import overheard, text
from wampd.router.envoy import CallFailed
from wampd.router.inside.insiders import NotLetIn
from wampd.router.inside.resident import Resident
from wampd.router.inside.telling import Told
from wampd.router.outgoing.bodies import LARGEST, BodyError, fault, json_body, template_body
from wampd.router.outgoing.forwarding import Delivery, Forward, Manner

EVENT = Told(
    "com.app.x", 7, "2026-01-01T00:00:00.000000Z", Raw(b"[1.0, 2]"), Raw(b'{"a": "\xc3\xa4"}'), {"publisher": 1}
)


class Stage:
    """A forward over a client in memory."""

    def __init__(self, finish=lambda delivery: delivery, **manner):
        self.clock = Clock()
        self.client = FakeClient()
        self.struck = []
        self.forward = Forward(
            self.client,
            self.clock,
            Manner(**{"method": "POST", "url": "https://in.example/", "pause": 2.0, "tries": 3, **manner}),
            "the test",
            self.struck.append,
            lambda: 1.0,
            lambda: 784111777.0,
            finish,
        )

    def add(self, *names):
        for name in names:
            self.forward.add(Delivery(name, name.encode(), (("content-type", "text/plain"),)))

    def bodies(self):
        return [asked.body.decode() for asked in self.client.asked]

    def answer(self, *args, **kwargs):
        self.client.last().say(*args, **kwargs)
        self.clock.advance(0)


@pytest.fixture
def logged():
    with overheard(lambda event: text(event) if event["log_level"] >= LogLevel.info else None) as lines:
        yield lines


# -------------------------------------------------------------------------------------------------------------- order


def test_events_are_sent_one_after_the_other():
    stage = Stage()
    stage.add("a", "b", "c")
    assert stage.bodies() == ["a"]
    stage.answer(204)
    assert stage.bodies() == ["a", "b"]
    stage.answer(200)
    stage.answer(200)
    assert stage.bodies() == ["a", "b", "c"]
    assert len(stage.forward) == 0
    assert stage.struck == []


def test_several_at_once_if_that_is_wanted():
    stage = Stage(concurrency=2)
    stage.add("a", "b", "c")
    assert stage.bodies() == ["a", "b"]
    stage.client.asked[1].say(200)
    stage.clock.advance(0)
    assert stage.bodies() == ["a", "b", "c"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
def test_what_fails_is_tried_again_before_the_next(status, logged):
    stage = Stage()
    stage.add("a", "b")
    stage.answer(status)
    assert stage.bodies() == ["a"]
    stage.clock.advance(2)
    assert stage.bodies() == ["a", "a"]
    stage.answer(status)
    stage.clock.advance(3.9)
    assert stage.bodies() == ["a", "a"]
    stage.clock.advance(0.2)
    stage.answer(200)
    assert stage.bodies() == ["a", "a", "a", "b"]
    assert stage.struck == []
    assert logged == [f"the test fails: status {status}", "the test works again"]


@pytest.mark.parametrize("reason", ["connect", "timeout", "dns", "tls", "broken", "busy"])
def test_having_no_answer_is_worth_another_try(reason):
    stage = Stage()
    stage.add("a")
    stage.client.last().fail(reason)
    stage.clock.advance(2)
    assert stage.bodies() == ["a", "a"]


def test_a_connection_that_the_server_had_closed_is_no_failure(logged):
    stage = Stage()
    stage.add("a")
    stage.client.last().fail("broken")
    stage.clock.advance(0)
    assert stage.bodies() == ["a", "a"]
    stage.client.last().fail("broken")
    stage.clock.advance(0)
    assert stage.bodies() == ["a", "a"]
    assert len(logged) == 1
    stage.clock.advance(4)
    assert stage.bodies() == ["a", "a", "a"]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_a_status_that_says_no_is_not_asked_again(status):
    stage = Stage()
    stage.add("a", "b")
    stage.answer(status)
    assert stage.bodies() == ["a", "b"]
    assert stage.struck == ["forwarded events given up"]


@pytest.mark.parametrize("reason", ["denied", "url", "too_large"])
def test_nor_is_what_cannot_be_otherwise(reason):
    stage = Stage()
    stage.add("a", "b")
    stage.client.last().fail(reason)
    stage.clock.advance(0)
    assert stage.bodies() == ["a", "b"]


def test_after_so_many_tries_an_event_is_given_up():
    stage = Stage(tries=2)
    stage.add("a", "b")
    stage.answer(500)
    stage.clock.advance(2)
    stage.answer(500)
    assert stage.bodies() == ["a", "a", "b"]
    assert stage.struck == ["forwarded events given up"]


@pytest.mark.parametrize(
    ("text", "wait"),
    [("30", 30), ("1", 2), ("99999999", 600), ("soon", 2), ("-5", 2), ("Sun, 06 Nov 1994 08:50:07 GMT", 30)],
)
def test_retry_after_is_heeded_within_reason(text, wait):
    stage = Stage()
    stage.add("a")
    stage.answer(503, headers={"retry-after": text})
    stage.clock.advance(wait - 0.1)
    assert stage.bodies() == ["a"]
    stage.clock.advance(0.2)
    assert stage.bodies() == ["a", "a"]


def test_pauses_grow_to_a_bound():
    stage = Stage(tries=10, longest_pause=5.0)
    stage.add("a")
    for pause in (2, 4, 5, 5):
        stage.answer(500)
        count = len(stage.client.asked)
        stage.clock.advance(pause - 0.1)
        assert len(stage.client.asked) == count
        stage.clock.advance(0.2)
        assert len(stage.client.asked) == count + 1


# ------------------------------------------------------------------------------------------------------------- bounds


def test_of_too_many_the_oldest_go_and_are_counted():
    stage = Stage(queue=2)
    stage.add("a", "b", "c", "d")
    for _ in range(3):
        stage.answer(200)
    assert stage.bodies() == ["a", "c", "d"]
    assert stage.struck == ["forwarded events dropped"]


def test_of_too_much_the_oldest_go():
    stage = Stage(queue_size=10)
    stage.add("a", "bbbb", "cccc", "dddd")
    stage.answer(200)
    stage.answer(200)
    assert stage.bodies() == ["a", "cccc", "dddd"]
    stage = Stage(queue_size=10)
    stage.add("a", "b" * 100)
    assert len(stage.forward) == 1


def test_the_end_gives_up_what_waits(logged):
    stage = Stage()
    stage.add("a", "b")
    stage.answer(500)
    stage.add("c")
    stage.forward.stop()
    stage.clock.advance(100)
    stage.add("d")
    assert stage.bodies() == ["a"]
    assert logged[-1] == "3 events were not forwarded by the test"
    assert stage.clock.getDelayedCalls() == []
    stage = Stage()
    stage.add("a")
    stage.forward.stop()
    assert stage.client.last().cancelled


def test_each_try_is_finished_anew():
    moments = iter(range(5))
    stage = Stage(lambda it: Delivery(it.name, it.body, (*it.headers, ("x-time", str(next(moments))))))
    stage.add("a")
    stage.answer(500)
    stage.clock.advance(2)
    assert [asked.headers["x-time"] for asked in stage.client.asked] == ["0", "1"]
    assert stage.client.last().headers["content-type"] == "text/plain"


# ------------------------------------------------------------------------------------------------------------- bodies


def test_bodies_are_json_as_it_came():
    assert json_body("args")(EVENT) == b"[1.0, 2]"
    assert json_body("kwargs")(EVENT) == '{"a": "ä"}'.encode()
    assert json_body("argument")(EVENT) == b"1.0"
    assert json.loads(json_body("event")(EVENT)) == {
        "topic": "com.app.x",
        "publication": 7,
        "time": "2026-01-01T00:00:00.000000Z",
        "args": [1.0, 2],
        "kwargs": {"a": "ä"},
        "details": {"publisher": 1},
    }
    bare = Told("com.app.x", 7, "")
    assert [json_body(what)(bare) for what in ("args", "kwargs", "argument")] == [b"[]", b"{}", b"null"]


def test_a_template_makes_bodies():
    text = '{"text": {{ (topic ~ ": " ~ kwargs.a) | tojson }}, "first": {{ args[0] }}}'
    assert json.loads(template_body(text)(EVENT)) == {"text": "com.app.x: ä", "first": 1.0}
    assert template_body("{% if details.publisher %}yes{% endif %}")(EVENT) == b"yes"


@pytest.mark.parametrize(
    "text",
    [
        "{{ nothing }}",
        "{{ args[7] }}",
        "{{ kwargs.b.c }}",
        "{{ 1 / 0 }}",
        "{{ topic.__class__.__mro__ }}",
        "{{ args.append(1) }}",
        "{% for i in range(10000000000) %}x{% endfor %}",
        "{{ 'x' * 10000000 }}",
        "{{ 1 + 'x' }}",
    ],
)
def test_what_a_template_cannot_make_is_an_error(text):
    assert LARGEST < 10_000_000
    with pytest.raises(BodyError):
        template_body(text)(EVENT)


def test_a_template_that_is_none_is_found_before():
    assert fault("{{ a }}") is None
    assert "unexpected" in fault("{{ a ")


# ----------------------------------------------------------------------------------------------------- whoever settles


def test_a_resident_comes_back_when_it_was_sent_away(logged):
    house, heard = House(), []
    resident = Resident(house.clock, "the test", house.enter, lambda it: it.subscribe("com.app.x", heard.append))
    resident.start()
    house.turns()
    publisher = house.enter()
    house.now(publisher.publish("com.app.x", [1]))
    (session,) = [each for each in house.realms["realm1"].core.sessions if each != publisher.id]
    house.now(publisher.call("wamp.session.kill", [session], timeout=5))
    house.now(publisher.publish("com.app.x", [2]))
    house.later(1.1)
    house.now(publisher.publish("com.app.x", [3]))
    assert [reply.values() for reply in heard] == [[1], [3]]
    ours = [line for line in logged if line.startswith("the test")]
    assert ours == [
        "the test does not work: wamp.close.killed (its session has ended)",
        "the test works again",
    ]
    resident.stop()
    house.later(100)
    assert set(house.realms["realm1"].core.sessions) == {publisher.id}


def test_a_resident_that_is_renewed_has_one_session_and_no_misfortune(logged):
    house, heard = House(), []
    resident = Resident(house.clock, "the test", house.enter, lambda it: it.subscribe("com.app.x", heard.append))
    resident.start()
    house.turns()
    (before,) = house.realms["realm1"].core.sessions
    resident.renew()
    house.later(100)
    (after,) = house.realms["realm1"].core.sessions
    assert after != before
    house.now(house.enter().publish("com.app.x", [1]))
    assert [reply.values() for reply in heard] == [[1]]
    assert [line for line in logged if line.startswith("the test")] == []
    resident.stop()
    house.turns()
    assert after not in house.realms["realm1"].core.sessions


def test_a_resident_that_cannot_settle_tries_ever_later(logged):
    house, tries = House(), []

    def settle(_):
        tries.append(house.clock.seconds())
        return fail(CallFailed("wamp.error.procedure_already_exists"))

    resident = Resident(house.clock, "the test", house.enter, settle)
    resident.start()
    for _ in range(20):
        house.later(1)
    assert tries == [0, 1, 3, 7, 15]
    assert [line for line in logged if "does not work" in line] == [
        "the test does not work: wamp.error.procedure_already_exists"
    ]
    resident.stop()
    assert len(house.realms["realm1"].core.sessions) == 0


def test_a_resident_may_retire_in_its_own_way():
    house, retired = House(), []
    resident = Resident(
        house.clock, "it", house.enter, lambda it: it.register("com.app.x", str), lambda *it: retired.append(it)
    )
    resident.start()
    house.turns()
    resident.stop()
    ((insider, registration),) = retired
    assert not insider.is_over
    assert registration > 0


def test_a_resident_that_is_not_let_in_tries_again(logged):
    clock, tries = Clock(), []

    def enter():
        tries.append(1)
        raise NotLetIn("wamp.error.unavailable", "full")

    resident = Resident(clock, "the test", enter, lambda _: None)
    resident.start()
    clock.advance(1)
    assert len(tries) == 2
    resident.stop()
    assert clock.getDelayedCalls() == []
    assert logged == ["the test does not work: wamp.error.unavailable (full)"]
