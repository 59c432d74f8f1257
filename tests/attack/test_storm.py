"""Very many calls at once, while callers cancel them, their time runs out, and callees are killed: each ends once.

One callee never reads. The storm is drawn from a fixed seed; how its threads take turns is not. `STORM_SECONDS` makes it
longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.attack.client import Client, ClosedError, joined, memory

SECONDS = float(os.environ.get("STORM_SECONDS", "4"))
CALLERS = 4
IN_FLIGHT = 200
PROCEDURES = ["com.single", "com.shared", "com.few", "com.load"]
OPTIONS = [
    {},
    {},
    {"timeout": 20},
    {"timeout": 300},
    {"receive_progress": True},
    {"receive_progress": True, "timeout": 50},
    {"runon": "all"},
    {"runmode": "progressive", "timeout": 100},
    {"rkey": "k1"},
    {"rkey": "k2", "timeout": 100},
    {"disclose_me": True},
]
MODES = ["skip", "kill", "killnowait"]

CALLEE = """
import sys
from random import Random
from tests.attack.client import Client
from wampd.realms.features import DEALER_FEATURES

callee, random = Client(int(sys.argv[1]), codec=sys.argv[2]), Random(sys.argv[3])
callee.shake_hands()
able = {"features": dict.fromkeys(DEALER_FEATURES, True)}
callee.join(roles={"callee": random.choice([{}, able, able])})
callee.send(
    [64, 1, {}, "com.single"],
    [64, 2, {"invoke": "roundrobin"}, "com.shared"],
    [64, 3, {"invoke": "first", "concurrency": 3}, "com.few"],
    [64, 4, {"invoke": "load", "concurrency": 20}, "com.load"],
)
held = []
while True:
    message = callee.receive()
    if message[0] == 68:
        held.append(message[1])
    elif message[0] == 69 and message[1] in held:
        held.remove(message[1])
        callee.send([8, 68, message[1], {}, "wamp.error.canceled"])
    while len(held) > 20 or (held and random.random() < 0.8):
        number = held.pop(random.randrange(len(held)))
        how = random.random()
        if how < 0.1:
            callee.send([8, 68, number, {}, "wamp.error.unavailable"])
        elif how < 0.2:
            callee.send([8, 68, number, {}, "com.err", ["x" * 1000]])
        elif how < 0.3:
            callee.send([70, number, {"progress": True}, [1]], [70, number, {"progress": True}, [2]], [70, number, {}])
        elif how < 0.33:
            callee.send([70, number, {}, ["x" * 100_000]])
        elif how < 0.97:
            callee.send([70, number, {}, [number]], [70, number, {}, ["twice"]])
