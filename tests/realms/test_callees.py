"""The callees of a shared registration by themselves: who is asked, and who waits."""

from __future__ import annotations

from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Raw

from tests.realms.house import House, Member
from wampd.realms.callees import Callees, Share, Ticket
from wampd.realms.calls import Course, Invocation
from wampd.realms.limits import Quota
from wampd.realms.messages import Call
from wampd.realms.options import CallOptions, ClientRole, ClientRoles, Invoke, RegisterOptions
from wampd.realms.sharding import rendezvous


class Table:
    """A desk that gives places as the dealer does, and keeps the record of it."""

    def __init__(self, quota: Quota) -> None:
        self.quota = quota
        self.seated: list[tuple[int, Share]] = []
        self.stranded: list[int] = []
        self.displaced: list[int] = []

    def seat(self, invocation: Invocation, share: Share) -> None:
        assert invocation.course is not None
        invocation.course.leave_seat()
        invocation.course.seat = share.take()
        self.seated.append((invocation.call, share))

    def strand(self, invocation: Invocation) -> None:
        assert invocation.course is not None
        invocation.course.leave_seat()
        self.stranded.append(invocation.call)

    def displace(self, invocation: Invocation) -> None:
        assert invocation.course is not None
        invocation.course.leave_seat()
        self.displaced.append(invocation.call)


class Bench:
    """Callees, and calls for them."""

    def __init__(self, invoke: Invoke, count: int = 0, quota: Quota | None = None, **options: Any) -> None:
        self.house = House()
        self.table = Table(quota or Quota())
        self.callees = Callees(self.table, invoke)
        self.members: list[Member] = []
        self.caller = self.house.join()
        self.random = Random(7)
        for _ in range(count):
            self.add(**options)

    def add(self, roles: ClientRoles | None = None, **options: Any) -> Share:
        member = self.house.join(roles=roles)
        self.members.append(member)
        share = self.callees.add(member.session, RegisterOptions(invoke=self.callees.invoke, **options))
        self.callees.begin(member.session)
        return share

    def course(self, rkey: str | None = None, payload: bytes = b"[]", **options: Any) -> Course:
        request = Call(1, CallOptions(**options), "com.p", Raw(payload))
        course = Course(request, SimpleNamespace(), {})  # type: ignore[arg-type]
        course.rkey = rkey
        return course

    def choose(self, **options: Any) -> Share | None:
        share = self.callees.choose(self.course(**options), self.random.random)
        if share is not None:
            share.take()
        return share

    def asked(self, times: int, **options: Any) -> list[int]:
        """The numbers of the callees that so many calls go to; 0: nobody has room."""
        shares = [self.choose(**options) for _ in range(times)]
        return [0 if share is None else share.number for share in shares]

    def wait(self, number: int, share: Share | None = None, **options: Any) -> Ticket:
        ticket = self.try_to_wait(number, share, **options)
        assert isinstance(ticket, Ticket)
        return ticket

    def try_to_wait(
        self, number: int, share: Share | None = None, caller: Member | None = None, **options: Any
    ) -> Ticket | str:
        course = self.course(**options)
        invocation = Invocation((caller or self.caller).session, number, None, 0, False, course)
        ticket = self.callees.wait(invocation, course, share)
        if isinstance(ticket, Ticket):
            course.seat = ticket
        return ticket


@pytest.mark.parametrize(
    ("invoke", "order"),
    [
        ("roundrobin", [1, 2, 3, 1, 2, 3]),
        ("load", [1, 2, 3, 1, 2, 3]),
        ("first", [1] * 6),
        ("last", [3] * 6),
        ("single", [1] * 6),
    ],
)
def test_each_policy_has_its_order(invoke, order):
    assert Bench(invoke, 3).asked(6) == order


@pytest.mark.parametrize(
    ("invoke", "order"),
    [
        ("roundrobin", [1, 2, 3, 1, 2, 3, 0]),
        ("load", [1, 2, 3, 1, 2, 3, 0]),
        ("first", [1, 1, 2, 2, 3, 3, 0]),
        ("last", [3, 3, 2, 2, 1, 1, 0]),
    ],
)
def test_who_has_no_room_is_not_asked(invoke, order):
    assert Bench(invoke, 3, concurrency=2).asked(7) == order


