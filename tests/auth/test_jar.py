"""What cookies stand for: rotation, grace, theft, expiry, bounds, and laws over all of that."""

from __future__ import annotations

import hashlib
from itertools import count

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from wampd.auth.accounts import Account
from wampd.auth.jar import DAY, MOST_VALUES, Binding, Bound, Jar, Terms, Visit

SALT = b"salt" * 4
JOE = Account(authid="joe", role="member", ticket=hashlib.sha256(b"hunter2").digest())


class Shell:
    """Draws values, tells the time, and notes what it is told."""

    def __init__(self, most=50_000):
        self.time = 1_000_000.0
        self.kept = {}
        self.stolen_from = []
        self._numbers = count(1)
        self.jar = Jar(self, lambda: self.time, most)

    def keep(self, binding):
        self.kept[binding.id] = msgspec.msgpack.encode(binding)

    def forget(self, binding):
        del self.kept[binding.id]

    def stolen(self, binding):
        self.stolen_from.append(binding.authid)

    def draw(self):
        return b"value %d" % next(self._numbers)

    def connect(self, shown=None):
        return self.jar.visit(shown, self.draw())

    def log_in(self, authid="joe", shown=None, realm="realm1", terms=Terms(), visit=None):  # noqa: B008 - frozen
        """Authenticate on a new connection; its visit."""
        visit = visit or self.connect(shown)
        bound = Bound(
            template=realm, realm=realm, authid=authid, role="member", method="ticket", provider="static", account=JOE
        )
        self.jar.bind(visit, bound, terms, SALT)
        return visit

    def who(self, shown):
        """Who comes back by a value."""
        binding = self.connect(shown).binding
        return None if binding is None or not self.jar.holds(binding) else binding.authid

    def pass_time(self, seconds):
        self.time += seconds


@pytest.fixture
def shell():
    return Shell()


# -------------------------------------------------------------------------------------------------------- coming back


def test_nobody_comes_back_by_nothing_or_by_a_value_that_was_never_given(shell):
    shell.log_in()
    assert shell.who(None) is None
    assert shell.who(b"made up") is None
    assert shell.who(shell.connect().fresh) is None  # given, but nobody authenticated


def test_who_has_authenticated_comes_back_again_and_again_each_time_by_a_new_value(shell):
    value, seen = shell.log_in().fresh, set()
    for _ in range(3 * MOST_VALUES):
        visit = shell.connect(value)
        assert visit.binding.authid == "joe"
        seen.add(value)
        value = visit.fresh
        shell.pass_time(3600)
    assert len(seen) == 3 * MOST_VALUES
    assert len(shell.jar) == 1


def test_a_cookie_remembers_who_and_how(shell):
    binding = shell.log_in("ann", realm="realm2").binding
    assert (binding.realm, binding.authid, binding.role, binding.method) == ("realm2", "ann", "member", "ticket")
    assert (binding.since, binding.expires) == (shell.time, shell.time + 30 * DAY)
    assert binding.proofs == JOE.digest(SALT)


def test_the_repr_of_a_cookie_shows_none_of_its_values(shell):
    visit = shell.log_in()
    assert repr(visit) == "<Visit: <Binding of joe in realm1>>"


# ----------------------------------------------------------------------------------------------------------- rotation


def test_as_long_as_the_new_value_was_not_shown_the_old_one_is_good(shell):
    value = shell.log_in().fresh
    for _ in range(5):  # each answer is lost
        assert shell.who(value) == "joe"
        shell.pass_time(DAY)


def test_for_the_grace_time_after_the_new_value_was_shown_the_old_one_is_good_and_so_are_its_other_followers(shell):
    old = shell.log_in().fresh
    tabs = [shell.connect(old) for _ in range(3)]
    assert shell.who(tabs[2].fresh) == "joe"
    shell.pass_time(30)
    assert shell.who(tabs[0].fresh) == "joe"
    assert shell.who(old) == "joe"
    assert not shell.stolen_from


