"""Supervision: when components are started, started again, given up and stopped, on a clock."""

import pytest
from twisted.internet.defer import CancelledError, Deferred

from tests.hosting.house import House, guest
from tests.support.overheard import overheard, text
from wampd.router.hosting.hosting import AT_ONCE, Changes
from wampd.router.hosting.restarting import LOOPS
from wampd.router.hosting.runs import NOT_IMPORTED
from wampd.router.hosting.supervisor import Fallen
from wampd.router.hosting.usage import Usage
from wampd.router.settings.components import ComponentLimits, ReadyByLog, Stop


@pytest.fixture
def house():
    return House()


@pytest.fixture
def logged():
    """What was logged: levels and texts."""
    with overheard(lambda event: (event["log_level"].name, text(event)) if "component" in event else None) as told:
        yield told


def result(deferred):
    """What a Deferred has: a value, an exception, or `...` for nothing yet."""
    got = []
    deferred.addBoth(got.append)
    if not got:
        return ...
    return getattr(got[0], "value", got[0])


# ----------------------------------------------------------------------------------------------------------- readiness


def test_without_a_realm_a_component_is_ready_when_it_has_started(house):
    house.have(guest("a"))
    assert house["a"].state == "ready"
    assert house.hosting.down() == []


def test_with_a_realm_it_is_ready_when_it_has_joined(house):
    house.have(guest("a", realm="r", role="b"))
    assert house["a"].state == "starting"
    assert house.hosting.down() == ["a"]
    house["a"].joined()
    assert house["a"].state == "ready"


def test_one_that_has_left_its_realm_is_not_ready_and_ended_unless_it_comes_back_in_time(house):
    house.have(guest("a", realm="r", role="b", ready_timeout=10.0))
    house["a"].joined()
    house["a"].left()
    assert house["a"].state == "starting"
    house.advance(9)
    house["a"].joined()
    house.advance(9)
    assert house["a"].state == "ready"
    house["a"].left()
    house.advance(10)
    assert house["a"].state == "resting"
    assert house["a"].why == "was ended: it was not ready within 10 s"


def test_what_it_prints_may_say_that_it_is_ready(house):
    house.have(guest("a", ready=ReadyByLog(log="listening")))
    house.run_of("a").told.printed("stdout", "soon")
    assert house["a"].state == "starting"
    house.run_of("a").told.printed("stderr", "now listening at 80")
    assert house["a"].state == "ready"
    assert house.printed_lines == [("a", "soon"), ("a", "now listening at 80")]


def test_what_prepares_something_is_ready_when_it_has_ended_well_and_is_not_repeated(house):
    house.have(guest("a", ready="exited"), guest("b", after=("a",)))
    assert house.running() == ["a"]
    house.run_of("a").end(0)
    assert house["a"].state == "done"
    assert house.running() == ["b"]
    assert house.hosting.down() == []


def test_what_prepares_something_and_fails_is_tried_again(house):
    house.have(guest("a", ready="exited"), guest("b", after=("a",)))
    house.run_of("a").end(1)
    assert house.running() == []
    house.advance(0.5)
    house.run_of("a").end(0)
    assert house.running() == ["b"]


def test_one_that_is_not_ready_in_time_is_asked_to_end_then_killed_and_started_again(house):
    house.obeys = False
    house.have(guest("a", ready=ReadyByLog(log="x"), ready_timeout=3.0, stop=Stop(grace=2.0)))
    first = house.run_of("a")
    house.advance(3)
    assert (first.asked, first.killed, house["a"].state) == (1, 0, "failing")
    house.advance(2)
    assert (first.killed, house["a"].state) == (1, "resting")
    house.advance(0.5)
    assert house.running() == ["a"]


# --------------------------------------------------------------------------------------------------------------- order


def test_a_component_waits_for_all_instances_of_those_that_it_is_after(house):
    house.have(guest("b", after=("a",)), guest("a", instances=2, realm="r", role="x"), guest("c", after=("a", "b")))
    assert house.running() == ["a.1", "a.2"]
    assert house["b"].why == "waits for a"
    house["a.1"].joined()
    assert house["c"].why == "waits for a, b"
    house["a.2"].joined()
    assert house.running() == ["a.1", "a.2", "b", "c"]


