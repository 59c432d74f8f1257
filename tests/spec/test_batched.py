"""Batched WebSocket (advanced profile, "Batched WebSocket transport"): several messages in one frame.

That every conversation is the same in batches is shown by those of the other chapters, held over this transport, too.
"""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, registered, subscribed
from tests.spec.test_transports import handshake
from tests.support.play import ALL, BASIC, Play, closed, violation
from tests.support.stages import SocketStage
from tests.support.values import BATCHED, DUMP
from wampd.realms.messages import (
    CALL,
    EVENT,
    GOODBYE,
    HELLO,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    WELCOME,
    YIELD,
)

MISREAD = b"\x18"
ROLES = pytest.mark.parametrize("roles", [ALL, BASIC], ids=["all features", "basic"])


@pytest.fixture(params=BATCHED)
def batched(request, router_port):
    """A conversation in batches, in every serialization that has them."""
    play = Play(SocketStage("batched", request.param, router_port))
    yield play
    play.end()
    play.leave()


@pytest.fixture
def in_json(router_port):
    """A conversation in batches of JSON."""
    play = Play(SocketStage("batched", "json", router_port))
    yield play
    play.end()
    play.leave()


@pytest.mark.spec("BAT-01", "FEA-02")
@ROLES
def test_the_batched_form_of_each_serialization_is_spoken(batched, roles):
    batched.session("alice", roles=roles)
    subscribed(batched, "alice")
    batched.alice > [PUBLISH, 2, {"acknowledge": True, "exclude_me": False}, "com.topic", [1], {"k": "v"}]
    batched.alice < [PUBLISHED, 2, int]
    batched.alice < [EVENT, batched.sub, int, {}, [1], {"k": "v"}]


@pytest.mark.spec("BAT-01", "WS-01")
def test_batched_or_not_is_the_choice_of_the_client(router_port):
    assert handshake(router_port, "wamp.2.json.batched", "wamp.2.json") == (101, "wamp.2.json.batched")
    assert handshake(router_port, "wamp.2.json", "wamp.2.json.batched") == (101, "wamp.2.json")
    assert handshake(router_port, "wamp.2.xml.batched", "wamp.2.cbor.batched") == (101, "wamp.2.cbor.batched")
    assert handshake(router_port, "wamp.2.json.batches")[0] == 400


@pytest.mark.spec("BAT-02", "AMB-16")
@pytest.mark.parametrize("separator", [b"\x1e", MISREAD])
def test_each_message_of_json_ends_in_the_separator_of_the_client(in_json, separator):
    alice = in_json.newcomer("alice", separator=separator)
    assert alice.wire.separator == separator
    alice.join()  # the wire sees that the router uses the same
    subscribed(in_json, "alice")
    alice.say([PUBLISH, 2, ACKNOWLEDGE, "com.x"], [PUBLISH, 3, ACKNOWLEDGE, "com.x"])
    alice < [PUBLISHED, 2, int]
    alice < [PUBLISHED, 3, int]


@pytest.mark.spec("BAT-02", "BAT-05", "AMB-16")
def test_an_event_reaches_clients_with_either_separator_and_those_that_do_not_batch(in_json, router_port):
    in_json.newcomer("alice", separator=MISREAD).join()
    in_json.newcomer("bob").join()
    unbatched = Play(SocketStage("websocket", "json", router_port))
    for name in ("alice", "bob"):
        subscribed(in_json, name)
    subscribed(unbatched, "carol")
    in_json.publisher > [PUBLISH, 1, {}, "com.topic", ["\x1e \x18", "ä"], {"k": "\x18"}]
    for actor in (in_json.alice, in_json.bob):
        actor < [EVENT, in_json.sub, int, {}, ["\x1e \x18", "ä"], {"k": "\x18"}]
    unbatched.carol < [EVENT, in_json.sub, int, {}, ["\x1e \x18", "ä"], {"k": "\x18"}]
    unbatched.leave()


@pytest.mark.spec("BAT-03")
def test_two_messages_in_one_frame_are_both_served(batched):
    batched.alice.say([SUBSCRIBE, 1, {}, "com.topic"], [PUBLISH, 2, ACKNOWLEDGE, "com.topic"])
    batched.alice < [SUBSCRIBED, 1, int]
    batched.alice < [PUBLISHED, 2, int]