@pytest.mark.parametrize("which", ["the old value", "another follower"])
def test_a_superseded_value_after_the_grace_time_is_stolen_and_the_cookie_is_forgotten_whoever_has_it(shell, which):
    old = shell.log_in().fresh
    other = shell.connect(old).fresh
    new = shell.connect(old).fresh
    newest = shell.connect(new)
    shell.pass_time(30.1)
    assert shell.who(old if which == "the old value" else other) is None
    assert shell.stolen_from == ["joe"]
    assert not shell.jar.holds(newest.binding)
    for value in (old, other, new, newest.fresh):
        assert shell.who(value) is None
    assert shell.stolen_from == ["joe"]
    assert not shell.kept


def test_thief_and_owner_who_take_turns_are_found_out_at_the_second_turn(shell):
    stolen = shell.log_in().fresh
    owner, thief = shell.connect(stolen), shell.connect(stolen)
    shell.pass_time(3600)
    assert shell.who(thief.fresh) == "joe"
    shell.pass_time(3600)
    assert shell.who(owner.fresh) is None
    assert shell.stolen_from == ["joe"]


def test_what_is_shown_within_the_grace_time_of_an_answer_to_a_superseded_value_is_good(shell):
    old = shell.log_in().fresh
    assert shell.who(shell.connect(old).fresh) == "joe"
    late = shell.connect(old)  # a slow tab
    shell.pass_time(3600)
    assert shell.who(late.fresh) == "joe"


def test_very_old_values_are_unknown_and_stand_for_nobody(shell):
    first = value = shell.log_in().fresh
    for _ in range(MOST_VALUES + 2):
        value = shell.connect(value).fresh
    shell.pass_time(3600)
    assert shell.who(first) is None
    assert shell.who(value) == "joe"


def test_unanswered_connections_leave_a_bounded_number_of_values(shell):
    value = shell.log_in().fresh
    for _ in range(1000):
        visit = shell.connect(value)
    assert len(visit.binding.values()) <= 2 * MOST_VALUES + 1
    assert len(shell.jar._by_value) == len(visit.binding.values())
    assert shell.who(visit.fresh) == "joe"


# ----------------------------------------------------------------------------------------------------------- fixation


def test_an_authentication_is_never_bound_to_a_value_that_the_client_brought(shell):
    planted = shell.log_in("mallory").fresh  # put into the victim's browser
    victim = shell.log_in("joe", shown=planted)
    assert shell.who(planted) == "mallory"
    assert shell.who(victim.fresh) == "joe"


def test_a_value_that_was_given_and_not_bound_cannot_be_bound_by_another_connection(shell):
    planted = shell.connect().fresh
    shell.log_in("joe", shown=planted)
    assert shell.who(planted) is None


def test_who_authenticates_with_a_cookie_at_hand_has_a_new_one_and_others_of_the_old_one_stay(shell):
    old = shell.log_in("ann")
    tab = shell.connect(old.fresh)
    new = shell.log_in("joe", shown=old.fresh)
    assert new.binding is not old.binding
    assert shell.who(new.fresh) == "joe"
    assert shell.who(tab.fresh) == "ann"


def test_the_second_to_authenticate_on_one_connection_takes_the_cookie_over(shell):
    visit = shell.log_in("ann")
    first = visit.binding
    shell.log_in("joe", visit=visit)
    assert not shell.jar.holds(first)
    assert shell.who(visit.fresh) == "joe"
    assert len(shell.jar) == len(shell.kept) == 1


def test_who_was_there_before_on_one_connection_comes_back_by_no_other_value_either(shell):
    visit = shell.log_in("ann")
    tab = shell.connect(visit.fresh)
    shell.log_in("joe", visit=visit)
    assert shell.who(tab.fresh) is None
    assert shell.who(visit.fresh) == "joe"


# ------------------------------------------------------------------------------------------------------------- the end


def test_a_cookie_ends_a_time_after_the_authentication_however_often_it_is_shown(shell):
    value = shell.log_in(terms=Terms(lifetime=10 * DAY, idle=3 * DAY)).fresh
    for _ in range(9):
        shell.pass_time(DAY)
        visit = shell.connect(value)
        assert visit.binding is not None
        value = visit.fresh
    shell.pass_time(DAY)
    assert not shell.jar.holds(visit.binding)
    assert shell.who(value) is None
    assert not shell.kept


