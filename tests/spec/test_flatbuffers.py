"""Sessions over FlatBuffers, in autobahn's schema: what is different there (other chapters are held over it, too).

What the schema has no field for is not there in FlatBuffers, in either direction: the features of other chapters that need
such an option or detail work between all other serializations, and as far as that goes here.
"""

from __future__ import annotations

import pytest

from tests.spec.scenes import joined_as, registered, subscribed
from tests.support.flatbuffers import LIBRARY, RoleCallerFeatures, theirs
from tests.support.play import ANY, BASIC, Play, nothing, violation
from tests.support.proving import sign
from tests.support.stages import MemoryStage, SocketStage
from wampd.realms.messages import (
    AUTHENTICATE,
    CALL,
    CANCEL,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    YIELD,
)


@pytest.fixture(params=["memory", "websocket", "batched", "rawsocket"])
def flat(request):
    """A conversation in FlatBuffers."""
    if request.param == "memory":
        flat = Play(MemoryStage("flatbuffers"))
    else:
        flat = Play(SocketStage(request.param, "flatbuffers", request.getfixturevalue("router_port")))
    yield flat
    flat.end()
    flat.leave()


@pytest.mark.spec("SER-07", "SES-01")
def test_a_client_joins_and_learns_who_it_is(flat):
    flat.newcomer("alice").hello()
    flat.alice < [WELCOME, int, {"realm": "realm1", "authid": str, "authrole": "anonymous", ...: ...}]


@pytest.mark.spec("SER-07", "AMB-09")
def test_a_client_that_leaves_out_its_roles_as_autobahn_does_has_all_of_them(flat):
    flat.newcomer("alice") > LIBRARY.serialize(theirs.Hello("realm1", {"caller": RoleCallerFeatures()}))[0]
    flat.alice < [WELCOME, int, dict]
    registered(flat, "alice")
    subscribed(flat, "alice", request=2)
    flat.alice > [PUBLISH, 3, {"acknowledge": True}, "com.topic"]
    flat.alice < [PUBLISHED, 3, int]
    flat.alice > [CALL, 4, {}, "com.app.add"]
    flat.alice < [INVOCATION, 1, flat.reg, {}]


@pytest.mark.spec("SER-07", "FEA-02")
@pytest.mark.parametrize(
    "roles", [BASIC, {"caller": {}, "callee": {"features": {"call_canceling": True}}}], ids=["basic", "canceling"]
)
def test_a_call_is_cancelled_as_the_callee_can(flat, roles):
    flat.session("callee", roles=roles)
    registered(flat)
    flat.caller > [CALL, 1, {}, "com.app.add", [1]]
    flat.callee < [INVOCATION, 1, flat.reg, {}, [1]]
    flat.caller > [CANCEL, 1, {"mode": "kill"}]
    if roles is BASIC:
        flat.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
        flat.callee < nothing
    else:
        flat.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
        flat.callee > [ERROR, INVOCATION, 1, {}, "wamp.error.canceled"]
        flat.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled"]


@pytest.mark.spec("SER-07", "PSUB-01", "PRG-01")
def test_patterns_and_lists_of_receivers_have_their_fields(flat):
    flat.alice > [SUBSCRIBE, 1, {"match": "prefix"}, "com."]
    flat.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    flat.callee > [REGISTER, 1, {"match": "wildcard"}, "com..add"]
    flat.callee < [REGISTERED, 1, ANY.as_("reg")]
    flat.bob > [PUBLISH, 1, {"eligible": [flat.alice.id], "exclude_authrole": ["nobody"]}, "com.topic", [1]]
    flat.alice < [EVENT, flat.sub, int, {"topic": "com.topic"}, [1]]
    flat.bob > [PUBLISH, 2, {"exclude": [flat.alice.id], "acknowledge": True}, "com.topic", [2]]
    flat.bob < [PUBLISHED, 2, int]
    flat.bob > [CALL, 3, {}, "com.app.add", [2]]
    flat.callee < [INVOCATION, 1, flat.reg, {"procedure": "com.app.add"}, [2]]
    flat.callee > [YIELD, 1, {}, [3], {"k": b"\x00"}]
    flat.bob < [RESULT, 3, {}, [3], {"k": b"\x00"}]
    flat.alice > [UNSUBSCRIBE, 2, flat.sub]
    flat.alice < [UNSUBSCRIBED, 2]
    flat.alice < nothing


