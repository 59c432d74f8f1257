"""What is guaranteed of the order of messages (basic profile, "Message Ordering")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import subscribed
from tests.support.play import ANY
from wampd.realms.messages import (
    CALL,
    EVENT,
    INVOCATION,
    PUBLISH,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    YIELD,
)

MANY = 1_000


@pytest.mark.spec("PS-14", "ORD-01")
def test_events_of_a_publisher_come_in_the_order_of_its_publications_over_all_topics(play):
    topics = ["com.a", "com.b", "org.c"]
    for number, topic in enumerate(topics, 1):
        play.subscriber > [SUBSCRIBE, number, {}, topic]
        play.subscriber < [SUBSCRIBED, number, ANY.as_(topic)]
    play.publisher.say(*[[PUBLISH, number, {}, topics[number % 3], [number]] for number in range(1, MANY + 1)])
    for number in range(1, MANY + 1):
        play.subscriber < [EVENT, play.names[topics[number % 3]], int, {}, [number]]


@pytest.mark.spec("PS-14", "ORD-01", "ORD-05")
def test_many_publishers_do_not_disturb_each_others_order(play):
    subscribed(play)
    names = ["alice", "bob", "carol", "dave"]
    for start in range(0, 200, 20):
        for name in names:
            numbers = range(start, start + 20)
            getattr(play, name).say(*[[PUBLISH, number + 1, {}, "com.topic", [name, number]] for number in numbers])
    seen = {name: [] for name in names}
    for _ in range(200 * len(names)):
        *_, (name, number) = play.subscriber.hear()
        seen[name].append(number)
    assert seen == {name: list(range(200)) for name in names}


@pytest.mark.spec("RPC-12", "ORD-02")
def test_invocations_come_in_the_order_of_the_calls_over_all_procedures(play):
    procedures = ["com.a", "com.b", "org.c"]
    for number, procedure in enumerate(procedures, 1):
        play.callee > [REGISTER, number, {}, procedure]
        play.callee < [REGISTERED, number, ANY.as_(procedure)]
    play.caller.say(*[[CALL, number, {}, procedures[number % 3], [number]] for number in range(1, MANY + 1)])
    for number in range(1, MANY + 1):
        play.callee < [INVOCATION, number, play.names[procedures[number % 3]], {}, [number]]
    play.callee.say(*[[YIELD, number, {}, [number]] for number in range(1, MANY + 1)])
    for number in range(1, MANY + 1):
        play.caller < [RESULT, number, {}, [number]]


@pytest.mark.spec("PS-13", "PS-05", "ORD-03")
def test_no_event_comes_before_subscribed_or_after_unsubscribed(play):
    rounds = 100
    events = 0
    for number in range(rounds):
        play.publisher.say(*[[PUBLISH, 1 + 10 * number + each, {}, "com.topic"] for each in range(10)])
        play.subscriber > [SUBSCRIBE, 2 * number + 1, {}, "com.topic"]
        play.publisher.say(*[[PUBLISH, 6 + 10 * number + each, {}, "com.topic"] for each in range(5)])
        message = play.subscriber.hear()
        assert message[:2] == [SUBSCRIBED, 2 * number + 1]
        play.subscriber > [UNSUBSCRIBE, 2 * number + 2, message[2]]
        while (heard := play.subscriber.hear())[0] == EVENT:
            assert heard[1] == message[2]
            events += 1
        assert heard == [UNSUBSCRIBED, 2 * number + 2]
    assert events


@pytest.mark.spec("RPC-11", "ORD-03")
def test_no_invocation_comes_before_registered(play):
    for number in range(1, 51):
        procedure = f"com.p{number}"
        play.caller.say(*[[CALL, 10 * number + each, {}, procedure] for each in range(5)])
        play.callee > [REGISTER, number, {}, procedure]
        play.caller.say(*[[CALL, 10 * number + each, {}, procedure] for each in range(5, 10)])
        assert play.callee.hear()[:2] == [REGISTERED, number]
        answers = 0
        while answers < 10:
            for actor in (play.callee, play.caller):
                actor.wire.fence()
                while actor.wire.waiting():
                    heard = actor.hear()
                    if heard[0] == INVOCATION:
                        play.callee > [YIELD, heard[1], {}]
                    else:
                        answers += 1


@pytest.mark.spec("ORD-06")
def test_an_event_published_before_a_result_arrives_before_it(play):
    play.callee > [REGISTER, 1, {}, "com.p"]
    play.callee < [REGISTERED, 1, int]
    subscribed(play, "caller")
    for number in range(2, 102):
        play.caller > [CALL, number, {}, "com.p"]
        play.callee < [INVOCATION, number - 1, int, {}]
        play.callee.say([PUBLISH, number, {}, "com.topic", [number]], [YIELD, number - 1, {}, [number]])
        play.caller < [EVENT, play.sub, int, {}, [number]]
        play.caller < [RESULT, number, {}, [number]]


@pytest.mark.spec("ORD-05", "SER-01")
def test_order_holds_between_serializations(play):
    for serializer in ("json", "msgpack", "cbor"):
        play.session(serializer, serializer=serializer)
        subscribed(play, serializer)
    play.publisher.say(*[[PUBLISH, number, {}, "com.topic", [number]] for number in range(1, 201)])
    for name in ("json", "msgpack", "cbor"):
        for number in range(1, 201):
            getattr(play, name) < [EVENT, play.sub, int, {}, [number]]
