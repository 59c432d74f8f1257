"""The monitor: what its procedures tell, of whom, to whom; the tick; and sending sessions away."""

import re
import time

import pytest
from msgspec import Raw
from twisted.internet.defer import Deferred

from tests.observe.stage import Stage
from wampd.router.envoy import CallFailed
from wampd.router.inside.insider import Refusal

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
PROCEDURES = (
    "overview",
    "sessions",
    "registrations",
    "subscriptions",
    "errors",
    "slow_calls",
    "slow_consumers",
    "history",
    "kill",
)


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def own():
    """A monitor that tells of its own realm alone."""
    return Stage(all_realms=False)


# -------------------------------------------------------------------------------------------------------- who may ask


@pytest.mark.trap(6)
@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_rule_with_an_empty_prefix_does_not_grant_it(stage, procedure):
    user = stage.enter("user")
    with pytest.raises(CallFailed, match="not_authorized"):
        stage.now(user.call(f"wampd.monitor.{procedure}", [], {}, timeout=5))


def test_a_rule_with_an_empty_prefix_does_not_grant_the_tick(stage):
    user = stage.enter("user")
    with pytest.raises(CallFailed, match="not_authorized"):
        stage.now(user.subscribe("wampd.monitor.tick", lambda _: None))


def test_a_rule_that_names_it_does(stage):
    watcher, told = stage.elsewhere("watcher"), []
    (overview,) = stage.now(watcher.call("wampd.monitor.overview", timeout=5)).values()
    assert [realm["name"] for realm in overview["realms"]] == ["other"]
    stage.now(watcher.subscribe("wampd.monitor.tick", told.append))
    stage.seconds(1)
    assert len(told) == 1
    for asked in (watcher.register("wampd.monitor.more", print), watcher.publish("wampd.monitor.tick")):
        with pytest.raises(CallFailed, match="invalid_uri"):  # whatever is granted
            stage.now(asked)


def test_a_rule_for_all_of_the_monitor_sends_nobody_away(stage):
    watcher, victim = stage.elsewhere("watcher"), stage.elsewhere()
    with pytest.raises(CallFailed, match="not_authorized"):
        stage.now(watcher.call("wampd.monitor.kill", [], {"session": victim.id}, timeout=5))
    assert not victim.is_over


# ----------------------------------------------------------------------------------------------------------- overview


def test_the_overview_tells_of_the_router_its_process_and_all_realms(stage):
    stage.elsewhere()
    told = stage.ask("overview")
    assert set(told) == {"router", "process", "realms", "struck"}
    assert set(told["router"]) == {"version", "pid", "started", "uptime", "agent", "python"}
    assert (told["router"]["version"], told["router"]["agent"]) == ("1.2.3", "wampd-1.2.3")
    assert MOMENT.fullmatch(told["router"]["started"])
    assert set(told["process"]) == {"cpu", "rss", "fds", "connections"}
    assert told["process"]["rss"] > 2**20
    assert told["process"]["fds"] > 0
    assert told["process"]["connections"] == 7
    assert [(realm["name"], realm["sessions"]) for realm in told["realms"]] == [("other", 1), ("realm1", 1)]
    assert set(told["realms"][0]) == {"name", "sessions", "under_way", "registrations", "subscriptions", "rates"}
    assert set(told["realms"][0]["rates"]) == {"calls", "publications", "events", "errors"}


def test_a_monitor_of_its_own_realm_tells_of_no_other(own):
    own.elsewhere()
    own.realms.tally.strike("something elsewhere")
    own.core.struck["something here"] += 1
    told = own.ask("overview")
    assert [realm["name"] for realm in told["realms"]] == ["realm1"]
    assert told["struck"] == {"something here": 1}
    assert own.ask("sessions")["total"] == 1


@pytest.mark.parametrize("procedure", [name for name in PROCEDURES if name != "overview"])
def test_other_realms_are_not_there_for_it(own, procedure):
    needed = {"session": 1} if procedure == "kill" else {}
    with pytest.raises(CallFailed, match="no_such_realm"):
        own.ask(procedure, realm="other", **needed)


@pytest.mark.parametrize("procedure", [name for name in PROCEDURES if name != "overview"])
def test_a_realm_that_is_not_there_is_not_told_of(stage, procedure):
    needed = {"session": 1} if procedure == "kill" else {}
    with pytest.raises(CallFailed, match="no_such_realm"):
        stage.ask(procedure, realm="nowhere", **needed)


def test_rates_are_those_of_the_last_seconds(stage):
    stage.ask("overview")
    stage.seconds(1)
    stage.ask("overview")
    for _ in range(10):
        stage.now(stage.operator.publish("com.app.news"))
    stage.seconds(2)
    (realm,) = [each for each in stage.ask("overview")["realms"] if each["name"] == "realm1"]
    assert realm["rates"]["publications"] == pytest.approx(5.0)
    stage.seconds(2)
    stage.ask("overview")
    stage.seconds(2)
    (realm,) = [each for each in stage.ask("overview")["realms"] if each["name"] == "realm1"]
    assert realm["rates"]["publications"] == 0


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


# ------------------------------------------------------------------------------------------------------------- history


