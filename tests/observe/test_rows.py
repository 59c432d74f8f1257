"""What the monitor lists: sessions, registrations, subscriptions, and what goes wrong; searched, sorted, a page at a time."""

import sys

import pytest
from msgspec import Raw
from twisted.internet.defer import Deferred

from tests.observe.stage import MOMENT, Stage
from wampd.router.envoy import CallFailed
from wampd.router.inside.insider import Refusal


@pytest.fixture
def stage():
    return Stage()


# ------------------------------------------------------------------------------------------------------------ sessions


def test_a_session_is_told_of_with_all_that_is_known(stage):
    joe = stage.enter("user", authid="joe", about={"type": "websocket", "peer": "192.0.2.7", "protocol": "wamp.2.json"})
    stage.now(joe.subscribe("com.app.news", lambda _: None))
    stage.now(joe.register("com.app.add", lambda _: 1))
    joe.call("com.app.other", timeout=5)
    (told,) = stage.ask("sessions", search="JOE")["sessions"]
    assert MOMENT.fullmatch(told.pop("since"))
    assert told.pop("in") == pytest.approx(3.0)
    assert told.pop("out") >= 3.0
    assert told.pop("sent") >= 3
    assert told == {
        "realm": "realm1",
        "session": joe.id,
        "authid": "joe",
        "authrole": "user",
        "authmethod": "internal",
        "authprovider": "wampd",
        "address": "192.0.2.7",
        "transport": "websocket",
        "protocol": "wamp.2.json",
        "agent": "wampd",
        "received": 3,
        "queued": 0,
        "dropped": 0,
        "under_way": 0,
        "registrations": 1,
        "subscriptions": 1,
    }


def test_rates_of_a_session_are_those_of_late_once_somebody_has_looked(stage):
    joe = stage.enter("user", authid="joe")
    for _ in range(20):
        stage.now(joe.publish("com.app.news"))
    assert stage.ask("sessions", search="joe")["sessions"][0]["in"] == pytest.approx(20.0)
    stage.later(2.0)
    stage.ask("sessions")
    for _ in range(4):
        stage.now(joe.publish("com.app.news"))
    stage.later(2.0)
    told = stage.ask("sessions", search="joe")["sessions"][0]
    assert (told["in"], told["out"], told["received"]) == (2.0, 2.0, 24)


def test_pages_are_searched_sorted_and_cut(stage):
    for number in range(30):
        stage.enter("user", authid=f"user{number:02}", about={"peer": f"192.0.2.{number}"})
    stage.elsewhere(authid="user99")
    told = stage.ask("sessions", search="user", sort="authid", descending=True, limit=3, offset=1)
    assert (told["total"], told["found"]) == (32, 31)
    assert [each["authid"] for each in told["sessions"]] == ["user29", "user28", "user27"]
    assert stage.ask("sessions", search="192.0.2.17")["sessions"][0]["authid"] == "user17"
    assert stage.ask("sessions", search="user", realm="other")["found"] == 1
    assert stage.ask("sessions", offset=100)["sessions"] == []
    assert len(stage.ask("sessions")["sessions"]) == 32


@pytest.mark.parametrize(
    "column", ["realm", "session", "address", "agent", "since", "in", "queued", "under_way", "subscriptions"]
)
def test_sessions_can_be_sorted_by_what_is_shown(stage, column):
    for number in range(3):
        stage.enter("user", authid=f"user{number}")
    rows = stage.ask("sessions", sort=column)["sessions"]
    assert [row[column] for row in rows] == sorted(row[column] for row in rows)


def test_what_is_asked_for_may_stand_in_one_dictionary(stage):
    stage.enter("user", authid="joe")
    assert stage.ask("sessions", {"search": "joe", "limit": 1})["found"] == 1


@pytest.mark.parametrize(
    "given",
    [
        {"limit": 201},
        {"limit": 0},
        {"limit": "many"},
        {"offset": -1},
        {"sort": "secret"},
        {"search": 7},
        {"search": "x" * 513},
        {"unknown": 1},
        {"descending": "yes"},
    ],
)
def test_what_cannot_be_asked_for_is_refused(stage, given):
    with pytest.raises(CallFailed, match="invalid_argument"):
        stage.ask("sessions", **given)


# ------------------------------------------------------------------------------------- registrations, subscriptions


