"""The meta API of a realm: what it tells, and sending very many sessions away."""

from __future__ import annotations

from time import process_time

import pytest

from tests.realms.house import House, Member
from wampd.realms.messages import (
    CALL,
    ERROR,
    GOODBYE,
    REGISTER,
    RESULT,
    SUBSCRIBE,
)
from wampd.realms.meta.sessions import details
from wampd.realms.session import State

NOTHING_THERE = {"exact": [], "prefix": [], "wildcard": []}
BOUND = 0.05
"""Seconds for which the router may be busy with one thing."""


def ask(member: Member, procedure: str, *args: object, **kwargs: object) -> object:
    """The positional result of a procedure of the meta API, or the URI of its error."""
    member.say([CALL, 1, {}, f"wamp.{procedure}", list(args), kwargs])
    *_, answer = member.heard()
    if answer[0] == ERROR:
        return answer[4]
    assert answer[:3] == [RESULT, 1, {}]
    return answer[3][0] if answer[3:] else None


# ----------------------------------------------------------------------------------------------------------- shapes


def test_when_a_registration_and_a_subscription_were_made_is_told_in_utc():
    house = House()
    member = house.join()
    house.wall = 1_700_000_000.0405
    member.say([REGISTER, 1, {}, "a.p"], [SUBSCRIBE, 2, {"match": "prefix"}, "a.t"])
    house.wall += 1000
    member.heard()
    created = "2023-11-14T22:13:20.040Z"
    assert ask(member, "registration.get", 1) == {
        "id": 1,
        "created": created,
        "uri": "a.p",
        "match": "exact",
        "invoke": "single",
    }
    assert ask(member, "subscription.get", 1) == {"id": 1, "created": created, "uri": "a.t", "match": "prefix"}


@pytest.mark.trap(7)
@pytest.mark.spec("META-S-01", "META-S-05")
def test_of_the_transport_nothing_is_shown_but_its_kind_and_subprotocol():
    session = House().join(authid="joe", authrole="member", authmethod="ticket", authprovider="static").session
    session.transport = {
        "type": "websocket",
        "protocol": "wamp.2.json",
        "peer": "tcp4:192.0.2.7:4711",
        "http_headers_received": {"cookie": "session=secret", "authorization": "Bearer secret"},
        "cbtid": "secret",
        "token": "secret",
    }
    assert details(session) == {
        "session": session.id,
        "authid": "joe",
        "authrole": "member",
        "authmethod": "ticket",
        "authprovider": "static",
        "transport": {"type": "websocket", "protocol": "wamp.2.json"},
    }


# ------------------------------------------------------------------------------------------------------ sending away


class Outlet:
    """What the shell does when a session is sent away: it asks the realm for the same."""

    def __init__(self, house: House, member: Member) -> None:
        self.house = house
        self.member = member
        self.dismissed: list[tuple[str, str]] = []

    def flush(self) -> None:
        """Not asked for here."""

    def broken(self) -> None:
        """Not asked for here."""

    def dismiss(self, reason: str, message: str = "") -> None:
        self.dismissed.append((reason, message))
        self.house.realm.dismiss(self.member.session, reason, message)


def test_who_is_killed_is_dismissed_once_and_hears_goodbye_once():
    house = House()
    killer, victim = house.join(), house.join()
    victim.session.outlet = outlet = Outlet(house, victim)
    assert ask(killer, "session.kill", victim.session.id, reason="com.bye", message="x") is None
    assert outlet.dismissed == [("com.bye", "x")]
    assert victim.heard() == [[GOODBYE, {"message": "x"}, "com.bye"]]
    assert victim.session.state is State.CLOSED
    assert not victim.session.quiet


def test_very_many_are_gone_at_once_and_told_in_slices():
    house = House()
    killer, watcher = house.join(), house.join()
    watcher.say([SUBSCRIBE, 1, {}, "wamp.session.on_leave"])
    watcher.heard()
    victims = [house.join(authrole="victim") for _ in range(2_500)]
    victims[-1].say([SUBSCRIBE, 1, {}, "a.topic"], [REGISTER, 2, {}, "a.p"])
    victims[-1].heard()
    assert ask(killer, "session.kill_by_authrole", "victim") == 2_500
    assert ask(killer, "session.count") == 2
    assert ask(killer, "a.p") == "wamp.error.no_such_procedure"
    victims[-1].say([CALL, 3, {}, "wamp.session.count"])
    assert victims[-1].heard() == []
    told = 0
    turns = 1
    while house.realm.has_leavers:
        now_told = len(watcher.heard())
        assert 0 < now_told <= house.realm.SLICE / house.realm.EXPULSION
        told += now_told
        house.realm.tidy()
        turns += 1
    told += len(watcher.heard())
    assert told == 2_500
    assert turns >= 12
    assert all(victim.heard() == [[GOODBYE, {}, "wamp.close.killed"]] for victim in victims)
    assert ask(killer, "subscription.match", "a.topic") is None
    assert ask(killer, "registration.list") == NOTHING_THERE


def test_testaments_of_those_who_are_sent_away_count_in_a_slice():
    house = House()
    killer, watcher = house.join(), house.join()
    watcher.say([SUBSCRIBE, 1, {}, "a.testament"])
    watcher.heard()
    for _ in range(30):
        victim = house.join(authrole="victim")
        for number in range(19):
            assert ask(victim, "session.add_testament", "a.testament", [number], {}) is None
    assert ask(killer, "session.kill_by_authrole", "victim") == 30
    published = [len(watcher.heard())]
    while house.realm.has_leavers:
        house.realm.tidy()
        published.append(len(watcher.heard()))
    assert published == [190, 190, 190]


