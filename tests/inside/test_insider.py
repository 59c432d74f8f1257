"""Sessions of the router's own: what they ask for, what they serve, and how they come in and go."""

import gc
import weakref

import pytest
from msgspec import Raw
from twisted.internet.defer import Deferred

from tests.inside.house import House
from wampd.router.envoy import MOST_CALLS, CallFailed
from wampd.router.inside.insider import Refusal, Returned
from wampd.router.inside.insiders import Credentials, NotLetIn

ABOUT = {"type": "http", "peer": "192.0.2.7"}
JOE = Credentials("ticket", "joe", "hunter2")


@pytest.fixture
def house():
    return House()


def test_json_goes_through_as_it_is(house):
    callee, caller = house.enter(), house.enter()
    house.now(callee.register("com.app.echo", lambda call: Returned(call.args, call.kwargs)))
    reply = house.now(caller.call("com.app.echo", Raw(b"[1.0, 2]"), Raw(b'{"a": 1e2}'), timeout=5))
    assert bytes(reply.args) == b"[1.0, 2]"
    assert bytes(reply.kwargs) == b'{"a": 1e2}'
    assert (reply.values(), reply.named()) == ([1.0, 2], {"a": 100.0})


def test_values_are_written(house):
    callee, caller = house.enter(), house.enter()
    house.now(callee.register("com.app.add", lambda call: sum(call.values())))
    assert house.now(caller.call("com.app.add", [1, 2], timeout=5)).values() == [3]
    assert house.now(caller.call("com.app.add", timeout=5)).values() == [0]


def test_a_value_that_cannot_be_written_is_not_sent(house):
    caller = house.enter()
    with pytest.raises(TypeError):
        caller.call("com.app.add", [object()], timeout=5)
    with pytest.raises(CallFailed, match="no_such_procedure"):
        house.now(caller.call("com.app.add", timeout=5))


def test_events_are_heard_until_unsubscribed(house):
    subscriber, publisher, heard = house.enter(), house.enter(), []
    subscription = house.now(subscriber.subscribe("com.app.", heard.append, "prefix"))
    publication = house.now(publisher.publish("com.app.news", ["x"], {"y": 1}))
    assert [event.details["publication"] for event in heard] == [publication]
    assert [(e.values(), e.named(), e.details["topic"]) for e in heard] == [(["x"], {"y": 1}, "com.app.news")]
    house.now(subscriber.unsubscribe(subscription))
    house.now(publisher.publish("com.app.news"))
    assert len(heard) == 1


def test_who_is_taken_off_a_topic_is_told_so(house):
    subscriber, others, revoked, heard = house.enter(), house.enter(), [], []
    subscriber.on_revoked.append(revoked.append)
    subscription = house.now(subscriber.subscribe("com.app.news", heard.append))
    house.now(subscriber.subscribe("com.app.other", heard.append))
    remove = "wamp.subscription.remove_subscriber"
    house.now(others.call(remove, [subscription.id, subscriber.id], {"reason": "com.app.go"}, timeout=5))
    assert revoked == ["com.app.go"]
    house.now(others.publish("com.app.news"))
    assert heard == []
    house.now(others.publish("com.app.other"))
    assert len(heard) == 1
    assert not subscriber.is_over


def test_a_call_has_its_time(house):
    callee, caller, ended = house.enter(), house.enter(), []
    house.now(callee.register("com.app.slow", lambda _: Deferred(ended.append)))
    answer = caller.call("com.app.slow", timeout=3)
    house.later(2.9)
    assert house.now(answer) is None
    house.later(0.2)
    with pytest.raises(CallFailed, match=r"wamp\.error\.timeout"):
        house.now(answer)
    assert ended


