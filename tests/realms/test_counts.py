"""What a realm counts of itself: calls, publications, events, errors, and how long some calls take."""

import pytest

from tests.realms.house import House
from wampd.realms.calls import Timeouts
from wampd.realms.counts import BOUNDS, KINDS, LAST, LONGEST, OTHER, Past, Totals, totals_of

CALL, ERROR, INVOCATION, PUBLISH, REGISTER, RESULT, SUBSCRIBE, YIELD = 48, 8, 68, 16, 64, 50, 32, 70


class Play:
    """A callee of ``com.app.add``, and a caller."""

    def __init__(self, *, options=None, **house):
        self.house = House(**house)
        self.callee, self.caller = self.house.join(), self.house.join()
        self.callee.say([REGISTER, 1, options or {}, "com.app.add"])
        self.callee.heard()
        self.registration = self.house.realm.dealer.registrations.get("com.app.add")
        self.calls = 0
        self.served = 0

    def call(self, uri="com.app.add", options=None):
        self.calls += 1
        self.caller.say([CALL, self.calls, options or {}, uri])

    def answer(self, *args):
        self.served += 1
        self.callee.say([YIELD, self.served, {}, list(args)])

    def fail(self, uri="com.app.error.bad"):
        self.served += 1
        self.callee.say([ERROR, INVOCATION, self.served, {}, uri])

    @property
    def totals(self):
        return totals_of(self.house.realm)


def test_calls_are_counted_by_registration_and_in_all():
    play = Play()
    for _ in range(3):
        play.call()
        play.answer()
    play.call("com.app.nothing")
    assert (play.registration.calls, play.registration.errors) == (3, 0)
    assert (play.totals.calls, play.totals.errors) == (3, 1)


@pytest.mark.parametrize("options", [{"invoke": "roundrobin"}, {"concurrency": 1}])
def test_calls_of_shared_registrations_are_counted_too(options):
    play = Play(options=options)
    for _ in range(2):
        play.call()
        play.fail()
    assert (play.registration.calls, play.registration.errors) == (2, 2)


def test_calls_of_the_routers_own_procedures_are_counted():
    play = Play()
    play.call("wamp.session.count")
    assert play.totals.calls == 1


def test_publications_are_counted_and_events_once_for_each_receiver():
    house = House()
    first, second, third = house.join(), house.join(), house.join()
    for member in (first, second, third):
        member.say([SUBSCRIBE, 1, {}, "com.app.news"])
    second.say([SUBSCRIBE, 2, {"match": "prefix"}, "com."])
    first.say([PUBLISH, 2, {}, "com.app.news"])  # to second (twice) and third
    first.say([PUBLISH, 3, {"exclude_me": False}, "com.app.news"])  # and to itself
    first.say([PUBLISH, 4, {}, "org.nobody"])
    totals = totals_of(house.realm)
    assert (totals.publications, totals.events) == (3, 3 + 4)
    assert house.realm.broker.subscriptions.get("com.app.news").events == 2
    assert house.realm.broker.subscriptions.get("com.", "prefix").events == 2


def test_events_that_a_slow_subscriber_does_not_get_are_not_counted():
    house = House()
    slow, publisher = house.join(), house.join()
    slow.say([SUBSCRIBE, 1, {}, "com.app.news"])
    slow.session.deaf = True
    publisher.say([PUBLISH, 1, {}, "com.app.news"])
    assert (totals_of(house.realm).events, slow.session.dropped) == (0, 1)


def test_the_last_errors_say_who_got_what_for_what():
    play = Play()
    play.house.wall = 1_700_000_100.0
    play.call("com.app.nothing")
    play.call()
    play.fail()
    play.house.wall += 5
    play.call("com.app.nothing")
    newest, older = play.house.realm.errors.newest()
    assert (newest.error, newest.uri, newest.count) == ("wamp.error.no_such_procedure", "com.app.nothing", 2)
    assert (newest.at, newest.session, newest.authid) == (1_700_000_105.0, play.caller.session.id, "")
    assert (older.error, older.uri, older.count) == ("com.app.error.bad", "com.app.add", 1)


