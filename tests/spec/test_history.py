"""Event history (advanced profile, "Event History")."""

from __future__ import annotations

import re

import pytest

from tests.spec.scenes import denied, joined_as, published, told_by
from tests.support.play import ALL, ANY, BASIC, nothing
from wampd.realms.history import ANSWER_SIZE, DEFAULT_LIMIT, LARGEST_LIMIT
from wampd.realms.messages import CALL, EVENT, PUBLISH, RESULT, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED

GET = "wamp.subscription.get_events"
LOG = "com.history.log"
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture(params=[ALL, BASIC], ids=["announced", "not announced"])
def kept(play, request):
    """A topic with a history, of which five events are of this play: ``play.publications``."""
    play.session("alice", "remembering", request.param)
    play.alice > [SUBSCRIBE, 1, {}, LOG]
    play.alice < [SUBSCRIBED, 1, ANY.as_("log")]
    play.alice > [UNSUBSCRIBE, 2, play.log]
    play.alice < [UNSUBSCRIBED, 2]
    play.session("publisher", "remembering", request.param)
    play.names["publications"] = [published(play.publisher, LOG, [n], request=n) for n in range(1, 6)]
    play.names["request"] = 2
    return play


def get(play, sub=None, **bounds):
    """The events within these bounds."""
    play.names["request"] += 1
    events, about = told_by(play.alice, GET, sub or play.log, request=play.request, **bounds)
    assert about in ({}, {"more": True})
    return events


def numbers(events):
    return [event["args"][0] for event in events]


@pytest.mark.spec("HIST-01", "HIST-02", "HIST-03", "HIST-10", "HIST-12")
def test_what_was_published_can_be_asked_for_afterwards_also_what_nobody_heard(kept):
    events = get(kept, from_publication=kept.publications[0])
    assert [event["publication"] for event in events] == kept.publications
    assert numbers(events) == [1, 2, 3, 4, 5]
    for event in events:
        assert event.keys() == {"timestamp", "subscription", "publication", "details", "args"}
        assert TIMESTAMP.fullmatch(event["timestamp"])
        assert (event["subscription"], event["details"]) == (kept.log, {})
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)


@pytest.mark.spec("HIST-03")
def test_the_order_can_be_reversed_and_the_limit_comes_last(kept):
    first = kept.publications[0]
    assert numbers(get(kept, from_publication=first, reverse=True)) == [5, 4, 3, 2, 1]
    assert numbers(get(kept, from_publication=first, limit=2)) == [1, 2]
    assert numbers(get(kept, from_publication=first, reverse=True, limit=2)) == [5, 4]
    assert get(kept, from_publication=first, limit=0) == []


@pytest.mark.spec("HIST-04")
def test_bounds_of_time(memory_play):
    play = remembered(memory_play, [0.0, 1.5, 1.5, 3.0])
    times = ["2023-11-14T22:13:20.000000Z", "2023-11-14T22:13:21.500000Z", "2023-11-14T22:13:23.000000Z"]
    assert [event["timestamp"] for event in get(play)] == [times[0], times[1], times[1], times[2]]
    assert numbers(get(play, from_time=times[1])) == [2, 3, 4]
    assert numbers(get(play, after_time=times[1])) == [4]
    assert numbers(get(play, before_time=times[1])) == [1]
    assert numbers(get(play, until_time=times[1])) == [1, 2, 3]
    assert numbers(get(play, from_time=times[1], until_time=times[1], reverse=True)) == [3, 2]
    assert get(play, after_time=times[1], before_time=times[2]) == []
    assert get(play, after_time=times[2], before_time=times[0], reverse=True) == []
    # The same moment otherwise written, and one a nanosecond later.
    assert numbers(get(play, from_time="2023-11-15T00:13:21.5+02:00")) == [2, 3, 4]
    assert numbers(get(play, from_time="2023-11-14t22:13:21.500000001z")) == [4]
    assert numbers(get(play, until_time="2023-11-14T22:13:21.500000999Z")) == [1, 2, 3]


@pytest.mark.spec("HIST-03", "HIST-04")
def test_a_clock_that_is_set_back_does_not_change_the_order(memory_play):
    play = remembered(memory_play, [0.0, 5.0, -3600.0])
    events = get(play)
    assert numbers(events) == [1, 2, 3]
    assert events[2]["timestamp"] == events[1]["timestamp"]


@pytest.mark.spec("HIST-05")
def test_bounds_of_publications(kept):
    first, second, _, fourth, last = kept.publications
    assert numbers(get(kept, from_publication=second)) == [2, 3, 4, 5]
    assert numbers(get(kept, after_publication=second)) == [3, 4, 5]
    assert numbers(get(kept, from_publication=first, before_publication=fourth)) == [1, 2, 3]
    assert numbers(get(kept, from_publication=first, until_publication=fourth)) == [1, 2, 3, 4]
    assert numbers(get(kept, after_publication=first, before_publication=last, reverse=True)) == [4, 3, 2]
    assert get(kept, after_publication=last) == []
    assert get(kept, after_publication=fourth, before_publication=second) == []