def test_many_are_started_some_at_a_time(house):
    house.have(guest("a", instances=30))
    assert len(house.running()) == AT_ONCE
    house["a.30"].stop()
    house.clock.advance(0)
    assert len(house.running()) == 29


def test_what_is_waited_for_may_fall_later(house):
    house.have(guest("a"), guest("b", after=("a",)))
    house.run_of("a").end(1)
    assert house.running() == ["b"]
    house.run_of("b").end(1)
    house["a"].stop()
    house.advance(1)
    assert (house["b"].state, house["b"].why) == ("waiting", "waits for a")
    house["a"].start()
    assert house.running() == ["a", "b"]


# ------------------------------------------------------------------------------------------------------------ restarts


def test_one_that_ends_is_started_again_ever_later_up_to_the_longest_time(house):
    house.have(guest("a", restart={"first": 1.0, "longest": 5.0}))
    waited = []
    for _ in range(5):
        house.run_of("a").end(1)
        seconds = 0
        while not house.running():
            house.advance(0.5)
            seconds += 0.5
        waited.append(seconds)
    assert waited == [1, 2, 4, 5, 5]
    assert house["a"].restarts.total == 5


def test_times_are_drawn_from_the_upper_half(house):
    house.hosting._chance = lambda: 1.0
    house.have(guest("a", restart={"first": 1.0}))
    house.run_of("a").end(1)
    house.advance(0.49)
    assert house.running() == []
    house.advance(0.01)
    assert house.running() == ["a"]


def test_a_run_that_lasted_makes_it_soon_again(house):
    house.have(guest("a", restart={"first": 1.0, "lasted": 10.0}))
    for _ in range(3):
        house.run_of("a").end(1)
        house.advance(30)
    house.run_of("a").end(1)
    house.advance(1)
    assert house.running() == ["a"]


def test_a_run_that_never_was_ready_does_not_count_as_good_however_long(house):
    house.have(guest("a", realm="r", role="x", ready_timeout=100.0, restart={"first": 1.0, "lasted": 1.0}))
    house.run_of("a").end(1)
    house.advance(1)
    house.advance(50)
    house.run_of("a").end(1)
    house.advance(1)
    assert house.running() == []
    house.advance(1)
    assert house.running() == ["a"]


@pytest.mark.parametrize(
    ("policy", "ends", "state"),
    [
        ("always", {"status": 0}, "resting"),
        ("always", {"status": 1}, "resting"),
        ("on-failure", {"status": 0}, "done"),
        ("on-failure", {"status": 1}, "resting"),
        ("on-failure", {"signal": 9}, "resting"),
        ("never", {"status": 0}, "done"),
        ("never", {"status": 1}, "lost"),
        ("never", {"signal": 9}, "lost"),
    ],
)
def test_the_policy_says_whether_it_is_started_again(house, policy, ends, state):
    house.have(guest("a", restart={"policy": policy}))
    house.run_of("a").end(**ends)
    assert house["a"].state == state
    assert house.hosting.down() == ([] if state == "done" else ["a"])


def test_after_too_many_restarts_in_a_row_it_is_given_up_and_said(house, logged):
    house.have(guest("a", restart={"most": 2, "first": 1.0}))
    for _ in range(2):
        house.run_of("a").end(3)
        house.advance(2)
    house.run_of("a").end(3)
    assert (house["a"].state, house["a"].why) == ("lost", "failed, exit status 3, after 2 restarts in a row")
    assert house.hosting.down() == ["a"]
    house.advance(1000)
    assert house.running() == []
    assert ("error", "component a is given up after 2 restarts in a row") in logged
    house["a"].start()
    assert house.running() == ["a"]
    house.run_of("a").end(3)
    assert house["a"].state == "resting"  # its row began anew


def test_one_that_keeps_failing_is_an_error_in_the_log_once(house, logged):
    house.have(guest("a", restart={"first": 0.1, "longest": 0.1}))
    for _ in range(3 * LOOPS):
        house.run_of("a").end(1)
        house.advance(0.1)
    errors = [said for level, said in logged if level == "error"]
    assert errors == [f"component a keeps failing: {LOOPS} restarts in a row"]