def test_random_is_uniform_also_among_those_who_have_room():
    bench = Bench("random", 4)
    full = bench.callees.shares()[1]
    full.concurrency = 0
    counts = Counter(bench.asked(3000))
    assert set(counts) == {1, 3, 4}
    # χ² with 2 degrees of freedom: 13.8 is exceeded once in a thousand; the seed is fixed.
    assert sum((count - 1000) ** 2 / 1000 for count in counts.values()) < 13.8
    for share in bench.callees.shares():
        share.concurrency = 0
    assert bench.choose() is None
    assert Bench("random").choose() is None


def test_load_asks_who_has_the_least_to_do():
    bench = Bench("load", 3)
    first, second, third = bench.callees.shares()
    first.pending, second.pending, third.pending = 2, 1, 3
    assert bench.asked(3) == [2, 1, 2]
    third.give_back()
    third.give_back()
    assert bench.choose() is third


def test_only_what_must_be_is_counted():
    for invoke, options, counted in (("first", {}, False), ("load", {}, True), ("first", {"concurrency": 9}, True)):
        bench = Bench(invoke, 1, **options)  # type: ignore[arg-type]
        (share,) = bench.callees.shares()
        assert share.take() is (share if counted else None)
        assert share.pending == counted


@pytest.mark.parametrize("gone", [1, 2, 3])
@pytest.mark.parametrize("asked", [0, 1, 2, 3])
def test_the_turn_goes_on_behind_whoever_was_asked_last(gone, asked):
    bench = Bench("roundrobin", 3)
    bench.asked(asked)
    bench.callees.remove(bench.members[gone - 1].session)
    left = [number for number in (1, 2, 3) if number != gone]
    expected = sorted(left, key=lambda number: (number <= asked, number))
    assert bench.asked(4) == expected * 2


def test_who_has_left_is_not_asked_though_it_is_not_taken_out_yet():
    bench = Bench("roundrobin", 3)
    bench.members[1].leave()
    assert bench.asked(4) == [1, 3, 1, 3]
    assert len(bench.callees) == 3
    assert bench.callees.are_here
    for member in bench.members:
        member.leave()
    assert not bench.callees.are_here
    assert bench.choose() is None


def test_those_who_were_asked_already_are_not_asked_again():
    bench = Bench("roundrobin", 3)
    course = bench.course()
    order = []
    while share := bench.callees.choose(course, bench.random.random):
        order.append(share.number)
        course.tried.add(share.callee)
    assert order == [1, 2, 3]
    assert bench.callees.lacking(course) == ""


def test_only_those_are_asked_who_can_serve_the_call():
    bench = Bench("first", 1)
    assert bench.choose(ppt_scheme="x_a") is None
    assert bench.callees.lacking(bench.course(ppt_scheme="x_a")) == "payload_passthru_mode"
    assert bench.callees.lacking(bench.course()) is None


# ---------------------------------------------------------------------------------------------------------- partitions


def test_a_key_is_asked_of_its_callee_and_of_nobody_else():
    bench = Bench("roundrobin")
    shares = {nkey: bench.add(nkey=nkey, concurrency=1) for nkey in ("n1", "n2", "n3")}
    for rkey in ("k1", "k2", "k3"):
        owner = shares[rendezvous(rkey, shares)]
        assert bench.choose(rkey=rkey) in (owner, None)
    assert bench.choose(rkey="k1") is None


def test_among_callees_with_one_key_the_policy_chooses():
    bench = Bench("last", 3, nkey="n")
    assert bench.asked(2, rkey="k") == [3, 3]
    bench.members[2].leave()
    assert bench.asked(1, rkey="k") == [2]


# ------------------------------------------------------------------------------------------------------------- waiting


def test_those_who_wait_are_served_in_their_order_as_soon_as_somebody_has_room():
    bench = Bench("roundrobin", 1, concurrency=2)
    bench.asked(2)
    for number in (1, 2, 3):
        bench.wait(number)
    (share,) = bench.callees.shares()
    share.give_back()
    assert bench.table.seated == [(1, share)]
    newcomer = bench.add()
    assert bench.table.seated == [(1, share), (2, newcomer), (3, newcomer)]
    share.give_back()
    assert len(bench.table.seated) == 3


