"""Checks of passwords in threads: they answer, they are bounded, and nothing else waits for them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.auth.test_hashes import bcrypt_of
from wampd.auth import hashes
from wampd.auth.methods import Failed
from wampd.auth.questions import CheckPassword
from wampd.router.hashing import PasswordChecks

RIGHT = CheckPassword(bcrypt_of("hunter2"), "hunter2")
WRONG = CheckPassword(RIGHT.hash, "hunter1")


class Reactor:
    """Takes what threads say, and what is to be done at the end."""

    def __init__(self) -> None:
        self.said = threading.Semaphore(0)
        self._calls: list[tuple[Any, ...]] = []
        self.at_the_end: list[Any] = []

    def callFromThread(self, call: Any, *args: Any) -> None:
        self._calls.append((call, *args))
        self.said.release()

    def addSystemEventTrigger(self, phase: str, event: str, call: Any) -> None:
        self.at_the_end.append(call)

    def hear(self, count: int) -> None:
        for _ in range(count):
            assert self.said.acquire(timeout=20)
            call, *args = self._calls.pop(0)
            call(*args)


@pytest.fixture
def reactor():
    reactor = Reactor()
    yield reactor
    for call in reactor.at_the_end:
        call()


class Gate:
    """A hash whose check ends when it is let."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.checked: list[str] = []
        monkeypatch.setattr(hashes, "fits", self.fits)

    def fits(self, _hash: str, password: str) -> bool:
        assert self.open.wait(20)
        self.checked.append(password)
        return True


def test_a_check_answers_later_whether_the_password_fits(reactor):
    checks = PasswordChecks(reactor)
    answers: list[Any] = []
    for question in (RIGHT, WRONG):
        checks.check(question).addCallback(answers.append)
    assert answers == []
    reactor.hear(2)
    assert sorted(answers) == [False, True]


def test_there_are_no_threads_before_the_first_check(reactor):
    before = threading.active_count()
    checks = PasswordChecks(reactor)
    assert threading.active_count() == before
    assert reactor.at_the_end == []
    checks.stop()


def test_what_is_beyond_the_bound_fails_at_once_and_there_is_room_again_later(reactor, monkeypatch):
    gate = Gate(monkeypatch)
    refused: list[None] = []
    checks = PasswordChecks(reactor, threads=1, waiting=2, refused=lambda: refused.append(None))
    answers: list[Any] = []
    for _ in range(3):
        checks.check(RIGHT).addCallback(answers.append)
    assert refused == []
    assert checks.check(RIGHT) == Failed("3 passwords are being checked already")
    assert len(refused) == 1
    gate.open.set()
    reactor.hear(3)
    assert answers == [True] * 3
    checks.check(RIGHT).addCallback(answers.append)
    reactor.hear(1)
    assert len(answers) == 4


def test_a_check_that_nobody_waits_for_is_left_out(reactor, monkeypatch):
    gate = Gate(monkeypatch)
    checks = PasswordChecks(reactor, threads=1, waiting=2)
    answers: list[Any] = []
    checks.check(CheckPassword("", "first")).addCallback(answers.append)
    gone = checks.check(CheckPassword("", "gone"))
    gone.addErrback(lambda _: answers.append("gone"))
    checks.check(CheckPassword("", "last")).addCallback(answers.append)
    gone.cancel()
    gate.open.set()
    reactor.hear(2)
    assert answers == ["gone", True, True]
    assert gate.checked == ["first", "last"]


def ask(checks, peer, count=1):
    """Checks from one address; the answers, in the order in which they come."""
    answers: list[Any] = []
    for number in range(count):
        answer = checks.check(CheckPassword("", f"hunter2 {peer} {number}", peer))
        answers.append(answer) if isinstance(answer, Failed) else answer.addCallback(answers.append)
    return answers


@pytest.mark.trap(16)
def test_addresses_take_turns(reactor, monkeypatch):
    gate = Gate(monkeypatch)
    checks = PasswordChecks(reactor, threads=1, waiting=10)
    ask(checks, "192.0.2.1", 4)
    ask(checks, "2001:db8::1", 1)
    ask(checks, "2001:db8::2", 1)  # of the same network
    ask(checks, "192.0.2.2", 1)
    gate.open.set()
    reactor.hear(7)
    order = [password.split()[1] for password in gate.checked]
    assert order == ["192.0.2.1", "192.0.2.1", "2001:db8::1", "192.0.2.2", "192.0.2.1", "2001:db8::2", "192.0.2.1"]


