"""The router as a caller: its calls of components' procedures, and that each has one answer."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.methods import Failed
from wampd.auth.roles import Role, Rule
from wampd.router import envoy
from wampd.router.envoy import Answer, CallFailed
from wampd.router.realms import Realms
from wampd.router.templates import Plan, Template
from wampd.router.transports.memory import MemoryClient
from wampd.router.wire.serializers import codecs

HELLO, WELCOME, GOODBYE, ERROR, REGISTER, REGISTERED, INVOCATION, INTERRUPT, YIELD = 1, 2, 6, 8, 64, 65, 68, 69, 70
EVERYTHING = Rule("", "prefix", frozenset({"call", "register", "publish", "subscribe"}))


class House:
    """A router in memory with one component."""

    def __init__(self, realm: str = "realm1", serializer: str = "json") -> None:
        self.clock = Clock()
        self.realms = Realms(self.clock, "wampd")
        plan = Plan(door=RealmAuth([Anonymous("anybody", lambda: "somebody")], [Role("anybody", [EVERYTHING])]))
        self.realms.add("realm1", plan)
        self.realms.add_template(Template("on.demand.", "prefix", plan))
        self.realm = realm
        self.heard: list[list[Any]] = []
        self.component = MemoryClient(self.realms, self.clock, codecs(64)[serializer], self.heard.append)
        self.say([HELLO, realm, {"roles": {"callee": {}}}])
        assert self.heard.pop()[0] == WELCOME

    def register(self, procedure: str = "com.app.proc", **options: Any) -> None:
        self.say([REGISTER, 1, options, procedure])
        assert self.heard.pop()[0] == REGISTERED

    def say(self, *messages: list[Any]) -> None:
        self.component.send(*messages)
        self.turns()

    def call(self, *args: Any, procedure: str = "com.app.proc", timeout: float = 5.0) -> list[Any]:
        outcome: list[Any] = []
        called = self.realms.call(self.realm, procedure, args, timeout)
        called.addCallbacks(outcome.append, lambda failure: outcome.append(failure.value))
        self.turns()
        return outcome

    def turns(self) -> None:
        for _ in range(5):
            self.realms.end_of_turn()
            self.clock.advance(0)


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
def test_a_component_is_called_and_its_result_comes_back(serializer: str) -> None:
    house = House(serializer=serializer)
    house.register()
    outcome = house.call("joe", {"n": [1, 2.5, None, "ü"]})
    [invocation] = house.heard
    assert invocation[0] == INVOCATION
    assert invocation[4] == ["joe", {"n": [1, 2.5, None, "ü"]}]
    assert outcome == []
    house.say([YIELD, invocation[1], {}, ["role"], {"extra": True}])
    assert outcome == [Answer(["role"], {"extra": True})]


def test_a_result_without_a_payload_is_an_empty_one() -> None:
    house = House()
    house.register()
    outcome = house.call()
    house.say([YIELD, house.heard[0][1], {}])
    assert outcome == [Answer([], {})]


def test_an_error_of_the_component_is_a_failure_with_its_uri() -> None:
    house = House()
    house.register()
    outcome = house.call()
    house.say([ERROR, INVOCATION, house.heard[0][1], {}, "com.app.error", ["why"]])
    [failure] = outcome
    assert isinstance(failure, CallFailed)
    assert (failure.uri, failure.args_of_error) == ("com.app.error", ("why",))


def test_a_procedure_that_nobody_registered_is_a_failure() -> None:
    [failure] = House().call()
    assert failure.uri == "wamp.error.no_such_procedure"


def test_a_realm_that_is_not_open_is_a_failure() -> None:
    house = House()
    house.realm = "on.demand.one"
    [failure] = house.call()
    assert failure.uri == "wamp.error.no_such_realm"


def test_a_component_that_does_not_answer_is_a_failure_after_the_timeout() -> None:
    house = House()
    house.register()
    outcome = house.call(timeout=2.0)
    house.clock.advance(1.9)
    house.turns()
    assert outcome == []
    house.clock.advance(0.2)
    house.turns()
    assert [failure.uri for failure in outcome] == ["wamp.error.timeout"]
    house.say([YIELD, house.heard[0][1], {}, ["too late"]])
    assert len(outcome) == 1


def test_a_component_that_would_watch_the_time_itself_is_not_relied_on() -> None:
    house = House()
    house.say([GOODBYE, {}, "wamp.close.close_realm"])
    house.heard.clear()
    house.say([HELLO, "realm1", {"roles": {"callee": {"features": {"call_timeout": True, "call_canceling": True}}}}])
    assert house.heard.pop()[0] == WELCOME
    house.register(forward_timeout=True)
    outcome = house.call(timeout=2.0)
    [invocation] = house.heard
    house.clock.advance(2.1)
    house.turns()
    assert [failure.uri for failure in outcome] == ["wamp.error.timeout"]
    assert house.heard[1:] == [[INTERRUPT, invocation[1], {"mode": "killnowait", "reason": "wamp.error.canceled"}]]
    assert not house.realms["realm1"].core.calls_under_way()


def test_a_call_that_nobody_waits_for_any_more_is_taken_back() -> None:
    house = House()
    house.register()
    outcome: list[Any] = []
    called = house.realms.call("realm1", "com.app.proc", (), 5.0)
    called.addErrback(lambda failure: outcome.append(failure.value.uri))
    house.turns()
    [invocation] = house.heard
    called.cancel()
    house.turns()
    assert outcome == ["wamp.error.canceled"]
    house.say([YIELD, invocation[1], {}, ["too late"]])
    assert outcome == ["wamp.error.canceled"]
    assert not any("Envoy" in str(call.func) for call in house.clock.getDelayedCalls())
    assert house.call() == []


def test_what_cannot_be_carried_is_not_called_and_leaves_nothing_behind() -> None:
    house = House()
    house.register()
    for argument in (2**70, "\ud800", object()):
        with pytest.raises((TypeError, ValueError, OverflowError)):
            house.realms.call("realm1", "com.app.proc", (argument,), 5.0)
    assert not any("Envoy" in str(call.func) for call in house.clock.getDelayedCalls())
    assert house.heard == []


def test_a_component_that_leaves_before_it_answers_is_a_failure() -> None:
    house = House()
    house.register()
    outcome = house.call()
    house.say([GOODBYE, {}, "wamp.close.close_realm"])
    assert [failure.uri for failure in outcome] == ["wamp.error.canceled"]


def test_calls_end_with_the_realm_that_is_closed() -> None:
    house = House(realm="on.demand.one")
    house.register()
    outcome = house.call()
    assert outcome == []
    house.component.drop()
    house.turns()
    assert len(outcome) == 1
    assert isinstance(outcome[0], CallFailed)
    assert house.realms.ids == set()


def test_calls_under_way_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envoy, "MOST_CALLS", 2)
    house = House()
    house.register()
    waiting = [house.call() for _ in range(2)]
    [failure] = house.call()
    assert failure.uri == "wamp.error.unavailable"
    house.say([YIELD, house.heard[0][1], {}], [YIELD, house.heard[1][1], {}])
    assert waiting == [[Answer([], {})], [Answer([], {})]]
    assert house.call() == []


def test_the_router_is_no_session_that_others_see() -> None:
    house = House()
    house.register(disclose_caller=True)
    house.call()
    assert len(house.realms["realm1"].core.sessions) == 1
    details = house.heard[0][3]
    assert (details["caller_authid"], details["caller_authrole"]) == ("wampd", "wampd")
    assert details["caller"] in house.realms.ids  # which no session will have


# ----------------------------------------------------------------------------------------- questions of the handshake


def asked(house: House, question: Any) -> list[Any]:
    answers: list[Any] = []
    answer = house.realms.answers.ask(question)
    if isinstance(answer, Deferred):
        answer.addCallback(answers.append)
    else:
        answers.append(answer)
    house.turns()
    return answers


class Broken:
    """An answerer with a bug."""

    def __init__(self, later: bool) -> None:
        self.later = later

    def find(self, question: object) -> Any:
        del question
        if not self.later:
            raise RuntimeError("a bug")
        answer: Deferred[Any] = Deferred()
        answer.errback(RuntimeError("a bug"))
        return answer


@pytest.mark.parametrize("later", [False, True])
def test_an_answerer_that_raises_is_logged_and_answers_failed(later: bool) -> None:
    class Question:
        def __repr__(self) -> str:
            return "<Question>"

    house = House()
    house.realms.answers.add(Question, Broken(later).find)
    [failed] = asked(house, Question())
    assert failed == Failed("<Question> failed: RuntimeError")