@pytest.mark.spec("BAT-03", "SES-04")
def test_a_whole_session_and_the_next_one_fit_into_one_batch(batched):
    alice = batched.newcomer("alice")
    hello = [HELLO, "realm1", {"roles": BASIC}]
    alice.say(hello, [PUBLISH, 1, ACKNOWLEDGE, "a.b"], [GOODBYE, {}, "wamp.close.close_realm"], hello)
    alice < [WELCOME, int, dict]
    alice < [PUBLISHED, 1, int]
    alice < [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    alice < [WELCOME, int, dict]


@pytest.mark.spec("BAT-04")
def test_an_empty_batch_fails_the_connection(batched):
    batched.alice.wire.send_batch(b"")
    batched.alice < closed(1002)


@pytest.mark.spec("BAT-04", "PV-00")
@pytest.mark.parametrize("missing", [1, 2, 5])
def test_a_batch_that_is_cut_off_is_a_violation_and_nothing_in_it_counts(batched, missing):
    subscribed(batched, "bob")
    wire = batched.alice.wire
    message = DUMP[wire.serializer]([PUBLISH, 1, {}, "com.topic"])
    whole = wire._element(message) * 2
    wire.send_batch(whole[:-missing])
    batched.alice < violation("truncated")
    assert wire.closed == 1002


@pytest.mark.spec("BAT-04", "PV-00")
def test_what_is_no_message_is_a_violation_after_those_before_it_were_served(batched):
    batched.alice.say([SUBSCRIBE, 1, {}, "com.topic"], b"", [SUBSCRIBE, 2, {}, "com.topic"])
    batched.alice < [SUBSCRIBED, 1, int]
    batched.alice < violation


@pytest.mark.spec("BAT-05")
def test_what_the_router_says_in_one_turn_comes_in_one_batch(batched):
    subscribed(batched)
    publications = [[PUBLISH, number, {}, "com.topic", [number]] for number in range(1, 101)]
    batched.publisher.say(*publications)
    for number in range(1, 101):
        batched.subscriber < [EVENT, batched.sub, int, {}, [number]]
    assert max(batched.subscriber.wire.batches) == 100


@pytest.mark.spec("BAT-05", "ORD-01")
def test_large_messages_come_in_batches_of_a_bounded_size_in_order(batched):
    subscribed(batched)
    sizes = [10, 20_000, 70_000, 5, 60_000, 300_000, 1, 2, 3]
    batched.publisher.say(*([PUBLISH, 1 + at, {}, "com.topic", ["x" * size]] for at, size in enumerate(sizes)))
    for size in sizes:
        batched.subscriber < [EVENT, batched.sub, int, {}, ["x" * size]]
    batches = batched.subscriber.wire.batches[-5:]
    assert 1 < len(batches) <= len(sizes)
    assert 1 in batches  # those that are longer than a batch may be


@pytest.mark.spec("BAT-03", "ORD-02")
def test_calls_in_batches_between_clients_that_batch_and_one_that_does_not(batched, router_port):
    callee = Play(SocketStage("rawsocket", "cbor", router_port))
    registered(callee)
    batched.caller.say(*([CALL, number, {}, "com.app.add", [number]] for number in (1, 2, 3)))
    for number in (1, 2, 3):
        callee.callee < [INVOCATION, number, callee.reg, {}, [number]]
        callee.callee > [YIELD, number, {}, [number, "ä"]]
        batched.caller < [RESULT, number, {}, [number, "ä"]]
    callee.leave()


def test_a_batch_of_more_messages_than_the_limit_is_a_violation(batched):
    serializer = batched.alice.wire.serializer
    message = DUMP[serializer]([PUBLISH, 1, {}, "com.x"])
    batched.alice.say(*[message] * 4097)
    batched.alice < violation("more than 4096 messages")


def test_a_batch_obeys_the_limit_of_a_message(in_json):
    in_json.alice.say(*([PUBLISH, number, {}, "com.x", ["x" * 2**19]] for number in (1, 2, 3)))
    in_json.alice < closed(1009)