def test_who_does_not_want_to_wait_any_longer_is_forgotten():
    bench = Bench("first", 1, concurrency=1)
    bench.choose()
    tickets = [bench.wait(number) for number in (1, 2, 3)]
    tickets[1].give_back()
    (share,) = bench.callees.shares()
    share.give_back()
    share.give_back()
    assert [number for number, _ in bench.table.seated] == [1, 3]


def test_whose_caller_has_left_is_passed_over():
    bench = Bench("first", 1, concurrency=1)
    bench.choose()
    ticket = bench.wait(1)
    bench.caller.leave()
    bench.caller = bench.house.join()
    bench.wait(2)
    (share,) = bench.callees.shares()
    share.give_back()
    assert bench.table.seated == [(2, share)]
    ticket.give_back()


def test_who_waits_for_a_key_is_served_before_those_who_came_later_and_by_its_callee_alone():
    bench = Bench("first")
    shares = {nkey: bench.add(nkey=nkey, concurrency=1) for nkey in ("n1", "n2")}
    owner = shares[rendezvous("k", shares)]
    (other,) = [share for share in shares.values() if share is not owner]
    bench.asked(2)
    bench.wait(1, rkey="k")
    bench.wait(2)
    bench.wait(3, owner)
    other.give_back()
    owner.give_back()
    assert bench.table.seated == [(2, other), (1, owner)]
    owner.give_back()
    assert bench.table.seated[2:] == [(3, owner)]


@pytest.mark.parametrize("leaver", ["owner", "other"])
def test_when_a_callee_goes_its_keys_are_waited_for_elsewhere(leaver):
    bench = Bench("first")
    shares = {nkey: bench.add(nkey=nkey, concurrency=1) for nkey in ("n1", "n2")}
    owner = shares[rendezvous("k", shares)]
    (other,) = [share for share in shares.values() if share is not owner]
    bench.asked(2)
    bench.wait(1, rkey="k")
    bench.wait(2, owner)
    bench.callees.remove((owner if leaver == "owner" else other).callee)
    assert bench.table.stranded == ([2] if leaver == "owner" else [])
    other.give_back()
    assert bench.table.seated == ([(1, other)] if leaver == "owner" else [])
    owner.give_back()
    assert bench.table.seated == ([(1, other)] if leaver == "owner" else [(1, owner)])


def test_when_the_last_callee_goes_all_are_stranded():
    bench = Bench("first", 1, concurrency=1)
    (share,) = bench.callees.shares()
    bench.choose()
    bench.wait(1)
    bench.wait(2, rkey="k")
    bench.wait(3, share)
    bench.callees.remove(share.callee)
    assert sorted(bench.table.stranded) == [1, 2, 3]
    share.give_back()
    assert bench.table.seated == []


def test_when_nobody_is_left_who_could_serve_a_call_it_is_stranded():
    bench = Bench("first", 1, concurrency=1)
    able = bench.house.join()
    able.session.roles.callee.features["payload_passthru_mode"] = True  # type: ignore[union-attr]
    share = bench.callees.add(able.session, RegisterOptions(invoke="first", concurrency=1))
    bench.asked(2)
    bench.wait(1, ppt_scheme="x_a")
    bench.wait(2)
    bench.callees.remove(share.callee)
    assert bench.table.stranded == [1]


def test_who_cannot_serve_a_call_that_waits_goes_on_with_the_next():
    bench = Bench("first", 1, concurrency=1)
    roles = ClientRoles(callee=ClientRole({"payload_passthru_mode": True}))
    able = bench.add(roles, concurrency=1)
    unable = bench.callees.shares()[0]
    bench.asked(2)
    bench.wait(1, ppt_scheme="x_a")
    bench.wait(2)
    bench.wait(3)
    unable.give_back()
    able.give_back()
    assert bench.table.seated == [(2, unable), (1, able)]


def test_who_was_a_callee_and_is_one_again_has_nothing_to_do_with_what_it_served_then():
    bench = Bench("first", 1, concurrency=1)
    other = bench.add(concurrency=1)
    old = bench.callees.shares()[0]
    bench.asked(2)
    bench.callees.remove(old.callee)
    new = bench.callees.add(old.callee, RegisterOptions(invoke="first", concurrency=1))
    assert bench.choose() is new
    bench.wait(1)
    old.give_back()
    assert bench.table.seated == []
    other.give_back()
    assert bench.table.seated == [(1, other)]


