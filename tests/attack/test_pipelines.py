"""One session that asks for very much at once does not keep others waiting (limits and trust, "work")."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.attack.client import Canary, joined, singing
from tests.attack.conftest import Attacked


def longest(canary: Canary) -> float:
    """The longest time that a song took since it was last measured, the one under way included."""
    songs = canary.songs
    while canary.songs < songs + 2:
        canary.check()
        time.sleep(0.002)
    return canary.worst


def test_publications_to_many_in_one_write_do_not_keep_others_waiting(start: Callable[..., Attacked]) -> None:
    router = start()
    receivers, count = 200, 1_000
    with singing(router.port, router.pid) as canary:
        wires = [joined(router.port) for _ in range(receivers)]
        for wire in wires:
            wire.ask(32, {}, "com.news")
        publisher = joined(router.port)
        canary.measure()
        burst = b"".join(
            publisher.framed(publisher.encode([16, number, {}, "com.news", [number]])) for number in range(1, count)
        )
        last = publisher.framed(publisher.encode([16, count, {"acknowledge": True}, "com.news", [count]]))
        publisher.socket.sendall(burst + last)
        assert publisher.receive()[:2] == [17, count]
        assert longest(canary) < 0.2
        for wire in wires[:3]:
            assert [wire.receive()[4] for _ in range(count)] == [[number] for number in range(1, count + 1)]
        canary.check()


def test_publications_that_one_session_gets_many_times_do_not_keep_others_waiting(
    start: Callable[..., Attacked],
) -> None:
    router = start()
    topic = ".".join("a" * 13)
    with singing(router.port, router.pid) as canary:
        greedy, publisher = joined(router.port), joined(router.port)
        patterns = [
            ".".join(["a", *("a" if number >> place & 1 else "" for place in range(12))]) for number in range(2_000)
        ]
        greedy.send(*[[32, number, {"match": "wildcard"}, pattern] for number, pattern in enumerate(patterns, 1)])
        for _ in patterns:
            assert greedy.receive()[0] == 33
        canary.measure()
        publisher.send(*[[16, number, {}, topic] for number in range(1, 51)])
        publisher.send([16, 51, {"acknowledge": True}, topic])
        for _ in range(51 * 2_000):
            assert greedy.receive()[0] == 36
        assert publisher.receive()[:2] == [17, 51]
        assert longest(canary) < 0.2