def test_a_cookie_that_is_not_shown_for_a_time_ends(shell):
    value = shell.log_in(terms=Terms(idle=3 * DAY)).fresh
    shell.pass_time(3 * DAY - 1)
    value = shell.connect(value).fresh
    shell.pass_time(3 * DAY)
    assert shell.who(value) is None
    assert len(shell.jar) == 0


def test_expired_cookies_are_removed_though_nobody_shows_them(shell):
    for _ in range(10):
        shell.log_in(terms=Terms(idle=DAY, per_principal=100))
    shell.pass_time(2 * DAY)
    for _ in range(10):
        shell.connect()
    assert len(shell.jar) == 0
    assert not shell.kept


def test_forgetting_twice_does_no_harm(shell):
    visit = shell.log_in()
    shell.jar.forget(visit.binding)
    shell.jar.forget(visit.binding)
    assert shell.who(visit.fresh) is None
    assert not shell.jar._by_value
    assert not shell.jar._by_principal


def test_the_cookies_of_a_principal_are_found(shell):
    ours = [shell.log_in("joe").binding for _ in range(2)]
    shell.log_in("ann")
    shell.log_in("joe", realm="realm2")
    assert shell.jar.of("realm1", ["joe"]) == ours
    assert shell.jar.of("realm1", ["eve"]) == []
    assert len(shell.jar.of("realm1", ["joe", "ann"])) == len(shell.jar.of("realm1", None)) == 3


# -------------------------------------------------------------------------------------------------------------- bounds


@pytest.mark.trap(16)
def test_of_a_principals_cookies_the_one_that_was_not_shown_for_longest_makes_room(shell):
    terms = Terms(per_principal=3)
    values = []
    for _ in range(3):
        values.append(shell.log_in(terms=terms).fresh)
        shell.pass_time(1)
    other = shell.log_in("ann", terms=terms).fresh
    assert shell.who(values[0]) == "joe"
    shell.log_in(terms=terms)
    assert [shell.who(value) for value in values] == ["joe", None, "joe"]
    assert shell.who(other) == "ann"


@pytest.mark.parametrize("number", range(1, 21))
def test_as_long_as_there_is_room_every_cookie_of_a_principal_stays(shell, number):
    values = [shell.log_in().fresh for _ in range(number)]
    assert [shell.who(value) for value in values] == ["joe"] * number
    for _ in range(20):
        shell.log_in()
    assert len(shell.jar) == 20


@pytest.mark.trap(16)
def test_of_values_that_stand_for_nobody_nothing_is_kept(shell):
    for number in range(1000):
        shell.connect(b"junk %d" % number)
        shell.connect()
    assert (len(shell.jar), shell.jar._by_value, shell.jar._by_principal) == (0, {}, {})


@pytest.mark.trap(16)
def test_of_all_cookies_the_one_that_was_not_shown_for_longest_makes_room():
    shell = Shell(most=3)
    values = [shell.log_in(f"user{number}").fresh for number in range(3)]
    assert shell.who(values[0]) == "user0"
    shell.log_in("user3")
    assert [shell.who(value) for value in values] == ["user0", None, "user2"]
    assert len(shell.jar) == len(shell.kept) == 3


# --------------------------------------------------------------------------------------------------------- being kept


def test_what_was_kept_goes_on_as_it_was(shell):
    old = shell.log_in().fresh
    pending = shell.connect(old).fresh
    shell.log_in("ann", terms=Terms(idle=60))
    shell.pass_time(61)
    again = Shell(most=10)
    again.time = shell.time
    kept = [msgspec.msgpack.decode(each, type=Binding) for each in shell.kept.values()]
    again.kept = dict(shell.kept)
    again.jar.load(kept)
    assert len(again.jar) == 1  # the other has expired
    assert again.who(pending) == "joe"
    again.pass_time(31)
    assert again.who(old) is None
    assert again.stolen_from == ["joe"]


def test_more_than_there_is_room_for_are_not_taken_in(shell):
    values = []
    for number in range(5):
        values.append(shell.log_in(f"user{number}").fresh)
        shell.pass_time(1)
    again = Shell(most=2)
    again.time = shell.time
    again.kept = dict(shell.kept)
    again.jar.load([msgspec.msgpack.decode(each, type=Binding) for each in reversed(shell.kept.values())])
    assert [again.who(value) for value in values] == [None, None, None, "user3", "user4"]


