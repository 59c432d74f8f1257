"""What bodies say: whatever is in one, it is read or refused, and what is read harms nobody on its way."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.realms.messages import CALL, PUBLISH
from wampd.router.http.bridges.asked import LONGEST, calling, items, publishing
from wampd.router.http.bridges.errors import Unfit
from wampd.router.wire.json_codec import JsonCodec

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
KEYS = st.sampled_from(["topic", "procedure", "args", "kwargs", "options", "batch", "x"])
OPTIONS = st.dictionaries(st.sampled_from(["exclude", "timeout", "acknowledge", "rkey", "x"]), VALUES, max_size=2)
BODIES = st.dictionaries(KEYS, VALUES | OPTIONS | st.just("com.app.x"), max_size=5).map(
    lambda it: json.dumps(it).encode()
)


@given(BODIES | st.binary(max_size=40), st.sampled_from([None, "com.app.x", "", "#", "com. x", "\ud800"]))
def test_whatever_a_body_is_it_is_refused_or_can_be_sent(body, uri):
    for reading, kind in ((publishing(64), PUBLISH), (calling(64), CALL)):
        try:
            wish = reading.wish(body, uri)
        except Unfit as why:
            assert why.status == 400
            assert len(why.text) <= LONGEST
            continue
        options = msgspec.to_builtins(wish.options)
        message = msgspec.json.encode([kind, 7, options, wish.uri, wish.args or [], wish.kwargs or {}])
        assert JsonCodec().decode(message) is not None


@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_batch_is_the_same_in_all_its_forms(values):
    texts = [json.dumps(value) for value in values]
    expected = [json.loads(text) for text in texts]
    array, lines = f"[{','.join(texts)}]".encode(), "\n".join(texts).encode()
    if "NaN" in lines.decode() or "Infinity" in lines.decode():
        return  # no JSON
    for body, kind in (
        (array, b"application/json"),
        (b'{"batch": ' + array + b"}", b"application/json"),
        (lines, b"application/x-ndjson"),
    ):
        assert [json.loads(bytes(item)) for item in items(body, kind, 4)] == expected


@pytest.mark.parametrize("body", [b"{}", b'{"topic": "batch"}', b'{"batch": [], "topic": "x"}', b'""', b""])
def test_what_is_no_batch_is_none(body):
    assert items(body, b"application/json", 4) is None
