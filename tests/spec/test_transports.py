"""What the transports make of WAMP messages (basic profile, "WebSocket Transport"; advanced profile, "RawSocket Transport").

The framings themselves, their handshakes and their limits are tested in ``tests/transports`` and ``tests/wire``.
"""

from __future__ import annotations

import socket

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Opcode
from websockets.http11 import Response
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from tests.spec.scenes import registered, subscribed
from tests.support.play import BASIC, Play, closed, nothing, violation
from tests.support.stages import SocketStage
from tests.support.values import DUMP, SERIALIZERS
from wampd.realms.messages import (
    ABORT,
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    HELLO,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    RESULT,
    WELCOME,
    YIELD,
)


@pytest.fixture
def played(router_port):
    """Make plays on the running router: ``played("websocket", "json")``."""
    plays = []

    def make(transport, serializer):
        plays.append(Play(SocketStage(transport, serializer, router_port)))
        return plays[-1]

    yield make
    for play in plays:
        play.end()
        play.leave()


def handshake(port, *subprotocols):
    """What the router answers to a WebSocket client that offers these subprotocols: status and choice."""
    protocol = ClientProtocol(parse_uri(f"ws://127.0.0.1:{port}/ws"), subprotocols=list(map(Subprotocol, subprotocols)))
    protocol.send_request(protocol.connect())
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(b"".join(protocol.data_to_send()))
        while not (events := protocol.events_received()):
            data = connection.recv(4096)
            assert data
            protocol.receive_data(data)
    response = events[0]
    assert isinstance(response, Response)
    return response.status_code, response.headers.get("Sec-WebSocket-Protocol")


@pytest.mark.spec("WS-01")
def test_the_first_subprotocol_of_the_client_that_the_router_speaks_is_taken(router_port):
    assert handshake(router_port, "wamp.2.cbor", "wamp.2.json") == (101, "wamp.2.cbor")
    assert handshake(router_port, "wamp.2.json", "wamp.2.cbor") == (101, "wamp.2.json")
    assert handshake(router_port, "wamp.9.xml", "wamp.2.msgpack") == (101, "wamp.2.msgpack")


@pytest.mark.spec("WS-02")
@pytest.mark.parametrize("offered", [[], ["foo.bar"], ["wamp.2.JSON"], ["wamp.1"]], ids=str)
def test_without_a_common_subprotocol_there_is_no_connection(router_port, offered):
    status, choice = handshake(router_port, *offered)
    assert status == 400
    assert choice is None


@pytest.mark.spec("WS-03")
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_message_in_the_wrong_kind_of_frame_is_a_violation(played, serializer):
    play = played("websocket", serializer)
    play.alice.wire._opcode = Opcode.BINARY if serializer == "json" else Opcode.TEXT
    # ASCII in every serialization, so that it is valid in a text frame.
    play.alice > {"json": b'[32,1,{},"a.b"]', "msgpack": b"\x20", "cbor": b"\x10", "ubjson": b"[Z]"}.get(
        serializer, b""
    )
    play.alice.wire._opcode = Opcode.TEXT if serializer == "json" else Opcode.BINARY
    play.alice < violation("not for this subprotocol")
    assert play.alice.wire.wait_closed() == 1002


@pytest.mark.spec("WS-04")
def test_a_message_in_fragments_with_a_ping_between_is_one_message(played):
    play = played("websocket", "json")
    alice = play.newcomer("alice")
    protocol = alice.wire._protocol
    text = DUMP["json"]([HELLO, "realm1", {"roles": BASIC, "agent": "ä" * 10}])
    third = len(text) // 3
    protocol.send_text(text[:third], fin=False)
    protocol.send_ping(b"between")
    protocol.send_continuation(text[third : 2 * third], fin=False)
    protocol.send_continuation(text[2 * third :], fin=True)
    alice.wire.send_bytes(b"".join(protocol.data_to_send()))
    alice.welcome()
    assert b"between" in alice.wire._pongs


@pytest.mark.spec("WS-07")
def test_the_close_code_tells_how_it_ended(played):
    play = played("websocket", "json")
    play.alice > [999]
    play.alice < violation
    assert play.alice.wire.closed == 1002
    play.newcomer("bob").hello("no.such.realm")
    play.bob < [ABORT, {"message": str}, "wamp.error.no_such_realm"]
    play.bob < closed(1000)
    assert play.bob.wire.closed == 1000
    play.carol > [PUBLISH, 1, {}, "a.b", ["x" * 2**20]]
    play.carol < closed(1009)
    assert play.carol.wire.closed == 1009


