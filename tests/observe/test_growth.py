"""How fast counts grow; charts; and what the process uses."""

import math
import os
import time

import pytest
from twisted.internet.task import Clock

from wampd.router import memory
from wampd.router.observe import process
from wampd.router.observe.charts import POINTS, Charts
from wampd.router.observe.growth import Growth, Pace
from wampd.router.observe.process import Process


def test_a_pace_is_that_since_the_last_mark_but_one():
    pace = Pace(0.0, [0])
    assert pace.rates(0.5, [10]) == [10.0]  # over a second at least
    assert pace.rates(2.0, [20]) == [10.0]
    assert pace.rates(3.0, [20]) == [0.0]
    assert pace.rates(3.5, [25]) == [pytest.approx(5 / 1.5)]


def test_asking_often_moves_no_mark():
    pace = Pace(0.0, [0])
    for tenth in range(1, 10):
        pace.rates(tenth / 10, [tenth])
    assert pace.rates(1.0, [10]) == [10.0]


def test_what_was_not_there_at_the_mark_has_a_rate_over_its_life():
    growth = Growth()
    growth.look(10.0, lambda: {1: (100,)})
    assert growth.rate(1, 10.0, 50.0, 100) == 2.0
    growth.look(14.0, lambda: {1: (140,), 2: (6,)})
    assert growth.rate(1, 14.0, 54.0, 140) == 10.0
    assert growth.rate(2, 14.0, 3.0, 6) == 2.0
    assert growth.rate(2, 14.0, 0.1, 6) == 6.0  # not 60


def test_marks_are_set_no_more_than_once_a_second():
    growth, looked = Growth(), []

    def counts():
        looked.append(1)
        return {}

    for tenth in range(20):
        growth.look(tenth / 10, counts)
    assert len(looked) == 2


def test_charts_keep_the_last_points_the_oldest_first():
    charts = Charts(("a", "b"))
    for number in range(POINTS + 5):
        charts.add({"a": number, "b": math.nan})
    series = charts.series()
    assert series["a"] == [float(number) for number in range(5, POINTS + 5)]
    assert series["b"] == [None] * POINTS


def test_a_chart_that_is_young_has_nothing_in_front():
    charts = Charts(("a",))
    charts.add({"a": 1.0})
    assert charts.series()["a"] == [None] * (POINTS - 1) + [1.0]


# ------------------------------------------------------------------------------------------------------- the process


def test_the_process_is_told_of():
    clock = Clock()
    looked = Process(clock, lambda: 3)
    use = looked.use()
    assert use.rss > 2**20
    assert use.connections == 3
    assert use.cpu == 0.0
    assert abs(use.fds - len(os.listdir("/proc/self/fd"))) <= 2


def test_the_share_of_the_processor_is_that_since_the_last_look():
    clock = Clock()
    looked = Process(clock, lambda: 0)
    begun = time.process_time()
    while time.process_time() - begun < 0.05:
        pass
    clock.advance(1.0)
    share = looked.use().cpu
    assert 0.05 <= share <= 0.5
    clock.advance(0.1)
    assert looked.use().cpu == share  # it is too early for another
    clock.advance(1000.0)
    assert looked.use().cpu < 0.01


def test_what_the_system_does_not_tell_is_not_made_up(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "_STATM", tmp_path / "nothing")
    monkeypatch.setattr(process, "_FD", tmp_path / "nothing")
    use = Process(Clock(), lambda: 3).use()
    assert use.rss > 2**20
    assert use.fds == 3


def test_descriptors_are_counted_one_by_one_only_once_in_a_while(monkeypatch, tmp_path):
    directory = tmp_path / "fd"
    directory.mkdir()
    (directory / "0").touch()
    stat = directory.stat()
    listed = []
    monkeypatch.setattr(process, "_FD", _Sizeless(directory, stat, listed))
    clock = Clock()
    looked = Process(clock, lambda: 0)
    for _ in range(5):
        assert looked.use().fds == 1
        clock.advance(1.0)
    assert len(listed) == 1


class _Sizeless:
    """A directory that does not tell its size, as that of descriptors before Linux 6.2."""

    def __init__(self, directory, stat, listed):
        self._directory, self._stat, self._listed = directory, stat, listed

    def stat(self):
        return os.stat_result((*self._stat[:6], 0, *self._stat[7:]))

    def __fspath__(self):
        self._listed.append(1)
        return str(self._directory)