@pytest.mark.spec("HIST-05")
def test_paging_through_a_history_both_ways(memory_play):
    play = remembered(memory_play, [0.0] * 100)
    pages, bounds = [], {}
    while page := get(play, limit=10, **bounds):
        pages.append(numbers(page))
        bounds = {"after_publication": page[-1]["publication"]}
    assert pages == [list(range(n, n + 10)) for n in range(1, 101, 10)]
    pages, bounds = [], {}
    while page := get(play, limit=30, reverse=True, **bounds):
        pages.append(numbers(page))
        bounds = {"before_publication": page[-1]["publication"]}
    assert pages == [list(range(n, max(n - 30, 0), -1)) for n in (100, 70, 40, 10)]


@pytest.mark.spec("HIST-06", "HIST-07", "HIST-12")
def test_a_pattern_has_a_history_of_its_own_with_the_topics_and_can_be_asked_for_one(kept):
    play = kept
    play.alice > [SUBSCRIBE, 3, {"match": "prefix"}, "com.history."]
    play.alice < [SUBSCRIBED, 3, ANY.as_("pattern")]
    play.alice > [UNSUBSCRIBE, 4, play.pattern]
    play.alice < [UNSUBSCRIBED, 4]
    play.names["request"] = 4
    first = published(play.publisher, "com.history.a", ["a"], request=6)
    published(play.publisher, LOG, ["log"], request=7)
    published(play.publisher, "com.history.b", ["b"], request=8)
    events = get(play, play.pattern, from_publication=first)
    assert [(event["details"]["topic"], event["args"]) for event in events] == [
        ("com.history.a", ["a"]),
        (LOG, ["log"]),
        ("com.history.b", ["b"]),
    ]
    assert numbers(get(play, play.pattern, from_publication=first, topic="com.history.b")) == ["b"]
    assert get(play, play.pattern, from_publication=first, topic="com.history.c") == []
    # The exact topic has what was published to it, and no more.
    assert numbers(get(play, after_publication=play.publications[4])) == ["log"]


@pytest.mark.spec("HIST-08", "BWL-06")
@pytest.mark.parametrize(
    ("options", "visitor", "member"),
    [
        ({"eligible_authrole": ["member"]}, False, True),
        ({"eligible_authid": ["joe", "ann"]}, False, True),
        ({"exclude_authrole": ["member"]}, True, False),
        ({"exclude_authid": ["joe"]}, True, False),
        ({"eligible_authrole": []}, False, False),
        ({"eligible_authid": ["joe"], "exclude_authrole": ["member"]}, False, False),
        ({"exclude": []}, True, True),
    ],
    ids=str,
)
def test_the_lists_of_a_publication_are_applied_to_who_asks(kept, options, visitor, member):
    publication = published(kept.publisher, LOG, [6], request=6, **options)
    after = {"after_publication": kept.publications[4]}
    assert numbers(get(kept, **after)) == [6] * visitor
    joined_as(kept, "joe", "joe", "remembering")
    events, _ = told_by(kept.joe, GET, kept.log, **after)
    assert numbers(events) == [6] * member
    if not visitor:
        denied(kept.alice, GET, kept.log, request=100, from_publication=publication, error=INVALID)


@pytest.mark.spec("HIST-08")
@pytest.mark.parametrize("option", ["exclude", "eligible"])
def test_a_publication_with_a_list_of_sessions_is_never_stored(kept, option):
    published(kept.publisher, LOG, [6], request=6, **{option: [kept.alice.id]})
    published(kept.publisher, LOG, [7], request=7)
    assert numbers(get(kept, after_publication=kept.publications[4])) == [7]


INVALID = "wamp.error.invalid_argument"


@pytest.mark.spec("HIST-09")
def test_only_who_may_subscribe_may_ask(play):
    joined_as(play, "joe", "joe", "remembering")
    play.joe > [SUBSCRIBE, 1, {}, "com.secret.log"]
    play.joe < [SUBSCRIBED, 1, ANY.as_("secret")]
    play.joe > [SUBSCRIBE, 2, {}, "com.secret"]
    play.joe < [SUBSCRIBED, 2, ANY.as_("plain")]
    play.session("alice", "remembering")
    denied(play.alice, GET, play.plain, error="wamp.error.not_authorized")
    joined_as(play, "ann", "ann", "remembering")
    assert told_by(play.ann, GET, play.plain) == ([], {})
    assert told_by(play.ann, GET, play.secret)[1] == {}


