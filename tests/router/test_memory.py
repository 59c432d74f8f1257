"""The memory ceiling: what it is, what it does, and that everybody who was let in goes on."""

import gc
import json
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from tests.attack.inside import RAW_JSON, House, frame, websocket_request
from tests.inside.house import House as Inside
from wampd.router.ends import Ends
from wampd.router.memory import SHARE, Ceiling, available, ceiling_of, resident
from wampd.router.tally import SESSIONS_WITHOUT_MEMORY
from wampd.router.wiring.accesses import in_role

MIB = 2**20


class Machine:
    """A process whose memory is what a test says."""

    def __init__(self, ceiling=100 * MIB):
        self.clock = Clock()
        self.rss = 0
        self.told = []
        self.seconds = 0
        self.trims = 0
        self.ceiling = Ceiling(self.clock, ceiling, self.told.append, self._second, lambda: self.rss, self._trim)

    def _second(self):
        self.seconds += 1

    def _trim(self):
        self.trims += 1

    def at(self, size):
        self.rss = size * MIB
        self.clock.advance(1)
        return self.ceiling.is_passed


@pytest.fixture
def machine():
    made = Machine()
    made.ceiling.start()
    yield made
    made.ceiling.stop()


# ------------------------------------------------------------------------------------------------------- the ceiling


def test_it_is_passed_above_the_ceiling_until_there_is_a_tenth_less(machine):
    assert [machine.at(size) for size in (99, 100, 101, 99, 91, 90, 99, 100)] == [
        False, False, True, True, True, False, False, False,
    ]  # fmt: skip
    assert machine.told == [True, False]
    assert machine.ceiling.passed == 1
    assert machine.seconds == 3


def test_freed_memory_is_given_back_before_it_counts_but_not_every_second():
    machine = Machine()

    def trim():
        machine.trims += 1
        machine.rss = 50 * MIB

    machine.ceiling._trim = trim
    machine.ceiling.start()
    assert not machine.at(150)
    assert machine.trims == 1
    assert machine.at(150)
    assert machine.trims == 1
    machine.clock.advance(9)
    assert not machine.ceiling.is_passed
    assert machine.trims == 2
    machine.ceiling.stop()


def test_without_a_ceiling_nothing_happens_and_the_end_lets_everybody_go_on():
    machine = Machine(0)
    machine.ceiling.start()
    assert not machine.at(10**6)
    machine.ceiling.ceiling = 100 * MIB  # as a reload may say
    assert machine.at(150)
    machine.ceiling.stop()
    assert machine.told == [True, False]
    assert not machine.clock.getDelayedCalls()


def test_the_process_knows_how_much_it_has():
    gc.collect()  # what other tests have left would be given back meanwhile
    before = resident()
    block = bytearray(64 * MIB)
    for page in range(0, len(block), 4096):
        block[page] = 1
    assert 40 * MIB < resident() - before < 128 * MIB


# ----------------------------------------------------------------------------------------- what the process may have


def put(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_least_that_a_control_group_says_counts(tmp_path):
    put(
        tmp_path,
        proc__self__cgroup="0::/system.slice/wampd.service\n",
        sys__fs__cgroup__memory_dot_max="max\n",  # no process of the root has a limit; but a container sees its own here
    )
    group = tmp_path / "sys/fs/cgroup/system.slice"
    (group / "wampd.service").mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group / "wampd.service/memory.max").write_text(f"{512 * MIB}\n")
    assert available(tmp_path) == 512 * MIB
    (group / "wampd.service/memory.high").write_text(f"{400 * MIB}\n")
    assert available(tmp_path) == 400 * MIB
    (group / "memory.max").write_text(f"{300 * MIB}\n")
    assert ceiling_of(None, tmp_path) == int(300 * MIB * SHARE)
    assert ceiling_of(0, tmp_path) == 0
    assert ceiling_of(7, tmp_path) == 7


def test_control_groups_of_version_1_are_understood(tmp_path):
    put(tmp_path, proc__self__cgroup="5:cpu,cpuacct:/a\n4:memory:/docker/abc\n0::/x\n")
    limit = tmp_path / "sys/fs/cgroup/memory/memory.limit_in_bytes"
    limit.parent.mkdir(parents=True)
    limit.write_text("9223372036854771712\n")
    machine = available(tmp_path)
    assert machine > 256 * MIB
    limit.write_text(str(64 * MIB))  # a container sees its own group as the root
    assert available(tmp_path) == 64 * MIB


def test_where_nothing_is_said_it_is_the_memory_of_the_machine(tmp_path):
    assert available(tmp_path) == available(tmp_path / "nothing") > 256 * MIB


# ------------------------------------------------------------------------------------------------------ what it does


@pytest.fixture
def starving():
    """A router whose memory is short, and two members who came before that."""
    house = House()
    members = [house.connect(), house.connect()]
    for member in members:
        member.join()
    house.lobby.is_starving = True
    house.realms.starve(True)
    return house, *members


def test_new_clients_are_told_that_there_is_no_room(starving):
    house, *_ = starving
    assert house.connect().send(bytes((0x7F, 0xF0 | RAW_JSON, 0, 0))) == b"\x7f\x40\0\0"  # error 4
    answer = house.connect().send(websocket_request())
    assert answer.startswith(b"HTTP/1.1 503 ")
    house.lobby.is_starving = False
    late = house.connect()
    late.send(bytes((0x7F, 0xF0 | RAW_JSON, 0, 0)))
    ((code, details, reason),) = late.say([1, "realm1", {"roles": {"caller": {}}}])
    assert (code, reason) == (3, "wamp.error.unavailable")
    assert details["message"] == "there is no memory for more sessions"
    assert house.realms.tally.totals()[SESSIONS_WITHOUT_MEMORY] == 1


def test_who_was_let_in_is_served_but_publishes_once_a_second(starving):
    house, publisher, subscriber = starving
    subscriber.say([32, 1, {}, "com.news"])
    publisher.send(
        b"".join(frame(json.dumps([16, number, {}, "com.news", [number]]).encode()) for number in range(1, 6))
    )
    assert [message[4] for message in subscriber.heard()] == [[1]]
    assert publisher.transport.producerState == "paused"
    assert subscriber.say([48, 2, {}, "com.nobody"])[0][0] == 8
    for number in (2, 3):
        house.clock.advance(0)
        assert subscriber.heard() == []
        house.realms.turns.release()
        house.clock.advance(0)
        assert [message[4] for message in subscriber.heard()] == [[number]]
    house.realms.starve(False)
    house.clock.advance(0)
    assert [message[4] for message in subscriber.heard()] == [[4], [5]]
    assert publisher.transport.producerState == "producing"


def test_streams_in_anybodys_role_are_new_sessions_and_calls_are_not():
    house = Inside()
    means = SimpleNamespace(insiders=house.insiders, realms=house.realms, ends=Ends(house.clock))
    access = in_role("realm1", "user", "http", means)
    request = SimpleNamespace(notifyFinish=Deferred)
    before = house.now(access.session_of_its_own(request))
    house.realms.starve(True)
    failed = []
    access.session_of_its_own(request).addErrback(failed.append)
    assert (failed[0].value.status, failed[0].value.headers) == (503, (("Retry-After", "5"),))
    assert house.now(access.session(request)) is house.now(access.session(request))
    assert house.realms.tally.totals()[SESSIONS_WITHOUT_MEMORY] == 1
    assert not before.is_over
    house.realms.starve(False)
    assert not house.now(access.session_of_its_own(request)).is_over
