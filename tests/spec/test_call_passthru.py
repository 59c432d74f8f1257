"""Payloads of calls that are passed through (advanced profile, "Payload Passthru Mode")."""

from __future__ import annotations

import base64

import cbor2
import pytest

from tests.spec.scenes import registered, without
from tests.support.play import BASIC, nothing, violation
from wampd.realms.messages import CALL, CANCEL, ERROR, INTERRUPT, INVOCATION, RESULT, YIELD

FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"
SCHEME = {"ppt_scheme": "x_mine"}
ALL_OF_IT = {"ppt_scheme": "wamp", "ppt_serializer": "cbor", "ppt_cipher": "aes256gcm", "ppt_keyid": "GTtQ37"}
LACKING = pytest.mark.parametrize("roles", ["basic", "but this"])
SEALED = bytes(range(256))


def lacking(role, roles):
    """The roles of a client that does not have payload passthru mode."""
    return BASIC if roles == "basic" else without(role, "payload_passthru_mode")


def sealed(actor):
    """Bytes, as this client writes and reads them."""
    return "\0" + base64.b64encode(SEALED).decode() if actor.wire.serializer == "json" else SEALED


def called(play, **options):
    """A call is under way; numbers 1."""
    registered(play)
    play.caller > [CALL, 1, options, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, options]


@pytest.mark.spec("PPT-01", "PPT-02", "PPT-07")
@pytest.mark.parametrize("options", [SCHEME, ALL_OF_IT, {"ppt_scheme": "mqtt", "ppt_serializer": "native"}], ids=str)
def test_what_is_said_of_a_payload_reaches_the_other_side_as_it_was_said(play, options):
    registered(play)
    for number, ending in enumerate(("yield", "error"), 1):
        play.caller > [CALL, number, options, "com.app.add", [sealed(play.caller)]]
        play.callee < [INVOCATION, number, play.reg, options, [sealed(play.callee)]]
        if ending == "yield":
            play.callee > [YIELD, number, options, [sealed(play.callee)]]
            play.caller < [RESULT, number, options, [sealed(play.caller)]]
        else:
            play.callee > [ERROR, INVOCATION, number, options, "com.err", [sealed(play.callee)]]
            play.caller < [ERROR, CALL, number, options, "com.err", [sealed(play.caller)]]


@pytest.mark.spec("PPT-02", "SER-05")
@pytest.mark.parametrize("first", ["json", "msgpack", "cbor"])
@pytest.mark.parametrize("second", ["json", "msgpack", "cbor"])
def test_the_bytes_stay_the_same_between_any_two_serializations(memory_play, first, second):
    play = memory_play
    play.session("caller", serializer=first)
    play.session("callee", serializer=second)
    registered(play)
    play.caller > [CALL, 1, SCHEME, "com.app.add", [sealed(play.caller)]]
    play.callee < [INVOCATION, 1, play.reg, SCHEME, [sealed(play.callee)]]
    play.callee > [YIELD, 1, SCHEME, [sealed(play.callee)]]
    play.caller < [RESULT, 1, SCHEME, [sealed(play.caller)]]


@pytest.mark.spec("PPT-01", "PCR-02")
def test_parts_of_a_result_say_what_they_are_each_for_itself(play):
    registered(play)
    play.caller > [CALL, 1, {"receive_progress": True}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {"receive_progress": True}]
    play.callee > [YIELD, 1, {"progress": True, **SCHEME}, [sealed(play.callee)]]
    play.caller < [RESULT, 1, {"progress": True, **SCHEME}, [sealed(play.caller)]]
    play.callee > [YIELD, 1, {"progress": True}, [1, 2, 3]]
    play.caller < [RESULT, 1, {"progress": True}, [1, 2, 3]]
    play.callee > [YIELD, 1, ALL_OF_IT, [sealed(play.callee)]]
    play.caller < [RESULT, 1, ALL_OF_IT, [sealed(play.caller)]]