def test_who_is_gone_before_it_is_told_is_told_of_all_the_same():
    house = House()
    house.realm.SLICE = 0
    killer, watcher = house.join(), house.join()
    watcher.say([SUBSCRIBE, 1, {}, "wamp.session.on_leave"])
    watcher.heard()
    victim = house.join(authrole="victim")
    ask(killer, "session.kill_by_authrole", "victim")
    victim.leave()
    assert watcher.heard() == []
    house.realm.SLICE = 2_000
    house.realm.tidy()
    assert [message[4] for message in watcher.heard()] == [[victim.session.id, "", "victim"]]
    assert not house.realm.has_leavers


def test_killing_all_is_quiet():
    house = House()
    killer, victim = house.join(), house.join()
    killer.say([SUBSCRIBE, 1, {"match": "prefix"}, "wamp.session."])
    killer.heard()
    assert ask(killer, "session.kill_all") == 1
    assert victim.session.quiet
    assert not [message for message in killer.session.outbox if message]


# ------------------------------------------------------------------------------------------------- what answers cost


@pytest.mark.parametrize(
    ("procedure", "args", "cost"),
    [
        ("session.count", [], 0),
        ("session.count", [["x"]], 20),
        ("session.list", [], 20),
        ("session.list", [["x"]], 20),
        ("session.get", [1], 6),
        ("session.kill_by_authid", ["x"], 20),
        ("session.kill_by_authrole", ["x"], 20),
        ("subscription.list", [], 4),
        ("subscription.match", ["a.t"], 1),
        ("subscription.list_subscribers", [1], 20),
        ("subscription.count_subscribers", [1], 20),
        ("registration.list", [], 4),
        ("registration.list_callees", [1], 20),
        ("registration.count_callees", [1], 20),
        ("reflection.topic.list", [], 2),
    ],
)
@pytest.mark.spec("META-S-04", "SEC-05")
def test_an_answer_costs_what_it_holds_or_what_was_looked_at_for_it(procedure, args, cost):
    house = House()
    members = [house.join() for _ in range(20)]
    for member in members:
        member.say([SUBSCRIBE, 1, {}, "a.t"], [REGISTER, 2, {"invoke": "roundrobin"}, "a.p"])
        member.heard()
    members[0].say([CALL, 3, {}, f"wamp.{procedure}", args])
    assert members[0].session.outbox[-1].message[0] == RESULT
    assert members[0].session.spent == cost


@pytest.mark.parametrize("kind", ["subscription", "registration"])
@pytest.mark.spec("META-R-06", "META-P-02")
def test_who_has_left_is_not_there_any_more_while_it_is_taken_off(kind):
    house = House()
    stays, leaves = house.join(), house.join()
    for member in (stays, leaves):
        member.say([SUBSCRIBE, 1, {}, "a.t"], [REGISTER, 2, {"invoke": "roundrobin"}, "a.p"])
        member.heard()
    house.realm.SLICE = 0
    leaves.leave()
    assert house.realm.has_leavers
    who = {"subscription": "subscriber", "registration": "callee"}[kind]
    assert ask(stays, f"{kind}.list_{who}s", 1) == [stays.session.id]
    assert ask(stays, f"{kind}.count_{who}s", 1) == 1
    assert ask(stays, f"{kind}.remove_{who}", 1, leaves.session.id) == "wamp.error.no_such_session"
    assert ask(stays, f"{kind}.remove_{who}", 1, stays.session.id) is None
    house.realm.SLICE = 2_000
    house.realm.tidy()
    assert ask(stays, f"{kind}.get", 1) == f"wamp.error.no_such_{kind}"


# ------------------------------------------------------------------------------------------------------ large realms


@pytest.mark.slow
def test_ten_thousand_are_sent_away_without_stopping_the_others():
    house = House()
    killer = house.join()
    for _ in range(10_000):
        house.join(authrole="victim")
    begun = process_time()
    assert ask(killer, "session.kill_by_authrole", "victim") == 10_000
    longest = process_time() - begun
    while house.realm.has_leavers:
        begun = process_time()
        house.realm.tidy()
        longest = max(longest, process_time() - begun)
    assert longest < 2 * BOUND  # for a machine that has much else to do


@pytest.mark.slow
def test_lists_of_a_hundred_thousand_do_not_stop_the_router():
    house = House()
    member = house.join()
    for number in range(10):
        holder = house.join()
        held = 10_000
        holder.say(*[[REGISTER, each + 1, {}, f"a.p{number}.{each}"] for each in range(held)])
        holder.say(*[[SUBSCRIBE, each + 1, {}, f"a.t{number}.{each}"] for each in range(held)])
        holder.session.outbox.clear()
    for _ in range(100_000 - 11):
        house.join()
    for procedure in ("session.list", "session.count", "registration.list", "subscription.list"):
        begun = process_time()
        member.say([CALL, 1, {}, f"wamp.{procedure}"])
        assert process_time() - begun < 2 * BOUND
        member.session.outbox.clear()
        member.session.spent = 0  # it is sent
    assert len(ask(member, "session.list", ["", "x"])) == 100_000
