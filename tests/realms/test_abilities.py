"""What the two sides of a call can do, and what they are told of payload."""

from __future__ import annotations

import pytest

from wampd.realms.abilities import can_be_interrupted, has, lacking, passed_on, unreadable, with_payload
from wampd.realms.messages import Foreign, Format
from wampd.realms.options import CallOptions, ClientRole, ErrorDetails, YieldOptions

NOTHING = ClientRole()


def able(*features, **others):
    return ClientRole({**dict.fromkeys(features, True), **others})


@pytest.mark.spec("FEA-02", "FEA-03")
@pytest.mark.parametrize("value", [False, None, 1, "true", {}], ids=repr)
def test_a_feature_is_announced_by_true_alone(value):
    assert has(able("x"), "x")
    assert not has(able(x=value), "x")
    assert not has(NOTHING, "x")
    assert not has(None, "x")


@pytest.mark.spec("AMB-02")
def test_cancelling_has_two_spellings():
    assert can_be_interrupted(able("call_canceling"))
    assert can_be_interrupted(able("call_cancelling"))
    assert not can_be_interrupted(able(call_canceling=1, call_cancelling=False))
    assert not can_be_interrupted(None)


@pytest.mark.parametrize(
    ("options", "role", "missing"),
    [
        (CallOptions(), None, None),
        (CallOptions(receive_progress=True, timeout=5), None, None),
        (CallOptions(progress=True), NOTHING, "progressive_call_invocations"),
        (CallOptions(progress=True), able("progressive_call_invocations"), "call_canceling"),
        (CallOptions(progress=True), able("progressive_call_invocations", "call_cancelling"), None),
        (CallOptions(ppt_scheme="x"), NOTHING, "payload_passthru_mode"),
        (CallOptions(ppt_scheme="x"), able("payload_passthru_mode"), None),
        (CallOptions(ppt_scheme=""), NOTHING, None),
        (CallOptions(enc_algo="x"), able("payload_passthru_mode"), "payload_transparency"),
        (CallOptions(enc_algo="x"), able("payload_transparency"), None),
        (CallOptions(ppt_scheme="x", enc_algo="x"), able("payload_passthru_mode"), "payload_transparency"),
    ],
)
@pytest.mark.spec("PCI-04", "PPT-04")
def test_what_a_callee_lacks_for_a_call(options, role, missing):
    assert lacking(role, options) == missing


@pytest.mark.spec("PPT-05")
def test_what_a_caller_lacks_for_an_answer():
    assert unreadable(NOTHING, YieldOptions(ppt_scheme="x")) == "payload_passthru_mode"
    assert unreadable(None, ErrorDetails(enc_algo="x")) == "payload_transparency"
    assert unreadable(None, YieldOptions(progress=True)) is None


@pytest.mark.spec("PPT-01", "PPT-10")
def test_what_is_told_of_a_payload_is_what_was_said_of_it():
    assert passed_on(CallOptions(ppt_scheme="x", ppt_keyid="k", enc_key="e")) == {"ppt_scheme": "x", "ppt_keyid": "k"}
    assert passed_on(YieldOptions(enc_algo="a", enc_serializer="")) == {"enc_algo": "a", "enc_serializer": ""}
    assert passed_on(ErrorDetails(ppt_cipher="c", ppt_serializer="s")) == {}


class Side:
    """As much of a session as a payload needs."""

    def __init__(self, form):
        self.format = form


def test_payload_is_marked_as_foreign_only_where_it_is():
    json, cbor = Side(Format.JSON), Side(Format.CBOR)
    assert with_payload((50, 1, {}), None, None, json, cbor) == (50, 1, {})
    assert with_payload((50, 1, {}), "a", None, json, json) == (50, 1, {}, "a")
    assert with_payload((50, 1, {}), "a", "k", json, cbor) == Foreign((50, 1, {}, "a", "k"), Format.JSON)
