"""Very many sessions are sent away at once, by a router that has more to do."""

from __future__ import annotations

import pytest

from tests.attack.inside import House, Wire, unframe

VICTIMS = 450
KILLED = [6, {}, "wamp.close.killed"]


def crowd(house: House) -> list[Wire]:
    """Sessions of the role of guests."""
    wires = [house.connect() for _ in range(VICTIMS)]
    for wire in wires:
        wire.join()
    return wires


def member(house: House) -> Wire:
    """A session of another role."""
    wire = house.connect()
    wire.send(b"\x7f\xf1\0\0")
    wire.say([1, "realm1", {"roles": {"caller": {}, "subscriber": {}}, "authmethods": ["ticket"], "authid": "joe"}])
    assert wire.say([5, "joe's hunter2", {}])[0][0] == 2
    return wire


def one_turn(house: House) -> None:
    """Let the router do what it has put off until its next turn, and no more."""
    due = [call for call in house.clock.getDelayedCalls() if call.getTime() <= house.clock.seconds()]
    for call in due:
        house.clock.calls.remove(call)
        call.called = 1
        call.func(*call.args, **call.kw)
    house.realms.end_of_turn()


@pytest.mark.spec("META-S-08")
def test_they_are_told_over_several_turns_and_all_their_connections_are_closed() -> None:
    house = House()
    wires = crowd(house)
    killer = member(house)
    assert killer.say([48, 1, {}, "wamp.session.kill_by_authrole", ["guest"]]) == [[50, 1, {}, [VICTIMS]]]
    assert killer.say([48, 2, {}, "wamp.session.count"]) == [[50, 2, {}, [1]]]
    told = [sum(bool(wire.transport.value()) for wire in wires)]
    while house.realm.has_leavers:
        one_turn(house)
        told.append(sum(bool(wire.transport.value()) for wire in wires))
    most = house.realm.SLICE // house.realm.EXPULSION
    assert told == [most, 2 * most, VICTIMS]
    assert all(wire.heard() == [KILLED] for wire in wires)
    for wire in wires[::2]:
        wire.say([6, {}, "wamp.close.goodbye_and_out"])
        assert wire.transport.lost
    assert not any(wire.transport.lost for wire in wires[1::2])
    for _ in range(12):
        house.clock.advance(0.5)
    assert all(wire.transport.lost for wire in wires)
    assert len(house.lobby.connections) == 1


@pytest.mark.spec("META-S-02", "META-S-08")
def test_who_hangs_up_or_speaks_before_it_is_told_is_told_of_once() -> None:
    house = House()
    wires = crowd(house)
    killer = member(house)
    killer.say([32, 1, {}, "wamp.session.on_leave"])
    answers = killer.say([48, 2, {}, "wamp.session.kill_by_authrole", ["guest"]])
    last = wires[-3:]
    assert not any(wire.transport.value() for wire in last)
    last[0].transport.lose()
    assert last[1].say([48, 1, {}, "wamp.session.count"], [6, {}, "wamp.close.close_realm"]) == []
    last[2].say([999])  # no message of WAMP: the connection ends with an ABORT
    while house.realm.has_leavers:
        one_turn(house)
    answers += unframe(killer.taken())
    left = [answer[4][0] for answer in answers if answer[0] == 36]
    assert len(left) == len(set(left)) == VICTIMS
    assert unframe(last[1].taken()) == [KILLED]
    assert killer.say([48, 3, {}, "wamp.session.count"]) == [[50, 3, {}, [1]]]
