"""Clients without sockets: what an embedding program, and a test, can rely on."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from tests.support.stages import CONFIGURATION, MemoryStage
from wampd.realms.messages import (
    CALL,
    EVENT,
    GOODBYE,
    HELLO,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    WELCOME,
    YIELD,
)
from wampd.router.transports.memory import MemoryClient
from wampd.router.wire.codec import Uncarriable
from wampd.router.wire.serializers import codecs

ROLES = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
HI = [HELLO, "realm1", {"roles": ROLES}]


class Guest:
    """A client that keeps what it hears."""

    def __init__(self, stage: MemoryStage, serializer: str = "json", **options: Any) -> None:
        self.clock: Clock = stage.clock
        self.heard: list[list[Any]] = []
        self.closed: list[tuple[int, str]] = []
        self.client = MemoryClient(
            stage.realms,
            stage.clock,
            codecs()[serializer],
            self.heard.append,
            lambda code, reason: self.closed.append((code, reason)),
            **options,
        )

    def says(self, *messages: list[Any]) -> list[list[Any]]:
        """Say something, and give what is heard then."""
        self.client.send(*messages)
        self.clock.advance(0)
        heard = self.heard[:]
        self.heard.clear()
        return heard


@pytest.fixture
def stage():
    return MemoryStage("json", CONFIGURATION)


def test_nothing_is_delivered_before_the_clock_moves(stage):
    guest = Guest(stage)
    guest.client.send(HI)
    assert guest.heard == []
    stage.clock.advance(0)
    assert [message[0] for message in guest.heard] == [WELCOME]


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_calls_and_events_pass_between_clients(stage, serializer):
    alice, bob = Guest(stage, serializer), Guest(stage)
    alice.says(HI)
    bob.says(HI)
    ((_, _, registration),) = alice.says([REGISTER, 1, {}, "com.add"])
    assert bob.says([CALL, 1, {}, "com.add", [2, 3]], [SUBSCRIBE, 2, {}, "com.sums"]) == [[SUBSCRIBED, 2, 1]]
    assert alice.heard == [[INVOCATION, 1, registration, {}, [2, 3]]]
    alice.heard.clear()
    heard = alice.says([PUBLISH, 2, {"acknowledge": True}, "com.sums", [], {"sum": 5}], [YIELD, 1, {}, [5]])
    ((kind, request, publication),) = heard
    assert (kind, request) == (PUBLISHED, 2)
    assert bob.heard == [[EVENT, 1, publication, {}, [], {"sum": 5}], [RESULT, 1, {}, [5]]]


def test_bytes_are_bytes_on_both_sides_even_in_json(stage):
    alice, bob = Guest(stage), Guest(stage)
    alice.says(HI)
    bob.says(HI)
    alice.says([SUBSCRIBE, 1, {}, "com.topic"])
    bob.says([PUBLISH, 1, {}, "com.topic", [b"\x00\xff", "text"]])
    assert alice.heard[0][4] == [b"\x00\xff", "text"]


def test_the_two_sides_share_no_value(stage):
    alice, bob = Guest(stage), Guest(stage)
    alice.says(HI)
    bob.says(HI)
    alice.says([SUBSCRIBE, 1, {}, "com.topic"])
    payload = [[1]]
    bob.says([PUBLISH, 1, {}, "com.topic", payload])
    alice.heard[0][4][0].append(2)
    assert payload == [[1]]


def test_what_the_codec_cannot_write_is_not_sent(stage):
    guest = Guest(stage)
    guest.says(HI)
    with pytest.raises(Uncarriable):
        guest.client.send([PUBLISH, 1, {}, "com.topic", [object()]])
    assert guest.says([PUBLISH, 2, {"acknowledge": True}, "com.topic"])[0][0] == PUBLISHED


def test_the_end_of_a_connection_is_told_after_its_last_message(stage):
    guest = Guest(stage)
    guest.says(HI)
    assert guest.says([999])[0][0] == 3
    assert guest.closed == [(1002, "wamp.error.protocol_violation")]
    assert guest.client.closed == guest.closed[0]
    assert not guest.client.writable
    assert guest.says(HI) == []


def test_who_drops_the_connection_leaves_the_realm_and_hears_nothing_more(stage):
    guest, other = Guest(stage), Guest(stage)
    guest.says(HI)
    other.says(HI)
    guest.says([SUBSCRIBE, 1, {}, "com.topic"])
    guest.client.send([PUBLISH, 2, {"acknowledge": True}, "com.topic"])
    guest.client.drop()
    guest.client.drop()
    guest.client.send(HI)
    stage.clock.advance(0)
    assert [message[0] for message in guest.heard] == [PUBLISHED]
    assert guest.closed == []
    assert other.says([PUBLISH, 1, {"acknowledge": True}, "com.topic"])[0][0] == PUBLISHED
    assert list(stage.realms["realm1"].core.sessions) == [other.client.peer.session.id]


def test_a_client_need_not_care_for_the_end(stage):
    heard: list[Any] = []
    client = MemoryClient(stage.realms, stage.clock, codecs()["json"], heard.append)
    client.send([999])
    stage.clock.advance(0)
    assert heard[0][0] == 3
    assert client.closed is not None


def test_an_exception_of_a_client_is_not_the_routers(stage):
    def broken(message: list[Any]) -> None:
        raise ValueError(message)

    client = MemoryClient(stage.realms, stage.clock, codecs()["json"], broken)
    client.send(HI)
    with pytest.raises(ValueError, match="realm1"):
        stage.clock.advance(0)
    other = Guest(stage)
    assert other.says(HI)[0][0] == WELCOME
    assert other.says([REGISTER, 1, {}, "com.p"])[0][0] == REGISTERED


def test_deadlines_are_kept(stage):
    guest, other = Guest(stage), Guest(stage)
    other.says(HI)
    stage.clock.advance(20)
    assert guest.closed
    assert not other.closed
    assert other.says([GOODBYE, {}, "wamp.close.close_realm"]) == [[GOODBYE, {}, "wamp.close.goodbye_and_out"]]
    stage.clock.advance(20)
    assert other.closed


def test_nothing_longer_than_a_client_takes_is_sent_to_it(stage):
    guest = Guest(stage, max_receive=2048)
    guest.says(HI)
    guest.says([REGISTER, 1, {}, "com.p"])
    guest.says([CALL, 2, {}, "com.p"])
    (error,) = guest.says([YIELD, 1, {}, ["x" * 3000]])
    assert error[4] == "wamp.error.payload_size_exceeded"
