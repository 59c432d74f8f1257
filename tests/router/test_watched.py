"""Files that are read again when they change: a look at a time."""

import os
import time
from pathlib import Path

import pytest

from wampd.router.stores.watched import INTERVAL, Unusable, Watch, Watched


def read(file: Path) -> str:
    text = file.read_text()
    if "bad" in text:
        raise Unusable(f"{file.name}:1:1: bad")
    return text


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "people"
    file.write_text("one")
    return file


class Reactor:
    """Does at once what threads hand over."""

    def __init__(self):
        self.triggers = []

    def callFromThread(self, function, *arguments):
        function(*arguments)

    def addSystemEventTrigger(self, phase, event, function):
        self.triggers.append(function)


class Watcher:
    """A file that is watched, and what is told of it."""

    def __init__(self, file):
        self.told, self.spoiled = [], 0
        self.watched = Watched(file, read)
        self.reactor = Reactor()
        self.watch = Watch(self.reactor, self._spoil)
        self.watch.add(self.watched, lambda old, new: self.told.append((old, new)))

    def _spoil(self):
        self.spoiled += 1

    def look(self, times=1):
        for _ in range(times):
            self.watch.look()
        return self.watched.content


@pytest.fixture
def watcher(file):
    return Watcher(file)


def test_a_file_is_read_at_once_and_must_be_good_then(file, tmp_path):
    assert Watched(file, read).content == "one"
    file.write_text("bad")
    with pytest.raises(Unusable):
        Watched(file, read)
    with pytest.raises(FileNotFoundError):
        Watched(tmp_path / "none", read)


def test_a_change_counts_when_the_file_has_been_the_same_for_one_interval(file, watcher):
    file.write_text("two!")
    assert watcher.look() == "one"
    assert watcher.look() == "two!"
    assert watcher.told == [("one", "two!")]
    watcher.look(3)
    assert len(watcher.told) == 1


def test_a_file_that_is_being_written_is_left_alone(file, watcher):
    for length in range(1, 5):
        file.write_text("x" * length)
        assert watcher.look() == "one"
    assert watcher.look() == "xxxx"


def test_a_file_that_is_put_in_place_by_a_rename_counts(file, watcher):
    new = file.with_name("new")
    new.write_text("two")
    os.utime(new, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))  # the same size and time
    new.rename(file)
    assert watcher.look(2) == "two"


def test_content_that_cannot_be_used_is_told_once_and_changes_nothing(file, watcher, caught_log):
    file.write_text("bad")
    assert watcher.look(5) == "one"
    assert (watcher.told, watcher.spoiled) == ([], 1)
    (event,) = caught_log
    assert event["log_level"].name == "error"
    assert event["why"] == "people:1:1: bad"
    file.write_text("still bad")
    watcher.look(3)
    assert watcher.spoiled == 2
    file.write_text("good")
    assert watcher.look(2) == "good"


def test_a_file_that_has_vanished_changes_nothing_until_it_is_back(file, watcher, caught_log):
    file.unlink()
    assert watcher.look(5) == "one"
    assert watcher.spoiled == 1
    assert caught_log[0]["why"] == f"{file}: the file is gone"
    file.write_text("two")
    assert watcher.look(2) == "two"


def test_a_file_that_changes_while_it_is_read_is_read_again(file, watcher):
    def read_slowly(file):
        text = file.read_text()
        if text == "half":
            file.write_text("whole")
        return text

    watcher.watched._read = read_slowly
    file.write_text("half")
    assert watcher.look(2) == "one"
    assert watcher.look(2) == "whole"


def test_a_bug_while_reading_leaves_what_was_there_and_is_told(file, watcher, caught_log):
    watcher.watched._read = lambda file: 1 / 0
    file.write_text("two")
    assert watcher.look(3) == "one"
    assert watcher.spoiled == 1
    assert "ZeroDivisionError" in caught_log[0]["why"]


def test_the_thread_looks_until_it_is_stopped(file, watcher):
    watcher.watch.start()
    file.write_text("two")
    deadline = time.monotonic() + 20
    while watcher.watched.content != "two" and time.monotonic() < deadline:
        time.sleep(INTERVAL / 10)
    assert watcher.told == [("one", "two")]
    (stop,) = watcher.reactor.triggers
    stop()
    watcher.watch._thread.join(5)
    assert not watcher.watch._thread.is_alive()


def test_nothing_to_look_after_needs_no_thread():
    reactor = Reactor()
    Watch(reactor, lambda: None).start()
    assert reactor.triggers == []
