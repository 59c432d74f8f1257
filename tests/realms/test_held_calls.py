"""Calls that wait for an authorizer: each has one answer, whoever leaves, is sent away, answers late or never."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.realms.house import CAPABLE, House, Member
from tests.realms.test_asking import answer, house
from wampd.realms.grants import Grant
from wampd.realms.messages import CALL, CANCEL, ERROR, GOODBYE, INVOCATION, REGISTER, RESULT, SUBSCRIBE, YIELD
from wampd.realms.principals import DENIED
from wampd.realms.session import SessionOver


def test_a_progressive_call_that_waits_has_one_answer_when_its_caller_is_sent_away():
    here = house()
    joe = here.join(authid="joe", roles=CAPABLE)
    joe.say([CALL, 1, {"progress": True}, "u.x"], [CALL, 1, {"progress": True}, "u.x"], [CALL, 1, {}, "u.x"])
    joe.say([CALL, 2, {}, "u.x"])
    here.realm.dismiss(joe.session, "com.bye")
    heard = joe.heard()
    assert [message[:3] for message in heard[:-1]] == [[ERROR, CALL, 1], [ERROR, CALL, 2]]
    assert heard[-1][0] == GOODBYE


PROCEDURES = ("g.c", "u.c", "u.d", "g.nobody", "d.c", "wamp.session.count")
WHO = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), WHO, st.sampled_from(PROCEDURES)),
        st.tuples(st.just("begin"), WHO, st.sampled_from(PROCEDURES)),
        st.tuples(st.just("part"), WHO, st.booleans()),
        st.tuples(st.just("cancel"), WHO, st.sampled_from(["skip", "kill", "killnowait"])),
        st.tuples(st.just("subscribe"), WHO),
        st.tuples(st.just("yield"), st.booleans()),
        st.tuples(st.just("answer"), st.booleans(), st.booleans()),
        st.tuples(st.just("forget")),
        st.tuples(st.just("dismiss"), WHO),
        st.tuples(st.just("expel"), WHO),
        st.tuples(st.just("goodbye"), WHO),
        st.tuples(st.just("lose"), WHO),
        st.tuples(st.just("lose callee")),
        st.tuples(st.just("late")),
    ),
    max_size=40,
)


class Conversation:
    """A caller, and what it said and heard."""

    def __init__(self, here: House, authid: str) -> None:
        self.here = here
        self.member: Member = here.join(authid=authid, roles=CAPABLE)
        self.number = 0
        self.calls: list[int] = []
        self.open: tuple[int, str] | None = None  # a progressive call whose last part is not sent
        self.over = False  # it says nothing any more
        self.lost = False  # it hears nothing any more
        self.heard: list[list[Any]] = []

    def say(self, kind: int, *rest: Any) -> None:
        self.number += 1
        if kind == CALL:
            self.calls.append(self.number)
        self.member.say([kind, self.number, *rest])

    def listen(self) -> None:
        self.heard += self.member.heard()

    def answers(self) -> Counter[int]:
        """How many final answers each call has."""
        finals: Counter[int] = Counter()
        for message in self.heard:
            if message[0] == RESULT and not message[2].get("progress"):
                finals[message[1]] += 1
            elif message[0] == ERROR and message[1] == CALL:
                finals[message[2]] += 1
        return finals


def act(here: House, callers: list[Conversation], callee: Member, step: tuple[Any, ...]) -> None:
    """Carry out one step, if it makes sense now."""
    kind, *rest = step
    if kind in ("answer", "forget", "late", "yield", "lose callee"):
        act_as_others(here, callers, callee, step)
        return
    caller = callers[rest[0]]
    if caller.over:
        return
    session = caller.member.session
    if kind == "call":
        caller.say(CALL, {}, rest[1])
    elif kind == "begin":
        caller.say(CALL, {"progress": True, "receive_progress": True}, rest[1])
        caller.open = caller.number, rest[1]
    elif kind == "part" and caller.open is not None:
        number, uri = caller.open
        caller.member.say([CALL, number, {"progress": True} if rest[1] else {}, uri])
        if not rest[1]:
            caller.open = None
    elif kind == "cancel" and caller.calls:
        caller.member.say([CANCEL, caller.calls[-1], {"mode": rest[1]}])
    elif kind == "subscribe":
        caller.say(SUBSCRIBE, {}, "u.topic")
    elif kind == "dismiss":
        caller.over = True
        here.realm.dismiss(session, "com.bye")
    elif kind == "expel":
        caller.over = True
        here.realm.expel([session], "com.bye")
    elif kind == "goodbye":
        caller.over = True
        try:
            caller.member.say([GOODBYE, {}, "wamp.close.close_realm"])
        except SessionOver:
            caller.lost = True  # answers that come after it are not for anybody
    elif kind == "lose":
        caller.over = caller.lost = True
        here.realm.leave(session)


def act_as_others(here: House, callers: list[Conversation], callee: Member, step: tuple[Any, ...]) -> None:
    kind, *rest = step
    if kind == "answer" and here.asked:
        waiting = [each for each in callers if each.over]
        try:
            answer(here, Grant() if rest[0] else DENIED, remember=rest[1])
        except SessionOver:
            for caller in waiting:
                caller.lost = caller.lost or caller.member.session.said_goodbye
    elif kind == "forget":
        here.realm.room.forget(lambda _role, authid: authid == "joe")
    elif kind == "late":
        here.now += 60.0
        here.realm.expire(here.now)
    elif kind == "yield":
        for invocation in list(callee.session.invocations or ()):
            callee.say([YIELD, invocation, {"progress": True} if rest[0] else {}])
    elif kind == "lose callee":
        callee.leave()


@pytest.mark.spec("ORD-07")
@given(STEPS)
def test_every_call_has_one_answer_whatever_becomes_of_whom(steps):
    here = house()
    callee = here.join(authid="callee", roles=CAPABLE)
    for number, uri in enumerate(("g.c", "u.c"), 1):
        callee.say([REGISTER, number, {}, uri])
    answer(here, Grant())
    callers = [Conversation(here, authid) for authid in ("joe", "joe", "ann")]
    for step in steps:
        act(here, callers, callee, step)
        for caller in callers:
            caller.listen()
    while here.asked:
        act_as_others(here, callers, callee, ("answer", True, True))
    for _ in range(3):
        act_as_others(here, callers, callee, ("yield", False))
    if any(caller.open for caller in callers):
        callee.leave()
    for caller in callers:
        caller.listen()
        finals = caller.answers()
        assert set(finals.values()) <= {1}, "no call has two answers"
        assert set(finals) <= set(caller.calls)
        if not caller.lost:
            assert set(finals) == set(caller.calls), "and none has no answer"
        kinds = [message[0] for message in caller.heard]
        assert GOODBYE not in kinds or kinds.index(GOODBYE) == len(kinds) - 1, "which comes before the GOODBYE"
    assert len(here.realm.room) == 0
    assert INVOCATION not in [message[0] for caller in callers for message in caller.heard]