def test_cancelling_the_answer_interrupts_the_callee(house):
    callee, caller, ended = house.enter(), house.enter(), []
    house.now(callee.register("com.app.slow", lambda _: Deferred(ended.append)))
    answer = caller.call("com.app.slow", timeout=3)
    house.turns()
    answer.cancel()
    with pytest.raises(CallFailed, match=r"wamp\.error\.canceled"):
        house.now(answer)
    assert ended


def test_progress_is_heard_before_the_result(house):
    callee, caller, parts = house.enter(), house.enter(), []

    def count(call):
        assert call.details["receive_progress"]
        for number in range(3):
            callee.yield_progress(call, [number])
        return "done"

    house.now(callee.register("com.app.count", count))
    reply = house.now(caller.call("com.app.count", timeout=3, on_progress=lambda part: parts.extend(part.values())))
    assert (parts, reply.values()) == ([0, 1, 2], ["done"])


def test_errors_carry_their_uri_and_nothing_of_ours(house):
    callee, caller = house.enter(), house.enter()

    def refuse(_):
        raise Refusal("com.app.error.no", "because", 7)

    house.now(callee.register("com.app.refuse", refuse))
    with pytest.raises(CallFailed) as refused:
        house.now(caller.call("com.app.refuse", timeout=3))
    assert (refused.value.uri, refused.value.args_of_error) == ("com.app.error.no", ("because", 7))


def test_a_role_bounds_what_is_done(house):
    reader = house.enter("reader")
    assert (reader.details["authrole"], reader.details["authmethod"]) == ("reader", "internal")
    with pytest.raises(CallFailed, match="not_authorized"):
        house.now(reader.publish("com.app.news"))
    with pytest.raises(NotLetIn) as refused:
        house.enter("nobody")
    assert refused.value.reason == "wamp.error.no_such_role"


def test_there_is_no_entering_a_realm_that_is_not_there(house):
    with pytest.raises(NotLetIn, match="no_such_realm"):
        house.insiders.enter("realm2")


def test_the_router_may_serve_what_is_reserved_for_it(house):
    assert house.now(house.enter().register("wampd.audit.something", lambda _: None)) > 0
    with pytest.raises(CallFailed, match="invalid_uri"):
        house.now(house.enter("user").register("wampd.audit.other", lambda _: None))


def test_credentials_pass_the_door_of_all(house):
    joe = house.now(house.insiders.log_in("realm1", Credentials("ticket", "joe", "hunter2"), ABOUT))
    assert (joe.details["authid"], joe.details["authrole"], joe.details["authmethod"]) == ("joe", "user", "ticket")
    assert joe.id in house.realms["realm1"].core.sessions
    for shown in (Credentials("ticket", "joe", "no hunter2"), Credentials("ticket", "jim", "hunter2")):
        with pytest.raises(NotLetIn) as refused:
            house.now(house.insiders.log_in("realm1", shown, ABOUT))
        assert refused.value.reason == "wamp.error.authentication_denied"
        assert "hunter2" not in repr(shown)
    with pytest.raises(NotLetIn, match="no_matching_auth_method"):
        house.now(house.insiders.log_in("realm1", Credentials("jwt", "joe", "hunter2"), ABOUT))


def test_who_is_sent_away_hears_of_it_and_can_do_no_more(house):
    insider, told = house.enter("user"), []
    insider.on_over.append(told.append)
    waiting = house.enter()
    house.now(waiting.register("com.app.slow", lambda _: Deferred()))
    answer = insider.call("com.app.slow", timeout=30)
    house.turns()
    killer = house.enter()
    house.now(killer.call("wamp.session.kill", [insider.id], {"reason": "com.app.enough"}, timeout=5))
    assert told == ["com.app.enough"]
    with pytest.raises(CallFailed, match="canceled"):
        house.now(answer)
    with pytest.raises(CallFailed, match="canceled"):
        house.now(insider.publish("com.app.news"))
    assert insider.id not in house.realms["realm1"].core.sessions


def test_who_leaves_is_gone(house):
    insider = house.enter("user")
    insider.leave()
    house.turns()
    assert insider.is_over
    assert insider.id not in house.realms["realm1"].core.sessions


