"""Floods and laziness over HTTP long-poll: bounded in number and memory, and nobody else notices."""

from __future__ import annotations

import json
import random
import re
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.attack.client import joined as session
from tests.attack.client import memory, singing
from tests.attack.conftest import Attacked
from tests.support.longpoll import BASE, Http, joined, opened

MIB = 2**20
PATH = {BASE: {"type": "longpoll"}}
OPEN = b'{"protocols": ["wamp.2.json"]}'
TEXT = "x" * 60_000

CHANCE = random.Random(20)  # the same every time


@pytest.fixture
def lazy(start: Callable[..., Attacked]) -> Attacked:
    """A router that does not wait long for those who do not join."""
    return start(
        http=PATH, limits={"join_timeout": 2.0, "close_timeout": 0.5, "send_queue": 2 * MIB}, log={"burst": None}
    )


def pipelined(port: int, request: bytes, times: int) -> Counter[bytes]:
    """Send a request very often on one connection; how often each status came."""
    statuses: Counter[bytes] = Counter()
    with socket.create_connection(("127.0.0.1", port), 20) as peer:
        for _ in range(times // 100):
            peer.sendall(request * 100)
            received, found = b"", []
            while len(found) < 100 or not received.endswith((b"}", b"\n")):
                data = peer.recv(2**18)
                assert data
                received += data
                found = re.findall(rb"HTTP/1.1 (\d\d\d) ", received)
            statuses.update(found)
    return statuses


def post(endpoint: str, body: bytes = b"") -> bytes:
    return f"POST {BASE}/{endpoint} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_thousands_of_transports_that_nobody_joins_by_take_little_and_are_soon_gone(lazy: Attacked) -> None:
    with singing(lazy.port) as canary, Http(lazy.port) as http:
        member = joined(http)
        before = memory(lazy.pid)
        begun = time.monotonic()
        statuses = pipelined(lazy.port, post("open", OPEN), 5000)
        assert statuses.keys() <= {b"200", b"503"}
        made_room = 1 + (time.monotonic() - begun) // 2  # how often the time to join may have been over for all
        assert 1000 <= statuses[b"200"] <= 1000 * (1 + made_room)
        assert memory(lazy.pid) - before < 24 * MIB
        assert http.ask(f"{member}/send", b'[32,1,{},"com.news"]').status == 202
        assert http.ask(f"{member}/receive").json()[:2] == [33, 1]
        session(lazy.port).close()
        canary.check()
        time.sleep(2.5)
        assert http.ask(f"{BASE}/open", OPEN).status == 200


@pytest.mark.spec("LP-07")
def test_names_that_are_guessed_are_not_found_and_not_logged(lazy: Attacked) -> None:
    with Http(lazy.port) as http, singing(lazy.port) as canary:
        path = joined(http)
        before = lazy.log().count("\n")
        name = path.removeprefix(f"{BASE}/")
        near = [name[:-1], name + "x", name.swapcase(), name[::-1], name + "%0d%0a", "*", ".", "%2e"]
        for guess in near:
            for endpoint in ("receive", "send", "close"):
                assert http.ask(f"{BASE}/{guess}/{endpoint}", b"[]").status == 404
        assert pipelined(lazy.port, post("kjmd3sBLOUnb3Fyr/receive"), 3000) == {b"404": 3000}
        canary.check()
        assert http.ask(f"{path}/send", b'[32,1,{},"com.news"]').status == 202
        assert lazy.log().count("\n") - before < 3
        assert name not in lazy.log()
    with Http(lazy.port) as http:
        assert http.ask(f"{BASE}/%00{name}/receive", b"[]").status == 400
        assert name not in lazy.log()


def test_bodies_that_never_end_hold_nobody_up(lazy: Attacked) -> None:
    with Http(lazy.port) as http, singing(lazy.port, lazy.pid) as canary:
        path = joined(http)
        before = memory(lazy.pid)
        peers = []
        for number in range(50):
            peers.append(socket.create_connection(("127.0.0.1", lazy.port), 60))
            endpoint = f"{path}/send" if number % 2 else f"{BASE}/open"
            peers[-1].sendall(f"POST {endpoint} HTTP/1.1\r\nHost: x\r\nContent-Length: {MIB}\r\n\r\n".encode())
            peers[-1].sendall(b"[" * 500_000)
        assert canary.measure(0.5) < 1.0
        assert http.ask(f"{path}/send", b'[32,1,{},"com.news"]').status == 202
        assert http.ask(f"{path}/receive").json()[0] == 33
        assert memory(lazy.pid) - before < 50 * 2 * MIB
        for peer in peers:
            peer.close()
        canary.check()


def test_a_subscriber_that_never_receives_is_sent_away_and_others_get_everything(lazy: Attacked) -> None:
    with singing(lazy.port) as canary, Http(lazy.port) as http:
        mute = [joined(http) for _ in range(4)]
        for path in mute:
            assert http.ask(f"{path}/send", b'[32,1,{},"com.flood"]').status == 202
        healthy, publisher = session(lazy.port), session(lazy.port)
        assert healthy.ask(32, {}, "com.flood")[0] == 33
        before = memory(lazy.pid)
        for _ in range(4):
            for _ in range(50):
                publisher.send([16, next(publisher.ids), {}, "com.flood", [TEXT]])
            assert publisher.ask(16, {"acknowledge": True}, "com.last")[0] == 17
            for _ in range(50):
                assert healthy.receive()[0] == 36
            assert memory(lazy.pid) - before < 4 * 3 * MIB + 16 * MIB
        canary.check()
        lazy.process.wait_until(lambda: lazy.log().count("slow consumer") == 4, "they are sent away")
        assert [http.ask(f"{path}/receive").status for path in mute] == [404] * 4


def test_a_caller_that_sends_and_never_receives_is_held_back(lazy: Attacked) -> None:
    with singing(lazy.port) as canary, Http(lazy.port) as http:
        path = joined(http)
        http.ask(f"{path}/send", b'[32,1,{},"com.echo"]')
        publish = json.dumps([16, 2, {"exclude_me": False}, "com.echo", ["x" * 500_000]]).encode()
        before = memory(lazy.pid)
        peers = [Http(lazy.port) for _ in range(40)]
        for peer in peers[:3]:  # more than the high-water mark
            assert peer.ask(f"{path}/send", publish).status == 202
        held = peers[3:]
        for peer in held:
            peer.begin(f"{path}/send", publish)

        def refused() -> int:
            for peer in list(held):
                if answer := peer.answer(0):
                    assert answer.status == 429
                    held.remove(peer)
            return len(peers) - 3 - len(held)

        lazy.process.wait_until(lambda: refused() >= 21, "those who are too many are refused")
        assert [peer.answer(0.01) for peer in held] == [None] * 16
        assert memory(lazy.pid) - before < 40 * MIB
        for _ in range(1 + 3 + 16):
            assert http.ask(f"{path}/receive").status == 200
        for peer in held:
            answer = peer.answer()
            assert answer is not None
            assert answer.status == 202
        for peer in peers:
            peer.close()
        canary.check()


def test_violations_and_noise_leave_a_line_each_and_nothing_else(lazy: Attacked) -> None:
    with Http(lazy.port) as http, singing(lazy.port) as canary:
        memories = []
        for _ in range(3):
            for number in range(150):
                protocol = ("wamp.2.json", "wamp.2.msgpack.batched", "wamp.2.cbor", "wamp.2.json.batched")[number % 4]
                path = opened(http, protocol)
                noise = CHANCE.randbytes(CHANCE.randrange(0, 2000))
                assert http.ask(f"{path}/send", noise).status == 400
                assert b"wamp.error.protocol_violation" in http.ask(f"{path}/receive").body
            memories.append(memory(lazy.pid))
        assert lazy.log().count("protocol violation:") == 450
        assert memories[-1] - memories[0] < 8 * MIB, memories
        canary.check()


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_who_opens_waits_and_leaves_again_and_again_leaves_nothing(lazy: Attacked, leave: str) -> None:
    def once() -> None:
        with Http(lazy.port) as http:
            path = joined(http)
            http.begin(f"{path}/receive")
            assert http.answer(0.002) is None
            if leave == "reset":
                return
        with Http(lazy.port) as http:
            assert http.ask(f"{path}/close").status == 202

    with singing(lazy.port) as canary:
        memories: list[Any] = []
        for _ in range(3):
            for _ in range(100):
                once()
            memories.append(memory(lazy.pid))
        canary.check()
        growth = 8 * MIB if leave == "close" else 12 * MIB
        assert memories[-1] - memories[0] < growth, memories