def test_the_last_errors_and_what_stands_in_them_are_bounded():
    play = Play()
    for number in range(LAST + 10):
        play.call(f"com.app.nothing{number}")
    play.call("com.app." + "x" * 400)
    newest = play.house.realm.errors.newest()
    assert len(newest) == LAST
    assert len(newest[0].uri) == LONGEST
    assert newest[-1].uri == "com.app.nothing11"
    assert play.totals.errors == LAST + 11


def test_errors_have_a_closed_set_of_kinds():
    play = Play()
    for number in range(50):
        play.call()
        play.fail(f"com.app.error.number{number}")
    play.call()
    play.fail("wamp.error.made_up")
    play.call("com.app.nothing")
    assert play.house.realm.errors.kinds == {OTHER: 51, "wamp.error.no_such_procedure": 1}
    assert OTHER not in KINDS


def test_an_error_is_counted_once_also_where_all_callees_are_asked():
    play = Play(options={"invoke": "roundrobin"})
    play.call(options={"runon": "all"})
    assert play.totals.errors == 0
    play.fail()
    play.house.settle()
    assert play.totals.errors == 1
    assert play.caller.heard()[-1][0] == ERROR


# ------------------------------------------------------------------------------------------------------------ latencies


def test_only_as_many_calls_are_measured_as_are_asked_for():
    play = Play()
    latencies = play.house.realm.dealer.latencies
    play.call()
    play.answer()
    assert latencies.measured == 0
    play.house.realm.dealer.measure(2)
    for _ in range(5):
        play.call()
        play.house.now += 0.02
        play.answer()
    assert (latencies.measured, latencies.due) == (2, 0)
    assert latencies.seconds == pytest.approx(0.04)
    assert latencies.counts[BOUNDS.index(0.025)] == 2
    assert (play.registration.measured, play.registration.seconds) == (2, pytest.approx(0.04))


def test_a_measured_call_is_answered_as_any_other():
    plain, measured = Play(), Play()
    measured.house.realm.dealer.measure(10)
    heard = []
    for play in (plain, measured):
        play.call()
        said = play.callee.heard()
        play.answer(7)
        play.call()
        play.fail()
        heard.append((said, play.callee.heard(), play.caller.heard()))
    assert heard[0] == heard[1]
    assert measured.house.realm.dealer.latencies.measured == 2


def test_calls_that_all_have_a_timeout_are_measured_as_asked_for_too():
    play = Play(timeouts=Timeouts(default=5.0))
    play.house.realm.dealer.measure(1)
    for _ in range(3):
        play.call()
        play.answer()
    assert play.house.realm.dealer.latencies.measured == 1


def test_what_is_slower_than_all_bounds_has_a_place():
    play = Play()
    play.house.realm.dealer.measure(1)
    play.call()
    play.house.now += 100
    play.answer()
    assert play.house.realm.dealer.latencies.counts[-1] == 1


def test_what_a_registration_took_long_ago_counts_ever_less():
    play = Play()
    for _ in range(1000):
        play.registration.took(1.0)
    for _ in range(1000):
        play.registration.took(0.0)
    assert play.registration.seconds / play.registration.measured < 0.01


# --------------------------------------------------------------------------------------------------------------- sums


def test_the_past_of_several_realms_is_their_sum():
    past = Past()
    for _ in range(2):
        play = Play()
        play.house.realm.dealer.measure(1)
        play.call()
        play.answer()
        play.call("com.app.nothing")
        past.take(play.house.realm)
    both = Past()
    both.add(past)
    both.add(past)
    assert (past.totals.calls, past.totals.errors, both.totals.errors) == (2, 2, 4)
    assert (past.kinds["wamp.error.no_such_procedure"], sum(past.latencies), sum(both.latencies)) == (2, 2, 4)


def test_what_has_happened_since_is_a_difference():
    before, after = Totals(calls=1, seconds=0.5), Totals(calls=4, errors=2, seconds=0.75)
    assert after.minus(before) == Totals(calls=3, errors=2, seconds=0.25)
