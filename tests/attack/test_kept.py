"""What is kept of events is asked for by those who mean harm: nobody waits for that, and nobody gets what is not for him."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

from tests.attack.inside import House as Router
from tests.attack.inside import frame
from tests.realms.house import House, Member
from wampd.auth.roles import Role, Rule
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Quota
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    PUBLISH,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    Format,
    Publish,
    Subscribe,
)
from wampd.realms.options import PublishOptions, SubscribeOptions
from wampd.realms.realm import Realm
from wampd.realms.retained import Retention
from wampd.realms.services import Services
from wampd.realms.session import Breather

STALL = 0.25
"""Seconds of the processor's time; 50 ms on a machine that does nothing else."""
GET = "wamp.subscription.get_events"
PATTERNS = [("", "prefix"), ("co", "prefix"), ("..", "wildcard"), ("com..x", "wildcard")]


def spent(step: Callable[[], object]) -> float:
    """How long the processor works on a step; what the tests have loaded is not looked through, as in the daemon."""
    gc.freeze()
    begin = time.process_time()
    try:
        step()
        return time.process_time() - begin
    finally:
        gc.unfreeze()


def full(number: int, age: float | None = None, **options: object) -> tuple[House, Member]:
    """A realm that retains so many events of as many topics; and a stranger."""
    house = House(quota=Quota(retained=number, retained_size=2**30), retention=Retention(age=age))
    publisher = house.join()
    said = PublishOptions(retain=True, **options)  # type: ignore[arg-type]
    for request in range(1, number + 1):
        house.realm.handle(publisher.session, Publish(request, said, f"com.t{request}.x"))
    publisher.heard()
    return house, house.join()


@pytest.mark.spec("RET-06", "RET-10")
def test_100_000_retained_topics_are_asked_for_at_once_and_get_old_at_once() -> None:
    house, stranger = full(100_000, age=10.0)
    for request, (uri, match) in enumerate(PATTERNS, 1):
        ask = Subscribe(request, SubscribeOptions(match=match, get_retained=True), uri)  # type: ignore[arg-type]

        def step(ask: Subscribe = ask) -> None:
            with pytest.raises(Breather):  # after so many events
                house.realm.handle(stranger.session, ask)

        assert spent(step) < STALL
        subscribed, *events = stranger.heard()
        assert subscribed[0] == SUBSCRIBED
        assert sorted(event[2] for event in events) == list(range(95_001, 105_001))  # the last 10,000
    house.now += 10.0
    assert spent(lambda: stranger.say([SUBSCRIBE, 9, {"get_retained": True}, "com.t1.x"])) < STALL
    assert stranger.heard() == [[SUBSCRIBED, 9, 5]]
    assert not house.realm.keeps


@pytest.mark.spec("RET-05", "RET-10")
def test_events_for_nobody_are_looked_at_in_vain_only_so_often_in_one_turn() -> None:
    house, stranger = full(10_000, eligible=[])
    ask = [[SUBSCRIBE, request, {"match": "prefix", "get_retained": True}, ""] for request in range(1, Realm.AT_ONCE)]
    assert spent(lambda: stranger.say(*ask)) < STALL  # each would take some 3 ms
    assert stranger.heard() == [[SUBSCRIBED, request, 1] for request in range(1, Realm.AT_ONCE)]
    assert house.realm.struck["requests for retained events not served"] == Realm.AT_ONCE - 5


@pytest.mark.spec("HIST-08", "HIST-11")
def test_a_history_that_is_for_others_is_looked_through_only_so_often_in_one_turn() -> None:
    house = House(history=[HistoryRule("com.", "prefix", events=20_000, size=2**30)])
    publisher, stranger = house.join(), house.join(authid="eve")
    said = PublishOptions(eligible_authid=["joe"])
    for request in range(1, 20_001):
        house.realm.handle(publisher.session, Publish(request, said, "com.topic"))
    assert spent(lambda: stranger.say(*[[CALL, request, {}, GET, [1]] for request in range(1, 301)])) < STALL
    answers = stranger.heard()
    assert answers[:10] == [[RESULT, request, {}, [[]]] for request in range(1, 11)]
    assert {answer[4] for answer in answers[10:]} == {"wamp.error.unavailable"}