def test_those_who_must_wait_for_somebody_else_keep_their_order():
    bench = Bench("first")
    shares = {nkey: bench.add(nkey=nkey, concurrency=1) for nkey in ("n1", "n2", "n3")}
    owner = rendezvous("k1", shares)
    others = [f"k{number}" for number in range(99) if rendezvous(f"k{number}", shares) != owner]
    heir = rendezvous("k1", set(shares) - {owner})
    rkey = next(rkey for rkey in others if rendezvous(rkey, set(shares) - {owner}) == heir)
    bench.asked(3)
    for number, key in ((1, rkey), (2, "k1"), (3, rkey), (4, "k1")):
        bench.wait(number, rkey=key)
    bench.callees.remove(shares[owner].callee)
    for _ in range(4):
        shares[heir].give_back()
    assert bench.table.seated == [(number, shares[heir]) for number in (1, 2, 3, 4)]


def test_when_the_callee_of_a_key_does_not_want_the_call_the_next_in_line_for_the_key_is_asked():
    bench = Bench("first")
    shares = {nkey: bench.add(nkey=nkey) for nkey in ("n1", "n2", "n3")}
    course = bench.course(rkey="k")
    asked = []
    while share := bench.callees.choose(course, bench.random.random):
        course.tried.add(share.callee)
        asked.append(share.nkey)
    first = rendezvous("k", shares)
    second = rendezvous("k", set(shares) - {first})
    assert asked == [first, second, *(set(shares) - {first, second})]


def test_only_so_many_calls_and_bytes_wait():
    bench = Bench("first", 1, Quota(waiting_calls=3, waiting_size=10), concurrency=1)
    bench.choose()
    first = bench.wait(1, payload=b"[1,2,3]")
    refusal = bench.try_to_wait(2, payload=b"[12]")
    assert refusal == "no more than 10 bytes of payload wait for callees of one registration (limit: waiting_size)"
    bench.wait(3, payload=b"[1]")
    first.give_back()
    bench.wait(4, payload=b"[1234]")
    bench.wait(5, payload=b"")
    refusal = bench.try_to_wait(6, payload=b"")
    assert refusal == "no more than 3 calls wait for callees of one registration (limit: waiting_calls)"


def test_alone_a_caller_may_have_all_the_room_and_gives_way_to_others_up_to_a_fair_share():
    bench = Bench("first", 1, Quota(waiting_calls=6), concurrency=1)
    bench.choose()
    for number in range(6):
        bench.wait(number)
    other, third = bench.house.join(), bench.house.join()
    for number in (10, 11, 12):
        assert isinstance(bench.try_to_wait(number, caller=other), Ticket)
    assert bench.table.displaced == [5, 4, 3]  # the last ones first
    assert isinstance(bench.try_to_wait(13, caller=other), str)
    assert isinstance(bench.try_to_wait(6), str)
    for number in (20, 21):
        assert isinstance(bench.try_to_wait(number, caller=third), Ticket)
    assert sorted(bench.table.displaced[3:]) in ([2, 12], [11, 12], [1, 2])
    assert isinstance(bench.try_to_wait(22, caller=third), str)
    assert bench.callees.waiting == 6


def test_large_calls_of_one_caller_give_way_to_small_ones_of_another():
    bench = Bench("first", 1, Quota(waiting_calls=100, waiting_size=100), concurrency=1)
    bench.choose()
    bench.wait(1, payload=b"[" + b"1" * 48)
    bench.wait(2, payload=b"[" + b"2" * 48)
    other = bench.house.join()
    assert isinstance(bench.try_to_wait(3, caller=other, payload=b"[12345]"), Ticket)
    assert bench.table.displaced == [2]
    assert isinstance(bench.try_to_wait(4, caller=other, payload=b"1" * 60), str)


def test_a_thousand_comings_and_goings_leave_the_turn_right():
    bench = Bench("roundrobin", 5)
    random = Random(3)
    last = 0
    for _ in range(1000):
        if random.random() < 0.5 and len(bench.members) > 1:
            member = bench.members.pop(random.randrange(len(bench.members)))
            member.leave()
            bench.callees.remove(member.session)
        else:
            bench.add()
        numbers = [share.number for share in bench.callees.shares()]
        share = bench.choose()
        assert share is not None
        assert share.number == next((number for number in numbers if number > last), numbers[0])
        last = share.number
