"""Connections that are not to be read from for a while, since what was read has to wait."""

from __future__ import annotations

from tests.support.stages import MemoryStage
from tests.transports.test_connection import KIB, QUICK, pings
from tests.transports.test_longpoll import LITTLE, Stage, log, send
from tests.transports.test_memory import HI, Guest
from tests.transports.wires import Line
from tests.wire.frames import TEXT, frame
from wampd.router.polling import Outcome
from wampd.router.transports.longpoll import MOST_HELD


def test_what_comes_while_a_connection_is_held_is_read_when_it_is_not():
    line = Line(pace=QUICK)
    line.connection.hold(True)
    line.connection.hold(True)
    line.client.send(frame(TEXT, b"first"))
    line.client.send(frame(TEXT, b"second"))
    assert line.peer.heard == []
    line.connection.hold(False)
    line.loop.run()
    assert line.peer.heard == [b"first", b"second"]


def test_a_connection_that_is_held_and_congested_is_read_when_it_is_neither():
    for first in ("held", "congested"):
        line = Line(pace=QUICK)
        line.connection.hold(True)
        line.client.send(frame(TEXT, b"later"))
        while not line.connection._queue or line.connection._reading:
            line.write(b"x" * 100 * KIB)
        if first == "held":
            line.connection.hold(False)
            line.loop.run()
            assert line.peer.heard == []
            line.client.read()
        else:
            line.client.read()
            assert line.peer.heard == []
            line.connection.hold(False)
            line.loop.run()
        assert line.peer.heard == [b"later"]


def test_a_peer_that_is_not_read_from_is_not_pinged():
    line = Line()
    line.connection.hold(True)
    line.loop.run(120)
    assert not line.gone
    assert pings(line.client.read()) == []
    line.connection.hold(False)
    line.loop.run(31)
    assert len(pings(line.client.read())) == 1


def test_a_held_connection_can_be_closed_and_lost():
    line = Line(pace=QUICK)
    line.connection.hold(True)
    line.connection.close(1000, "enough")
    line.connection.hold(False)
    line.loop.run()
    line.transport.reset()
    line.connection.hold(True)
    line.connection.hold(False)
    assert line.gone


def test_what_a_long_poll_client_sends_while_it_is_held_waits_up_to_a_bound():
    stage = Stage()
    line = stage.open()
    line.hold(True)
    told = [send(line, LITTLE) for _ in range(MOST_HELD + 1)]
    assert told[-1][0][0] is Outcome.CROWDED
    assert not any(told[:-1])
    stage.pass_by(1)
    assert log(stage.house) == []
    line.hold(False)
    stage.pass_by(1)
    assert all(each == [(Outcome.TAKEN, "")] for each in told[:-1])


def test_a_long_poll_client_may_be_held_again_by_what_it_sent():
    stage = Stage()
    line = stage.open()
    line.hold(True)
    told = [send(line, LITTLE) for _ in range(3)]
    line.peer.receive = lambda payloads: line.hold(True)
    for number in range(1, 4):
        line.hold(False)
        stage.pass_by(1)
        assert [bool(each) for each in told] == [True] * number + [False] * (3 - number)


def test_what_a_client_in_memory_sends_while_it_is_held_arrives_later():
    stage = MemoryStage("json")
    guest = Guest(stage)
    guest.client.hold(True)
    assert guest.says(HI) == []
    assert guest.says([6, {}, "com.bye"]) == []
    guest.client.hold(False)
    stage.clock.advance(0)
    stage.clock.advance(0)
    assert [message[0] for message in guest.heard] == [2, 6]


def test_a_client_in_memory_that_is_held_can_be_cut_off():
    stage = MemoryStage("json")
    guest = Guest(stage)
    guest.client.hold(True)
    guest.says(HI)
    guest.client.drop()
    stage.clock.advance(0)
    guest.client.hold(False)
    stage.clock.advance(0)
    assert guest.heard == []
    assert not stage.realms["realm1"].core.sessions
