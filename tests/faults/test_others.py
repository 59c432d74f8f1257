"""Faults of what is around a router: who reads its log stops, peers send wrong bits, its configuration changes under load."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from tests.attack.client import Client, ClosedError, joined, memory, singing
from tests.attack.conftest import Attacked, hang_up, nothing_is_left_open, settings, start
from tests.router.reloading import a_router
from tests.support.process import STOP_TIMEOUT, environment, free_port, is_open, wampd_command

__all__ = ["nothing_is_left_open", "start"]  # fixtures

SET_PIPE_SIZE = 1031  # F_SETPIPE_SZ
MIB = 2**20
ALL = "allow: [call, register, publish, subscribe]"
CONFIG = """
realms:
  - name: realm1
    roles:
      - {name: anonymous, permissions: [{uri: com., match: prefix, ALL}]}
      - {name: user, permissions: [{uri: com.app., match: prefix, ALL}]}
    auth: {anonymous: {}}
# more realms
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    rawsocket: {}
# more listeners
""".replace("ALL", ALL)
CHANGES = [
    ("{uri: com.app., match: prefix,", "{uri: com.other., match: prefix,"),
    ("# more realms", "  - {name: realm2, roles: [{name: anonymous}], auth: {anonymous: {}}}"),
    ("{/ws: {type: wamp}}", "{/ws: {type: wamp}, /more: {type: echo}}"),
    ("# more listeners", '  - {endpoint: "tcp:0:interface=127.0.0.1", rawsocket: {}}'),
]


# --------------------------------------------------------------------------------------------------------------- the log


@pytest.fixture
def unread(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """A router that has much to say into a small pipe; its process, its port, and the end that nobody reads."""
    config, port = tmp_path / "config.yaml", free_port()
    config.write_text(yaml.safe_dump(settings(log={"level": "debug", "burst": 1_000_000})))
    reader, writer = os.pipe()
    fcntl.fcntl(writer, SET_PIPE_SIZE, 4096)
    command = [str(word) for word in wampd_command("run", config)]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, env=environment(WAMPD_PORT=str(port))
    )
    os.close(writer)
    try:
        deadline = time.monotonic() + 60
        while not is_open(port):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield process, port, reader
    finally:
        process.kill()
        process.wait()
        os.close(reader)


def test_nobody_waits_for_a_log_that_nobody_reads(unread):
    process, port, reader = unread
    with singing(port, process.pid) as canary:
        before = memory(process.pid)
        for _ in range(1_500):
            joined(port).close()
        assert canary.measure(0.2) < 1.0
        assert memory(process.pid) - before < 4 * MIB  # 1 MiB of lines wait
    process.send_signal(signal.SIGTERM)
    said = b"".join(iter(lambda: os.read(reader, 65536), b""))
    assert process.wait(STOP_TIMEOUT) == 0
    assert b"is ready" in said
    assert b"Traceback" not in said


# ------------------------------------------------------------------------------------------------------------ wrong bits


@pytest.mark.parametrize("transport", ["rawsocket", "websocket"])
def test_wrong_bits_end_their_own_connection_alone(start: Callable[..., Attacked], transport: str) -> None:
    router = start(limits={"close_timeout": 0.5})
    chance = random.Random(3)
    with singing(router.port, router.pid) as canary:
        joined(router.port, transport).close()
        before, ended = memory(router.pid), 0
        for number in range(100):
            client = Client(router.port, transport, chance.choice(["json", "msgpack", "cbor"]), timeout=0.05)
            with suppress(ClosedError, OSError, AssertionError, ValueError, LookupError, TypeError):
                client.shake_hands()
                client.join()
                said = bytearray(client.framed(client.encode([48, 1, {}, f"com.n{number}", ["x" * 100]])) * 3)
                for _ in range(chance.randrange(1, 6)):
                    said[chance.randrange(len(said))] ^= 1 << chance.randrange(8)
                client.socket.sendall(said)
                while True:
                    client.receive()
            ended += 1
            client.close()
        assert ended == 100
        assert canary.measure(0.3) < 1.0
        assert memory(router.pid) - before < 4 * MIB


# ---------------------------------------------------------------------------------------------------- changes under load


class Numbers(threading.Thread):
    """Publishes numbers, each acknowledged, and calls another session with them."""

    def __init__(self, publisher: Client) -> None:
        super().__init__(daemon=True)
        self.publisher = publisher
        self.enough = threading.Event()
        self.last = 0
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.enough.is_set():
                self.last += 1
                assert self.publisher.ask(16, {"acknowledge": True}, "com.numbers", [self.last])[0] == 17
                assert self.publisher.ask(48, {}, "com.echo", [self.last])[3] == [self.last]
        except BaseException as trouble:  # noqa: BLE001 - told by whoever asks
            self.trouble = trouble


class Ear(threading.Thread):
    """Answers calls and keeps the numbers that it hears, up to the last."""

    def __init__(self, client: Client) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.heard: list[int] = []
        self.trouble: BaseException | None = None

    def run(self) -> None:
        try:
            while True:
                message = self.client.receive()
                if message[0] == 68:
                    self.client.send([70, message[1], {}, message[4]])
                elif message[4] == ["end"]:
                    return
                else:
                    self.heard += message[4]
        except BaseException as trouble:  # noqa: BLE001 - told by whoever asks
            self.trouble = trouble


def test_changes_of_the_configuration_lose_nothing_of_whom_they_do_not_concern(tmp_path: Path) -> None:
    with a_router(tmp_path, CONFIG) as router:
        ears = [Ear(joined(router.port, transport)) for transport in ("rawsocket", "websocket")]
        for ear in ears:
            assert ear.client.ask(32, {}, "com.numbers")[0] == 33
            assert ear.client.ask(64, {"invoke": "roundrobin"}, "com.echo")[0] == 65
            ear.start()
        numbers = Numbers(joined(router.port))
        numbers.start()
        for old, new in CHANGES * 2:
            before = numbers.last
            text = router.file.read_text()
            router.reload((old, new) if old in text else (new, old))
            router.process.wait_until(lambda before=before: numbers.last > before + 5, "it goes on")
        numbers.enough.set()
        numbers.join(60)
        assert numbers.trouble is None
        numbers.publisher.send([16, 1_000_000, {}, "com.numbers", ["end"]])
        for ear in ears:
            ear.join(60)
            assert ear.trouble is None
            assert ear.heard == list(range(1, numbers.last + 1))
        hang_up()  # so that the router need not wait for them