# ---------------------------------------------------------------------------------------------------------------- laws


class Browsers(RuleBasedStateMachine):
    """Browsers that keep the last value they got, in any order, over lost answers and restarts; nobody is a thief.

    There is an attacker, who knows values that stand for nobody (never bound, or logged out), shows them, and plants them in
    browsers.
    """

    dead = Bundle("values that stand for nobody")

    def __init__(self):
        super().__init__()
        self.shell = Shell(most=1000)
        self.values = {}  # by browser: what it keeps
        self.names = {}  # by browser: who it is

    @initialize()
    def begin(self):
        for browser in range(3):
            self.values[browser] = None
            self.names[browser] = None

    @rule(browser=st.integers(0, 2), authid=st.sampled_from(["joe", "ann"]))
    def log_in(self, browser, authid):
        visit = self.shell.log_in(authid, shown=self.values[browser], terms=Terms(per_principal=1000))
        self.values[browser], self.names[browser] = visit.fresh, authid

    @rule(browser=st.integers(0, 2), is_lost=st.booleans())
    def come_back(self, browser, is_lost):
        visit = self.shell.connect(self.values[browser])
        assert (visit.binding and visit.binding.authid) == self.names[browser]
        if not is_lost:
            self.values[browser] = visit.fresh

    @rule(browser=st.integers(0, 2), tabs=st.integers(2, 4), last=st.integers(0, 3))
    def open_tabs(self, browser, tabs, last):
        visits = [self.shell.connect(self.values[browser]) for _ in range(tabs)]
        assert {visit.binding and visit.binding.authid for visit in visits} == {self.names[browser]}
        self.values[browser] = visits[last % tabs].fresh

    @precondition(lambda self: any(self.names.values()))
    @rule(browser=st.integers(0, 2), target=dead)
    def log_out(self, browser):
        visit = self.shell.connect(self.values[browser])
        gone = [visit.fresh]
        if visit.binding is not None:
            gone = visit.binding.values()
            self.shell.jar.forget(visit.binding)
        self.values[browser], self.names[browser] = visit.fresh, None
        return multiple(*gone)

    @rule(target=dead)
    def get_a_value(self):
        return self.shell.connect().fresh

    @rule(value=dead)
    def attack(self, value):
        assert self.shell.connect(value).binding is None

    @rule(value=dead, browser=st.integers(0, 2))
    def plant(self, value, browser):
        self.values[browser], self.names[browser] = value, None

    @rule(minutes=st.integers(0, 60))
    def pass_time(self, minutes):
        self.shell.pass_time(minutes * 60)

    @rule()
    def restart(self):
        again = Shell(most=1000)
        again.time, again._numbers = self.shell.time, self.shell._numbers
        again.kept, again.stolen_from = dict(self.shell.kept), self.shell.stolen_from
        again.jar.load([msgspec.msgpack.decode(each, type=Binding) for each in self.shell.kept.values()])
        self.shell = again

    @invariant()
    def nobody_was_taken_for_a_thief(self):
        assert self.shell.stolen_from == []

    @invariant()
    def what_is_known_is_what_is_kept(self):
        jar = self.shell.jar
        assert self.shell.kept == {key: msgspec.msgpack.encode(each) for key, each in jar._bindings.items()}
        known = {value: each for each in jar._bindings.values() for value in each.values()}
        assert jar._by_value == known
        assert sum(map(len, jar._by_principal.values())) == len(jar)


TestBrowsers = Browsers.TestCase
TestBrowsers.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_the_digest_of_an_account_tells_proofs_apart_and_nothing_else():
    digest = JOE.digest(SALT)
    replace = msgspec.structs.replace
    assert replace(JOE, role="other", provider="file", extra={"a": 1}).digest(SALT) == digest
    assert replace(JOE, ticket=hashlib.sha256(b"another hunter2").digest()).digest(SALT) != digest
    assert replace(JOE, ticket=None, password="$2y$hunter2").digest(SALT) != digest
    assert JOE.digest(b"other" * 4) != digest


def test_a_visit_is_told_by_itself_alone():
    assert Visit(b"1") != Visit(b"1")
