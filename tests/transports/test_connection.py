"""One connection: its send queue, backpressure, slow consumers, keep-alive and closing, over Twisted's own transport.

Somewhat long, so that this file alone covers `wampd.router.transports.connection`.
"""

import pytest

from tests.transports.wires import Line
from tests.wire.frames import CLOSE, PING, PONG, TEXT, close, frame, header, read_frames
from wampd.router.transports.connection import HIGH_WATER, Pace
from wampd.router.transports.queue import CHUNK
from wampd.router.wire.framing import FrameLimits

KIB, MIB = 2**10, 2**20
QUICK = Pace(ping_interval=0)


# --------------------------------------------------------------------------------------------------- both ways


@pytest.mark.parametrize("raw", [False, True])
def test_messages_go_both_ways(raw):
    line = Line(raw=raw)
    line.client.send(b"\x00\x00\x00\x02[]" if raw else frame(TEXT, b"[]"))
    line.write(b"{}")
    assert line.peer.heard == [b"[]"]
    assert line.client.read() == (b"\x00\x00\x00\x02{}" if raw else b"\x81\x02{}")


def test_what_the_socket_takes_is_sent_at_once_without_waiting_for_the_reactor():
    line = Line()
    line.write(b"now")
    assert line.client.end.recv(100) == b"\x81\x03now"


def test_a_pong_comes_before_the_answer_to_the_message_that_came_with_the_ping():
    line = Line()
    line.peer.receive = lambda payloads: line.write(b"answer")
    line.client.send(frame(PING, b"?") + frame(TEXT, b"question"))
    assert [sent.payload for sent in read_frames(line.client.read())] == [b"?", b"answer"]


def test_the_answer_to_a_last_message_comes_before_the_goodbye():
    line = Line()
    line.peer.receive = lambda payloads: line.write(b"answer")
    line.client.send(frame(TEXT, b"question") + close(1000))
    assert [sent.opcode for sent in read_frames(line.client.read())] == [TEXT, CLOSE]


# ---------------------------------------------------------------------------------------------------- the queue


