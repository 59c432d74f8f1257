"""The monitor: what its procedures tell, of whom, to whom; the tick; and sending sessions away."""

import pytest

from tests.observe.stage import MOMENT, Stage
from wampd.router.envoy import CallFailed

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


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("watcher", []),  # its rule for all of the monitor does not reach so far
        ("operator", ["kill"]),
        ("forbidden", []),  # denied is denied
        ("privileged", ["kill"]),
    ],
)
def test_who_lists_sessions_is_told_whether_it_may_send_them_away(stage, role, may):
    caller, victim = stage.elsewhere(role), stage.elsewhere()
    (told,) = stage.now(caller.call("wampd.monitor.sessions", timeout=5)).values()
    assert told["may"] == may
    killing = caller.call("wampd.monitor.kill", [], {"session": victim.id}, timeout=5)
    if may:
        stage.now(killing)
    else:
        with pytest.raises(CallFailed, match="not_authorized"):
            stage.now(killing)
    assert victim.is_over == bool(may)


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