def test_a_registration_is_told_of_with_its_calls(stage):
    callee, caller = stage.enter("user"), stage.enter("user")
    waiting = []

    def serve(call):
        if call.values() == ["wait"]:
            waiting.append(Deferred(lambda _: None))
            return waiting[-1]
        if call.values() == ["fail"]:
            raise Refusal("com.app.error.bad")
        return 1

    stage.now(callee.register("com.app.add", serve))
    stage.watch.measure()
    stage.now(caller.call("com.app.add", timeout=5))
    with pytest.raises(CallFailed):
        stage.now(caller.call("com.app.add", ["fail"], timeout=5))
    caller.call("com.app.add", ["wait"], timeout=5)
    stage.turns()
    (told,) = stage.ask("registrations", search="APP.ADD")["registrations"]
    assert MOMENT.fullmatch(told.pop("created"))
    assert told.pop("rate") == pytest.approx(3.0)
    assert told.pop("latency") == pytest.approx(0.0, abs=1e-3)
    assert told.pop("id") == stage.core.dealer.registrations.get("com.app.add").id
    assert told == {
        "realm": "realm1",
        "uri": "com.app.add",
        "match": "exact",
        "invoke": "single",
        "callees": 1,
        "calls": 3,
        "errors": 1,
        "under_way": 1,
        "waiting": 0,
    }


def test_calls_that_wait_for_a_callee_are_told_of(stage):
    callee, caller = stage.enter("user"), stage.enter("user")
    stage.now(callee.register("com.app.", lambda _: Deferred(), {"concurrency": 1, "match": "prefix"}))
    for _ in range(3):
        caller.call("com.app.add", timeout=5)
    stage.turns()
    (told,) = stage.ask("registrations")["registrations"]
    assert (told["match"], told["under_way"], told["waiting"]) == ("prefix", 1, 2)


def test_registrations_without_samples_have_no_latency_and_are_sorted_all_the_same(stage):
    callee = stage.enter("user")
    for name in ("a", "b"):
        stage.now(callee.register(f"com.app.{name}", lambda _: 1))
    stage.watch.measure()
    stage.now(callee.call("com.app.b", timeout=5))
    rows = stage.ask("registrations", sort="latency", descending=True)["registrations"]
    assert [row["uri"] for row in rows] == ["com.app.b", "com.app.a"]
    assert rows[1]["latency"] is None


def test_a_subscription_is_told_of_with_its_events(stage):
    subscriber, publisher = stage.enter("user"), stage.enter("user")
    stage.now(subscriber.subscribe("com.app.", lambda _: None, "prefix"))
    for _ in range(4):
        stage.now(publisher.publish("com.app.news"))
    (told,) = stage.ask("subscriptions")["subscriptions"]
    assert MOMENT.fullmatch(told.pop("created"))
    assert told.pop("rate") == pytest.approx(4.0)
    assert isinstance(told.pop("id"), int)
    assert told == {"realm": "realm1", "uri": "com.app.", "match": "prefix", "subscribers": 1, "events": 4}


# --------------------------------------------------------------------------------------------------- what goes wrong


def test_errors_are_told_the_newest_first(stage):
    joe = stage.enter("user", authid="joe")
    for uri in ("com.app.one", "com.app.two", "com.app.two"):
        with pytest.raises(CallFailed):
            stage.now(joe.call(uri, timeout=5))
    first, second = stage.ask("errors")["errors"]
    assert MOMENT.fullmatch(first.pop("at"))
    assert first == {
        "realm": "realm1",
        "error": "wamp.error.no_such_procedure",
        "uri": "com.app.two",
        "session": joe.id,
        "authid": "joe",
        "count": 2,
    }
    assert (second["uri"], second["count"]) == ("com.app.one", 1)
    assert len(stage.ask("errors", limit=1)["errors"]) == 1


def test_slow_calls_are_told_while_they_last_and_after(stage):
    callee, caller = stage.enter("user"), stage.enter("user")
    waiting = Deferred()
    stage.now(callee.register("com.app.slow", lambda _: waiting))
    caller.call("com.app.slow", timeout=60)
    stage.turns()
    assert stage.ask("slow_calls")["calls"] == []
    stage.later(0.9)
    assert stage.ask("slow_calls")["calls"] == []
    stage.later(0.2)
    (call,) = stage.ask("slow_calls")["calls"]
    assert MOMENT.fullmatch(call.pop("since"))
    assert call == {
        "realm": "realm1",
        "procedure": "com.app.slow",
        "caller": caller.id,
        "callee": callee.id,
        "age": 1.1,
        "ended": False,
    }
    stage.later(2.0)
    stage.ask("slow_calls")
    waiting.callback(1)
    stage.turns()
    (call,) = stage.ask("slow_calls")["calls"]
    assert (call["age"], call["ended"]) == (3.1, True)


