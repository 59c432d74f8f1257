"""Laws of calls that are out of the ordinary, whatever callers, callees and time do, in whatever order.

* Every CALL gets exactly one final answer, unless its caller left: nothing comes after it, and progress only before it, only to
  those who asked for it.
* The invocations of a callee count 1, 2, 3, …; all parts of a call come under one number, in their order, to one callee; of
  several callees each is asked once.
* Whoever is interrupted can be, is working, and is interrupted once.
* A call with a timeout ends when its time is up, and not before.
* Parts that come after the end make no difference.
* What a call took of a callee's room it gives back. When all have left, nothing is left of anybody.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.realms.house import CAPABLE, House, Member, plain
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    UNREGISTER,
    YIELD,
)
from wampd.realms.options import ClientRole, ClientRoles

URIS = ["com.one", "com.shared", "com.narrow"]
OPTIONS = {
    "com.one": {},
    "com.shared": {"invoke": "roundrobin"},
    "com.narrow": {"invoke": "load", "concurrency": 1},
}
TIMEOUT = "wamp.error.timeout"
FINAL = (ERROR, CALL)
Key = tuple[int, int]

UNABLE = ClientRoles(*[ClientRole({"progressive_call_invocations": True})] * 4)
"""Can make progressive calls, and nothing else."""


class Called:
    """What the model knows of one call."""

    def __init__(self, uri: str, options: dict[str, Any], now: float) -> None:
        self.uri = uri
        self.wants_progress = options.get("receive_progress", False)
        self.timeout = options.get("timeout", 0) / 1000
        self.due = now + self.timeout
        self.open = options.get("progress", False)
        self.sent = 1
        self.heard = 0
        self.tried: set[int] = set()


class Calling(RuleBasedStateMachine):
    """Callers and callees that do everything that callers and callees can do."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.here: list[Member] = []
        self.able: set[int] = set()
        self.requests: dict[int, int] = defaultdict(int)
        self.registrations: dict[tuple[int, str], int] = {}
        self.calls: dict[Key, Called] = {}
        self.pending: set[Key] = set()
        self.works: dict[Key, Key] = {}  # (callee, invocation) → (caller, call)
        self.issued: dict[int, int] = defaultdict(int)
        self.interrupted: set[Key] = set()
        self.armed: float | None = None

    # ------------------------------------------------------------------------------------------------------ the rules

    @initialize()
    def some_members(self) -> None:
        for able in (True, True, False):
            self.join(able)

    @precondition(lambda self: len(self.here) < 6)
    @rule(able=st.booleans())
    def join(self, able: bool) -> None:
        member = self.house.join(roles=CAPABLE if able else UNABLE)
        self.here.append(member)
        if able:
            self.able.add(member.session.id)
        for uri in URIS[1:]:
            self.register(member, uri)

    @rule(data=st.data(), uri=st.sampled_from(URIS))
    def offers(self, data: st.DataObject, uri: str) -> None:
        self.register(data.draw(st.sampled_from(self.here)), uri)

    def register(self, member: Member, uri: str) -> None:
        member.say([REGISTER, self.next_request(member), OPTIONS[uri], uri])
        first, *rest = member.heard()  # what waited may come at once
        if first[0] == REGISTERED:
            self.registrations[member.session.id, uri] = first[2]
        else:
            assert first[4] == "wamp.error.procedure_already_exists"
        self.listen({member: rest})

    @precondition(lambda self: self.registrations)
    @rule(data=st.data())
    def unregister(self, data: st.DataObject) -> None:
        session_id, uri = data.draw(st.sampled_from(sorted(self.registrations)))
        member = self.member(session_id)
        registration = self.registrations.pop((session_id, uri))
        member.say([UNREGISTER, self.next_request(member), registration])
        first, *rest = member.heard()
        assert len(first) == 2
        self.listen({member: rest})

    @precondition(lambda self: len(self.here) > 1)
    @rule(data=st.data(), way=st.sampled_from(["leave", "goodbye", "dismiss"]))
    def leave(self, data: st.DataObject, way: str) -> None:
        self.goes(data.draw(st.sampled_from(self.here)), way)

    def goes(self, member: Member, way: str) -> None:
        session = member.session
        if way == "dismiss":
            self.house.realm.dismiss(session, "wamp.close.killed")
        elif way == "goodbye":
            member.goodbye()
        else:
            member.leave()
        heard = member.heard()
        if way != "leave":
            last = heard.pop()
            assert last[0] == GOODBYE
        self.listen({member: heard})
        self.here.remove(member)
        mine = {key for key in self.pending if key[0] == session.id}
        assert not (mine and way == "dismiss")
        self.pending -= mine
        for key in [key for key in self.calls if key[0] == session.id]:
            self.calls[key].open = False
        self.registrations = {key: value for key, value in self.registrations.items() if key[0] != session.id}
        while self.house.realm.has_leavers:
            self.house.realm.tidy()
        self.listen()
        assert member.holds_nothing()
        assert not member.heard()

    @rule(
        data=st.data(),
        uri=st.sampled_from([*URIS, "com.nobody"]),
        receive=st.booleans(),
        progress=st.booleans(),
        timeout=st.sampled_from([0, 0, 300, 1000]),
    )
    def call(self, data: st.DataObject, uri: str, receive: bool, progress: bool, timeout: int) -> None:
        caller = data.draw(st.sampled_from(self.here))
        options: dict[str, Any] = {}
        if receive:
            options["receive_progress"] = True
        if progress:
            options["progress"] = True
        if timeout:
            options["timeout"] = timeout
        request = self.next_request(caller)
        key = caller.session.id, request
        self.calls[key] = Called(uri, options, self.house.now)
        self.pending.add(key)
        caller.say([CALL, request, options, uri, [*key, 1]])
        self.listen()
        if uri == "com.nobody":
            assert key not in self.pending

    @precondition(lambda self: any(called.open for called in self.calls.values()))
    @rule(data=st.data(), last=st.booleans())
    def goes_on(self, data: st.DataObject, last: bool) -> None:
        """The next part of a call, whether or not the call is over."""
        key = data.draw(st.sampled_from(sorted(key for key, called in self.calls.items() if called.open)))
        called = self.calls[key]
        called.sent += 1
        called.open = not last
        before = dict(self.issued)
        self.member(key[0]).say([CALL, key[1], {} if last else {"progress": True}, called.uri, [*key, called.sent]])
        self.listen()
        assert self.issued == before, "a part of a call became a call of its own"

    @precondition(lambda self: any(self.issued[member.session.id] for member in self.here))
    @rule(
        data=st.data(),
        how=st.sampled_from(["yield", "progress", "progress", "error", "unavailable", "unavailable"]),
        waiting=st.booleans(),
    )
    def answer(self, data: st.DataObject, how: str, waiting: bool) -> None:
        """Answer an invocation that waits, or any that was ever issued."""
        ids = {member.session.id for member in self.here}
        works = sorted(work for work in self.works if work[0] in ids)
        if waiting:
            works = [work for work in works if self.holds(work)] or works
        if not works:
            return
        callee_id, number = data.draw(st.sampled_from(works))
        key = self.works[callee_id, number]
        waits = self.holds((callee_id, number))
        callee = self.member(callee_id)
        if how in ("yield", "progress"):
            callee.say([YIELD, number, {"progress": True} if how == "progress" else {}, [*key, how]])
        else:
            uri = "com.err" if how == "error" else "wamp.error.unavailable"
            callee.say([ERROR, INVOCATION, number, {}, uri, [*key, how]])
        self.listen()
        if waits and how in ("yield", "error"):
            assert key not in self.pending
        if waits and how == "progress":
            assert key in self.pending

    @precondition(lambda self: self.pending)
    @rule(data=st.data(), mode=st.sampled_from(["skip", "kill", "killnowait"]))
    def cancel(self, data: st.DataObject, mode: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.pending)))
        self.member(key[0]).say([CANCEL, key[1], {"mode": mode}])
        self.listen()
        assert mode == "kill" or key not in self.pending

    @rule(seconds=st.sampled_from([0.1, 0.2, 0.3, 0.7]))
    def time_passes(self, seconds: float) -> None:
        """As in a shell, somebody looks only when the realm said that there would be something to see."""
        house = self.house
        house.now += seconds
        if self.armed is not None and self.armed <= house.now:
            house.realm.expire(house.now)
            self.armed = house.realm.next_deadline
            self.listen()
        for key in self.pending:
            called = self.calls[key]
            assert not called.timeout or called.due > house.now, "a call outlived its time"

    @precondition(lambda self: any(member.session.outbox for member in self.here) or self.pending)
    @rule(data=st.data())
    def something_is_lost(self, data: st.DataObject) -> None:
        """The last message that a session is sent cannot be carried to it: a part, a result, or an invocation."""
        key = data.draw(st.sampled_from(sorted(self.pending))) if self.pending else None
        if key is None:
            return
        called = self.calls[key]
        if not called.open:
            return
        called.sent += 1
        self.member(key[0]).say([CALL, key[1], {"progress": True}, called.uri, [*key, called.sent]])
        for member in self.here:
            if member.session.outbox:
                message = member.session.outbox.pop()
                heard = member.heard()
                assert self.house.realm.undeliverable(member.session, message, "com.lost", "lost")
                if plain(message)[0] == INVOCATION:
                    called.heard = called.sent
                self.listen({member: heard})
                assert key not in self.pending
                return

    # --------------------------------------------------------------------------------------------- what is heard of it

    def member(self, session_id: int) -> Member:
        return next(member for member in self.here if member.session.id == session_id)

    def next_request(self, member: Member) -> int:
        self.requests[member.session.id] += 1
        return self.requests[member.session.id]

    def holds(self, work: Key) -> bool:
        return work[1] in (self.member(work[0]).session.invocations or {})

    def listen(self, already: dict[Member, list[list[Any]]] | None = None) -> None:
        """Let everybody hear what was said; invocations first, as they may be over by the end of the same turn."""
        heard = [(member, message) for member, messages in (already or {}).items() for message in messages]
        heard += [(member, message) for member in self.here for message in member.heard()]
        for member, message in sorted(heard, key=lambda pair: pair[1][0] != INVOCATION):
            self.hears(member, message)
        if self.house.alarmed:
            self.house.alarmed.clear()
            self.armed = self.house.realm.next_deadline

    def hears(self, member: Member, message: list[Any]) -> None:
        me = member.session.id
        if message[0] == INVOCATION:
            self.is_invoked(me, message)
        elif message[0] == INTERRUPT:
            assert me in self.able
            assert (me, message[1]) in self.works
            assert (me, message[1]) not in self.interrupted
            self.interrupted.add((me, message[1]))
        elif message[0] == RESULT and message[2].get("progress"):
            called = self.calls[me, message[1]]
            assert (me, message[1]) in self.pending, "progress after the end"
            assert called.wants_progress
            assert message[3] == [me, message[1], "progress"]
            called.due = self.house.now + called.timeout
        else:
            call = message[1] if message[0] == RESULT else message[2]
            assert message[0] == RESULT or message[:2] == [ERROR, CALL]
            key = me, call
            assert key in self.pending, "a second answer"
            self.pending.remove(key)
            if message[0] == RESULT:
                assert message[3] == [me, call, "yield"]
            elif message[4] == TIMEOUT:
                called = self.calls[key]
                assert called.timeout
                assert called.due <= self.house.now, "a call ended before its time"

    def is_invoked(self, me: int, message: list[Any]) -> None:
        *key_parts, part = message[4]
        key = key_parts[0], key_parts[1]
        called = self.calls[key]
        work = me, message[1]
        assert key in self.pending, "an invocation for a call that is over"
        if work in self.works:
            assert self.works[work] == key
            assert part == called.heard + 1
            called.due = self.house.now + called.timeout
        else:
            self.issued[me] += 1
            assert message[1] == self.issued[me]
            assert part == 1
            assert me not in called.tried, "a callee was asked twice"
            called.tried.add(me)
            self.works[work] = key
        called.heard = part
        assert message[3].get("progress", False) is (called.open or part < called.sent)

    # ------------------------------------------------------------------------------------------ always, and in the end

    @invariant()
    def records_agree(self) -> None:
        calls = {
            (member.session.id, call): it for member in self.here for call, it in (member.session.calls or {}).items()
        }
        assert calls.keys() == self.pending
        works = [it for member in self.here for it in (member.session.invocations or {}).values()]
        assert {id(it) for it in works} == {id(it) for it in calls.values() if it.callee is not None}
        for it in calls.values():
            if it.callee is None:
                assert it.course is not None
                assert it.course.seat is not None
        deadlines = self.house.realm.dealer.deadlines
        assert len(deadlines) == sum(1 for key in self.pending if self.calls[key].timeout)

    @invariant()
    def room_is_counted(self) -> None:
        works = [it for member in self.here for it in (member.session.invocations or {}).values()]
        for registration in self.house.realm.dealer.registrations.exact.values():
            if registration.callee is None:
                for share in registration.shared.shares():
                    seats = sum(1 for it in works if it.course is not None and it.course.seat is share)
                    assert share.pending == seats
                    assert share.concurrency is None or seats <= share.concurrency

    def teardown(self) -> None:
        while self.here:
            self.goes(self.here[0], "leave")
        assert not self.pending
        assert self.house.is_empty()


Calling.TestCase.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
TestCalling = Calling.TestCase