def test_nothing_is_left_of_a_session_that_has_left_and_nobody_waits_for_it(house):
    """Nor does it count as somebody who came too late."""
    for insider in (house.enter(), house.now(house.insiders.log_in("realm1", JOE, ABOUT))):
        insider.leave()
    house.turns()
    assert house.clock.getDelayedCalls() == []
    house.later(3600)
    assert house.realms.tally.totals() == {}


def test_a_session_that_was_sent_away_leaves_nothing_either(house):
    insider = house.enter()
    session = house.realms["realm1"].core.sessions[insider.id]
    house.realms["realm1"].core.expel([session], "wamp.close.killed", "")
    house.realms["realm1"].tidy()
    house.turns()
    assert insider.is_over
    assert house.clock.getDelayedCalls() == []


def test_a_proof_that_would_have_expired_much_later_is_not_waited_for(house):
    insider, line = house.insiders._line(None)
    line.wake(86_400.0)
    insider.lost("wamp.close.normal")
    house.turns()
    assert house.clock.getDelayedCalls() == []


@pytest.mark.parametrize("way", ["subscribe", "register"])
def test_a_request_that_was_not_sent_keeps_no_handler(house, way):
    class Handler:
        def __call__(self, reply):
            """Take nothing."""

    insider, handler = house.enter(), Handler()
    insider.leave()
    kept = weakref.ref(handler)
    with pytest.raises(CallFailed):
        house.now(getattr(insider, way)("com.app.x", handler))
    del handler
    gc.collect()
    assert kept() is None


def test_who_leaves_waits_for_nothing_any_more(house):
    callee, caller = house.enter(), house.enter()
    house.now(callee.register("com.app.slow", lambda _: Deferred()))
    answers = []
    caller.call("com.app.slow", timeout=60).addErrback(lambda failure: answers.append(failure.value.uri))
    house.turns()
    caller.leave()
    assert answers == ["wamp.error.canceled"]


def test_what_waits_for_answers_is_bounded(house):
    caller = house.enter()
    caller._waiting.update((-number, Deferred()) for number in range(1, MOST_CALLS))
    with pytest.raises(CallFailed, match="no_such_procedure"):
        house.now(caller.call("com.app.x", timeout=60))
    caller._waiting[0] = Deferred()
    with pytest.raises(CallFailed, match="unavailable"):
        house.now(caller.call("com.app.x", timeout=60))
    caller._waiting.clear()


def test_what_is_refused_or_done_is_not_kept(house):
    reader, callee, caller = house.enter("reader"), house.enter(), house.enter()
    with pytest.raises(CallFailed):
        house.now(reader.register("com.app.x", lambda _: None))
    assert reader._new == {}
    house.now(callee.register("com.app.x", lambda _: None))
    house.now(caller.call("com.app.x", timeout=5))
    assert (callee._new, callee._under_way, caller._waiting, caller._timers) == ({}, {}, {}, {})


def test_a_result_that_cannot_be_written_is_an_error_that_tells_nothing(house):
    callee, caller = house.enter(), house.enter()
    house.now(callee.register("com.app.odd", lambda _: object()))
    with pytest.raises(CallFailed) as failed:
        house.now(caller.call("com.app.odd", timeout=5))
    assert (failed.value.uri, failed.value.args_of_error) == ("wamp.error.runtime_error", ("internal error",))


@pytest.mark.parametrize("role", [None, "user", "nobody"])
def test_a_realm_that_is_not_there_is_entered_in_no_role(house, role):
    with pytest.raises(NotLetIn) as refused:
        house.insiders.enter("nowhere", role=role)
    assert refused.value.reason == "wamp.error.no_such_realm"


def test_a_role_that_is_not_there_is_nobodys(house):
    with pytest.raises(NotLetIn):
        house.insiders.enter("realm1", role="nobody")
