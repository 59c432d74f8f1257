"""The one timer of a realm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.task import Clock

from wampd.router.shells import RealmShell


class Core:
    """A realm that waits for whatever it is told to."""

    def __init__(self) -> None:
        self.due: list[float] = []
        self.expired: list[float] = []
        self.has_leavers = False
        self.is_deserted = False
        self.keeps = False

    @property
    def next_deadline(self) -> float | None:
        return min(self.due, default=None)

    def expire(self, now: float) -> None:
        self.expired += sorted(due for due in self.due if due <= now)
        self.due = [due for due in self.due if due > now]


@pytest.fixture
def stage() -> Any:
    clock, core, turns = Clock(), Core(), []
    ended: list[str] = []
    shell = RealmShell(
        core,  # type: ignore[arg-type]
        clock,
        drops_events=False,
        end_of_turn=lambda: turns.append(clock.seconds()),
        ended=lambda _: ended.append("ended"),
        template=SimpleNamespace(keep=0.0),  # type: ignore[arg-type]
    )
    return SimpleNamespace(clock=clock, core=core, shell=shell, turns=turns, ended=ended)


def test_what_is_due_is_done_in_time_and_written_at_once(stage):
    stage.core.due = [1.0, 3.0]
    stage.shell.set_timer()
    stage.clock.advance(0.999)
    assert stage.core.expired == []
    stage.clock.advance(0.001)
    assert stage.core.expired == [1.0]
    assert stage.turns == [1.0]
    stage.clock.advance(2)
    assert stage.core.expired == [1.0, 3.0]
    assert stage.clock.getDelayedCalls() == []


def test_there_is_one_timer_which_is_set_earlier_and_never_later(stage):
    for due in (5.0, 2.0, 3.0):
        stage.core.due.append(due)
        stage.shell.set_timer()
        assert len(stage.clock.getDelayedCalls()) == 1
    stage.core.due.remove(2.0)
    stage.shell.set_timer()
    stage.clock.pump([2, 1, 2])
    assert stage.core.expired == [3.0, 5.0]


def test_what_is_overdue_is_done_in_the_next_turn(stage):
    stage.clock.advance(10)
    stage.core.due = [5.0]
    stage.shell.set_timer()
    assert stage.core.expired == []
    stage.clock.advance(0)
    assert stage.core.expired == [5.0]


def test_nothing_is_awaited_longer_than_a_timer_can_run(stage):
    stage.core.due = [1e15]
    stage.shell.set_timer()
    (timer,) = stage.clock.getDelayedCalls()
    assert timer.getTime() == RealmShell.LONGEST_NAP
    stage.clock.advance(RealmShell.LONGEST_NAP)
    assert stage.core.expired == []
    assert len(stage.clock.getDelayedCalls()) == 1


def test_where_nothing_is_awaited_there_is_no_timer(stage):
    stage.shell.set_timer()
    assert stage.clock.getDelayedCalls() == []


def test_a_realm_that_is_closed_leaves_no_timer(stage):
    stage.core.due = [5.0]
    stage.shell.set_timer()
    stage.core.is_deserted = True
    stage.shell.tidy()
    assert stage.ended == ["ended"]
    assert stage.clock.getDelayedCalls() == []
