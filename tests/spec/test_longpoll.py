"""WAMP over HTTP long-poll (advanced profile, "HTTP Longpoll Transport"), against a running router.

The conversations of the other chapters run over it, too; its clocks and bounds are in ``tests/transports``.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.spec.scenes import goodbye, registered, subscribed
from tests.support.longpoll import BASE, Http, joined, opened
from tests.support.play import BASIC, Play, closed, nothing
from tests.support.stages import SocketStage
from tests.support.values import DUMP, LOAD, SERIALIZERS
from wampd.realms.messages import (
    ABORT,
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    HELLO,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    YIELD,
)

PROTOCOLS = [f"wamp.2.{serializer}{batched}" for serializer in SERIALIZERS for batched in ("", ".batched")]
MEMBER = {"roles": BASIC}


@pytest.fixture
def connect(router_port):
    """Make HTTP connections. What is opened on them is closed in the end, as others on this router hear of who leaves."""
    connections = []

    def make():
        connections.append(Http(router_port))
        return connections[-1]

    yield make
    with Http(router_port) as last:
        for connection in connections:
            for path in connection.opened:
                assert last.ask(f"{path}/close").status in (202, 404)
            connection.close()


@pytest.fixture
def http(connect):
    """One connection."""
    return connect()


@pytest.fixture
def played(router_port):
    """Make plays over long-poll: ``played("json")``."""
    plays = []

    def make(serializer):
        plays.append(Play(SocketStage("longpoll", serializer, router_port)))
        return plays[-1]

    yield make
    for play in plays:
        play.end()
        play.leave()


# ---------------------------------------------------------------------------------------------------------- opening


@pytest.mark.spec("LP-01")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_transport_is_opened_in_every_protocol(http, protocol):
    answer = http.ask(f"{BASE}/open", json.dumps({"protocols": ["wamp.9.xml", protocol]}).encode())
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"protocol", "transport"}
    assert answer.json()["protocol"] == protocol
    assert re.fullmatch(r"[A-Za-z0-9_-]{22,}", answer.json()["transport"])
    assert http.ask(f"{BASE}/{answer.json()['transport']}/close").status == 202


@pytest.mark.spec("LP-01")
@pytest.mark.parametrize(
    "body", [{"protocols": ["foo"]}, {"protocols": []}, {}, {"protocol": "wamp.2.json"}, []], ids=str
)
def test_without_a_protocol_in_common_no_transport_is_opened(http, body):
    answer = http.ask(f"{BASE}/open", json.dumps(body).encode())
    assert 400 <= answer.status < 500
    assert http.ask(f"{BASE}/open", b'{"protocols": ["wamp.2.json"]}').status == 200


@pytest.mark.spec("LP-05")
def test_the_query_that_keeps_caches_away_is_ignored(http):
    answer = http.ask(f"{BASE}/open?x=382913", b'{"protocols": ["wamp.2.json"]}')
    path = f"{BASE}/{answer.json()['transport']}"
    http.opened.append(path)
    assert http.ask(f"{path}/send?x=1", DUMP["json"]([HELLO, "realm1", MEMBER])).status == 202
    assert http.ask(f"{path}/receive?x=2").json()[0] == WELCOME
    assert http.ask(f"{path}/close?x=3").status == 202
    assert http.ask(f"{path}/close?x=4").status == 404


# ------------------------------------------------------------------------------------------- sending and receiving


@pytest.mark.spec("LP-02", "LP-03")
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_receive_waits_for_a_message_and_gets_one(http, connect, serializer):
    path = opened(http, f"wamp.2.{serializer}")
    waiting = connect()
    waiting.begin(f"{path}/receive")
    assert waiting.answer(0.1) is None
    taken = http.ask(f"{path}/send", DUMP[serializer]([HELLO, "realm1", MEMBER]))
    assert (taken.status, taken.body) == (202, b"")
    assert LOAD[serializer](waiting.answer().body)[0] == WELCOME
    for request in (1, 2):
        http.ask(f"{path}/send", DUMP[serializer]([SUBSCRIBE, request, {}, "com.topic"]))
    for request in (1, 2):
        assert LOAD[serializer](http.ask(f"{path}/receive").body)[:2] == [SUBSCRIBED, request]
    waiting.begin(f"{path}/receive")
    assert waiting.answer(0.1) is None
    http.ask(f"{path}/close")


@pytest.mark.spec("LP-02", "LP-03")
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_batch_is_sent_and_all_that_waits_is_received_as_one(played, serializer):
    play = played(serializer)
    alice = play.newcomer("alice", batched=True)
    alice.join()
    alice.say([SUBSCRIBE, 1, {}, "com.topic"], [PUBLISH, 2, {"acknowledge": True, "exclude_me": False}, "com.topic"])
    play.bob > [PUBLISH, 1, {"acknowledge": True}, "com.topic", ["two"]]
    play.bob < [PUBLISHED, 1, int]
    answer = alice.wire._heard.ask(f"{alice.wire.path}/receive")
    batch = [LOAD[serializer](message) for message in alice.wire._batch.split(answer.body)]
    assert sorted(message[0] for message in batch) == sorted([SUBSCRIBED, PUBLISHED, EVENT, EVENT])
    assert batch[0][0] == SUBSCRIBED
    assert batch[-1][4:] == [["two"]]
    play.alice < nothing


@pytest.mark.spec("LP-02")
@pytest.mark.parametrize("serializer", SERIALIZERS)
def test_a_conversation_in_batches(played, serializer):
    play = played(serializer)
    callee, caller = play.newcomer("callee", batched=True), play.newcomer("caller", batched=True)
    callee.join()
    caller.join()
    registered(play)
    caller > [CALL, 1, {}, "com.app.add", [2, 3]]
    callee < [INVOCATION, 1, play.reg, {}, [2, 3]]
    callee > [YIELD, 1, {}, [5]]
    caller < [RESULT, 1, {}, [5]]
    caller > [CALL, 2, {}, "com.app.none"]
    caller < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("LP-03", "AMB-17")
def test_what_is_taken_is_answered_with_202_or_204_as_the_client_prefers(http):
    path = joined(http)
    for header, status in ({}, 202), ({"Prefer": "return=minimal"}, 204):
        answer = http.ask(f"{path}/send", DUMP["json"]([PUBLISH, 1, {}, "com.topic"]), **header)
        assert (answer.status, answer.body) == (status, b"")
    assert http.ask(f"{path}/close", Prefer="return=minimal").status == 204
    assert http.ask(f"{joined(http)}/close").status == 202


@pytest.mark.spec("LP-03", "PV-00")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_no_message_is_a_bad_request_and_the_abort_is_received(http, protocol):
    path = opened(http, protocol)
    assert http.ask(f"{path}/send", b"?").status == 400
    answer = http.ask(f"{path}/receive")
    assert answer.status == 200
    assert b"wamp.error.protocol_violation" in answer.body
    assert [http.ask(f"{path}/{endpoint}").status for endpoint in ("receive", "send", "close")] == [404] * 3


@pytest.mark.spec("LP-03")
def test_a_message_that_is_not_legal_is_a_bad_request(http, connect):
    path = joined(http)
    waiting = connect()
    waiting.begin(f"{path}/receive")
    assert waiting.answer(0.1) is None
    answer = http.ask(f"{path}/send", DUMP["json"]([HELLO, "realm1", MEMBER]))
    assert answer.status == 400
    assert waiting.answer().json()[0] == ABORT
    assert http.ask(f"{path}/receive").status == 404


@pytest.mark.spec("LP-03")
def test_a_join_that_is_refused_is_no_bad_request(http):
    path = opened(http)
    assert http.ask(f"{path}/send", DUMP["json"]([HELLO, "no.such.realm", MEMBER])).status == 202
    assert http.ask(f"{path}/receive").json()[2] == "wamp.error.no_such_realm"
    assert http.ask(f"{path}/receive").status == 404


@pytest.mark.spec("LP-02", "ORD-01", "ORD-02")
def test_what_one_says_is_received_in_order(played):
    play = played("json")
    subscribed(play)
    for number in range(1, 41):
        play.publisher > [PUBLISH, number, {}, "com.topic", [number]]
    for number in range(1, 41):
        play.subscriber < [EVENT, play.sub, int, {}, [number]]


# ------------------------------------------------------------------------------------------------------------ ending


@pytest.mark.spec("LP-04")
def test_a_transport_that_is_closed_takes_its_session_with_it(played, connect):
    play = played("json")
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    path = play.callee.wire.path
    http = connect()
    waiting = connect()
    waiting.begin(f"{path}/receive")
    assert waiting.answer(0.1) is None
    assert http.ask(f"{path}/close").status == 202
    assert waiting.answer().status == 204
    play.callee.wire.closed = 0
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    play.caller > [CALL, 2, {}, "com.app.add"]
    play.caller < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ...]
    assert [http.ask(f"{path}/{endpoint}").status for endpoint in ("receive", "send", "close")] == [404] * 3


@pytest.mark.spec("LP-04", "WS-08")
def test_a_transport_carries_another_session_after_goodbye(played):
    play = played("json")
    alice = play.alice
    first = alice.id
    goodbye(alice)
    alice.join()
    assert alice.id != first
    alice > [GOODBYE, {}, "wamp.close.close_realm"]
    alice < [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    alice > [SUBSCRIBE, 1, {}, "com.topic"]
    alice < [ABORT, {"message": str}, "wamp.error.protocol_violation"]
    alice < closed


# -------------------------------------------------------------------------------------------------- types and origins


@pytest.mark.spec("LP-06")
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_content_type_tells_text_from_octets(http, protocol):
    path = opened(http, protocol)
    http.ask(f"{path}/send", b"?")
    kind = "application/json" if ".json" in protocol else "application/octet-stream"
    assert http.ask(f"{path}/receive").headers["content-type"] == kind


@pytest.mark.spec("LP-06")
@pytest.mark.parametrize(
    "kind", ["application/json", "application/json; charset=utf-8", "text/plain", "application/cbor"]
)
def test_what_type_a_client_says_its_messages_have_does_not_matter(http, kind):
    answer = http.ask(f"{BASE}/open", b'{"protocols": ["wamp.2.cbor"]}', Content_Type=kind)
    path = f"{BASE}/{answer.json()['transport']}"
    http.ask(f"{path}/send", DUMP["cbor"]([HELLO, "realm1", MEMBER]), Content_Type=kind)
    assert LOAD["cbor"](http.ask(f"{path}/receive", Content_Type=kind).body)[0] == WELCOME
    http.ask(f"{path}/close")


@pytest.mark.spec("LP-06")
@pytest.mark.trap(12)
def test_pages_of_other_hosts_may_neither_connect_nor_read(http):
    offer = b'{"protocols": ["wamp.2.json"]}'
    assert http.ask(f"{BASE}/open", offer, Origin="http://127.0.0.1").status == 200
    refused = http.ask(f"{BASE}/open", offer, Origin="http://evil.example")
    assert refused.status == 403
    asked = http.ask(f"{BASE}/open", method="OPTIONS", Origin="http://evil.example")
    assert asked.status == 403
    path = opened(http)
    known = http.ask(f"{path}/receive", Origin="http://evil.example")
    assert known.status == 403
    assert not any(name.startswith("access-control") for each in (refused, asked, known) for name in each.headers)


# ---------------------------------------------------------------------------------------------------------- who is who


@pytest.mark.spec("LP-07")
@pytest.mark.parametrize("endpoint", ["receive", "send", "close"])
def test_an_unknown_transport_is_not_found(http, endpoint):
    answer = http.ask(f"{BASE}/kjmd3sBLOUnb3Fyr/{endpoint}", b"[1]" if endpoint == "send" else b"")
    assert answer.status == 404


@pytest.mark.spec("LP-07")
def test_a_second_receive_at_a_time_is_an_error_and_the_first_goes_on(http, connect):
    path = opened(http)
    waiting = connect()
    waiting.begin(f"{path}/receive")
    assert waiting.answer(0.1) is None
    assert http.ask(f"{path}/receive").status == 409
    http.ask(f"{path}/send", DUMP["json"]([HELLO, "realm1", MEMBER]))
    assert waiting.answer().json()[0] == WELCOME


@pytest.mark.spec("LP-07", "AZ-01")
def test_one_transport_cannot_end_what_another_began(played):
    play = played("json")
    subscribed(play)
    play.alice > [UNSUBSCRIBE, 1, play.sub]
    play.alice < [ERROR, UNSUBSCRIBE, 1, {}, "wamp.error.no_such_subscription", ...]
    play.subscriber > [UNSUBSCRIBE, 2, play.sub]
    play.subscriber < [UNSUBSCRIBED, 2]


@pytest.mark.spec("SER-01")
def test_sessions_of_one_connection_are_independent(http):
    paths = [opened(http, f"wamp.2.{serializer}") for serializer in SERIALIZERS]
    for path, serializer in zip(paths, SERIALIZERS, strict=True):
        http.ask(f"{path}/send", DUMP[serializer]([HELLO, "realm1", MEMBER]))
    welcomes = [
        LOAD[serializer](http.ask(f"{path}/receive").body) for path, serializer in zip(paths, SERIALIZERS, strict=True)
    ]
    assert len({welcome[1] for welcome in welcomes}) == len(SERIALIZERS)
    for path, serializer in zip(paths, SERIALIZERS, strict=True):
        http.ask(f"{path}/send", DUMP[serializer]([SUBSCRIBE, 1, {}, "com.topic"]))
        assert LOAD[serializer](http.ask(f"{path}/receive").body)[:2] == [SUBSCRIBED, 1]
    http.ask(f"{paths[0]}/close")
    http.ask(f"{paths[1]}/send", DUMP["msgpack"]([PUBLISH, 2, {}, "com.topic", [b"\x01\x02"]]))
    event = LOAD["cbor"](http.ask(f"{paths[2]}/receive").body)
    assert [event[0], *event[3:]] == [EVENT, {}, [b"\x01\x02"]]