def test_a_flood_from_one_address_makes_room_for_the_others(reactor, monkeypatch):
    gate = Gate(monkeypatch)
    refused: list[None] = []
    checks = PasswordChecks(reactor, threads=1, waiting=10, refused=lambda: refused.append(None))
    flood = ask(checks, "192.0.2.1", 20)
    assert flood == [Failed("11 passwords are being checked already")] * 9
    honest = ask(checks, "192.0.2.2", 6)
    assert honest == [Failed("11 passwords are being checked already")]  # it has as many as the flood has by now
    reactor.hear(5)
    assert len(flood) == 14  # five made room
    assert len(refused) == 15
    gate.open.set()
    reactor.hear(11)
    assert flood.count(True) == 6
    assert honest.count(True) == 5
    assert len(ask(checks, "192.0.2.1")) == 0
    reactor.hear(1)


def test_who_has_to_make_room_and_leaves_at_that_moment_is_told_nothing(reactor, monkeypatch):
    gate = Gate(monkeypatch)
    checks = PasswordChecks(reactor, threads=1, waiting=2)
    ask(checks, "192.0.2.1", 2)
    gone = checks.check(CheckPassword("", "gone", "192.0.2.1"))
    told: list[Any] = []
    gone.addBoth(told.append)
    honest = ask(checks, "192.0.2.2")
    gone.cancel()
    reactor.hear(1)
    assert [failure.type.__name__ for failure in told] == ["CancelledError"]
    gate.open.set()
    reactor.hear(3)
    assert honest == [True]


def test_no_more_checks_are_made_when_the_router_stops(reactor, monkeypatch):
    gate = Gate(monkeypatch)
    checks = PasswordChecks(reactor, threads=1, waiting=5)
    for number in range(5):
        checks.check(CheckPassword("", str(number)))
    stopping = threading.Thread(target=checks.stop)
    stopping.start()
    while not checks.stopped:
        pass
    gate.open.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert len(gate.checked) <= 1
    assert checks.check(RIGHT) == Failed("the router is stopping")


def test_a_check_that_breaks_is_a_failure(reactor):
    answers: list[Any] = []
    PasswordChecks(reactor).check(CheckPassword("$2b$broken", "hunter2")).addErrback(
        lambda failure: answers.append(failure.type)
    )
    reactor.hear(1)
    assert answers == [ValueError]


def known(reactor, monkeypatch, peer):
    """Checks that know an address, and their gate, which is shut."""
    gate = Gate(monkeypatch)
    gate.open.set()
    checks = PasswordChecks(reactor, threads=1, waiting=10)
    checks.check(CheckPassword("", "right", peer))
    reactor.hear(1)
    gate.open.clear()
    return checks, gate


def test_a_flood_from_ever_so_many_addresses_keeps_nobody_out_who_comes_back(reactor, monkeypatch):
    checks, gate = known(reactor, monkeypatch, "192.0.2.7")
    for number in range(1, 250):
        checks.check(CheckPassword("", f"wrong {number}", f"198.51.100.{number}"))
    assert isinstance(checks.check(CheckPassword("", "wrong", "203.0.113.1")), Failed)
    returning = [checks.check(CheckPassword("", f"again {number}", "192.0.2.7")) for number in range(7)]
    assert [isinstance(each, Failed) for each in returning] == [False] * 5 + [True] * 2  # half of the room is theirs
    gate.open.set()
    reactor.hear(5 + 1 + 5 + 5)
    served = gate.checked[2:]
    assert served[:10:2] == [f"again {number}" for number in range(5)]
    assert all(each.startswith("wrong") for each in served[1:10:2])


def test_who_fails_is_a_stranger_again(reactor):
    checks = PasswordChecks(reactor, threads=1, waiting=10)
    for question in (RIGHT, WRONG):
        checks.check(CheckPassword(question.hash, question.password, "192.0.2.7"))
        reactor.hear(1)
        assert ("192.0.2.7" in checks._known) is (question is RIGHT)


def test_those_who_come_back_leave_half_of_the_room_to_strangers(reactor, monkeypatch):
    checks, gate = known(reactor, monkeypatch, "192.0.2.7")
    ask(checks, "192.0.2.7", 20)
    strangers = [checks.check(CheckPassword("", "x", f"198.51.100.{number}")) for number in range(1, 8)]
    assert [isinstance(each, Failed) for each in strangers] == [False] * 5 + [True] * 2
    gate.open.set()
    reactor.hear(5 + 11)