"""
"""A callee in a process of its own. It answers in any order, in any way, some calls twice and some never."""


class Callees:
    """Processes that are killed and started again as long as the storm lasts."""

    def __init__(self, port: int, path: Path, random: Random) -> None:
        self._port = port
        self._random = random
        self._script = path / "callee.py"
        self._script.write_text(CALLEE)
        self._running: list[subprocess.Popen[bytes]] = []
        self.killed = 0

    def start(self) -> None:
        codec = self._random.choice(["json", "cbor", "msgpack"])
        command = [sys.executable, str(self._script), str(self._port), codec, str(self._random.random())]
        environment = {**os.environ, "PYTHONPATH": os.getcwd()}
        # When the router kicks a callee out, or ends, that has its say on standard error: it is not for the test.
        self._running.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))

    def kill_one(self) -> None:
        process = self._running.pop(self._random.randrange(len(self._running)))
        process.kill()
        process.wait()
        self.killed += 1

    def stop(self) -> None:
        while self._running:
            self.kill_one()


class Caller(threading.Thread):
    """Calls, cancels, and counts the final answers of each call."""

    def __init__(self, port: int, codec: str, seed: int, until: float) -> None:
        super().__init__(daemon=True)
        self.client: Client = joined(port, codec=codec)
        self.random = Random(seed)
        self.until = until
        self.made = 0
        self.open: set[int] = set()
        self.answers: Counter[int] = Counter()
        self.how: Counter[str] = Counter()
        self.trouble = ""

    def run(self) -> None:
        try:
            while time.monotonic() < self.until:
                while len(self.open) < IN_FLIGHT:
                    self.call()
                self.listen()
            patience = time.monotonic() + 10
            while self.open:
                # The callees are gone or about to be; what still waits for one that never answers is given up.
                if time.monotonic() > patience:
                    self.client.send(*([49, number, {"mode": "skip"}] for number in self.open))
                    patience += 10
                self.listen()
            self.client.send([48, self.made + 1, {}, "wamp.session.count"])
            while self.client.receive()[:2] != [50, self.made + 1]:
                self.how["late"] += 1
        except (ClosedError, OSError, AssertionError) as error:
            self.trouble = repr(error)

    def call(self) -> None:
        self.made += 1
        self.open.add(self.made)
        options = self.random.choice(OPTIONS)
        self.client.send(
            [48, self.made, options, self.random.choice(PROCEDURES), ["x" * self.random.choice((1, 5000))]]
        )
        if self.random.random() < 0.2:
            victim = self.random.randint(max(1, self.made - IN_FLIGHT), self.made)
            self.client.send([49, victim, {"mode": self.random.choice(MODES)}])

    def listen(self) -> None:
        message = self.client.receive()
        if message[0] == 50 and not message[2].get("progress"):
            self.answered(message[1], "result")
        elif message[0] == 50:
            assert message[1] in self.open, "progress of a call that is over"
        else:
            assert message[:2] == [8, 48], message
            self.answered(message[2], message[4])

    def answered(self, number: int, how: str) -> None:
        self.answers[number] += 1
        self.how[how] += 1
        self.open.discard(number)


def test_each_call_has_one_final_answer_whatever_becomes_of_callees(start, tmp_path):
    router = start(session={"kept_size": "1 MiB"})
    random = Random(11)
    callees = Callees(router.port, tmp_path, random)
    for _ in range(4):
        callees.start()
    observer = joined(router.port)
    while len(observer.ask(48, {}, "wamp.registration.list")[3][0]["exact"]) < len(PROCEDURES):
        time.sleep(0.05)
    deaf = joined(router.port)
    deaf.send(
        [64, 1, {"invoke": "roundrobin"}, "com.shared"], [64, 2, {"invoke": "load", "concurrency": 20}, "com.load"]
    )
    before = memory(router.pid)
    until = time.monotonic() + SECONDS
    codecs = ["json", "cbor", "msgpack", "json"]
    callers = [Caller(router.port, codecs[number], number, until) for number in range(CALLERS)]
    try:
        for caller in callers:
            caller.start()
        while time.monotonic() < until:
            time.sleep(0.6)
            leaving = joined(router.port)
            leaving.send(*([48, number, {"runon": "all"}, "com.few", ["bye"]] for number in range(1, 50)))
            callees.kill_one()
            callees.start()
            leaving.reset()
        callees.stop()
        deaf.reset()
        for caller in callers:
            caller.join(30)
    finally:
        callees.stop()
    assert [caller.trouble for caller in callers] == [""] * CALLERS
    for caller in callers:
        assert not caller.is_alive(), f"{len(caller.open)} calls without an answer"
        assert caller.answers == dict.fromkeys(range(1, caller.made + 1), 1)
    how = sum((caller.how for caller in callers), Counter())
    assert {"result", "com.err", "wamp.error.canceled", "wamp.error.timeout", "wamp.error.no_available_callee"} <= set(
        how
    )
    assert not how["late"]
    assert observer.ask(48, {}, "wamp.session.count")[3] == [CALLERS + 1]
    assert observer.ask(48, {}, "wamp.registration.list")[3] == [{"exact": [], "prefix": [], "wildcard": []}]
    assert memory(router.pid) - before < 32 * 2**20, f"{before} bytes became {memory(router.pid)}: {how}"
