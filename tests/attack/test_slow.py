"""Clients that do not read, or ask for more than they take: bounded memory, and others are served (limits and trust)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.attack.client import Canary, Client, ClosedError, joined, memory, singing
from tests.attack.conftest import Attacked

MIB = 2**20
QUEUE = {"send_queue": 2 * MIB, "send_stall": 1.0, "close_timeout": 0.5}
TEXT = "x" * 60_000


def deaf(port: int, buffer: int = 4096, **options: Any) -> Client:
    """A session whose receive buffer is small, so that what it does not read waits in the router."""
    client = Client(port, **options)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    client.shake_hands()
    client.join()
    return client


def publish(client: Client, topic: str, number: int) -> None:
    """Publish 60 kB so many times, as fast as the router takes it; the last is acknowledged."""
    message = client.framed(client.encode([16, 1, {}, topic, [TEXT]]))
    for _ in range(number - 1):
        client.socket.sendall(message)
    assert client.ask(16, {"acknowledge": True}, topic, [TEXT])[0] == 17


def received(client: Client, number: int) -> int:
    """How many events come, up to a number."""
    for count in range(number):
        if client.receive()[0] != 36:
            return count
    return number


def waiting(client: Client) -> int:
    """How many events there are to read."""
    count = 0
    try:
        while client.receive()[0] == 36:
            count += 1
    except TimeoutError:
        pass
    return count


def takes(client: Client, data: bytes, times: int) -> bool:
    """Whether the router takes all that; if not, it has reset the connection or stopped reading."""
    try:
        for _ in range(times):
            client.socket.sendall(data)
    except OSError:
        return False
    return True


def served(canary: Canary, router: Attacked, before: int, most: int) -> None:
    """Assert that nobody waited long and that the router did not grow."""
    canary.check()
    assert memory(router.pid) - before < most


def test_a_subscriber_that_never_reads_is_sent_away_and_others_get_everything(start: Callable[..., Attacked]) -> None:
    router = start(limits={**QUEUE, "send_stall": 30.0})  # the others do not read either while this test publishes
    with singing(router.port) as canary:
        mute = [deaf(router.port) for _ in range(4)]
        healthy, publisher = joined(router.port), joined(router.port)
        for client in (*mute, healthy):
            assert client.ask(32, {}, "com.flood")[0] == 33
        before = memory(router.pid)
        for _ in range(4):
            publish(publisher, "com.flood", 50)
            assert received(healthy, 50) == 50
            served(canary, router, before, 4 * 3 * MIB + 16 * MIB)
        router.process.wait_until(lambda: router.log().count("slow consumer") == 4, "they are sent away")
        assert healthy.ask(32, {}, "com.other")[0] == 33
    assert router.log().count("slow consumer") == 4


def test_a_subscriber_that_stops_reading_a_little_is_cut_off_in_time(start: Callable[..., Attacked]) -> None:
    router = start(limits={**QUEUE, "send_queue": 16 * MIB})
    with singing(router.port):
        mute, publisher = deaf(router.port), joined(router.port)
        mute.ask(32, {}, "com.flood")
        publish(publisher, "com.flood", 100)  # less than the bound, more than the sockets of both sides take
        router.process.wait_for_log("slow consumer")
        assert mute.is_cut_off()


def test_events_are_dropped_for_a_subscriber_by_policy_and_it_stays(start: Callable[..., Attacked]) -> None:
    router = start(limits={**QUEUE, "send_stall": 30.0}, realm={"slow_consumer": "drop"})
    with singing(router.port) as canary:
        mute, publisher = deaf(router.port, buffer=MIB // 4), joined(router.port)
        mute.ask(32, {}, "com.flood")
        before = memory(router.pid)
        publish(publisher, "com.flood", 300)
        served(canary, router, before, 12 * MIB)
        mute.socket.settimeout(1.0)
        assert 10 < waiting(mute) < 300
        mute.socket.settimeout(60)
        assert publisher.ask(16, {"acknowledge": True}, "com.flood", ["again"])[0] == 17
        assert mute.receive()[4] == ["again"]
    assert "events are dropped" in router.log()


def test_a_caller_that_never_reads_its_results_is_sent_away(start: Callable[..., Attacked]) -> None:
    router = start(limits=QUEUE)
    with singing(router.port) as canary:
        callee, caller = joined(router.port), deaf(router.port)
        callee.ask(64, {}, "com.large")
        before = memory(router.pid)
        answered = 0
        caller.socket.settimeout(0.2)
        deadline = time.monotonic() + 60
        while "slow consumer" not in router.log() and time.monotonic() < deadline:
            try:
                caller.send([48, next(caller.ids), {}, "com.large"])
                callee.socket.settimeout(0.2)
                invocation = callee.receive()
            except (TimeoutError, OSError):
                continue  # the router reads nothing of a caller whose answers wait
            callee.socket.settimeout(60)
            callee.send([70, invocation[1], {}, [TEXT]])
            answered += 1
        assert 10 < answered < 200
        served(canary, router, before, 12 * MIB)
        assert "slow consumer" in router.log()
        assert callee.ask(32, {}, "com.still.here")[0] == 33


@pytest.mark.spec("PCR-09", "PCR-06")
def test_a_caller_that_does_not_read_the_parts_of_its_result_is_sent_away_and_others_get_theirs(
    start: Callable[..., Attacked],
) -> None:
    router = start(limits=QUEUE)
    with singing(router.port) as canary:
        callee, healthy, mute = joined(router.port), joined(router.port), deaf(router.port)
        callee.ask(64, {}, "com.stream")
        before = memory(router.pid)
        mute.send([48, 1, {"receive_progress": True}, "com.stream"])
        assert callee.receive()[1] == 1
        healthy.send([48, 1, {"receive_progress": True}, "com.stream"])
        assert callee.receive()[1] == 2
        for part in range(100):
            callee.send([70, 1, {"progress": True}, [TEXT]], [70, 2, {"progress": True}, [part]])
            assert healthy.receive() == [50, 1, {"progress": True}, [part]]
        served(canary, router, before, 12 * MIB)
        assert callee.receive()[:2] == [69, 1]
        assert mute.is_cut_off()
        callee.send([70, 2, {}, ["end"]])
        assert healthy.receive() == [50, 1, {}, ["end"]]
    assert router.log().count("slow consumer") == 1


def test_a_callee_that_never_reads_is_sent_away_and_its_callers_are_told(start: Callable[..., Attacked]) -> None:
    router = start(limits=QUEUE)
    with singing(router.port) as canary:
        callee, caller = deaf(router.port), joined(router.port)
        callee.ask(64, {}, "com.mute")
        before = memory(router.pid)
        caller.send(*[[48, call, {}, "com.mute", [TEXT]] for call in range(1, 101)])
        answers = [caller.receive() for _ in range(100)]
        assert sorted(answer[2] for answer in answers) == list(range(1, 101))
        assert {answer[4] for answer in answers} <= {"wamp.error.canceled", "wamp.error.no_such_procedure"}
        assert callee.is_cut_off()
        served(canary, router, before, 16 * MIB)


def test_pings_without_end_from_who_reads_no_pongs(start: Callable[..., Attacked]) -> None:
    router = start(limits=QUEUE)
    with singing(router.port) as canary:
        before = memory(router.pid)
        for transport in ("rawsocket", "websocket"):
            client = deaf(router.port, transport=transport)
            size = 100_000 if transport == "rawsocket" else 120
            ping = b"\1" + size.to_bytes(3, "big") + bytes(size)
            if transport == "websocket":
                ping = (bytes((0x89, 0x80 | size)) + bytes(4 + size)) * 500
            client.socket.settimeout(3)
            assert not takes(client, ping, 2_000)
            client.close()
        served(canary, router, before, 12 * MIB)


def test_one_session_with_thousands_of_patterns_for_one_topic_is_sent_away_before_memory_is_gone(
    start: Callable[..., Attacked],
) -> None:
    router = start(limits=QUEUE)
    topic = ".".join("a" * 14)
    with singing(router.port, router.pid) as canary:
        greedy, publisher = deaf(router.port), joined(router.port)
        patterns = [
            ".".join(["a", *("a" if number >> place & 1 else "" for place in range(13))]) for number in range(1, 5_001)
        ]
        greedy.send(*[[32, number, {"match": "wildcard"}, pattern] for number, pattern in enumerate(patterns, 1)])
        for _ in patterns:
            assert greedy.receive()[0] == 33
        before = memory(router.pid)
        stalls = []
        canary.measure()
        publisher.ask(16, {"acknowledge": True}, topic, ["x" * 1_000_000])
        stalls.append(canary.measure(0.5))
        served(canary, router, before, 64 * MIB)
        router.process.wait_for_log("slow consumer")
        assert min(stalls) < 1.0


@pytest.mark.trap(16)
def test_calls_without_end_to_a_callee_that_never_answers(start: Callable[..., Attacked]) -> None:
    router = start(session={"pending_calls": 100})
    with singing(router.port) as canary:
        callee, caller = joined(router.port), joined(router.port)
        callee.ask(64, {}, "com.never")
        before = memory(router.pid)
        caller.send(*[[48, call, {}, "com.never"] for call in range(1, 10_001)])
        refused = [caller.receive() for _ in range(9_900)]
        assert {answer[4] for answer in refused} == {"wamp.error.not_authorized"}
        served(canary, router, before, 16 * MIB)
        callee.close()
        assert [caller.receive()[4] for _ in range(100)] == ["wamp.error.canceled"] * 100


def test_many_clients_return_at_once(start: Callable[..., Attacked]) -> None:
    returning(start(), 500)


@pytest.mark.slow
def test_5_000_clients_return_at_once(start: Callable[..., Attacked]) -> None:
    returning(start(), 5_000)


def returning(router: Attacked, number: int) -> None:
    """So many clients connect, join and subscribe before any of them reads; twice, leaving in between."""
    hello = b"\x7f\xf1\0\0"
    with singing(router.port, router.pid) as canary:
        memories = []
        for _ in range(2):
            started = time.monotonic()
            clients = [Client(router.port, timeout=60) for _ in range(number)]
            for client in clients:
                client.socket.sendall(hello + client.framed(b'[1,"realm1",{"roles":{"subscriber":{}}}]'))
                client.socket.sendall(client.framed(b'[32,1,{},"com.all"]'))
            for client in clients:
                assert client._exactly(4) == b"\x7f\xb1\0\0"
                assert client.receive()[0] == 2
                assert client.receive()[0] == 33
            assert time.monotonic() - started < 10 + number / 250
            with joined(router.port) as publisher:
                publisher.ask(16, {"acknowledge": True}, "com.all", [1])
            for client in clients:
                assert client.receive()[4] == [1]
            for client in clients:
                client.reset()
            canary.measure(0.5)
            memories.append(memory(router.pid))
        assert memories[1] - memories[0] < 2 * MIB + number * 2_000
        assert canary.worst < 1.0


def test_a_closed_connection_raises_for_its_own_user_alone(router: Attacked) -> None:
    client = joined(router.port)
    client.send([6, {}, "wamp.close.normal"])
    assert client.receive()[0] == 6
    client.socket.shutdown(socket.SHUT_WR)
    with pytest.raises(ClosedError):
        client.receive()
