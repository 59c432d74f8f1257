"""Publications with unusual options, by themselves."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, convert

from tests.realms.house import House
from wampd.realms.grants import Grant
from wampd.realms.messages import Format
from wampd.realms.options import PublishOptions
from wampd.realms.publications import OVERHEAD, Audience, Publication, audience, told, weight

IDS = st.none() | st.lists(st.integers(1, 6), max_size=4)
NAMES = st.none() | st.lists(st.sampled_from("abc"), max_size=3)


def admitted(options, session):
    """Whether a session may get an event: the definition."""
    for attribute, eligible, exclude in (
        ("id", options.eligible, options.exclude),
        ("authid", options.eligible_authid, options.exclude_authid),
        ("authrole", options.eligible_authrole, options.exclude_authrole),
    ):
        name = getattr(session, attribute)
        if (eligible is not None and name not in eligible) or name in (exclude or ()):
            return False
    return True


@pytest.mark.spec("BWL-01", "BWL-02", "BWL-03", "BWL-04", "AMB-18")
@given(IDS, IDS, NAMES, NAMES, NAMES, NAMES, st.lists(st.booleans(), min_size=6, max_size=6))
def test_an_audience_is_what_its_definition_says(eligible, exclude, authids, not_authids, roles, not_roles, subscribed):
    options = PublishOptions(
        eligible=eligible,
        exclude=exclude,
        eligible_authid=authids,
        exclude_authid=not_authids,
        eligible_authrole=roles,
        exclude_authrole=not_roles,
    )
    house = House()
    sessions = [house.join(authid="abc"[n % 3], authrole="abc"[n // 2]).session for n in range(6)]
    subscribers = {it: None for it, there in zip(sessions, subscribed, strict=True) if there}
    lists = audience(options)
    expected = {it for it in subscribers if admitted(options, it)}
    if lists is None:
        assert expected == set(subscribers)
        return
    found = list(lists.of(subscribers, house.realm.sessions))
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert [lists.admits(it) for it in sessions] == [admitted(options, it) for it in sessions]
    absent = SimpleNamespace(id=None, authid="a", authrole="b")  # whose id is in no list
    assert lists.admits_absent("a", "b") is admitted(options, absent)
    assert convert(lists.told(), Audience) == lists


def test_where_few_are_eligible_the_others_are_not_looked_at():
    house = House()
    one = house.join().session

    class Crowd(dict):
        def __iter__(self):
            raise AssertionError("everybody was looked at")

    crowd = Crowd.fromkeys([house.join().session for _ in range(10)])
    crowd[one] = None
    lists = audience(PublishOptions(eligible=[one.id, 999]))
    assert list(lists.of(crowd, house.realm.sessions)) == [one]


def test_what_is_told_of_a_publication():
    session = House().join(authid="joe", authrole="member").session
    who = {"publisher": session.id, "publisher_authid": "joe", "publisher_authrole": "member"}
    assert told(session, Grant()) == {}
    assert told(session, Grant(disclose="always")) == who
    assert told(session, Grant(trustlevel=0), PublishOptions(disclose_me=True)) == {**who, "trustlevel": 0}
    ppt = {"ppt_scheme": "x_a", "ppt_keyid": "k"}
    options = PublishOptions(**ppt, enc_key="unused", transaction_hash="0x1", forward_for=[{"session": 1}])
    assert told(session, Grant(), options) == {**ppt, "transaction_hash": "0x1"}


def test_what_is_kept_holds_on_to_nothing_else_of_its_message():
    message = msgspec.json.decode(b'["' + b"x" * 10_000 + b'", [1], {"a": 2}]', type=tuple[Raw, Raw, Raw])
    publication = Publication(1, "com.topic", {}, message[1], message[2], Format.JSON)
    kept = publication.to_keep()
    assert (bytes(kept.args), bytes(kept.kwargs)) == (b"[1]", b'{"a": 2}')
    assert kept.args is not message[1]  # which is a view of all of it
    assert kept.kwargs is not message[2]
    assert OVERHEAD < kept.size() < OVERHEAD + 300


@pytest.mark.parametrize(
    ("value", "least"),
    [
        (Raw(b"[1,2]"), 5),
        ("x" * 100, 100),
        (b"x" * 100, 100),
        ({"k" * 50: ["v" * 50]}, 100),
        (frozenset({"a" * 90}), 90),
        ({"k": "v" * 900}, 900),
        ({"k" * 900: None}, 900),
        ([["v" * 900]], 900),
    ],
    ids=["undecoded", "text", "bytes", "nested", "list", "value", "key", "deep"],
)
def test_the_weight_of_a_value_is_no_less_than_its_contents(value, least):
    assert least <= weight(value) <= least + 400


def test_the_nodes_of_a_resource_are_not_gone_through_for_each_who_is_eligible():
    class Nodes(list):
        def __contains__(self, _):
            raise AssertionError("all were gone through")

    house = House()
    sessions = [house.join().session for _ in range(5)]
    lists = audience(PublishOptions(eligible=[sessions[1].id, sessions[3].id, 999]))
    assert list(lists.of(Nodes(sessions), house.realm.sessions)) == [sessions[1], sessions[3]]


@pytest.mark.parametrize(
    ("options", "least"),
    [
        ({"eligible": range(1, 1001)}, 60_000),
        ({"exclude": range(1, 1001)}, 60_000),
        ({"eligible_authid": map(str, range(1000))}, 90_000),
        ({"exclude_authrole": ["x" * 50_000]}, 50_000),
    ],
    ids=["eligible", "exclude", "authids", "authroles"],
)
def test_lists_count_for_what_they_take(options, least):
    lists = audience(PublishOptions(**{name: list(names) for name, names in options.items()}))
    assert least <= lists.size() <= 3 * least
    bare = Publication(1, "com.topic", {}, None, None, Format.JSON)
    assert Publication(1, "com.topic", {}, None, None, Format.JSON, None, lists).size() == bare.size() + lists.size()


def test_what_is_heavier_than_there_is_room_for_is_not_looked_at_to_the_end():
    assert weight(["x" * 100, ["y" * 1000]]) > 1100
    assert 100 < weight([[]] * 1000, 100) < 17_000


@pytest.mark.spec("RET-03")
def test_what_one_event_tells_is_told_by_no_other():
    publication = Publication(1, "com.topic", {"publisher": 7}, None, None, Format.JSON)
    assert publication.event(2, "exact", retained=True).details == {"publisher": 7, "retained": True}
    assert publication.event(3, "prefix", retained=True).details == {
        "publisher": 7,
        "topic": "com.topic",
        "retained": True,
    }
    assert publication.event(4, "wildcard").details == {"publisher": 7, "topic": "com.topic"}
    assert publication.event(2, "exact").details == {"publisher": 7}