def test_a_call_that_waits_for_a_callee_is_slow_without_one(stage):
    callee, caller = stage.enter("user"), stage.enter("user")
    stage.now(callee.register("com.app.slow", lambda _: Deferred(), {"concurrency": 1}))
    for _ in range(2):
        caller.call("com.app.slow", timeout=60)
    stage.turns()
    stage.ask("slow_calls")
    stage.later(2.0)
    assert [call["callee"] for call in stage.ask("slow_calls")["calls"]] == [callee.id, None]


def test_slow_calls_of_one_caller_are_bounded(stage):
    callee, caller = stage.enter("user"), stage.enter("user")
    stage.now(callee.register("com.app.slow", lambda _: Deferred()))
    for _ in range(50):
        caller.call("com.app.slow", timeout=60)
    stage.turns()
    stage.ask("slow_calls")
    stage.later(2.0)
    assert len(stage.ask("slow_calls", limit=200)["calls"]) == 10


def test_sessions_that_are_too_slow_are_told_those_first_for_whom_most_waits(stage):
    one, two, three = (stage.enter("user", authid=name) for name in ("one", "two", "three"))
    for insider, size, since in ((one, 100, -5.0), (two, 200, -5.0), (three, 300, 0.0)):
        session = stage.core.sessions[insider.id]
        session.outlet._connection = type(
            "Line", (), {"queued": (size, since), "framing": session.outlet._connection}
        )()
    told = stage.ask("slow_consumers")["sessions"]
    assert [(each["authid"], each["queued"], each["dropped"]) for each in told] == [("two", 200, 0), ("one", 100, 0)]
    assert MOMENT.fullmatch(told[0]["since"])


def test_a_session_that_has_lost_events_is_told_of(stage):
    slow, publisher = stage.enter("user", authid="slow"), stage.enter("user")
    stage.now(slow.subscribe("com.app.news", lambda _: None))
    stage.core.sessions[slow.id].deaf = True
    stage.now(publisher.publish("com.app.news"))
    (told,) = stage.ask("slow_consumers")["sessions"]
    assert (told["session"], told["dropped"], told["queued"], told["since"]) == (slow.id, 1, 0, None)


# ------------------------------------------------------------------------------------------------------------- bounds


PAGES = {
    "as they are": ({}, 0),
    "searched": ({"search": "user77"}, 3),
    "sorted by a rate": ({"sort": "in", "descending": True}, 2),
    "sorted": ({"sort": "authid"}, 2),
    "sorted of what was found": ({"sort": "authid", "search": "9"}, 5),
}


@pytest.mark.parametrize(("given", "calls"), PAGES.values(), ids=PAGES)
def test_a_page_of_very_many_sessions_costs_a_look_at_each_and_rows_for_itself_alone(stage, given, calls):
    """Work is counted, in functions that are called, for time is not ours alone: a row is more than twenty of them."""
    make_sessions(stage, 1_000)
    stage.ask("sessions", **given)
    few = work_of(stage, given)
    make_sessions(stage, 4_000, 1_000)
    assert work_of(stage, given) - few <= 4_000 * calls + 100


def work_of(stage, given):
    """How many functions are called for a page."""
    count = 0

    def called(frame, event, arg):
        nonlocal count
        count += event == "call"

    sys.setprofile(called)
    try:
        told = stage.ask("sessions", **given)
    finally:
        sys.setprofile(None)
    assert told["sessions"]
    return count


def make_sessions(stage, count, first=0):
    one = stage.core.sessions[stage.operator.id]
    for number in range(first, first + count):
        session = type(one)(
            10**12 + number,
            format=one.format,
            roles=one.roles,
            grants=one.grants,
            touched=[],
            authid=f"user{number}",
            authrole="user",
            transport={"peer": f"10.0.{number // 256}.{number % 256}", "type": "websocket"},
        )
        stage.core.join(session)


def test_a_caller_that_asks_for_very_much_at_once_gets_some_of_it(stage):
    make_sessions(stage, 10_000)
    asked = [stage.operator.call("wampd.monitor.sessions", Raw(b"[]"), timeout=5) for _ in range(3)]
    session = stage.core.sessions[stage.operator.id]
    session.spent = 200_000  # as after five in one turn
    for each in asked:
        each.addErrback(lambda failure: failure.value.uri)
    stage.clock.advance(0)
    stage.realms.end_of_turn()
    stage.turns()
    results = []
    for each in asked:
        each.addCallback(results.append)
    assert "wamp.error.unavailable" in results