def test_lists_of_100_000_names_cost_little_and_count_for_what_they_take() -> None:
    house = House(quota=Quota(retained_size=10 * 2**20))
    publisher, _ = house.join(), [house.join().say([SUBSCRIBE, 1, {"match": "prefix"}, "c" * n]) for n in range(100)]
    for request, last in enumerate((1, 2, 3), 1):
        said = PublishOptions(retain=True, acknowledge=True, eligible=[*range(10**7, 10**7 + 100_000), last])
        message = Publish(request, said, "com.topic")
        assert spent(lambda message=message: house.realm.handle(publisher.session, message)) < STALL  # type: ignore[misc]
    assert [answer[0] for answer in publisher.heard()] == [17, ERROR, ERROR]


# ------------------------------------------------------------------------------- what a live SUBSCRIBE would not give

VISITOR = Role(
    "visitor",
    [
        Rule("com.", "prefix", frozenset({"subscribe", "publish"})),
        Rule("com.secret.", "prefix"),
        Rule("com.said.only", "exact", frozenset({"publish"})),
        Rule("org.", "prefix", frozenset({"subscribe"})),
        Rule("wamp.subscription.get_events", "exact", frozenset({"call"})),
        Rule("wamp.session.add_testament", "exact", frozenset({"call"})),
    ],
)
HISTORIES = [
    HistoryRule("com.secret.log"),
    HistoryRule("com.", "prefix"),
    HistoryRule("com..log", "wildcard"),
    HistoryRule("com.said.only"),
    HistoryRule("org.x", "prefix"),
    HistoryRule("", "prefix"),
    HistoryRule("wamp.session.on_join"),
    HistoryRule("..log", "wildcard"),
]


def two_roles() -> tuple[House, Member, Member]:
    """A realm that keeps much; one who may do everything, and a visitor."""
    house = House(history=HISTORIES)
    insider = house.join(authid="joe", authrole="insider")
    house.policy = VISITOR
    return house, insider, house.join(authid="eve", authrole="visitor")


@pytest.mark.spec("HIST-09", "AZ-06")
@pytest.mark.trap(5)
@pytest.mark.trap(6)
def test_a_history_is_told_only_to_who_may_subscribe_to_all_of_it() -> None:
    _, insider, visitor = two_roles()
    for request, topic in enumerate(["com.secret.log", "com.a.log", "com.said.only", "org.x"], 1):
        insider.say([PUBLISH, request, {}, topic, [topic]])
    for request, rule in enumerate(HISTORIES, 1):
        visitor.say([CALL, request, {}, GET, [request]])
        visitor.say([SUBSCRIBE, 100 + request, {"match": rule.match, "get_retained": True}, rule.uri])
        told, subscribed, *rest = visitor.heard()
        assert rest == []
        assert (told[0] == RESULT) is (subscribed[0] == SUBSCRIBED) is (rule.uri == "org.x")
        if told[0] == ERROR:
            assert told[4] == subscribed[4] == "wamp.error.not_authorized"


@pytest.mark.spec("RET-05", "AZ-05", "AZ-06")
@pytest.mark.trap(5)
@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("com.secret.log", "exact"),
        ("com.said.only", "exact"),
        ("com.", "prefix"),
        ("com.secret.", "prefix"),
        ("com.s", "prefix"),
        ("", "prefix"),
        ("com..log", "wildcard"),
        ("..", "wildcard"),
        (".secret.log", "wildcard"),
    ],
)
def test_nothing_retained_reaches_who_may_not_subscribe(uri: str, match: str) -> None:
    _, insider, visitor = two_roles()
    for request, topic in enumerate(["com.secret.log", "com.said.only", "wampd.secret.log"], 1):
        insider.say([PUBLISH, request, {"retain": True}, topic, [topic]])
    visitor.say([SUBSCRIBE, 1, {"match": match, "get_retained": True}, uri])
    ((kind, _, _, _, error, *_),) = visitor.heard()
    assert (kind, error) == (ERROR, "wamp.error.not_authorized")


