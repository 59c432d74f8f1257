"""Callees of a shared registration that come and go while very many calls wait."""

from __future__ import annotations

from time import process_time

from tests.realms.test_callees import Bench
from wampd.realms.options import RegisterOptions
from wampd.realms.sharding import rendezvous


def test_callees_that_come_and_go_cost_little_though_very_many_wait():
    bench = Bench("roundrobin", 500, concurrency=1)
    while bench.choose() is not None:
        pass
    for number in range(1000):
        bench.wait(number, rkey=f"k{number}")
    begun = process_time()
    for member in bench.members[:20]:
        bench.callees.remove(member.session)
    bench.add(concurrency=1)
    assert process_time() - begun < 0.5  # 0.04 s; it was 20 s when all who wait were looked at each time
    assert not bench.table.stranded
    assert len(bench.table.seated) == 1


def test_who_waits_goes_to_a_callee_that_comes_in_the_order_in_which_they_came():
    rkeys = [rkey for rkey in map(str, range(99)) if rendezvous(rkey, ["n1", "n2", "n3"]) == "n3"]
    bench = Bench("first")
    for nkey in ("n1", "n2"):
        bench.add(nkey=nkey, concurrency=1)
    while bench.choose() is not None:
        pass
    for number, rkey in enumerate(rkeys):
        bench.wait(number, rkey=rkey)
    newcomer = bench.add(nkey="n3", concurrency=3)
    assert bench.table.seated == [(0, newcomer), (1, newcomer), (2, newcomer)]
    bench.table.seated.clear()
    for _ in rkeys[3:]:
        newcomer.give_back()
    assert [number for number, _ in bench.table.seated] == list(range(3, len(rkeys)))


def test_a_newcomer_takes_nothing_that_it_was_asked_for_or_cannot_serve():
    rkey = next(rkey for rkey in map(str, range(99)) if rendezvous(rkey, ["n1", "n2"]) == "n2")
    bench = Bench("first")
    bench.add(nkey="n1", concurrency=1)
    asked = bench.house.join()
    first = bench.choose()
    assert first is not None
    ticket = bench.wait(1, rkey=rkey)
    ticket.course.tried.add(asked.session)
    bench.callees.add(asked.session, RegisterOptions(invoke="first", nkey="n2"))
    bench.callees.begin(asked.session)
    assert bench.table.seated == []
    first.give_back()
    assert bench.table.seated == [(1, first)]


def test_the_owners_of_very_many_keys_are_not_all_remembered():
    bench = Bench("first", 3)
    for number in range(2500):
        assert bench.choose(rkey=f"k{number}") is not None
    assert 0 < len(bench.callees._owners) <= 1000
    bench.add()
    assert not bench.callees._owners
    assert bench.choose(rkey="k1") is not None
    bench.callees.remove(bench.members[0].session)
    assert not bench.callees._owners


def test_who_has_left_but_is_not_yet_taken_off_is_nobody_to_wait_for():
    rkey = next(rkey for rkey in map(str, range(99)) if rendezvous(rkey, ["n1", "n2"]) == "n2")
    bench = Bench("first")
    first, _ = (bench.add(nkey=nkey) for nkey in ("n1", "n2"))
    bench.members[1].leave()
    assert bench.choose(rkey=rkey) is first
    bench.members[0].leave()
    assert bench.choose(rkey=rkey) is bench.choose() is None
    assert bench.callees.lacking(bench.course(rkey=rkey)) == bench.callees.lacking(bench.course()) == ""