@pytest.mark.parametrize("size", [10, 5000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
@pytest.mark.parametrize("count", [1, 7])
def test_what_the_socket_does_not_take_follows_in_order_and_complete(size, count):
    line = Line(pace=QUICK)
    filled = line.fill()
    for number in range(count):
        line.write(bytes([number]) * size)
    frames = read_frames(line.client.read())
    assert [len(sent.payload) for sent in frames] == [filled] + [size] * count
    assert all(sent.payload == bytes([number]) * size for number, sent in enumerate(frames[1:]))
    line.write(b"after")
    assert line.client.end.recv(100) == b"\x81\x05after"


def test_many_small_messages_follow_in_order():
    line = Line(pace=QUICK)
    line.fill()
    for number in range(20_000):
        line.write(b"%d" % number)
    frames = read_frames(line.client.read())
    assert [int(sent.payload) for sent in frames[1:]] == list(range(20_000))


def test_twisted_never_holds_more_than_a_chunk():
    line = Line(pace=QUICK)
    for _ in range(20):
        line.write(b"x" * CHUNK)
        line.loop.run()
    transport = line.transport
    assert len(transport.dataBuffer) - transport.offset + transport._tempDataLen <= CHUNK


# ------------------------------------------------------------------------------------------------- backpressure


def test_over_the_high_water_mark_nothing_is_read_until_half_of_it_is_gone():
    line = Line(pace=QUICK)
    while not line.loop.readers.isdisjoint({line.transport}):
        line.write(b"x" * 100 * KIB)
    waiting = line.connection._queue.size
    assert HIGH_WATER < waiting <= HIGH_WATER + 200 * KIB
    line.client.end.send(frame(TEXT, b"unheard"))
    line.loop.run()
    assert line.peer.heard == []
    line.client.read(waiting // 3)
    assert line.peer.heard == []
    line.client.read()
    assert line.peer.heard == [b"unheard"]
    assert line.peer.log == ["congested False"]


def test_a_small_bound_on_the_queue_is_a_small_high_water_mark():
    line = Line(pace=Pace(ping_interval=0, send_queue=50_000))
    line.fill(2 * CHUNK)
    assert line.transport not in line.loop.readers
    assert any("slow consumer: more than 50000 bytes" in entry for entry in line.peer.log)


# ------------------------------------------------------------------------------------------------ slow consumers


def overflow(line, message=300 * KIB):
    """Send until the connection has had enough; how much was sent in all."""
    sent = 0
    while line.connection._closing_since == 0 and sent < 64 * MIB:
        line.write(b"s" * message)
        sent += message
        line.loop.run()
    return sent


def test_who_reads_too_slowly_is_told_so_after_the_message_under_way_and_the_rest_is_dropped():
    line = Line(pace=Pace(ping_interval=0, send_queue=16 * MIB))
    sent = overflow(line)
    assert 16 * MIB < sent < 17 * MIB
    assert line.peer.log[-2:] == [
        "failed: slow consumer: more than 16777216 bytes waited to be read",
        "lost: wamp.close.slow_consumer",
    ]
    received = read_frames(line.client.read())
    assert [len(each.payload) for each in received[:-1]] == [300 * KIB] * (len(received) - 1)
    assert sum(len(each.payload) for each in received) < 1 * MIB
    assert (received[-1].opcode, received[-1].code) == (CLOSE, 1008)
    assert received[-1].reason == "wamp.close.slow_consumer"
    line.client.send(close(1008))
    assert line.client.is_cut_off()


def test_on_rawsocket_who_reads_too_slowly_gets_the_message_under_way_and_the_end():
    line = Line(raw=True, pace=Pace(ping_interval=0, send_queue=4 * MIB))
    overflow(line)
    received = line.client.read()
    assert len(received) % (300 * KIB + 4) == 0
    assert line.client.is_cut_off()


def test_who_is_told_that_it_is_too_slow_and_still_does_not_read_is_cut_off():
    line = Line(pace=Pace(ping_interval=0))
    overflow(line)
    line.loop.run(4)
    assert not line.gone
    line.loop.run(2)
    assert list(line.gone) == [line.connection]
    assert sum(entry.startswith("lost") for entry in line.peer.log) == 1


def test_who_reads_nothing_for_ten_seconds_is_cut_off():
    line = Line(pace=QUICK)
    line.fill()
    line.loop.run(9)
    assert not line.gone
    line.loop.run(4)
    assert line.gone
    assert "failed: slow consumer: nothing was read for 10 s" in line.peer.log
    assert line.peer.log[-1] == "lost: wamp.close.slow_consumer"


def test_who_reads_slowly_but_steadily_is_not_cut_off():
    line = Line(pace=QUICK)
    line.fill(250 * KIB)  # less than a chunk: Twisted holds what the socket has not taken
    for _ in range(20):
        line.loop.run(4)
        line.client.read(9000)
    assert not line.gone
    line.client.read()
    line.write(b"still here")
    assert line.client.read().endswith(b"still here")


def test_a_freeze_of_the_routers_own_is_not_held_against_who_could_not_be_written_to():
    line = Line(pace=QUICK)
    line.fill()
    line.loop.run(1)
    line.loop.advance(30)
    line.loop.run(5)
    assert not line.gone
    line.client.read()
    line.loop.run(20)
    assert not line.gone


def test_by_policy_the_slow_stay_connected_and_miss_events_until_they_read():
    line = Line(pace=Pace(ping_interval=0, send_queue=2 * MIB))
    line.peer.drops = True
    while "congested True" not in line.peer.log:
        line.write(b"e" * 100 * KIB)
    line.loop.run(60)
    assert not line.gone
    line.client.read()
    assert line.peer.log[-1] == "congested False"
    line.write(b"again")
    assert line.client.read() == b"\x81\x05again"


def test_by_policy_too_who_takes_nothing_for_the_time_of_a_ping_more_is_gone():
    line = Line(pace=Pace(ping_interval=30, ping_timeout=10, send_stall=10, send_queue=2 * MIB))
    line.peer.drops = True
    while "congested True" not in line.peer.log:
        line.write(b"e" * 100 * KIB)
    line.loop.run(45)
    assert not line.gone
    line.loop.run(10)
    assert line.gone
    assert line.peer.log[-1] == "lost: wamp.close.slow_consumer"


def test_by_policy_too_the_queue_is_bounded():
    line = Line(pace=Pace(ping_interval=0, send_queue=2 * MIB))
    line.peer.drops = True
    sent = overflow(line)
    assert 4 * MIB < sent < 5 * MIB
    assert line.peer.log[-1] == "lost: wamp.close.slow_consumer"


def test_a_flood_of_pings_that_nobody_reads_the_answers_of_stops_being_read():
    line = Line(pace=QUICK)
    flood = frame(PING, b"p" * 125) * 100
    left = 0
    for _ in range(2000):
        left = line.client.send(flood)
        if left:
            break
    assert left
    assert line.transport not in line.loop.readers
    assert line.connection._queue.size < HIGH_WATER + 100 * KIB


# ---------------------------------------------------------------------------------------------------- keep-alive


def pings(data):
    return [sent for sent in read_frames(data) if sent.opcode == PING]


def test_an_idle_peer_is_pinged_every_interval():
    line = Line()
    line.loop.run(29)
    assert line.client.read() == b""
    for seconds in (2, 31, 31, 31, 31):
        line.loop.run(seconds)
        assert read_frames(line.client.read()) == [(0x80 | PING, b"wampd")]
        line.client.send(frame(PONG, b"wampd"))
    assert not line.gone


def test_rawsocket_is_pinged_too():
    line = Line(raw=True)
    line.loop.run(31)
    assert line.client.read() == b"\x01\x00\x00\x05wampd"
    line.client.send(b"\x02\x00\x00\x05wampd")
    line.loop.run(15)
    assert not line.gone


@pytest.mark.parametrize("raw", [False, True])
def test_who_does_not_answer_a_ping_is_cut_off_after_ten_seconds(raw):
    line = Line(raw=raw)
    line.loop.run(39)
    assert not line.gone
    line.loop.run(2)
    assert line.gone
    assert line.peer.log == ["failed: no answer to a ping", "lost: no answer to a ping"]


def test_anything_that_is_heard_is_an_answer():
    line = Line()
    line.loop.run(31)
    line.client.send(frame(TEXT, b"busy"))
    line.loop.run(15)
    assert not line.gone


def test_after_a_late_tick_of_our_own_the_peer_has_a_full_interval():
    line = Line()
    line.loop.run(31)
    line.client.read()
    line.loop.advance(20)  # the process was stopped: the pong may lie unread
    line.loop.run(29)
    assert not line.gone
    assert line.client.read() == b""
    line.loop.run(2)
    assert len(pings(line.client.read())) == 1
    line.loop.run(10)
    assert line.gone


@pytest.mark.parametrize("former", [0, 30])
def test_who_is_watched_more_closely_is_pinged_so_from_then_on(former):
    line = Line(pace=Pace(ping_interval=former))
    line.loop.run(3)
    line.connection.ping_every(1.0, 2.0)
    line.loop.run(1.5)
    assert len(pings(line.client.read())) == 1
    line.client.send(frame(PONG, b"wampd"))
    line.loop.run(3)
    assert not line.gone
    line.loop.run(2)
    assert line.gone
    assert line.peer.log[-2:] == ["failed: no answer to a ping", "lost: no answer to a ping"]


def test_who_is_watched_no_more_is_not_pinged():
    line = Line(pace=Pace(ping_interval=1, ping_timeout=1))
    line.connection.ping_every(0, 1.0)
    line.loop.run(20)
    assert pings(line.client.read()) == []
    assert not line.gone


def test_a_peer_whose_answers_may_wait_behind_a_queue_of_ours_is_not_pinged():
    line = Line(pace=Pace(send_stall=1000.0))
    line.fill()
    line.loop.run(120)
    assert not line.gone
    assert pings(line.client.read()) == []
    line.loop.run(31)
    assert len(pings(line.client.read())) == 1


def test_without_an_interval_nobody_is_pinged():
    line = Line(pace=QUICK)
    line.loop.run(200, step=1)
    assert line.client.read() == b""
    assert not line.gone


# ----------------------------------------------------------------------------------------------------- deadlines


def test_the_peer_object_hears_of_its_deadline_once():
    line = Line(deadline=1003.0)
    line.loop.run(2.9)
    assert line.peer.log == []
    line.loop.run(1)
    assert line.peer.log == ["late"]
    line.loop.run(10)
    assert line.peer.log == ["late"]


def test_a_new_deadline_is_heeded():
    line = Line()
    line.peer.deadline = 1002.0
    line.connection.wake(1002.0)
    line.loop.run(3)
    assert line.peer.log == ["late"]


def test_a_deadline_that_passed_while_the_router_was_frozen_is_extended_a_little():
    line = Line(deadline=1003.0)
    line.loop.run(1)
    line.loop.advance(20)
    assert line.peer.log == []
    line.loop.run(2)
    assert line.peer.log == ["late"]


# ------------------------------------------------------------------------------------------------------- closing


def test_the_client_closes():
    line = Line()
    line.client.send(frame(TEXT, b"last") + close(1000, "bye"))
    assert line.peer.heard == [b"last"]
    [answer] = read_frames(line.client.read())
    assert (answer.opcode, answer.code) == (CLOSE, 1000)
    assert line.peer.log == ["lost: closed by the peer"]
    line.client.close()
    line.loop.run()
    assert line.gone


def test_a_client_that_says_it_closes_and_does_not_is_cut_off():
    line = Line()
    line.client.send(close(1000))
    line.loop.run(4)
    assert not line.gone
    line.loop.run(2)
    assert line.gone


def test_the_router_closes_after_all_that_waits():
    line = Line()
    line.fill()
    line.write(b"z" * 70_000)
    line.connection.close(1001, "stopping")
    line.write(b"too late")
    assert line.peer.log == ["lost: stopping"]
    *_, last, goodbye = read_frames(line.client.read())
    assert last.payload == b"z" * 70_000
    assert (goodbye.opcode, goodbye.code, goodbye.reason) == (CLOSE, 1001, "stopping")
    line.client.send(frame(TEXT, b"unheard") + close(1001))
    assert line.peer.heard == []
    assert line.client.is_cut_off()
    assert line.peer.log == ["lost: stopping"]


@pytest.mark.spec("RAW-13")
def test_rawsocket_closes_after_all_that_waits():
    line = Line(raw=True)
    line.fill()
    line.write(b"last")
    line.connection.close(1002, "violation")
    assert line.client.read().endswith(b"last")
    assert line.client.is_cut_off()


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("filled", [False, True])
def test_closing_never_waits_longer_than_its_time(raw, filled):
    line = Line(raw=raw)
    if filled:
        line.fill()
    line.connection.close(1001, "stopping")
    line.loop.run(4.5)
    assert not line.gone
    line.loop.run(1)
    assert line.gone


def test_closing_twice_is_closing_once():
    line = Line()
    line.connection.close(1001, "one")
    line.connection.close(1000, "two")
    [goodbye] = read_frames(line.client.read())
    assert goodbye.code == 1001
    assert line.peer.log == ["lost: one"]


def test_refused_bytes_end_the_connection_with_a_word_and_one_line():
    line = Line(limits=FrameLimits(message_size=1000))
    line.client.send(frame(TEXT, b"good") + header(TEXT, 5000) + b"x" * 5000)
    assert line.peer.heard == [b"good"]
    [goodbye] = read_frames(line.client.read())
    assert goodbye.code == 1009
    assert [entry.split(":")[0] for entry in line.peer.log] == ["failed", "lost"]
    assert line.client.is_cut_off()  # the socket's own: nothing more is sent
    line.loop.run(6)
    assert line.gone


def test_a_word_to_a_client_that_goes_on_sending_is_not_lost():
    line = Line(limits=FrameLimits(message_size=1000))
    line.client.end.send(header(TEXT, 5000))
    for _ in range(50):
        line.loop.turn()
        line.client.send(b"x" * 1000)
    [goodbye] = read_frames(line.client.read())
    assert goodbye.code == 1009


def test_a_lost_connection_is_told_once_with_its_reason():
    line = Line()
    line.transport.reset()
    line.connection.connectionLost()
    line.write(b"nobody reads this")
    line.connection.close(1000, "")
    line.connection.abort("")
    assert len(line.gone) == 1
    assert len(line.peer.log) == 1
    assert "non-clean" in line.peer.log[0]
    line.loop.run(1)
    assert line.loop.getDelayedCalls() == []


def test_writing_to_a_client_that_is_gone_ends_the_connection_even_while_nothing_is_read():
    line = Line()
    line.transport.pauseProducing()
    line.client.close()
    line.write(b"anybody?")
    line.loop.run()
    assert line.gone
    assert line.peer.log[0].startswith("lost: cannot be written to")
