"""Event history, by itself."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.realms.house import House
from wampd.realms import history
from wampd.realms.history import LARGEST_LIMIT, GetEvents, History, HistoryRule
from wampd.realms.messages import CALL, ERROR, PUBLISH, RESULT, SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, Event, Format
from wampd.realms.outside import Outside
from wampd.realms.publications import Audience
from wampd.realms.services import Refused, Services
from wampd.realms.timestamps import rfc3339

GET = "wamp.subscription.get_events"


class Archive:
    """A history, and its clocks."""

    def __init__(self, **rule):
        self.now = self.wall = 0.0
        outside = Outside(lambda: 1, lambda: self.now, lambda: self.wall, lambda: 0.5, None, None)
        self.history = History(HistoryRule("com.topic", **rule), outside)
        self.requester = House().join(authid="joe", authrole="member").session

    def add(self, publication, at, topic="com.topic", args=None, **lists):
        self.wall = at
        audience = Audience(**{name: frozenset(names) for name, names in lists.items()}) if lists else None
        self.history.add(Event(1, publication, {}, args, None, Format.PLAIN), topic, audience)

    def get(self, **bounds):
        found = self.history.between(GetEvents(subscription_id=1, **bounds), self.requester)
        return [record.publication for record in found]


MOMENTS = st.integers(0, 5)
BOUNDS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("from_time", "after_time", "before_time", "until_time"), MOMENTS),
        **dict.fromkeys(
            ("from_publication", "after_publication", "before_publication", "until_publication"), st.integers(1, 8)
        ),
        "topic": st.sampled_from("ab"),
        "reverse": st.booleans(),
    },
)
EVENTS = st.lists(st.tuples(MOMENTS, st.sampled_from("ab"), st.booleans()), max_size=8)


def expected(events, bounds):
    """What the bounds say, joined by and, of (publication, moment, topic) in the order of occurrence."""
    places = {publication: place for place, (publication, _, _) in enumerate(events)}
    found = []
    for place, (publication, moment, topic) in enumerate(events):
        checks = {
            "from_time": lambda bound, moment=moment: moment >= bound,
            "after_time": lambda bound, moment=moment: moment > bound,
            "before_time": lambda bound, moment=moment: moment < bound,
            "until_time": lambda bound, moment=moment: moment <= bound,
            "from_publication": lambda bound, place=place: place >= places[bound],
            "after_publication": lambda bound, place=place: place > places[bound],
            "before_publication": lambda bound, place=place: place < places[bound],
            "until_publication": lambda bound, place=place: place <= places[bound],
            "topic": lambda bound, topic=topic: topic == bound,
            "reverse": lambda _: True,
        }
        if all(checks[name](bound) for name, bound in bounds.items()):
            found.append(publication)
    return found[::-1] if bounds.get("reverse") else found


@pytest.mark.spec("HIST-01", "HIST-03", "HIST-04", "HIST-05", "HIST-06", "HIST-08")
@given(EVENTS, BOUNDS)
def test_the_bounds_are_joined_by_and(events, bounds):
    archive = Archive()
    seen, clock = [], 0
    for publication, (moment, topic, visible) in enumerate(events, 1):
        clock = max(clock, moment)
        archive.add(publication, moment, topic, **({} if visible else {"eligible_authid": ["ann"]}))
        if visible:
            seen.append((publication, clock, topic))
    told = {name: rfc3339(bound * 1_000_000) if name.endswith("_time") else bound for name, bound in bounds.items()}
    known = {publication for publication, _, _ in seen}
    if any(bound not in known for name, bound in bounds.items() if name.endswith("_publication")):
        with pytest.raises(Refused):
            archive.get(**told)
    else:
        assert archive.get(**told) == expected(seen, bounds)


@pytest.mark.spec("HIST-10")
def test_number_size_and_age_are_bounded():
    archive = Archive(events=3, size=20_000, age=10.0)
    for publication in range(1, 6):
        archive.add(publication, 0.0)
    assert archive.get() == [3, 4, 5]
    archive.add(6, 0.0, args=["x" * 18_000])
    assert archive.get() == [6]
    archive.now = 9.0
    archive.add(7, 0.0)
    archive.now = 10.0
    assert archive.get() == [7]
    archive.now = 19.0
    assert (archive.get(), len(archive.history)) == ([], 0)
    assert (archive.history._size, archive.history._places) == (0, {})
    archive.add(8, 0.0, args=["x" * 30_000])  # more than there is room for
    assert archive.get() == []


def test_a_publication_that_was_dropped_is_no_bound_any_more():
    archive = Archive(events=2)
    for publication in (1, 2, 3):
        archive.add(publication, 0.0)
    with pytest.raises(Refused):
        archive.get(after_publication=1)
    assert archive.get(after_publication=2) == [3]


@pytest.mark.trap(2)
@pytest.mark.spec("HIST-02")
def test_what_cannot_be_carried_is_left_out_and_counted():
    house = House(history=[HistoryRule("com.topic")])
    publisher = house.join()
    publisher.say([PUBLISH, 1, {}, "com.topic", ["sound"]], [PUBLISH, 2, {}, "com.topic", ["poison"]])
    publisher.say([CALL, 3, {}, GET, [1], {"limit": 5}])
    ((kind, request, _, (events,), about),) = publisher.heard()
    assert (kind, request, [event["args"] for event in events]) == (RESULT, 3, [["sound"]])
    assert about == {"left_out": 1, "last": 5002}
    assert house.realm.struck["events of a history that a requester cannot carry"] == 1


@pytest.mark.trap(2)
@pytest.mark.spec("HIST-11")
def test_a_history_of_nothing_but_poison_is_answered_in_parts_too(monkeypatch):
    monkeypatch.setattr(history, "ANSWER_SIZE", 1_000)
    house = House(history=[HistoryRule("com.topic")])
    publisher = house.join()
    for number in range(1, 11):
        publisher.say([PUBLISH, number, {}, "com.topic", ["poison" if number < 10 else "sound"]])
    bounds, parts = {}, []
    for request in range(11, 30):
        publisher.say([CALL, request, {}, GET, [1], bounds])
        ((_, _, _, (events,), *about),) = publisher.heard()
        parts.append(len(events))
        if not about or "more" not in about[0]:
            break
        bounds = {"after_publication": about[0]["last"]}
    assert len(parts) > 2
    assert sum(parts) == 1


@pytest.mark.spec("HIST-10", "PS-04")
def test_a_subscription_with_a_history_stands_whoever_leaves():
    house = House(history=[HistoryRule("com.topic"), HistoryRule("com.", "prefix")])
    member = house.join()
    member.say([SUBSCRIBE, 1, {"match": "prefix"}, "com."], [SUBSCRIBE, 2, {}, "com.topic"], [UNSUBSCRIBE, 3, 2])
    assert member.heard()[:2] == [[SUBSCRIBED, 1, 2], [SUBSCRIBED, 2, 1]]
    member.leave()
    assert len(house.realm.broker.subscriptions) == 2
    house.join().say([PUBLISH, 1, {}, "com.topic", [1]])
    assert [len(history) for history in house.realm.broker.histories] == [1, 1]
    assert house.realm.kept[1:] == house.realm.broker.histories


def test_events_of_the_router_itself_can_be_kept_too():
    house = House(history=[HistoryRule("wamp.session.on_join")])
    member = house.join(authid="joe")
    member.say([CALL, 1, {}, GET, [1]])
    ((_, _, _, (events,)),) = member.heard()
    assert [event["args"][0]["authid"] for event in events] == ["joe"]


def test_what_is_kept_holds_on_to_nothing_else_of_its_message():
    archive = Archive()
    args = msgspec.json.decode(b'["much more", [1]]', type=tuple[Raw, Raw])[1]  # a view of all of it
    archive.add(1, 0.0, args=args)
    assert archive.history._records[0].args is not args
    assert bytes(archive.history._records[0].args) == b"[1]"


@pytest.mark.spec("HIST-11")
def test_an_answer_holds_as_many_events_as_may_be_asked_for():
    house = House(history=[HistoryRule("com.topic", events=2_000)])
    member = house.join()
    member.say(*[[PUBLISH, number, {}, "com.topic", [number]] for number in range(1, 1_201)])
    member.say([CALL, 2_000, {}, GET, [1], {"limit": 5_000}])
    ((_, _, _, (events,), about),) = member.heard()
    assert [event["args"] for event in events] == [[number] for number in range(1, LARGEST_LIMIT + 1)]
    assert about == {"more": True}


@pytest.mark.spec("HIST-08", "HIST-11")
@pytest.mark.parametrize("bounds", [{}, {"topic": "com.other"}, {"limit": 0}], ids=str)
def test_what_had_to_be_looked_at_is_what_an_answer_costs_though_it_is_empty(bounds):
    house = House(history=[HistoryRule("com.topic", events=2_000)])
    member = house.join(authid="joe")
    member.say(*[[PUBLISH, n, {"eligible_authid": ["ann"]}, "com.topic", [n]] for n in range(1, 1_001)])
    member.heard()
    for request in range(2_000, 2_003):
        member.say([CALL, request, {}, GET, [1], bounds])
        assert member.session.spent == 1_000 * (request - 1_999)
    assert member.heard() == [[RESULT, request, {}, [[]]] for request in range(2_000, 2_003)]


@pytest.mark.spec("HIST-11")
def test_who_asks_for_too_much_in_one_turn_is_refused(monkeypatch):
    monkeypatch.setattr(Services, "MOST", 1_500)
    house = House(history=[HistoryRule("com.topic")])
    member = house.join(authid="joe")
    member.say(*[[PUBLISH, n, {"eligible_authid": []}, "com.topic", [n]] for n in range(1, 1_001)])
    member.say(*[[CALL, request, {}, GET, [1]] for request in (2_001, 2_002, 2_003)])
    assert [message[0] for message in member.heard()] == [RESULT, RESULT, ERROR]
    member.say([CALL, 2_004, {}, GET, [1]])
    assert [message[0] for message in member.heard()] == [RESULT]


@pytest.mark.spec("HIST-10")
def test_the_lists_of_a_publication_count_for_what_a_history_takes():
    archive = Archive(size=100_000)
    for publication in range(1, 6):
        archive.add(publication, 0.0, exclude_authid=[f"somebody {n}" for n in range(300)])
    assert archive.get() == [4, 5]


@pytest.mark.spec("HIST-11")
def test_large_events_cost_more_than_small_ones():
    house = House(history=[HistoryRule("com.topic")])
    member = house.join()
    member.say([PUBLISH, 1, {}, "com.topic", [1]], [CALL, 2, {}, GET, [1]])
    assert member.session.spent < 100
    member.heard()
    member.say([PUBLISH, 3, {}, "com.topic", ["x" * 80_000]], [CALL, 4, {}, GET, [1]])
    assert 10_000 < member.session.spent < 11_000


@pytest.mark.spec("HIST-02", "TST-07")
def test_an_event_without_positional_arguments_is_told_with_an_empty_list_before_its_keyword_arguments():
    house = House(history=[HistoryRule("com.topic")])
    house.join().say([CALL, 1, {}, "wamp.session.add_testament", ["com.topic", [], {"k": 1}]])
    house.members[0].leave()
    asker = house.join()
    asker.say([CALL, 1, {}, GET, [1]])
    ((_, _, _, ((event,),)),) = asker.heard()
    assert (event["args"], event["kwargs"]) == ([], {"k": 1})