@pytest.mark.spec("SER-07", "TIC-01")
def test_a_ticket_is_asked_for_and_shown(flat):
    joined_as(flat, "joe", "joe")
    assert flat.joe.details["authrole"] == "member"
    flat.joe > [GOODBYE, {}, "wamp.close.close_realm"]
    flat.joe < [GOODBYE, {}, "wamp.close.goodbye_and_out"]


@pytest.mark.spec("SER-07", "CRA-02")
def test_a_challenge_without_salt_is_signed(flat):
    # The schema has room for one attribute of a challenge: there is none for a salt, nor for scram.
    ann = flat.newcomer("ann")
    ann.hello("proving", authmethods=["wampcra"], authid="ann")
    ann < [CHALLENGE, "wampcra", {"challenge": ANY.as_("challenge")}]
    ann > [AUTHENTICATE, sign({"challenge": flat.challenge}, "hunter2-of-ann"), {}]
    ann.welcome()
    assert ann.details["authmethod"] == "wampcra"


@pytest.mark.spec("SER-07", "SER-05", "RPC-18")
def test_payload_that_another_serialization_cannot_carry_ends_that_call_alone(flat):
    flat.session("callee", serializer="json")
    registered(flat)
    flat.caller > [CALL, 1, {}, "com.app.add", [float("nan")]]
    flat.caller < [ERROR, CALL, 1, {}, "wamp.error.invalid_argument", ...]
    flat.caller > [CALL, 2, {}, "com.app.add", [b"\x01"]]
    flat.callee < [INVOCATION, 1, flat.reg, {}, ["\0AQ=="]]
    flat.callee > [YIELD, 1, {}, ["\0AQ=="]]
    flat.caller < [RESULT, 2, {}, [b"\x01"]]


PASSTHRU = {"features": {"payload_transparency": True}}  # the schema's name of the feature
MQTT = {"ppt_scheme": "mqtt", "ppt_serializer": "cbor"}


@pytest.mark.spec("SER-07", "PPT-01", "PPT-02")
def test_a_payload_is_passed_through_if_the_schema_can_name_its_scheme(flat):
    flat.session("callee", roles={"callee": PASSTHRU})
    flat.session("caller", roles={"caller": PASSTHRU})
    registered(flat)
    flat.caller > [CALL, 1, MQTT, "com.app.add", [b"\x00\xff"]]
    flat.callee < [INVOCATION, 1, flat.reg, MQTT, [b"\x00\xff"]]
    flat.callee > [YIELD, 1, MQTT, [b"\x01"]]
    flat.caller < [RESULT, 1, MQTT, [b"\x01"]]
    other = flat.session("bob", serializer="cbor")
    other > [CALL, 1, MQTT, "com.app.add", [b"\x02"]]
    flat.callee < [INVOCATION, 2, flat.reg, MQTT, [b"\x02"]]
    flat.callee > [ERROR, INVOCATION, 2, MQTT, "com.err", [b"\x03"]]
    other < [ERROR, CALL, 1, MQTT, "com.err", [b"\x03"]]
    other > [CALL, 2, {"ppt_scheme": "x_mine"}, "com.app.add", [b"\x02"]]
    other < [ERROR, CALL, 2, {}, "wamp.error.invalid_argument", ...]
    flat.callee < nothing


@pytest.mark.spec("SER-07", "PPT-01", "FEA-02")
def test_a_payload_is_passed_through_to_nobody_who_did_not_announce_that(flat):
    flat.session("caller", roles={"caller": PASSTHRU})
    flat.session("callee", roles=BASIC)
    registered(flat)
    flat.caller > [CALL, 1, MQTT, "com.app.add", [b"\x00\xff"]]
    flat.caller < [ERROR, CALL, 1, {}, "wamp.error.feature_not_supported", ...]
    flat.session("alice", roles=BASIC)
    flat.alice > [CALL, 1, MQTT, "com.app.add", [b"\x00\xff"]]
    flat.alice < violation("payload_passthru_mode")


@pytest.mark.spec("SER-07", "PV-00")
@pytest.mark.parametrize("junk", [b"", b"\x04\0\0\0", b'[16,1,{},"a.b"]', b"\xff" * 40, bytes(400)], ids=len)
def test_bytes_that_are_no_message_are_a_violation(flat, junk):
    flat.alice > junk
    flat.alice < violation