@pytest.mark.spec("TST-06", "AZ-06")
def test_a_testament_says_nothing_that_its_session_may_not_say() -> None:
    _, insider, visitor = two_roles()
    insider.say([SUBSCRIBE, 1, {"match": "prefix"}, ""])
    insider.heard()
    add = "wamp.session.add_testament"
    topics = ["com.secret.log", "org.x", "wamp.session.on_leave", "wampd.x", "com.open"]
    for request, topic in enumerate(topics, 1):
        visitor.say([CALL, request, {}, add, [topic, [topic], {}]])
    assert [answer[0] for answer in visitor.heard()] == [ERROR] * 4 + [RESULT]
    visitor.leave()
    assert [event[3:] for event in insider.heard() if event[0] == EVENT] == [[{"topic": "com.open"}, ["com.open"]]]


@pytest.mark.spec("RET-05", "HIST-08", "BWL-06")
@pytest.mark.parametrize(
    "lists",
    [
        {"eligible": [1]},
        {"eligible": []},
        {"eligible_authid": ["joe"]},
        {"eligible_authrole": ["insider"]},
        {"exclude": [2, 3]},
        {"exclude_authid": ["eve"]},
        {"exclude_authrole": ["visitor"]},
        {"eligible_authid": ["eve"], "exclude_authrole": ["visitor"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("by", ["publication", "testament"])
def test_what_is_not_for_somebody_reaches_him_in_no_way(lists: dict[str, object], by: str) -> None:
    house, insider, visitor = two_roles()
    author = house.join(authid="joe", authrole="insider")
    author.session.grants = insider.session.grants
    assert author.session.id == 3
    visitor.say([SUBSCRIBE, 1, {}, "org.x"], [SUBSCRIBE, 2, {"match": "prefix", "nkey": "n"}, "org.x"])
    visitor.heard()
    options = {"retain": True, "rkey": "r", **lists}
    if by == "publication":
        author.say([PUBLISH, 1, options, "org.x", [1]])
    else:
        author.say([CALL, 1, {}, "wamp.session.add_testament", ["org.x", [1], {}], {"publish_options": options}])
        author.leave()
    assert visitor.heard() == []
    for request, (match, uri) in enumerate([("exact", "org.x"), ("prefix", "org."), ("wildcard", "org.")], 3):
        visitor.say([SUBSCRIBE, request, {"match": match, "get_retained": True}, uri])
        ((kind, *_),) = visitor.heard()
        assert kind == SUBSCRIBED
    visitor.say([CALL, 9, {}, GET, [5]])
    assert visitor.heard() == [[RESULT, 9, {}, [[]]]]


def test_payloads_of_all_serializations_are_kept_as_they_came() -> None:
    house = House(history=[HistoryRule("com.topic")])
    publisher = house.join(form=Format.JSON)
    publisher.say([PUBLISH, 1, {"retain": True}, "com.topic", [{"a": 1.5}], {"k": None}])
    record = house.realm.broker.histories[0]._records[0]
    kept = house.realm.broker.retained._topics["com.topic"][0]
    assert (bytes(record.args), bytes(record.kwargs)) == (bytes(kept.args), bytes(kept.kwargs))
    assert bytes(kept.args) == b'[{"a":1.5}]'


def test_what_was_asked_for_in_other_turns_does_not_count_though_events_come_first_in_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Services, "MOST", 5)
    router = Router()
    publisher, member = router.connect(), router.connect()
    publisher.join()
    member.join()
    member.say([32, 1, {}, "com.topic"])
    for request in range(1, 11):
        publisher.transport.protocol.dataReceived(frame(b'[16,%d,{},"com.topic"]' % request))  # in the same turn
        event, answer = member.say([48, request, {}, "wamp.session.list"])
        assert (event[0], answer[0]) == (EVENT, RESULT)
    answers = member.say(*[[48, request, {}, "wamp.session.list"] for request in range(11, 16)])
    assert [answer[0] for answer in answers] == [RESULT, RESULT, RESULT, ERROR, ERROR]