@pytest.mark.spec("PPT-01")
@pytest.mark.parametrize("scheme", [{}, {"ppt_scheme": ""}], ids=str)
def test_without_a_scheme_the_rest_means_nothing(play, scheme):
    rest = {"ppt_serializer": "cbor", "ppt_cipher": "c", "ppt_keyid": "k"}
    registered(play)
    play.caller > [CALL, 1, {**scheme, **rest}, "com.app.add", [1, 2]]
    play.callee < [INVOCATION, 1, play.reg, {}, [1, 2]]
    play.callee > [YIELD, 1, {**scheme, **rest}, [3, 4], {"k": 5}]
    play.caller < [RESULT, 1, {}, [3, 4], {"k": 5}]


@pytest.mark.spec("PPT-01", "MSG-07")
@pytest.mark.parametrize("key", list(ALL_OF_IT))
def test_what_is_said_of_a_payload_is_text(play, key):
    registered(play)
    play.caller > [CALL, 1, {**SCHEME, key: 5}, "com.app.add", [1]]
    play.caller < violation(key)


@LACKING
@pytest.mark.spec("PPT-03", "PV-08", "FEA-02")
def test_a_caller_that_did_not_announce_it_must_not_use_it(play, roles):
    play.session("caller", roles=lacking("caller", roles))
    registered(play)
    play.caller > [CALL, 1, SCHEME, "com.app.add", ["x"]]
    play.caller < violation("payload_passthru_mode")
    play.callee < nothing


@LACKING
@pytest.mark.spec("PPT-03", "PV-08", "FEA-02", "RPC-18")
@pytest.mark.parametrize("kind", ["yield", "error", "late yield"])
def test_a_callee_that_did_not_announce_it_must_not_use_it(play, roles, kind):
    play.session("callee", roles=lacking("callee", roles))
    called(play)
    if kind == "late yield":
        play.callee > [YIELD, 1, {}]
        play.caller < [RESULT, 1, {}]
    play.callee > ([ERROR, INVOCATION, 1, SCHEME, "com.err", ["x"]] if kind == "error" else [YIELD, 1, SCHEME, ["x"]])
    play.callee < violation("payload_passthru_mode")
    if kind != "late yield":
        play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]


@LACKING
@pytest.mark.spec("PPT-04", "FEA-02", "RPC-18")
def test_a_callee_that_did_not_announce_it_is_spared_such_calls(play, roles):
    play.session("callee", roles=lacking("callee", roles))
    registered(play)
    play.caller > [CALL, 1, SCHEME, "com.app.add", ["x"]]
    play.caller < [ERROR, CALL, 1, {}, FEATURE_NOT_SUPPORTED, [str]]
    play.callee < nothing
    play.caller > [CALL, 2, {}, "com.app.add", ["x"]]
    play.callee < [INVOCATION, 1, play.reg, {}, ["x"]]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 2, {}]


@LACKING
@pytest.mark.spec("PPT-05", "AMB-14", "FEA-02", "RPC-18")
@pytest.mark.parametrize("progress", [False, True])
def test_a_caller_that_did_not_announce_it_is_spared_such_results_and_both_are_told(play, roles, progress):
    play.session("caller", roles=lacking("caller", roles))
    registered(play)
    options = {"receive_progress": True} if progress else {}
    play.caller > [CALL, 1, options, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, options]
    play.callee > [YIELD, 1, {**SCHEME, "progress": progress}, ["x"]]
    play.callee < [ERROR, YIELD, 1, {}, FEATURE_NOT_SUPPORTED, [str]]
    play.caller < [ERROR, CALL, 1, {}, FEATURE_NOT_SUPPORTED, [str]]
    play.callee > [YIELD, 1, {}, ["plain"]]
    play.caller < nothing
    play.callee < nothing


