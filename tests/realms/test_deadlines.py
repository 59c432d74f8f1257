"""Deadlines as data."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wampd.realms.deadlines import SLACK, Deadlines


def test_what_is_due_comes_out_in_its_order_and_once():
    deadlines = Deadlines[str](lambda: None)
    for thing, due in (("late", 3.0), ("soon", 1.0), ("middle", 2.0), ("middle too", 2.0)):
        deadlines.start(thing, due)
    assert deadlines.next == 1.0
    assert list(deadlines.expired(0.9)) == []
    assert list(deadlines.expired(2.0)) == ["soon", "middle", "middle too"]
    assert deadlines.next == 3.0
    assert list(deadlines.expired(9.0)) == ["late"]
    assert deadlines.next is None
    assert not len(deadlines)


def test_the_alarm_rings_when_the_next_one_gets_earlier_and_not_otherwise():
    rung: list[int] = []
    deadlines = Deadlines[str](lambda: rung.append(1))
    first = deadlines.start("a", 5.0)
    deadlines.start("b", 6.0)
    assert len(rung) == 1
    deadlines.start("c", 4.0)
    assert len(rung) == 2
    deadlines.stop(first)
    deadlines.start("d", 5.0)
    assert len(rung) == 2


def test_what_was_put_off_comes_out_later_and_costs_no_second_entry():
    deadlines = Deadlines[str](lambda: None)
    deadline = deadlines.start("a", 1.0)
    for due in (2.0, 3.0, 4.0):
        deadline.due = due
    assert len(deadlines._heap) == 1
    assert list(deadlines.expired(1.0)) == []
    assert deadlines.next == 4.0
    assert list(deadlines.expired(4.0)) == ["a"]


def test_what_was_stopped_does_not_come_out_and_does_not_accumulate():
    deadlines = Deadlines[int](lambda: None)
    stays = deadlines.start(-1, 1e6)
    for number in range(10_000):
        deadline = deadlines.start(number, 1e6 + number)
        deadlines.stop(deadline)
        deadlines.stop(deadline)
        assert len(deadlines._heap) <= 2 * SLACK + 3
    assert len(deadlines) == 1
    assert stays.thing == -1
    assert list(deadlines.expired(1e9)) == [-1]
    assert not deadlines._heap


@given(
    st.lists(
        st.tuples(st.sampled_from(["start", "stop", "put off", "expire"]), st.integers(0, 9), st.integers(0, 50)),
        max_size=300,
    )
)
def test_it_behaves_like_a_plain_list(steps):
    alarmed = [False]

    def alarm():
        alarmed[0] = True

    deadlines = Deadlines[int](alarm)
    model: dict[int, object] = {}
    started = 0
    now = 0.0
    armed = None  # when somebody looks, as far as alarms told
    for step, which, value in steps:
        if step == "start":
            started += 1
            model[started] = deadlines.start(started, now + value)
        elif step == "expire":
            now += value
            out = list(deadlines.expired(now))
            assert set(out) == {thing for thing, deadline in model.items() if deadline.due <= now}
            for thing in out:
                del model[thing]
            armed = deadlines.next
        elif model:
            thing = list(model)[which % len(model)]
            if step == "stop":
                deadlines.stop(model.pop(thing))
            else:
                model[thing].due += value
        if alarmed[0]:
            alarmed[0] = False
            armed = deadlines.next
        assert len(deadlines) == len(model)
        if model:
            assert armed is not None
            assert armed <= min(deadline.due for deadline in model.values())
            assert deadlines.next <= min(deadline.due for deadline in model.values())