def test_what_cannot_be_imported_is_not_tried_again_soon(house):
    house.have(guest("a", restart={"first": 1.0, "longest": 30.0}))
    house.run_of("a").end(NOT_IMPORTED)
    assert house["a"].why == "cannot be imported"
    house.advance(29.9)
    assert house.running() == []
    house.advance(0.1)
    assert house.running() == ["a"]


def test_one_that_the_system_has_no_room_for_is_tried_again(house):
    house.trouble = OSError(11, "Resource temporarily unavailable")
    house.have(guest("a"))
    assert (house["a"].state, house["a"].why) == ("resting", "cannot be started: Resource temporarily unavailable")
    house.trouble = None
    house.advance(0.5)
    assert house.running() == ["a"]


def test_what_the_user_of_the_router_may_not_run_is_named(house):
    house.trouble = PermissionError(13, "Permission denied", "/root/venv/bin/python")
    house.have(guest("a"))
    assert house["a"].why == "cannot be started: /root/venv/bin/python: Permission denied"


def test_a_bug_of_ours_concerns_nobody_else(house, logged):
    house.have(guest("a"), guest("b"))
    house["a"].stop()
    house.trouble = ValueError("embedded null byte")
    house["a"].start().addErrback(lambda failure: failure.trap(Fallen) and None)
    assert (house["a"].state, house["b"].state) == ("resting", "ready")
    assert ("critical", "component a cannot be started: a bug in wampd") in logged


def test_others_are_not_concerned(house):
    house.have(guest("a"), guest("b"))
    house.run_of("a").end(1)
    assert (house["a"].state, house["b"].state) == ("resting", "ready")


# ------------------------------------------------------------------------------------------------------- what is asked


def test_who_stops_one_waits_until_it_has_ended_and_it_stays_so(house):
    house.obeys = False
    house.have(guest("a", stop=Stop(grace=3.0)))
    stopped = house.hosting.stop_one("a")
    assert result(stopped) is ...
    house.advance(3)
    assert house["a"].state == "down"
    house.advance(100)
    assert house.running() == []
    assert house.hosting.down() == []  # nobody wants it


def test_who_starts_one_waits_until_it_is_ready(house):
    house.have(guest("a", realm="r", role="x"))
    house["a"].stop()
    started = house.hosting.start_one("a")
    assert result(started) is ...
    house["a"].joined()
    assert house["a"].state == "ready"


def test_who_starts_one_that_falls_is_told_why(house):
    house.have(guest("a", realm="r", role="x"))
    house["a"].stop()
    got = []
    house["a"].start().addErrback(got.append)
    house.run_of("a").end(7)
    assert got[0].check(Fallen)
    assert str(got[0].value) == "a failed, exit status 7"


def test_who_waits_no_longer_is_forgotten(house):
    house.have(guest("a", realm="r", role="x"))
    asked = house["a"].start()
    asked.addErrback(lambda failure: failure.trap(CancelledError) and None)
    before = len(house["a"]._waiting)
    asked.cancel()
    assert len(house["a"]._waiting) == before - 1
    house["a"].joined()
    assert house["a"]._waiting == []


def test_a_line_that_nobody_could_be_sent_is_spelt_out(house):
    house.have(guest("a"))
    house.run_of("a").told.printed("stdout", "half \ud800 of é")
    assert house.printed_lines == [("a", "half \\ud800 of é")]


def test_a_restart_ends_the_run_and_begins_another(house):
    house.have(guest("a"))
    first = house.run_of("a")
    assert result(house.hosting.restart_one("a", "a test wants it")) == [None]
    assert first.asked == 1
    assert house.run_of("a") is not first


def test_a_restart_of_one_that_rests_is_at_once(house):
    house.have(guest("a"))
    house.run_of("a").end(1)
    house.hosting.restart_one("a", "a test wants it")
    assert house.running() == ["a"]
    house.advance(100)
    assert len(house.runs) == 2