@LACKING
@pytest.mark.spec("PPT-05", "AMB-14", "RPC-18")
def test_a_caller_that_did_not_announce_it_is_spared_such_errors(play, roles):
    play.session("caller", roles=lacking("caller", roles))
    called(play)
    play.callee > [ERROR, INVOCATION, 1, SCHEME, "com.err", ["x"]]
    play.caller < [ERROR, CALL, 1, {}, FEATURE_NOT_SUPPORTED, [str]]
    play.callee < nothing


@pytest.mark.spec("PPT-02")
@pytest.mark.parametrize("payload", [[], [[]], [["x", "y"]], [["x"], {"k": 1}], [[], {"k": 1}]], ids=str)
@pytest.mark.parametrize("kind", ["call", "yield", "error"])
def test_a_payload_is_one_item(play, payload, kind):
    if kind == "call":
        registered(play)
        play.caller > [CALL, 1, SCHEME, "com.app.add", *payload]
        play.caller < violation("one item")
        play.callee < nothing
        return
    called(play)
    play.callee > ([YIELD, 1, SCHEME] if kind == "yield" else [ERROR, INVOCATION, 1, SCHEME, "com.err"]) + payload
    play.callee < violation("one item")
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]


@pytest.mark.spec("PPT-02")
def test_what_the_item_is_does_not_matter(memory_play):
    play = memory_play
    for name in ("caller", "callee"):
        play.session(name, serializer="cbor")
    registered(play)
    strange = cbor2.CBORTag(4711, "of no serialization but this")
    play.caller > [CALL, 1, SCHEME, "com.app.add", [strange]]
    play.callee < [INVOCATION, 1, play.reg, SCHEME, [strange]]
    play.callee > [YIELD, 1, SCHEME, [{"a": [1, 2]}]]
    play.caller < [RESULT, 1, SCHEME, [{"a": [1, 2]}]]


@pytest.mark.spec("PPT-02", "PPT-08")
def test_so_is_each_part_of_a_call(play):
    registered(play)
    play.caller > [CALL, 1, {**SCHEME, "progress": True}, "com.app.add", ["x"]]
    play.callee < [INVOCATION, 1, play.reg, {**SCHEME, "progress": True}, ["x"]]
    play.caller > [CALL, 1, {}, "com.app.add", ["y", "z"]]
    play.caller < violation("one item")
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("PPT-01", "CAN-04")
def test_such_a_call_is_cancelled_like_any_other(play):
    registered(play)
    play.caller > [CALL, 1, SCHEME, "com.app.add", ["x"]]
    play.callee < [INVOCATION, 1, play.reg, SCHEME, ["x"]]
    play.caller > [CANCEL, 1, {}]
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    play.callee < [INTERRUPT, 1, {...: ...}]


# ------------------------------------------------------------------------------- the older form, of autobahn and Crossbar

ENC = {"enc_algo": "cryptobox", "enc_key": "k1", "enc_serializer": "json"}


@pytest.mark.spec("PPT-10")
@pytest.mark.parametrize("options", [ENC, {"enc_algo": "x_mine"}], ids=str)
@pytest.mark.parametrize("kind", ["bytes", "text"])
def test_one_encrypted_payload_may_stand_in_the_place_of_the_arguments(play, options, kind):
    def payload(actor):
        return sealed(actor) if kind == "bytes" else "base85, or what you like"

    registered(play)
    for number, ending in enumerate(("yield", "error"), 1):
        play.caller > [CALL, number, options, "com.app.add", payload(play.caller)]
        play.callee < [INVOCATION, number, play.reg, options, payload(play.callee)]
        if ending == "yield":
            play.callee > [YIELD, number, options, payload(play.callee)]
            play.caller < [RESULT, number, options, payload(play.caller)]
        else:
            play.callee > [ERROR, INVOCATION, number, options, "com.err", payload(play.callee)]
            play.caller < [ERROR, CALL, number, options, "com.err", payload(play.caller)]


