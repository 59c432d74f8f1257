"""What the meta API answers and tells always equals a model of who is here, what is registered and subscribed to."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.realms.house import House, Member
from wampd.realms.messages import CALL, ERROR, EVENT, REGISTER, RESULT, SUBSCRIBE, UNREGISTER, UNSUBSCRIBE
from wampd.realms.meta.sessions import details
from wampd.realms.options import ClientRole, ClientRoles

WATCHED = [
    *(f"wamp.session.on_{kind}" for kind in ("join", "leave")),
    *(f"wamp.{what}.on_{kind}" for what in ("registration", "subscription") for kind in ("create", "delete")),
    *(f"wamp.registration.on_{kind}" for kind in ("register", "unregister")),
    *(f"wamp.subscription.on_{kind}" for kind in ("subscribe", "unsubscribe")),
]
PATTERNS = [("a", "exact"), ("a.b", "exact"), ("a.", "prefix"), ("", "prefix"), (".b", "wildcard"), ("a.b", "wildcard")]


class Told(RuleBasedStateMachine):
    """What the meta API answers, and what its events add up to, is what is so, whatever the members do."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.house.realm.SLICE = 15  # so that those who leave are taken off in several turns
        roles = ClientRoles(*[ClientRole()] * 4)
        self.watcher = self.house.join(roles=roles)
        self.topics: dict[int, str] = {}
        self.request = 0
        for topic in WATCHED:
            answer = self.answer(self.watcher, [SUBSCRIBE, 0, {}, topic])
            self.topics[answer[2]] = topic
        self.own = dict(self.topics)
        self.watcher.heard()
        self.here: dict[int, Member] = {self.watcher.session.id: self.watcher}
        self.registered: dict[int, tuple[str, str, str, set[int]]] = {}
        self.subscribed: dict[int, tuple[str, str, set[int]]] = {}
        # What the events say.
        self.joined: dict[int, bool] = {}
        self.registrations: dict[int, set[int]] = {}
        self.subscriptions: dict[int, set[int]] = {}

    def answer(self, member: Member, message: list[object]) -> list[object]:
        self.request += 1
        message[1] = self.request
        member.say(message)
        (answer,) = [each for each in member.heard() if each[0] != EVENT]
        return answer

    @initialize()
    def some_members(self) -> None:
        self.join("member")
        self.join("guest")

    def others(self) -> st.SearchStrategy[Member]:
        return st.sampled_from([each for each in self.here.values() if each is not self.watcher])

    @precondition(lambda self: len(self.here) < 7)
    @rule(role=st.sampled_from(["member", "guest"]))
    def join(self, role: str) -> None:
        member = self.house.join(authrole=role, authid=role)
        self.here[member.session.id] = member

    @precondition(lambda self: len(self.here) > 2)
    @rule(data=st.data(), way=st.sampled_from(["leave", "goodbye", "dismiss", "kill"]))
    def leave(self, data: st.DataObject, way: str) -> None:
        member = data.draw(self.others())
        if way == "dismiss":
            self.house.realm.dismiss(member.session, "com.bye")
        elif way == "kill":
            assert self.ask("session.kill", member.session.id) is None
        else:
            getattr(member, way)()
        self.gone(member.session.id)

    @rule(role=st.sampled_from(["member", "guest"]), by=st.sampled_from(["authrole", "authid"]))
    def kill_several(self, role: str, by: str) -> None:
        victims = [each.session.id for each in self.here.values() if each.session.authrole == role]
        answer = self.ask(f"session.kill_by_{by}", role)
        assert answer == (len(victims) if by == "authrole" else victims)
        for victim in victims:
            self.gone(victim)

    def gone(self, session: int) -> None:
        del self.here[session]
        for *_, members in (*self.registered.values(), *self.subscribed.values()):
            members.discard(session)
        self.forget()

    def forget(self) -> None:
        self.registered = {key: value for key, value in self.registered.items() if value[-1]}
        self.subscribed = {key: value for key, value in self.subscribed.items() if value[-1]}

    @precondition(lambda self: len(self.here) > 1)
    @rule(data=st.data(), pattern=st.sampled_from(PATTERNS), invoke=st.sampled_from(["single", "first", "random"]))
    def register(self, data: st.DataObject, pattern: tuple[str, str], invoke: str) -> None:
        member = data.draw(self.others())
        answer = self.answer(member, [REGISTER, 0, {"match": pattern[1], "invoke": invoke}, pattern[0]])
        there = [value for value in self.registered.values() if value[:2] == pattern]
        refused = there and ("single" in (invoke, there[0][2]) or member.session.id in there[0][3])
        assert (answer[0] == ERROR) is bool(refused or (there and there[0][2] != invoke))
        if answer[0] != ERROR:
            self.registered.setdefault(answer[2], (*pattern, invoke, set()))[3].add(member.session.id)

    @precondition(lambda self: len(self.here) > 1)
    @rule(data=st.data(), pattern=st.sampled_from(PATTERNS))
    def subscribe(self, data: st.DataObject, pattern: tuple[str, str]) -> None:
        member = data.draw(self.others())
        answer = self.answer(member, [SUBSCRIBE, 0, {"match": pattern[1]}, pattern[0]])
        self.subscribed.setdefault(answer[2], (*pattern, set()))[2].add(member.session.id)

    @precondition(lambda self: self.registered)
    @rule(data=st.data())
    def unregister(self, data: st.DataObject) -> None:
        registration = data.draw(st.sampled_from(sorted(self.registered)))
        callees = self.registered[registration][3]
        callee = data.draw(st.sampled_from(sorted(callees)))
        assert len(self.answer(self.here[callee], [UNREGISTER, 0, registration])) == 2
        callees.remove(callee)
        self.forget()

    @precondition(lambda self: self.registered)
    @rule(data=st.data())
    def remove_callee(self, data: st.DataObject) -> None:
        registration = data.draw(st.sampled_from(sorted(self.registered)))
        callees = self.registered[registration][3]
        callee = data.draw(st.sampled_from(sorted(callees)))
        assert self.ask("registration.remove_callee", registration, callee) is None
        callees.remove(callee)
        self.forget()

    @precondition(lambda self: self.subscribed)
    @rule(data=st.data())
    def unsubscribe(self, data: st.DataObject) -> None:
        subscription = data.draw(st.sampled_from(sorted(self.subscribed)))
        subscribers = self.subscribed[subscription][2]
        subscriber = data.draw(st.sampled_from(sorted(subscribers)))
        assert len(self.answer(self.here[subscriber], [UNSUBSCRIBE, 0, subscription])) == 2
        subscribers.remove(subscriber)
        self.forget()

    @precondition(lambda self: self.subscribed)
    @rule(data=st.data())
    def remove_subscriber(self, data: st.DataObject) -> None:
        subscription = data.draw(st.sampled_from(sorted(self.subscribed)))
        subscribers = self.subscribed[subscription][2]
        subscriber = data.draw(st.sampled_from(sorted(subscribers)))
        assert self.ask("subscription.remove_subscriber", subscription, subscriber) is None
        subscribers.remove(subscriber)
        self.forget()

    # -------------------------------------------------------------------------------------------------------- checks

    def ask(self, procedure: str, *args: object) -> object:
        self.watcher.say([CALL, 1, {}, f"wamp.{procedure}", list(args)])
        (answer,) = self.listen()
        assert answer[:3] == [RESULT, 1, {}]
        return answer[3][0] if answer[3:] else None

    def listen(self) -> list[list[object]]:
        """Follow what is told; nothing may be told that does not follow from what was told before. Return the rest."""
        rest = []
        for message in self.watcher.heard():
            if message[0] == EVENT:
                self.hears(self.topics[message[1]], *message[4])
            else:
                rest.append(message)
        return rest

    def hears(self, topic: str, *args: object) -> None:
        what, _, kind = topic.removeprefix("wamp.").partition(".on_")
        if what == "session":
            session = args[0]["session"] if kind == "join" else args[0]
            assert self.joined.get(session) is (None if kind == "join" else True)
            self.joined[session] = kind == "join"
            return
        known = self.registrations if what == "registration" else self.subscriptions
        session, about = args
        entry = about["id"] if kind == "create" else about
        if kind == "create":
            assert entry not in known
            known[entry] = set()
        elif kind == "delete":
            assert not known.pop(entry)
        elif kind in ("register", "subscribe"):
            assert session not in known[entry]
            known[entry].add(session)
        else:
            known[entry].remove(session)

    @invariant()
    def answers_are_so(self) -> None:
        # A slice may still be due: those who left are gone all the same, what they held is not.
        assert self.ask("session.list") == list(self.here)
        assert self.ask("session.count") == len(self.here)
        while self.house.realm.has_leavers:
            self.house.realm.tidy()
        self.listen()
        assert {session for session, is_here in self.joined.items() if is_here} == set(self.here) - {1}
        assert self.registrations == {key: value[3] for key, value in self.registered.items()}
        assert self.subscriptions == {key: value[2] for key, value in self.subscribed.items()}
        for session, member in self.here.items():
            assert self.ask("session.get", session) == details(member.session)
        listed = self.ask("registration.list")
        for match, ids in listed.items():
            assert sorted(ids) == sorted(key for key, value in self.registered.items() if value[1] == match)
        for registration, (uri, match, invoke, callees) in self.registered.items():
            assert self.ask("registration.lookup", uri, {"match": match}) == registration
            assert sorted(self.ask("registration.list_callees", registration)) == sorted(callees)
            assert self.ask("registration.count_callees", registration) == len(callees)
            told = self.ask("registration.get", registration)
            assert [told[key] for key in ("id", "uri", "match", "invoke")] == [registration, uri, match, invoke]
        listed = self.ask("subscription.list")
        ours = set(self.own)
        for match, ids in listed.items():
            expected = {key for key, value in self.subscribed.items() if value[1] == match}
            assert set(ids) - ours == expected
        for subscription, (uri, match, members) in self.subscribed.items():
            assert self.ask("subscription.lookup", uri, {"match": match}) == subscription
            assert sorted(self.ask("subscription.list_subscribers", subscription)) == sorted(members)
            assert self.ask("subscription.count_subscribers", subscription) == len(members)

    def teardown(self) -> None:
        for session in [each for each in self.here if each != self.watcher.session.id]:
            self.here[session].leave()
            self.gone(session)
        self.answers_are_so()
        assert not self.registrations
        assert not self.subscriptions
        self.watcher.leave()
        while self.house.realm.has_leavers:
            self.house.realm.tidy()
        assert self.house.is_empty()


Told.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestTold = Told.TestCase