def test_stop_then_start_while_it_ends_starts_it_again(house):
    house.obeys = False
    house.have(guest("a"))
    house["a"].stop().addErrback(lambda failure: failure.trap(Fallen) and None)
    house["a"].start()
    house.advance(5)
    assert house.running() == ["a"]
    assert len(house.runs) == 2


def test_one_instance_of_several_may_be_named(house):
    house.have(guest("a", instances=3))
    house.hosting.stop_one("a.2")
    assert house.running() == ["a.1", "a.3"]
    with pytest.raises(KeyError):
        house.hosting.stop_one("a.4")


def test_one_that_takes_too_much_is_killed_and_started_again(house, logged):
    house.have(guest("a", limits=ComponentLimits(memory=50 * 2**20)), guest("b"))
    house.advance(1)
    assert len(house.runs) == 2
    house.takes = 60 * 2**20
    house.advance(1)
    assert house["a"].why == "was ended: it takes 60 MiB of memory, more than its 50 MiB"
    assert ("warn", "component a is ended: it takes 60 MiB of memory, more than its 50 MiB") in logged
    assert house.running() == ["b"]


def test_what_is_seen_of_a_run_that_is_over_does_not_concern_the_next(house):
    house.have(guest("a", limits=ComponentLimits(memory=50 * 2**20)))
    house.slow = Deferred()
    house.advance(1)
    house.run_of("a").end(1)
    house.slow, slow = None, house.slow
    house.advance(1)
    assert house.running() == ["a"]
    slow.callback(Usage(60 * 2**20, 0.0, 1))
    assert house.running() == ["a"]
    house.takes = 60 * 2**20
    house.advance(1)
    assert house.running() == []


# ---------------------------------------------------------------------------------------------------- all of them


def test_a_router_that_stops_starts_nothing_more_and_stops_all(house):
    house.obeys = False
    house.have(guest("a"), guest("b"), guest("c", after=("d",)), guest("d", realm="r", role="x"))
    house.run_of("a").end(1)
    house.hosting.hold()
    house.advance(100)
    assert house.running() == ["b"]  # a rested, c waited, d was late
    ended = house.hosting.stop(2.0)
    assert result(ended) is ...
    house.advance(2)
    assert house.running() == []
    with pytest.raises(Fallen):
        house["a"].start()


def test_a_grace_of_the_router_shortens_that_of_a_component(house):
    house.obeys = False
    house.have(guest("a", stop=Stop(grace=60.0)))
    house.hosting.stop(1.0)
    house.advance(1)
    assert house.running() == []


@pytest.mark.parametrize("under_way", ["stop_one", "restart_one"])
def test_it_shortens_one_that_is_under_way_too(house, under_way):
    house.obeys = False
    house.have(guest("a", stop=Stop(grace=60.0)))
    asked = getattr(house.hosting, under_way)(*(["a", "a test wants it"] if under_way == "restart_one" else ["a"]))
    asked.addErrback(lambda _: None)
    house.advance(1)
    house.hosting.hold()
    house.hosting.stop(2.0)
    house.advance(2)
    assert house.running() == []


def test_who_is_asked_to_end_again_and_again_has_no_more_time_for_that(house):
    house.obeys = False
    house.have(guest("a", stop=Stop(grace=5.0)))
    first = house.run_of("a")
    for _ in range(5):
        house["a"].stop().addErrback(lambda _: None)
        house["a"].start().addErrback(lambda _: None)
        house.advance(1)
    assert first.killed == 1
    assert house.running() == ["a"]
    house["a"].stop()
    house.advance(4.5)
    assert house.running() == ["a"]  # the next run has all its time
    house.advance(0.5)
    assert house.running() == []


def test_killing_all_leaves_nothing(house):
    house.obeys = False
    house.have(guest("a"), guest("b"))
    house.hosting.kill()
    house.advance(100)
    assert house.running() == []


# ------------------------------------------------------------------------------------------------------------- changes