def test_the_charts_get_a_point_every_ten_seconds(stage):
    assert stage.ask("history")["until"] is None
    stage.elsewhere()
    stage.seconds(10)
    for _ in range(20):
        stage.now(stage.operator.publish("com.app.news"))
    stage.seconds(10)
    told = stage.ask("history")
    assert MOMENT.fullmatch(told["until"])
    assert told["step"] == 10
    series = told["series"]
    assert set(series) == {"sessions", "calls", "publications", "events", "errors", "cpu", "rss", "latency"}
    assert {len(points) for points in series.values()} == {360}
    assert series["sessions"][-3:] == [None, 2.0, 2.0]
    assert series["publications"][-2:] == [0.0, 2.0]
    assert series["rss"][-1] > 2**20
    assert stage.ask("history", realm="other")["series"]["sessions"][-1] == 1.0


def test_how_long_calls_take_is_charted_where_any_were_measured(stage):
    callee = stage.enter("user")
    stage.now(callee.register("com.app.add", lambda _: 1))
    stage.seconds(10)  # from now on some are measured
    stage.now(callee.call("com.app.add", timeout=5))
    stage.seconds(10)
    assert stage.ask("history")["series"]["latency"][-2:] == [None, 0.0]


def test_the_history_of_a_monitor_of_its_own_realm_is_that_realms(own):
    own.elsewhere()
    own.seconds(10)
    assert own.ask("history")["series"]["sessions"][-1] == 1.0


def test_charts_have_a_bounded_number_of_points(stage):
    for _ in range(400):
        stage.watch._point()
    points = stage.ask("history")["series"]["sessions"]
    assert len(points) == 360
    assert None not in points


# ---------------------------------------------------------------------------------------------------------------- kill


def test_a_session_of_any_realm_can_be_sent_away_and_it_stands_in_the_books(stage):
    victim, audits = stage.elsewhere(), []
    watcher = stage.insiders.enter("other")
    stage.now(watcher.subscribe("wampd.audit.killed", audits.append))
    assert stage.ask("kill", realm="other", session=victim.id, reason="com.app.bye", message="go") is True
    assert victim.is_over
    (entry,) = audits[0].values()
    assert (entry["procedure"], entry["victims"], entry["session"]) == (
        "wampd.monitor.kill",
        [victim.id],
        stage.operator.id,
    )
    with pytest.raises(CallFailed, match="no_such_session"):
        stage.ask("kill", realm="other", session=victim.id)


def test_it_can_be_sent_away_without_the_name_of_its_realm(stage):
    victim, reasons = stage.elsewhere(), []
    victim.on_over.append(reasons.append)
    stage.ask("kill", session=victim.id)
    assert reasons == ["wamp.close.killed"]


def test_sessions_elsewhere_are_safe_from_a_monitor_of_its_own_realm(own):
    victim = own.elsewhere()
    with pytest.raises(CallFailed, match="no_such_session"):
        own.ask("kill", session=victim.id)
    assert not victim.is_over


def test_nobody_kills_itself(stage):
    with pytest.raises(CallFailed, match="no_such_session"):
        stage.ask("kill", session=stage.operator.id)


@pytest.mark.parametrize("given", [{}, {"session": "x"}, {"session": 1, "message": "x" * 2000}])
def test_a_kill_that_says_nonsense_is_refused(stage, given):
    with pytest.raises(CallFailed, match="invalid_argument"):
        stage.ask("kill", **given)


def test_a_reason_that_is_no_uri_is_refused(stage):
    victim = stage.elsewhere()
    with pytest.raises(CallFailed, match="invalid_uri"):
        stage.ask("kill", session=victim.id, reason="go away!")
    assert not victim.is_over


# ---------------------------------------------------------------------------------------------------------------- tick


def test_the_tick_comes_once_a_second_while_somebody_is_subscribed(stage):
    told = []
    stage.seconds(3)
    subscription = stage.now(stage.operator.subscribe("wampd.monitor.tick", told.append))
    stage.seconds(3)
    assert len(told) == 3
    (tick,) = told[-1].values()
    assert set(tick) == {"at", "process", "realms"}
    assert MOMENT.fullmatch(tick["at"])
    assert [realm["name"] for realm in tick["realms"]] == ["other", "realm1"]
    assert set(tick["realms"][0]) == {"name", "sessions", "under_way", "registrations", "subscriptions", "rates"}
    stage.now(stage.operator.unsubscribe(subscription))
    stage.seconds(3)
    assert len(told) == 3


def test_nothing_is_looked_at_while_nobody_is_subscribed(stage):
    looked = []
    stage.watch.process.use = lambda: looked.append(1)
    stage.seconds(9)
    assert looked == []


def test_the_tick_of_a_monitor_of_its_own_realm_tells_of_that_alone(own):
    told = []
    own.now(own.operator.subscribe("wampd.monitor.tick", told.append))
    own.seconds(1)
    assert [realm["name"] for realm in told[0].values()[0]["realms"]] == ["realm1"]


def test_rates_of_single_sessions_are_forgotten_when_nobody_asks_any_more(stage):
    stage.ask("sessions")
    growth = stage.watch.realm(stage.core).sessions
    assert growth._new
    stage.seconds(80)
    assert not growth._new


# ------------------------------------------------------------------------------------------------------------- bounds


def test_ten_thousand_sessions_are_listed_in_no_time(stage):
    """50 ms is what a page may take; here three times that, for machines that are busy."""
    make_sessions(stage, 10_000)
    for given in ({}, {"search": "user77"}, {"sort": "in", "descending": True}, {"sort": "authid", "search": "9"}):
        begun = time.thread_time()
        assert stage.ask("sessions", **given)["total"] == 10_001
        assert time.thread_time() - begun < 0.15


def make_sessions(stage, count):
    one = stage.core.sessions[stage.operator.id]
    for number in range(count):
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