@pytest.mark.spec("PPT-10", "SER-05")
@pytest.mark.parametrize("first", ["json", "msgpack", "cbor"])
@pytest.mark.parametrize("second", ["json", "msgpack", "cbor"])
def test_encrypted_bytes_stay_the_same_between_any_two_serializations(memory_play, first, second):
    play = memory_play
    play.session("caller", serializer=first)
    play.session("callee", serializer=second)
    registered(play)
    play.caller > [CALL, 1, ENC, "com.app.add", sealed(play.caller)]
    play.callee < [INVOCATION, 1, play.reg, ENC, sealed(play.callee)]
    play.callee > [YIELD, 1, ENC, sealed(play.callee)]
    play.caller < [RESULT, 1, ENC, sealed(play.caller)]


@pytest.mark.spec("PPT-10", "MSG-02")
@pytest.mark.parametrize(
    ("options", "payload"),
    [
        ({}, ["text"]),
        ({"enc_algo": ""}, ["text"]),
        ({"enc_key": "k"}, ["text"]),
        (ENC, ["text", {"k": 1}]),
        (ENC, [5]),
        (ENC, [{"k": 1}]),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["call", "yield", "error"])
def test_nothing_else_may_stand_there(play, options, payload, kind):
    if kind == "call":
        registered(play)
        play.caller > [CALL, 1, options, "com.app.add", *payload]
        play.caller < violation
        play.callee < nothing
        return
    called(play)
    play.callee > ([YIELD, 1, options] if kind == "yield" else [ERROR, INVOCATION, 1, options, "com.err"]) + payload
    play.callee < violation
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]


@pytest.mark.spec("PPT-10", "FEA-02", "RPC-18")
@pytest.mark.parametrize("roles", [BASIC, without("callee", "payload_transparency")], ids=["basic", "but this"])
def test_a_callee_that_did_not_announce_that_it_can_read_it_is_not_called(play, roles):
    play.session("callee", roles=roles)
    registered(play)
    play.caller > [CALL, 1, ENC, "com.app.add", "sealed"]
    play.caller < [ERROR, CALL, 1, {}, FEATURE_NOT_SUPPORTED, [str]]
    play.callee < nothing


@pytest.mark.spec("PPT-10", "FEA-02", "RPC-18")
@pytest.mark.parametrize("roles", [BASIC, without("caller", "payload_transparency")], ids=["basic", "but this"])
@pytest.mark.parametrize("kind", ["yield", "error"])
def test_a_caller_that_did_not_announce_that_it_can_read_it_gets_an_error(play, roles, kind):
    play.session("caller", roles=roles)
    called(play)
    if kind == "yield":
        play.callee > [YIELD, 1, ENC, "sealed"]
        play.callee < [ERROR, YIELD, 1, {}, FEATURE_NOT_SUPPORTED, [str]]
    else:
        play.callee > [ERROR, INVOCATION, 1, ENC, "com.err", "sealed"]
        play.callee < nothing
    play.caller < [ERROR, CALL, 1, {}, FEATURE_NOT_SUPPORTED, [str]]


@pytest.mark.spec("PPT-10", "PCI-07")
def test_no_later_part_of_a_call_can_be_encrypted_if_the_first_was_not(play):
    more = {"progress": True}
    registered(play)
    play.caller > [CALL, 1, more, "com.app.add", ["x"]]
    play.callee < [INVOCATION, 1, play.reg, more, ["x"]]
    play.caller > [CALL, 1, {**more, **ENC}, "com.app.add", "sealed"]
    play.caller < violation("first part")
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("PPT-10", "PCI-08")
def test_the_parts_of_an_encrypted_call_all_say_so(play):
    more = {"progress": True}
    registered(play)
    play.caller > [CALL, 1, {**more, **ENC}, "com.app.add", "one"]
    play.callee < [INVOCATION, 1, play.reg, {**more, **ENC}, "one"]
    play.caller > [CALL, 1, {"enc_algo": "other"}, "com.app.add", "two"]
    play.callee < [INVOCATION, 1, play.reg, ENC, "two"]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