def test_a_change_concerns_those_alone_that_are_different(house):
    house.have(guest("a"), guest("b"), guest("c"))
    kept = house.run_of("a")
    changes = house.have(guest("a"), guest("b", environment={"X": "1"}), guest("d"))
    assert (changes.started, changes.stopped, changes.restarted) == (("d",), ("c",), ("b",))
    assert house.run_of("a") is kept
    assert sorted(house.running()) == ["a", "b", "d"]
    assert house.run_of("b").instance.component.environment == {"X": "1"}
    assert house.hosting.names == ["a", "b", "d"]


def test_one_that_is_changed_is_not_started_before_the_old_one_has_ended(house):
    house.obeys = False
    house.have(guest("a", stop=Stop(grace=5.0)))
    old = house.run_of("a")
    house.have(guest("a", instances=2))
    assert house.running() == ["a"]
    assert house.hosting.wanted("a")[0].name == "a.1"
    house.advance(5)
    assert old.killed
    assert house.running() == ["a.1", "a.2"]


def test_more_or_fewer_instances_concern_no_others(house):
    house.have(guest("a", instances=2))
    first, second = house.run_of("a.1"), house.run_of("a.2")
    changes = house.have(guest("a", instances=4))
    assert (changes.restarted, changes.scaled) == ((), ("a",))
    assert house.running() == ["a.1", "a.2", "a.3", "a.4"]
    assert (house.run_of("a.1"), house.run_of("a.2")) == (first, second)
    second.end(1)  # it is started again as it is
    house.advance(1)
    house.have(guest("a", instances=2))
    assert sorted(house.running()) == ["a.1", "a.2"]
    assert house.run_of("a.1") is first
    assert [each.name for each in house.hosting.wanted("a")] == ["a.1", "a.2"]
    assert house.hosting.restarts("a") == 1


def test_with_more_instances_those_that_were_stopped_are_started_again_too(house):
    house.have(guest("a", instances=3))
    house.hosting.stop_one("a.2")
    assert house.running() == ["a.1", "a.3"]
    house.have(guest("a", instances=4))
    assert sorted(house.running()) == ["a.1", "a.2", "a.3", "a.4"]


def test_a_number_that_is_there_again_waits_for_the_end_of_the_one_before(house):
    house.obeys = False
    house.have(guest("a", instances=3, stop=Stop(grace=5.0)))
    kept, old = house.run_of("a.2"), house.run_of("a.3")
    house.have(guest("a", instances=2, stop=Stop(grace=5.0)))
    house.have(guest("a", instances=3, stop=Stop(grace=5.0)))
    assert house.running() == ["a.1", "a.2", "a.3"]
    house.advance(5)
    assert old.killed
    assert sorted(house.running()) == ["a.1", "a.2", "a.3"]
    assert house.run_of("a.3") is not old
    assert house.run_of("a.2") is kept


def test_more_instances_and_something_else_restart_them_all(house):
    house.have(guest("a", instances=2))
    changes = house.have(guest("a", instances=3, environment={"X": "1"}))
    assert (changes.restarted, changes.scaled) == (("a",), ())


def test_changes_may_come_faster_than_components_end(house):
    house.obeys = False
    house.have(guest("a"))
    house.have(guest("a", environment={"X": "1"}))
    house.have(guest("a", environment={"X": "2"}))
    house.have()
    house.have(guest("a", environment={"X": "3"}))
    house.advance(100)
    assert house.running() == ["a"]
    assert house.run_of("a").instance.component.environment == {"X": "3"}


def test_restarts_are_counted_over_changes_and_forgotten_with_the_component(house):
    house.have(guest("a"))
    house.run_of("a").end(1)
    house.advance(1)
    house.have(guest("a", environment={"X": "1"}))
    assert house.hosting.restarts("a") == 1
    house.run_of("a").end(1)
    assert house.hosting.restarts("a") == 2
    house.have()
    house.have(guest("a"))
    assert house.hosting.restarts("a") == 0


def test_nothing_different_is_no_change(house):
    house.have(guest("a"))
    assert house.have(guest("a")) == Changes()
    assert len(house.runs) == 1


def test_a_router_that_ends_while_a_component_is_changed_does_not_start_it(house):
    house.obeys = False
    house.have(guest("a"))
    house.have(guest("a", environment={"X": "1"}))
    house.hosting.hold()
    house.advance(100)
    assert house.running() == []