@pytest.mark.spec("HIST-09")
def test_a_subscription_that_is_not_there_has_no_history(play):
    play.session("alice", "remembering")
    denied(play.alice, GET, 2**53, error="wamp.error.no_such_subscription")


@pytest.mark.spec("HIST-02", "HIST-07")
def test_a_subscription_of_which_no_history_is_kept_has_an_empty_one(play):
    play.session("alice", "remembering")
    play.alice > [SUBSCRIBE, 1, {}, "com.not.kept"]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.alice > [CALL, 2, {}, GET, [play.sub]]
    play.alice < [RESULT, 2, {}, [[]]]


@pytest.mark.spec("HIST-10")
def test_a_subscription_with_a_history_keeps_its_id_and_its_events_whoever_comes_and_goes(play):
    play.session("alice", "remembering")
    for request in (1, 3):
        play.alice > [SUBSCRIBE, request, {}, LOG]
        play.alice < [SUBSCRIBED, request, ANY.as_("log")]
        play.alice > [UNSUBSCRIBE, request + 1, play.log]
        play.alice < [UNSUBSCRIBED, request + 1]
    publication = published(play.session("bob", "remembering"), LOG, ["kept"])
    play.bob.drop()
    play.session("carol", "remembering")
    play.carol > [SUBSCRIBE, 1, {}, LOG]
    play.carol < [SUBSCRIBED, 1, play.log]
    assert numbers(told_by(play.carol, GET, play.log, from_publication=publication, request=2)[0]) == ["kept"]


@pytest.mark.spec("HIST-11", "ID-03")
@pytest.mark.parametrize(
    "bounds",
    [
        {"limit": -1},
        {"limit": "x"},
        {"limit": 1.5},
        {"reverse": "yes"},
        {"from_time": 7},
        {"from_time": "yesterday"},
        {"after_time": "2023-11-14"},
        {"before_time": "2023-11-14T22:13:20"},
        {"until_time": "2023-13-14T22:13:20Z"},
        {"until_time": "2023-11-14T22:13:20Z\n"},
        {"from_publication": 0},
        {"after_publication": "x"},
        {"before_publication": 123},
        {"until_publication": -5},
        {"topic": 7},
        {"color": "red"},
    ],
    ids=str,
)
def test_arguments_that_make_no_sense_are_refused(kept, bounds):
    denied(kept.alice, GET, kept.log, request=3, error=INVALID, **bounds)


@pytest.mark.spec("HIST-11")
@pytest.mark.parametrize("args", [[], ["x"], [0], [None], [-1], [[]]], ids=str)
def test_what_is_no_subscription_id_is_refused(play, args):
    play.session("alice", "remembering")
    denied(play.alice, GET, *args, error=INVALID)


@pytest.mark.spec("HIST-11", "HIST-02")
def test_an_answer_is_bounded_and_says_that_there_is_more(memory_play):
    play = remembered(memory_play, [0.0] * (LARGEST_LIMIT))
    assert told_by(play.alice, GET, play.log, request=3)[1] == {"more": True}
    assert numbers(get(play)) == list(range(1, DEFAULT_LIMIT + 1))
    assert len(get(play, limit=10**9)) == LARGEST_LIMIT
    play.names["request"] += 1
    assert told_by(play.alice, GET, play.log, request=play.request, limit=5)[1] == {}


