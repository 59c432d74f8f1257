"""A client's side of the serializations, against the router's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.client.speech import SERIALIZERS, CannotSay, Speech, Unintelligible
from wampd.realms import messages as m
from wampd.router.wire.serializers import codecs

CODECS = codecs(names=SERIALIZERS)


@pytest.fixture(params=SERIALIZERS)
def speech(request):
    return Speech(request.param)


def test_the_router_understands_what_is_said(speech):
    call = CODECS[speech.serializer].decode(
        speech.encode((m.CALL, 7, {"timeout": 5}, "com.app.add", [1, "ü", b"\0\xff"], {"a": [None, True, 1.5]}))
    )
    assert (call.id, call.uri, call.options.timeout) == (7, "com.app.add", 5)
    assert bytes(call.args)
    assert bytes(call.kwargs)


def test_lists_in_options_arrive_in_every_serialization(speech):
    lists = {"eligible": [1, 2**53], "exclude_authid": ["joe", "ünn"], "eligible_authrole": [], "exclude_me": False}
    publish = CODECS[speech.serializer].decode(speech.encode((m.PUBLISH, 7, lists, "com.app.topic")))
    assert {name: getattr(publish.options, name) for name in lists} == lists
    hello = CODECS[speech.serializer].decode(
        speech.encode((m.HELLO, "realm1", {"authmethods": ["ticket", "cryptosign"], "roles": {"caller": {}}}))
    )
    assert hello.details.authmethods == ["ticket", "cryptosign"]


def test_what_the_router_says_is_understood_bytes_and_all(speech):
    payload = [1, "ü", b"\0\xff", {"a": [None, True, 1.5]}], {"k": b""}
    codec = CODECS[speech.serializer]
    own = CODECS[speech.serializer].decode(speech.encode((m.CALL, 7, {}, "com.app.add", *payload)))
    assert speech.decode(codec.encode((m.RESULT, 7, {"progress": True}, own.args, own.kwargs))) == [
        m.RESULT,
        7,
        {"progress": True},
        *payload,
    ]
    assert speech.decode(codec.encode((m.RESULT, 7, {})))[:2] == [m.RESULT, 7]
    assert speech.decode(codec.encode((m.EVENT, 1, 2, {"topic": "com.a"}, own.args)))[4] == payload[0]
    error = speech.decode(codec.encode((m.ERROR, m.CALL, 7, {}, "com.app.bad", own.args)))
    assert (error[0], error[1], error[2], error[4], error[5]) == (m.ERROR, m.CALL, 7, "com.app.bad", payload[0])


@given(st.binary(max_size=200))
def test_no_octets_do_anything_but_be_unintelligible(data):
    for serializer in SERIALIZERS:
        try:
            message = Speech(serializer).decode(data)
        except Unintelligible:
            continue
        assert message[0] in m.MESSAGES


@pytest.mark.parametrize(
    "text", [b"[]", b"{}", b"5", b"[48]", b'[48,1,{},"a"]', b'["2",1]', b"[1e999,1]", b"[" * 100_000]
)
def test_what_no_router_says_is_unintelligible(text):
    with pytest.raises(Unintelligible):
        Speech("json").decode(text)


def test_what_cannot_be_said_is_told():
    with pytest.raises(CannotSay):
        Speech("json").encode((m.CALL, 1, {}, "com.a", [float("nan")]))
    with pytest.raises(CannotSay):
        Speech("msgpack").encode((m.CALL, 1, {}, "com.a", [2**80]))
