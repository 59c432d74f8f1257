"""Sessions that wait for an authorizer: what is kept meanwhile is bounded, and order is kept whatever is answered when."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.realms.house import CAPABLE, House
from wampd.realms.asking import Held, Question, WaitingRoom
from wampd.realms.grants import NOT_AUTHORIZED, Authorizer, Grant
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    YIELD,
)
from wampd.realms.messages import json_decoder as decoder_of_json
from wampd.realms.principals import DENIED, PrincipalGrants, Undecided
from wampd.realms.session import ProtocolViolation

decode = decoder_of_json().decode
AUTHORIZER = Authorizer("com.authorizer")


class Rules:
    """What begins with ``u`` is undecided, what begins with ``d`` is denied, all else is granted."""

    def decide(self, action: str, uri: str, match: Any) -> Grant:
        if uri.startswith(("u", "d")):
            return Grant(refusal=NOT_AUTHORIZED, undecided=uri.startswith("u"))
        return Grant()


class Outlet:
    """Carries nothing away, and remembers whether the session is to be read from."""

    def __init__(self, house: House, member: Any) -> None:
        self.house = house
        self.member = member
        self.held: list[bool] = []

    def flush(self) -> None:
        """Nothing is carried away."""

    def hold(self, held: bool) -> None:
        self.held.append(held)

    def resume(self) -> None:
        self.house.realm.room.go_on(self.member.session)


def house(**options: Any) -> House:
    return House(policy=Rules(), authorizer=AUTHORIZER, **options)


def answer(house: House, grant: Grant, *, remember: bool = True) -> None:
    """Answer the oldest question."""
    house.realm.room.decided(house.asked.pop(0), grant, remember=remember)


# ---------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.trap(8)
@pytest.mark.trap(16)
def test_of_each_principal_so_many_answers_are_remembered_the_newest():
    here = house()
    joe = here.join(authid="joe")
    grants = joe.session.grants
    assert isinstance(grants, PrincipalGrants)
    for number in range(PrincipalGrants.MOST + 10):
        grants.remember(("call", f"u.{number}", "exact"), Grant(), 60.0)
    assert len(grants) == PrincipalGrants.MOST
    with pytest.raises(Undecided):
        grants.call("u.9")
    assert grants.call("u.10").refusal is None


@pytest.mark.trap(8)
@pytest.mark.trap(16)
def test_of_all_principals_together_so_many_answers_are_remembered(monkeypatch):
    monkeypatch.setattr(WaitingRoom, "MOST_ANSWERS", 20)
    here = house()
    members = [here.join(authid=f"joe{number}") for number in range(7)]
    for number in range(1, 4):
        for member in members:
            member.say([CALL, number, {}, f"u.{number}"])
            answer(here, DENIED)
            kept = sum(len(other.session.grants) for other in members)
            assert kept <= 20
    assert here.realm.struck["memories of authorization emptied"] == 1
    members[0].leave()
    assert members[1].session.grants.forget() is None


def test_what_went_with_its_principal_does_not_count(monkeypatch):
    monkeypatch.setattr(WaitingRoom, "MOST_ANSWERS", 20)
    here = house()
    gc.freeze()  # what all other tests left behind would be looked through each time
    try:
        for number in range(100):
            member = here.join(authid=f"joe{number}")
            member.say([CALL, 1, {}, "u.x"])
            answer(here, DENIED)
            member.leave()
            here.members.clear()
            here.touched.clear()
            del member
            gc.collect()
    finally:
        gc.unfreeze()
    assert not here.realm.struck


def test_when_much_waits_nothing_more_is_read_until_all_is_served():
    here = house()
    joe = here.join(authid="joe")
    joe.session.outlet = outlet = Outlet(here, joe)
    joe.say([CALL, 1, {}, "u.x"])
    most = Held.MOST // Held.OVERHEAD
    for number in range(2, most + 2):
        joe.say([PUBLISH, number, {}, "g.x"])
    assert outlet.held == []
    joe.say([PUBLISH, number + 1, {}, "g.x"], [PUBLISH, number + 2, {}, "u.y"], [PUBLISH, number + 3, {}, "g.x"])
    assert outlet.held == [True]
    answer(here, DENIED)
    assert outlet.held == [True]
    answer(here, DENIED)
    assert outlet.held == [True, False]


def test_payload_counts_as_what_waits():
    here = house()
    joe = here.join(authid="joe")
    joe.session.outlet = outlet = Outlet(here, joe)
    joe.say([CALL, 1, {}, "u.x"], [PUBLISH, 2, {}, "g.x", ["x" * Held.MOST]])
    assert outlet.held == [True]
    here.realm.dismiss(joe.session, "com.bye")
    assert outlet.held == [True, False]


@pytest.mark.trap(16)
@pytest.mark.parametrize(
    ("message", "size"),
    [
        (b'[16, %d, {}, "g.x", [1]%s]', 0),  # white space: it is not kept
        (b'[16, %d, {"unknown": "%s"}, "g.x", [1]]', 0),
        (b'[16, %d, {}, "g.%s", [1]]', 1),
        (b'[16, %d, {"exclude_authid": ["%s"]}, "g.x"]', 1),
        (b'[16, %d, {"exclude": [1%s]}, "g.x"]', 20),
        (b'[48, %d, {"forward_for": [{"x": "%s"}]}, "g.x"]', 1),
        (b'[8, 68, %d, {}, "g.%s"]', 1),
    ],
)
def test_whatever_is_long_about_a_message_counts_as_what_waits(message, size):
    here = house()
    joe = here.join(authid="joe")
    joe.session.outlet = outlet = Outlet(here, joe)
    joe.say([CALL, 1, {}, "u.x"])
    filler = b",1" * 50_000 if b"[1%s]" in message else (b" " if b"[1]%s" in message else b"x") * 100_000
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(2, 12):
        here.realm.handle(joe.session, decode(message % (number, filler)))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bool(outlet.held) is (size > 0)
    kept = (after - before) / 10
    assert kept <= max(size * 100_000 * 1.1, 2_000)


def test_answers_for_a_realm_that_is_closed_are_dropped():
    here = house()
    joe = here.join(authid="joe")
    joe.say([CALL, 1, {}, "u.x"])
    room, (question,) = here.realm.room, here.asked
    joe.leave()
    here.realm.close()
    room.decided(question, Grant(), remember=True)
    assert repr(question) == f"<Question whether {joe.session} may call 'u.x' (exact)>"


@pytest.mark.parametrize("by", ["dismiss", "expel"])
def test_who_is_sent_away_while_it_waits_gets_the_answers_to_its_calls_first(by):
    here = house()
    joe = here.join(authid="joe")
    joe.say([CALL, 1, {}, "u.x"], [PUBLISH, 2, {}, "g.x"], [CALL, 3, {}, "g.x"])
    if by == "dismiss":
        here.realm.dismiss(joe.session, "com.bye")
    else:
        here.realm.expel([joe.session], "com.bye")
    said = ["the session is being closed: com.bye"]
    assert joe.heard() == [
        [ERROR, CALL, 1, {}, "wamp.error.canceled", said],
        [ERROR, CALL, 3, {}, "wamp.error.canceled", said],
        [GOODBYE, {}, "com.bye"],
    ]
    assert len(here.realm.room) == 0


class Nothing:
    """Says nothing of anything."""

    def decide(self, action: str, uri: str, match: Any) -> Grant:
        return Grant(refusal=NOT_AUTHORIZED, undecided=True)


@pytest.mark.trap(6)
@pytest.mark.parametrize(
    ("uri", "match", "is_asked"),
    [
        ("wamp.x", "exact", False),
        ("wampd.x", "exact", False),
        ("wampx", "exact", True),
        ("com.wamp.x", "exact", True),
        ("", "prefix", False),
        ("wam", "prefix", False),
        ("wamp", "prefix", False),
        ("wampd", "prefix", False),
        ("wampd.audit.", "prefix", False),
        ("wampx", "prefix", True),
        (".x", "wildcard", False),
        ("wampd.", "wildcard", False),
        ("com.", "wildcard", True),
    ],
)
def test_whatever_the_rules_leave_open_nobody_is_asked_about_the_routers_own(uri, match, is_asked):
    here = House(policy=Nothing(), authorizer=AUTHORIZER)
    joe = here.join(authid="joe")
    joe.say([SUBSCRIBE, 1, {"match": match}, uri])
    assert bool(here.asked) is is_asked
    if not is_asked:
        assert joe.heard() == [[ERROR, SUBSCRIBE, 1, {}, NOT_AUTHORIZED]]


# ------------------------------------------------------------------------------------------------------------ order


@pytest.mark.spec("ORD-07", "ID-05")
def test_request_ids_are_counted_when_a_message_is_served():
    here = house(strict=True)
    joe = here.join(authid="joe", roles=CAPABLE)
    joe.say([CALL, 1, {"progress": True}, "u.x"], [CALL, 1, {"progress": True}, "u.x"], [CALL, 1, {}, "u.x"])
    joe.say([SUBSCRIBE, 2, {}, "g.x"])
    boss = here.join(roles=CAPABLE)
    boss.session.grants = here.grants
    boss.say([REGISTER, 1, {}, "g.x"])
    assert boss.heard()[0][0] == REGISTERED
    answer(here, Grant())
    assert joe.heard()[0][:3] == [ERROR, CALL, 1]  # there is no such procedure, and so no call that goes on


@pytest.mark.spec("ORD-07")
def test_the_parts_of_a_progressive_call_wait_and_are_not_asked_about():
    here = house()
    callee, joe = here.join(authid="ann", roles=CAPABLE), here.join(authid="joe", roles=CAPABLE)
    callee.say([REGISTER, 1, {}, "u.x"])
    answer(here, Grant())
    callee.heard()
    joe.say(*[[CALL, 1, {"progress": True}, "u.x", [part]] for part in range(3)], [CALL, 1, {}, "u.x", [3]])
    answer(here, Grant(), remember=False)
    assert not here.asked
    heard = callee.heard()
    assert [message[0] for message in heard] == [INVOCATION] * 4
    assert [message[4] for message in heard] == [[0], [1], [2], [3]]
    callee.say([YIELD, 1, {}])
    assert joe.heard() == [[RESULT, 1, {}]]


def test_a_violation_ends_what_waits():
    here = house(strict=True)
    joe = here.join(authid="joe")
    joe.say([CALL, 1, {}, "u.x"], [SUBSCRIBE, 7, {}, "g.x"])
    with pytest.raises(ProtocolViolation, match="request id 7 where 2 was due"):
        answer(here, DENIED)


URIS = ("g.1", "g.2", "u.1", "u.2", "u.3", "d.1")
SENDERS = ("joe", "joe", "ann")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, len(SENDERS) - 1), st.sampled_from(URIS)),
        st.tuples(st.just("answer"), st.booleans(), st.booleans()),
        st.just(("forget",)),
    ),
    max_size=40,
)


@pytest.mark.spec("ORD-07")
@given(STEPS)
def test_order_is_kept_whatever_is_answered_when(steps):
    here = house()
    listener = here.join(authid="listener")
    for number, uri in enumerate(("g.", "d."), 1):
        listener.say([SUBSCRIBE, number, {"match": "prefix"}, uri] if uri == "g." else [SUBSCRIBE, number, {}, "g.0"])
    listener.say([SUBSCRIBE, 3, {"match": "prefix"}, "u."])
    answer(here, Grant())
    listener.heard()
    members = [here.join(authid=authid) for authid in SENDERS]
    said: list[list[tuple[str, int]]] = [[] for _ in members]
    allowed: set[str] = set()
    number = 0
    for step in steps:
        if step[0] == "answer":
            if here.asked:
                _, uri, _ = here.asked[0].key
                if step[1] and not here.asked[0].outdated:
                    allowed.add(uri)
                answer(here, Grant() if step[1] else DENIED, remember=step[2])
        elif step[0] == "forget":
            here.realm.room.forget(lambda _role, authid: authid == "joe")
        else:
            number += 1
            sender, uri = step
            said[sender].append((uri, number))
            members[sender].say([PUBLISH, number, {}, uri, [sender, number]])
    while here.asked:
        answer(here, DENIED)
    got = [(message[3].get("topic", "g.0"), *message[4]) for message in listener.heard() if message[0] == EVENT]
    for sender, published in enumerate(said):
        heard = [(topic, of) for topic, by, of in got if by == sender]
        assert heard == [each for each in published if each in set(heard)], "order is kept, and nothing comes twice"
        assert {each for each in published if each[0].startswith("g")} <= set(heard), "what is granted is never lost"
        assert all(topic.startswith("g") or topic in allowed for topic, _ in heard), (
            "nothing comes that was not allowed"
        )
    assert len(here.realm.room) == 0


# ---------------------------------------------------------------------------------------------------- forgetting


def everybody(_authrole: str, _authid: str) -> bool:
    return True


@pytest.mark.trap(8)
def test_what_was_answered_for_a_part_of_a_message_is_forgotten_with_all_else():
    """REGISTER with force_reregister asks twice: what was allowed first may be revoked before the second is answered."""
    here = house()
    joe = here.join(authid="joe", roles=CAPABLE)
    joe.say([REGISTER, 1, {"force_reregister": True}, "u.x"])
    answer(here, Grant(), remember=False)
    here.realm.room.forget(everybody)
    answer(here, Grant(), remember=False)  # to the second question, and outdated
    answer(here, Grant(), remember=False)  # to the second, asked again
    assert [question.key[0] for question in here.asked] == ["register"]
    assert joe.heard() == []
    answer(here, DENIED)
    assert joe.heard()[0][:5] == [ERROR, REGISTER, 1, {}, NOT_AUTHORIZED]


@pytest.mark.spec("AZ-03")
def test_a_message_whose_answers_never_count_together_is_given_up_and_refused():
    here = house()
    joe = here.join(authid="joe", roles=CAPABLE)
    joe.say([REGISTER, 1, {"force_reregister": True}, "u.x"], [REGISTER, 2, {}, "g.x"])
    asked = 0
    while here.asked:
        asked += 1
        assert asked < 50
        if here.asked[0].tries == 1:
            here.realm.room.forget(everybody)
        answer(here, Grant(), remember=False)
    heard = joe.heard()
    assert heard[0][:5] == [ERROR, REGISTER, 1, {}, "wamp.error.authorization_failed"]
    assert [message[0] for message in heard[1:]] == [REGISTERED]


def test_a_question_whose_every_answer_is_outdated_is_asked_so_often():
    here = house()
    joe = here.join(authid="joe")
    joe.say([CALL, 1, {}, "u.x"])
    asked = 0
    while here.asked and asked < 100:
        asked += 1
        here.realm.room.forget(everybody)
        answer(here, Grant())
    assert asked == Question.MOST_TRIES
    assert joe.heard()[0][:5] == [ERROR, CALL, 1, {}, "wamp.error.authorization_failed"]
    joe.say([CALL, 2, {}, "u.x"])
    answer(here, Grant())
    assert joe.heard()[0][4] == "wamp.error.no_such_procedure"


@pytest.mark.trap(16)
def test_that_there_is_no_room_for_answers_outdates_no_question(monkeypatch):
    monkeypatch.setattr(WaitingRoom, "MOST_ANSWERS", 3)
    here = house()
    joe, ann = here.join(authid="joe"), here.join(authid="ann")
    ann.say([CALL, 1, {}, "u.ann"])
    (hers,) = here.asked
    here.asked.clear()
    for number in range(1, 6):
        joe.say([CALL, number, {}, f"u.{number}"])
        answer(here, DENIED)
    assert here.realm.struck["memories of authorization emptied"] == 1
    assert not hers.outdated


def test_asking_the_same_again_fills_no_memory(monkeypatch):
    monkeypatch.setattr(WaitingRoom, "MOST_ANSWERS", 3)
    here = house()
    joe = here.join(authid="joe")
    for number in range(1, 20):
        joe.say([CALL, number, {}, f"u.{number % 3}"])
        if here.asked:
            answer(here, DENIED)
        here.now += AUTHORIZER.ttl
    assert not here.realm.struck


@pytest.mark.spec("ORD-07")
def test_parts_of_a_progressive_call_are_not_asked_about_where_rules_have_limits_either():
    here = house()
    here.grants.limited = True
    callee, joe = here.join(authid="ann", roles=CAPABLE), here.join(authid="joe", roles=CAPABLE)
    callee.say([REGISTER, 1, {}, "u.x"])
    answer(here, Grant())
    joe.say([CALL, 1, {"progress": True}, "u.x"])
    answer(here, Grant(), remember=False)
    joe.say([CALL, 1, {"progress": True}, "u.x"], [CALL, 1, {}, "u.x"])
    assert not here.asked
    assert [message[0] for message in callee.heard()[1:]] == [INVOCATION] * 3
