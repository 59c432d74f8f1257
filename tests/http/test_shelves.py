"""What a listener serves, from one configuration to the next: what is the same stays, and what goes is ended."""

from __future__ import annotations

from typing import Any

import pytest

from wampd.router.ends import Ends
from wampd.router.wiring.shelves import Shelf


class Reactor:
    """Knows what is to be done when the process ends."""

    def __init__(self) -> None:
        self.triggers: dict[int, Any] = {}

    def addSystemEventTrigger(self, phase: str, event: str, call: Any) -> int:
        number = len(self.triggers)
        self.triggers[number] = phase, event, call
        return number

    def removeSystemEventTrigger(self, number: int) -> None:
        del self.triggers[number]


class Thing:
    """Something that is served, and knows whether it was ended."""

    def __init__(self, ends: Ends) -> None:
        self.ended = 0
        ends.add(self.end)

    def end(self) -> None:
        self.ended += 1


def test_what_is_the_same_is_served_on_and_what_is_other_or_gone_is_ended_when_that_is_sure():
    reactor = Reactor()
    first = Shelf(reactor)
    same, other, gone = (first.serve(("", path), path, Thing) for path in ("/same", "/other", "/gone"))
    second = Shelf(reactor, first)
    assert second.serve(("", "/same"), "/same", Thing) is same
    new = second.serve(("", "/other"), "another", Thing)
    assert new is not other
    assert (same.ended, other.ended, gone.ended, new.ended) == (0, 0, 0, 0)
    second.settle()
    second.settle()
    assert (same.ended, other.ended, gone.ended, new.ended) == (0, 1, 1, 0)
    assert [trigger[2] for trigger in reactor.triggers.values()] == [same.end, new.end]


def test_what_was_made_for_nothing_is_ended_and_what_was_there_stays():
    reactor = Reactor()
    first = Shelf(reactor)
    same = first.serve(("", "/same"), 1, Thing)
    second = Shelf(reactor, first)
    second.serve(("", "/same"), 1, Thing)
    new = second.serve(("host", "/same"), 1, Thing)
    second.drop()
    assert (same.ended, new.ended) == (0, 1)
    third = Shelf(reactor, first)
    assert third.serve(("", "/same"), 1, Thing) is same


def test_what_cannot_be_made_leaves_nothing_behind():
    reactor = Reactor()
    began: list[Thing] = []

    def fail(ends: Ends) -> Thing:
        began.append(Thing(ends))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Shelf(reactor).serve(("", "/"), 1, fail)
    assert began[0].ended == 1
    assert not reactor.triggers


def test_ends_without_a_phase_are_none_of_the_process():
    reactor, ended = Reactor(), []
    ends = Ends(reactor)
    ends.add(lambda: ended.append("one"), None)
    assert not reactor.triggers
    ends.end()
    ends.end()
    assert ended == ["one"]
