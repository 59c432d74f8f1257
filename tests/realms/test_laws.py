"""Laws of routing, whatever the members of a realm do, in whatever order.

* Every CALL gets exactly one final answer, unless its caller left: one RESULT, or one ERROR.
* A call goes to the registration that matches it best, by a plain definition of matching.
* The invocations of a callee count 1, 2, 3, …; each answer reaches the caller whose call it was, and nobody else.
* Whoever is interrupted can be, is working, and is interrupted once.
* Every matching subscription fires once for every member but the publisher, by a plain model of who subscribed to what.
* What a member hears of another is in the order in which it was said.
* When all have left, nothing is left of anybody.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.realms.house import House, Member
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    GOODBYE,
    INTERRUPT,
    INVOCATION,
    PUBLISH,
    REGISTER,
    RESULT,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    YIELD,
)

URIS = ["a", "a.b", "a.c", "a.b.c", "b", "b.b"]
PATTERNS = [
    *((uri, "exact") for uri in URIS),
    *((uri, "prefix") for uri in ("", "a", "a.", "a.b")),
    *((uri, "wildcard") for uri in ("", "a.", ".b", ".", "a..c")),
]


def does_match(pattern: str, match: str, uri: str) -> bool:
    """The definition of matching."""
    if match != "wildcard":
        return uri == pattern if match == "exact" else uri.startswith(pattern)
    parts, others = pattern.split("."), uri.split(".")
    return len(parts) == len(others) and all(part in ("", other) for part, other in zip(parts, others, strict=True))


def rank(pattern: str, match: str) -> tuple[Any, ...]:
    """How good a match is: exact, the longest prefix, the wildcard with the longest runs of names."""
    if match != "wildcard":
        return (2,) if match == "exact" else (1, len(pattern))
    runs = "".join("." if part == "" else "x" for part in pattern.split(".")).split(".")
    return (0, [len(run) for run in runs])


class Routing(RuleBasedStateMachine):
    """Members come and go, and do everything that members can do."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.here: list[Member] = []
        self.interruptible: set[int] = set()
        self.request = 0
        # The model.
        self.registered: dict[tuple[str, str], tuple[Member, int]] = {}
        self.subscribed: dict[tuple[str, str], set[Member]] = defaultdict(set)
        self.subscription_ids: dict[tuple[str, str], int] = {}
        self.open: dict[tuple[int, int], str] = {}  # (caller, call) → the URI
        self.answered: set[tuple[int, int]] = set()
        self.working: dict[tuple[int, int], tuple[int, int]] = {}  # (callee, invocation) → (caller, call)
        self.issued: dict[int, int] = defaultdict(int)  # callee → the last invocation
        self.interrupted: set[tuple[int, int]] = set()
        self.told: dict[tuple[int, int, int], int] = defaultdict(int)  # (speaker, hearer, kind) → the last number

    # ------------------------------------------------------------------------------------------------------ the rules

    @initialize(able=st.booleans())
    def two_members(self, able: bool) -> None:
        self.join(able)
        self.join(True)

    @precondition(lambda self: len(self.here) < 6)
    @rule(able=st.booleans())
    def join(self, able: bool) -> None:
        member = self.house.join(interruptible=able)
        self.here.append(member)
        if able:
            self.interruptible.add(member.session.id)

    @precondition(lambda self: len(self.here) > 1)
    @rule(data=st.data(), way=st.sampled_from(["leave", "goodbye", "dismiss"]))
    def leave(self, data: st.DataObject, way: str) -> None:
        self.goes(data.draw(st.sampled_from(self.here)), way)

    def goes(self, member: Member, way: str) -> None:
        session = member.session
        self.here.remove(member)
        if way == "dismiss":
            # Its calls are answered first, then it is told.
            self.house.realm.dismiss(session, "wamp.close.killed")
            *answers, last = member.heard()
            assert last == [GOODBYE, {}, "wamp.close.killed"]
            for answer in answers:
                self.hears(member, answer)
        elif way == "goodbye":
            member.goodbye()
            assert member.heard() == [[GOODBYE, {}, "wamp.close.goodbye_and_out"]]
        else:
            member.leave()
        for key in [key for key in self.open if key[0] == session.id]:
            assert way != "dismiss"
            del self.open[key]
        self.registered = {key: value for key, value in self.registered.items() if value[0] is not member}
        for members in self.subscribed.values():
            members.discard(member)
        while self.house.realm.has_leavers:
            self.house.realm.tidy()
        self.listen()
        assert member.holds_nothing()
        assert not member.heard()

    @rule(data=st.data(), pattern=st.sampled_from(PATTERNS))
    def register(self, data: st.DataObject, pattern: tuple[str, str]) -> None:
        member = data.draw(st.sampled_from(self.here))
        uri, match = pattern
        answer = self.asks(member, [REGISTER, self.next_request(), {"match": match}, uri])
        if pattern in self.registered:
            assert answer[4] == "wamp.error.procedure_already_exists"
        else:
            self.registered[pattern] = (member, answer[2])

    @precondition(lambda self: self.registered)
    @rule(data=st.data(), own=st.booleans())
    def unregister(self, data: st.DataObject, own: bool) -> None:
        pattern = data.draw(st.sampled_from(sorted(self.registered)))
        owner, registration = self.registered[pattern]
        member = owner if own else data.draw(st.sampled_from(self.here))
        answer = self.asks(member, [UNREGISTER, self.next_request(), registration])
        if member is owner:
            del self.registered[pattern]
            assert len(answer) == 2
        else:
            assert answer[4] == "wamp.error.no_such_registration"

    @rule(data=st.data(), uri=st.sampled_from([*URIS, "c.d"]), disclose=st.booleans())
    def call(self, data: st.DataObject, uri: str, disclose: bool) -> None:
        caller = data.draw(st.sampled_from(self.here))
        request = self.next_request()
        self.open[caller.session.id, request] = uri
        caller.say([CALL, request, {"disclose_me": disclose}, uri, [caller.session.id, request]])
        matching = [pattern for pattern in self.registered if does_match(*pattern, uri)]
        if matching:
            callee, registration = self.registered[max(matching, key=lambda pattern: rank(*pattern))]
            *_, last = messages = callee.heard()
            assert last[0] == INVOCATION
            assert last[2] == registration
            assert last[3].get("caller") == (caller.session.id if disclose else None)
            for message in messages:
                self.hears(callee, message)
        self.listen()
        if not matching:
            assert (caller.session.id, request) in self.answered

    @precondition(lambda self: self.open)
    @rule(data=st.data(), how=st.sampled_from(["yield", "error", "progress"]))
    def answer(self, data: st.DataObject, how: str) -> None:
        """Answer an invocation that waits."""
        works = [work for work, key in self.working.items() if key in self.open]
        self.answers(*data.draw(st.sampled_from(works)), how)

    @rule(data=st.data(), how=st.sampled_from(["yield", "error", "progress"]))
    def answer_again(self, data: st.DataObject, how: str) -> None:
        """Answer any invocation that was ever issued."""
        callees = [member.session.id for member in self.here if self.issued[member.session.id]]
        if callees:
            callee = data.draw(st.sampled_from(callees))
            self.answers(callee, data.draw(st.integers(1, self.issued[callee])), how)

    def answers(self, callee_id: int, number: int, how: str) -> None:
        callee = self.member(callee_id)
        key = self.working.get((callee.session.id, number))
        waits = key in self.open
        if how == "error":
            callee.say([ERROR, INVOCATION, number, {}, "com.err", [number]])
        else:
            callee.say([YIELD, number, {"progress": True} if how == "progress" else {}, [number]])
        self.listen()
        if waits and how != "progress":
            assert key in self.answered
        elif waits:
            assert key in self.open

    @precondition(lambda self: self.open)
    @rule(data=st.data(), mode=st.sampled_from(["skip", "kill", "killnowait"]))
    def cancel(self, data: st.DataObject, mode: str) -> None:
        """Cancel a call that is under way."""
        key = data.draw(st.sampled_from(sorted(self.open)))
        (callee,) = [callee for (callee, _), work in self.working.items() if work == key]
        self.cancels(*key, mode)
        assert (key in self.open) is (mode == "kill" and callee in self.interruptible)
        if mode != "skip" and callee in self.interruptible:
            assert any(self.working[work] == key for work in self.interrupted)

    @precondition(lambda self: self.request)
    @rule(data=st.data(), mode=st.sampled_from(["skip", "kill", "killnowait"]))
    def cancel_anything(self, data: st.DataObject, mode: str) -> None:
        """Cancel any request that was ever made."""
        callers = [member for member in self.here if member.session.watermark]
        if callers:
            caller = data.draw(st.sampled_from(callers)).session
            self.cancels(caller.id, data.draw(st.integers(1, caller.watermark)), mode)

    def cancels(self, caller_id: int, number: int, mode: str) -> None:
        self.member(caller_id).say([CANCEL, number, {"mode": mode}])
        self.listen()

    @rule(data=st.data(), pattern=st.sampled_from(PATTERNS))
    def subscribe(self, data: st.DataObject, pattern: tuple[str, str]) -> None:
        member = data.draw(st.sampled_from(self.here))
        uri, match = pattern
        answer = self.asks(member, [SUBSCRIBE, self.next_request(), {"match": match}, uri])
        if self.subscribed[pattern]:
            assert answer[2] == self.subscription_ids[pattern]
        self.subscription_ids[pattern] = answer[2]
        self.subscribed[pattern].add(member)

    @precondition(lambda self: self.subscription_ids)
    @rule(data=st.data())
    def unsubscribe(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(self.here))
        pattern = data.draw(st.sampled_from(sorted(self.subscription_ids)))
        answer = self.asks(member, [UNSUBSCRIBE, self.next_request(), self.subscription_ids[pattern]])
        if member in self.subscribed[pattern]:
            self.subscribed[pattern].remove(member)
            assert len(answer) == 2
        else:
            assert answer[4] == "wamp.error.no_such_subscription"

    @rule(data=st.data(), uri=st.sampled_from([*URIS, "c.d"]), exclude_me=st.booleans())
    def publish(self, data: st.DataObject, uri: str, exclude_me: bool) -> None:
        publisher = data.draw(st.sampled_from(self.here))
        number = self.next_request()
        publisher.say([PUBLISH, number, {"exclude_me": exclude_me}, uri, [publisher.session.id, number]])
        publications = set()
        for member in self.here:
            events = member.heard()
            expected = {
                self.subscription_ids[pattern]
                for pattern, members in self.subscribed.items()
                if member in members and does_match(*pattern, uri) and not (exclude_me and member is publisher)
            }
            assert len(events) == len(expected)
            assert {event[1] for event in events} == expected
            publications |= {event[2] for event in events}
            for event in events:
                self.hears(member, event)
        assert len(publications) <= 1

    # --------------------------------------------------------------------------------------------- what is heard of it

    def member(self, session_id: int) -> Member:
        return next(member for member in self.here if member.session.id == session_id)

    def next_request(self) -> int:
        self.request += 1
        return self.request

    def asks(self, member: Member, message: list[Any]) -> list[Any]:
        """Say something that is answered at once, to the one who asked; return the answer."""
        member.say(message)
        (answer,) = member.heard()
        self.listen()
        assert message[1] == (answer[2] if answer[0] == ERROR else answer[1])
        return answer

    def listen(self) -> None:
        """Let everybody hear what was said."""
        for member in self.here:
            for message in member.heard():
                self.hears(member, message)

    def hears(self, member: Member, message: list[Any]) -> None:
        me = member.session.id
        if message[0] == INVOCATION:
            caller, call = message[4]
            self.issued[me] += 1
            assert message[1] == self.issued[me]
            assert (caller, call) in self.open
            assert (caller, call) not in self.working.values()
            self.working[me, message[1]] = (caller, call)
            self.in_order(caller, me, CALL, call)
        elif message[0] == INTERRUPT:
            assert me in self.interruptible
            assert (me, message[1]) in self.working
            assert (me, message[1]) not in self.interrupted
            self.interrupted.add((me, message[1]))
        elif message[0] == RESULT or message[:2] == [ERROR, CALL]:
            call = message[1] if message[0] == RESULT else message[2]
            assert (me, call) not in self.answered, "a second answer"
            assert self.open.pop((me, call), None) is not None
            self.answered.add((me, call))
            if message[0] == RESULT or message[4] == "com.err":
                assert (me, call) in self.working.values()
                assert any(key == (me, call) and number == message[-1][0] for (_, number), key in self.working.items())
        else:
            assert message[0] == EVENT
            publisher, number = message[4]
            self.in_order(publisher, me, EVENT, number)

    def in_order(self, speaker: int, hearer: int, kind: int, number: int) -> None:
        last = self.told[speaker, hearer, kind]
        assert number > last or (kind == EVENT and number == last)  # one event for each subscription that matches
        self.told[speaker, hearer, kind] = number

    # ------------------------------------------------------------------------------------------ always, and in the end

    @invariant()
    def records_agree(self) -> None:
        """What the realm keeps is what the model keeps: a call that is open has a callee who is here and works on it."""
        calls = {(member.session.id, call) for member in self.here for call in member.session.calls or ()}
        assert calls == set(self.open)
        works = {
            (invocation.caller.id, invocation.call)
            for member in self.here
            for invocation in (member.session.invocations or {}).values()
        }
        assert works == calls
        assert len(self.house.realm.dealer.registrations) == len(self.registered)
        assert len(self.house.realm.broker.subscriptions) == sum(1 for each in self.subscribed.values() if each)

    def teardown(self) -> None:
        while self.here:
            self.goes(self.here[0], "leave")
        assert not self.open
        assert self.house.is_empty()


Routing.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestRouting = Routing.TestCase