@pytest.mark.spec("WS-07", "WS-08")
def test_a_client_that_says_goodbye_and_closes_is_answered_with_1000(played):
    play = played("websocket", "json")
    play.alice > [GOODBYE, {}, "wamp.close.close_realm"]
    play.alice < [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    protocol = play.alice.wire._protocol
    protocol.send_close(1000)
    play.alice.wire.send_bytes(b"".join(protocol.data_to_send()))
    play.alice < closed(1000)
    assert play.alice.wire.closed == 1000


@pytest.mark.spec("RAW-13", "PV-00")
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_bytes_that_are_no_message_are_answered_with_abort_and_closed(played, serializer):
    play = played("rawsocket", serializer)
    play.alice > {"json": b"[]", "msgpack": b"\x90", "cbor": b"\x80", "ubjson": b"[]"}.get(serializer, b"")
    play.alice < violation
    play.newcomer("bob") > b"\xff"
    play.bob < violation


@pytest.mark.spec("RAW-11", "RPC-22")
def test_nothing_longer_than_the_client_takes_is_sent_to_it(played):
    play = played("rawsocket", "json")
    play.newcomer("alice", length=2).join()
    subscribed(play, "alice")
    registered(play, "bob")
    registered(play, "alice", "com.small", request=2, reg="small")
    text = "x" * 2048
    play.bob > [PUBLISH, 2, {"acknowledge": True}, "com.topic", [text]]
    play.bob < [PUBLISHED, 2, int]
    play.alice < nothing
    play.alice > [CALL, 3, {}, "com.app.add"]
    play.bob < [INVOCATION, 1, play.reg, {}]
    play.bob > [YIELD, 1, {}, [text]]
    play.alice < [ERROR, CALL, 3, {}, "wamp.error.payload_size_exceeded", ...]
    play.bob > [CALL, 3, {}, "com.small", [text]]
    play.bob < [ERROR, CALL, 3, {}, "wamp.error.payload_size_exceeded", ...]
    play.alice < nothing
    play.bob > [PUBLISH, 4, {}, "com.topic", ["short"]]
    play.alice < [EVENT, play.sub, int, {}, ["short"]]


@pytest.mark.spec("RAW-11", "RPC-22", "PCR-03")
def test_a_part_of_a_result_that_is_longer_than_the_client_takes_ends_the_call(played):
    play = played("rawsocket", "json")
    play.newcomer("alice", length=2).join()
    registered(play)
    for number, last in enumerate((False, True), 1):
        play.alice > [CALL, number, {"receive_progress": True}, "com.app.add"]
        play.callee < [INVOCATION, number, play.reg, {"receive_progress": True}]
        parts = [[YIELD, number, {"progress": True}, [text]] for text in ("short", "x" * 2048)]
        play.callee.say(*parts, *([[YIELD, number, {}, ["the end"]]] if last else []))
        play.alice < [RESULT, number, {"progress": True}, ["short"]]
        play.alice < [ERROR, CALL, number, {}, "wamp.error.payload_size_exceeded", ...]
        if not last:
            play.callee < [INTERRUPT, number, {"mode": "killnowait", "reason": "wamp.error.payload_size_exceeded"}]


@pytest.mark.spec("RAW-11", "RPC-22", "SES-18")
def test_a_client_that_takes_512_bytes_can_still_be_served(played):
    play = played("rawsocket", "json")
    play.newcomer("alice", length=0).hello()
    heard = play.alice.hear()
    assert heard[0] in (WELCOME, ABORT)
    if heard[0] == WELCOME:
        registered(play)
        play.alice > [CALL, 1, {}, "com.app.add"]
        play.callee < [INVOCATION, 1, play.reg, {}]
        play.callee > [ERROR, INVOCATION, 1, {}, "com." + "x" * 500, ["y" * 500]]
        play.alice < [ERROR, CALL, 1, {}, "wamp.error.payload_size_exceeded"]
        play.alice > [CALL, 2, {}, "com." + "x" * 500]
        play.alice < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ...]
        play.alice > [CALL, 3, {}, "com.app.add"]
        play.callee < [INVOCATION, 2, play.reg, {}]
        play.callee > [YIELD, 2, {}]
        play.alice < [RESULT, 3, {}]


@pytest.mark.spec("RAW-11")
def test_a_message_longer_than_the_router_takes_fails_the_connection(played):
    play = played("rawsocket", "json")
    play.alice > [PUBLISH, 1, {}, "a.b", ["x" * 2**20]]
    play.alice < closed