@pytest.mark.spec("HIST-11")
def test_an_answer_is_bounded_in_size_and_holds_one_event_at_least(memory_play):
    play = remembered(memory_play, [0.0])
    large = "x" * (ANSWER_SIZE // 3 - 1000)
    for request in range(2, 8):
        published(play.publisher, LOG, [request, large], request=request)
    published(play.publisher, LOG, [8, 4 * large], request=8)
    events, about = told_by(play.alice, GET, play.log, request=3)
    assert (numbers(events), about) == ([1, 2, 3, 4], {"more": True})
    events, about = told_by(play.alice, GET, play.log, reverse=True, request=4)
    assert (numbers(events), about) == ([8], {"more": True})


@pytest.mark.spec("HIST-10")
def test_a_history_is_bounded_in_events_in_size_and_in_age(memory_play):
    play = memory_play
    publisher = joined_as(play, "publisher", "joe", "remembering")
    subs = {}
    for request, (topic, match) in enumerate(
        [("com.short.log", "exact"), ("com.large.log", "exact"), ("com..of", "wildcard")], 1
    ):
        publisher > [SUBSCRIBE, request, {"match": match}, topic]
        publisher < [SUBSCRIBED, request, ANY.as_(topic)]
        subs[topic] = play.names[topic]
    for number in range(1, 6):
        published(publisher, "com.short.log", [number], request=10 + number)
        published(publisher, "com.large.log", [number, "x" * 20_000], request=20 + number)
    assert numbers(told_by(publisher, GET, subs["com.short.log"], request=31)[0]) == [3, 4, 5]
    assert numbers(told_by(publisher, GET, subs["com.large.log"], request=32)[0]) == [3, 4, 5]
    published(publisher, "com.time.of", [1], request=41)
    play.stage.clock.advance(59)
    published(publisher, "com.time.of", [2], request=42)
    play.stage.clock.advance(1)
    assert numbers(told_by(publisher, GET, subs["com..of"], request=43)[0]) == [2]
    realm = play.stage.realms["remembering"].core
    assert [len(kept) for kept in realm.broker.histories] == [0, 0, 1, 0, 3, 3]


@pytest.mark.spec("HIST-12", "PID-01", "TPL-01")
def test_a_history_tells_what_the_event_told(play):
    joined_as(play, "joe", "joe", "remembering")
    play.joe > [SUBSCRIBE, 1, {}, LOG]
    play.joe < [SUBSCRIBED, 1, ANY.as_("log")]
    options = {"disclose_me": True, "exclude_me": False, "transaction_hash": "0x1"}
    publication = published(play.joe, LOG, [], {"k": 1}, request=2, **options)
    play.joe < [EVENT, play.log, publication, ANY.as_("details"), [], {"k": 1}]
    (event,), _ = told_by(play.joe, GET, play.log, request=3, from_publication=publication)
    assert (event["details"], event["args"], event["kwargs"]) == (play.details, [], {"k": 1})
    assert play.details["publisher"] == play.joe.id
    publication = published(play.joe, LOG, request=4)
    (event,), _ = told_by(play.joe, GET, play.log, request=5, from_publication=publication)
    assert event.keys() == {"timestamp", "subscription", "publication", "details"}


@pytest.mark.trap(2)
@pytest.mark.spec("HIST-02", "SER-08")
def test_an_event_that_cannot_be_carried_to_who_asks_is_left_out_and_counted(memory_play):
    play = memory_play
    publisher = play.session("publisher", "remembering", serializer="cbor")
    for request, value in enumerate([1, float("nan"), 3, float("-inf")], 1):
        published(publisher, LOG, [value], request=request)
    for name, serializer, expected in (("alice", "json", [1, 3]), ("bob", "msgpack", 4)):
        actor = play.session(name, "remembering", serializer=serializer)
        actor > [SUBSCRIBE, 1, {}, LOG]
        actor < [SUBSCRIBED, 1, ANY.as_("log")]
        events, about = told_by(actor, GET, play.log, request=2)
        if serializer == "json":
            assert (numbers(events), about) == (expected, {"left_out": 2, "last": int(about["last"])})
        else:
            assert (len(events), about) == (expected, {})


@pytest.mark.spec("HIST-08", "RET-01")
def test_history_is_kept_beside_retained_events_and_live_ones(kept):
    play = kept
    play.alice > [SUBSCRIBE, 3, {}, LOG]
    play.alice < [SUBSCRIBED, 3, play.log]
    play.names["request"] = 3
    publication = published(play.publisher, LOG, ["both"], request=6, exclude_me=False, retain=True)
    play.alice < [EVENT, play.log, publication, {}, ["both"]]
    assert numbers(get(play, from_publication=publication)) == ["both"]
    published(play.publisher, LOG, request=7, retain=True)  # clears: this router may be shared
    play.alice < [EVENT, play.log, int, {}]
    play.alice < nothing


@pytest.mark.spec("AMB-23", "FEA-01")
def test_the_role_of_a_callee_is_not_announced_since_common_clients_refuse_it(play):
    roles = play.alice.details["roles"]
    assert roles.keys() == {"broker", "dealer"}
    assert roles["broker"]["features"]["event_history"] is True


def remembered(play, moments):
    """Publish ``[1]``, ``[2]``, … at these seconds after a fixed moment; ``play.log`` is the subscription."""
    realm = play.stage.realms["remembering"].core
    wall = [0.0]
    for history in realm.broker.histories:
        history._wall = lambda: 1_700_000_000.0 + wall[0]
    play.session("alice", "remembering")
    play.alice > [SUBSCRIBE, 1, {}, LOG]
    play.alice < [SUBSCRIBED, 1, ANY.as_("log")]
    play.alice > [UNSUBSCRIBE, 2, play.log]
    play.alice < [UNSUBSCRIBED, 2]
    play.names["request"] = 2
    publisher = play.session("publisher", "remembering")
    for number, moment in enumerate(moments, 1):
        wall[0] = moment
        publisher > [PUBLISH, number, {}, LOG, [number]]
    publisher < nothing
    return play
