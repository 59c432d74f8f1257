"""Whatever is asked of the router's own procedures, with whatever arguments, there is one answer, and nothing breaks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.realms.house import House
from wampd.realms.messages import CALL, ERROR, EVENT, RESULT

PROCEDURES = sorted(House().realm.dealer.services.procedures)
ERRORS = {
    "wamp.error.invalid_argument",
    "wamp.error.invalid_uri",
    "wamp.error.no_such_registration",
    "wamp.error.no_such_session",
    "wamp.error.no_such_subscription",
    "wamp.error.not_authorized",
}

URIS = st.sampled_from(["a.b", "a.c", "a.", "", "a..b", "wamp.session.count", "no uri", "\0a", "ä.☃"])
IDS = st.integers(-1, 6)
KINDS = st.sampled_from(
    ["procedure", "topic", "error", "exact", "prefix", "wildcard", "number", "detached", "destroyed"]
)
NAMES = st.sampled_from(
    [
        "session",
        "reason",
        "message",
        "authid",
        "authrole",
        "filter_authroles",
        "uri",
        "options",
        "match",
        "id",
        "definition",
        "kind",
        "type",
        "after",
        "limit",
        "topic",
        "args",
        "kwargs",
        "scope",
        "publish_options",
    ]
)
LEAVES = st.none() | st.booleans() | IDS | st.floats(allow_nan=False, allow_infinity=False) | URIS | KINDS | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)
DEFINITIONS = st.builds(lambda kind, more: {**more, "type": kind}, KINDS, st.dictionaries(NAMES, VALUES, max_size=3))
CALLS = st.tuples(
    st.sampled_from(PROCEDURES),
    st.lists(IDS | URIS | KINDS | DEFINITIONS | VALUES, max_size=4),
    st.dictionaries(NAMES, VALUES, max_size=2),
)


@pytest.mark.spec("SEC-06")
@settings(max_examples=150, deadline=None)
@given(st.lists(CALLS, min_size=1, max_size=30))
def test_there_is_one_answer(calls: list[tuple[str, list[Any], dict[str, Any]]]) -> None:
    house = House()
    caller, *others = (house.join(authid="joe", authrole="member") for _ in range(3))
    for other in others:
        other.say([64, 1, {}, f"a.p{other.session.id}"], [32, 2, {}, "a.b"])
    for number, (procedure, args, kwargs) in enumerate(calls, 1):
        caller.say([CALL, number, {}, procedure, args, kwargs])
        (answer,) = [message for message in caller.heard() if message[0] != EVENT]
        if answer[0] == ERROR:
            assert answer[1:4] == [CALL, number, {}]
            assert answer[4] in ERRORS
        else:
            assert answer[:3] == [RESULT, number, {}]
        while house.realm.has_leavers:
            house.realm.tidy()
    for member in (caller, *others):
        member.leave()
    while house.realm.has_leavers:
        house.realm.tidy()
    assert house.is_empty()
