"""The file of an access log: written by a thread, opened anew when it is rotated, bounded when the disk is slow."""

import errno
import os
import threading

import pytest

from tests.support.overheard import overheard
from wampd.router.observe import logfile
from wampd.router.observe.logfile import MOST_WAITING, LogFile


@pytest.fixture
def events():
    with overheard() as kept:
        yield kept


def test_lines_are_appended_in_order_and_all_are_there_at_the_end(tmp_path):
    path = tmp_path / "access.log"
    path.write_text("before\n")
    file = LogFile(path)
    for number in range(1000):
        file.write(b"%d\n" % number)
    file.close()
    assert path.read_text().split() == ["before", *map(str, range(1000))]
    assert file.dropped == 0


def test_others_may_not_read_it(tmp_path):
    file = LogFile(tmp_path / "access.log")
    file.write(b"x\n")
    file.close()
    assert (tmp_path / "access.log").stat().st_mode & 0o007 == 0


def test_a_file_that_was_rotated_is_opened_anew(tmp_path, monkeypatch):
    path = tmp_path / "access.log"
    written = threading.Semaphore(0)
    put = LogFile._put

    def watched(self, lines):
        put(self, lines)
        written.release()

    monkeypatch.setattr(LogFile, "_put", watched)
    file = LogFile(path)
    file.write(b"one\n")
    assert written.acquire(timeout=10)
    path.rename(tmp_path / "access.log.1")
    file.write(b"two\n")
    assert written.acquire(timeout=10)
    path.unlink()
    file.write(b"three\n")
    file.close()
    assert (tmp_path / "access.log.1").read_text() == "one\n"
    assert path.read_text() == "three\n"


def test_what_a_disk_does_not_take_is_dropped_counted_and_told_once(tmp_path, events):
    file = LogFile(tmp_path / "nothing" / "access.log")
    for _ in range(3):
        file.write(b"x\n")
    file.close()
    assert file.dropped == 3
    said = [event for event in events if event["log_namespace"] == logfile.__name__]
    assert [event["log_level"].name for event in said].count("error") == 1
    assert file._size == 0


def test_a_line_that_a_full_disk_took_a_part_of_does_not_spoil_the_next(tmp_path, monkeypatch):
    path = tmp_path / "access.log"
    file = LogFile(path)
    lines = b"one\ntwo\nthree\n"
    really_write = os.write

    def write_on_a_full_disk(descriptor, data):
        if bytes(data) == lines:
            return really_write(descriptor, data[: len("one\ntw")])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "write", write_on_a_full_disk)
        with pytest.raises(OSError, match="No space"):
            file._put(lines)
        with pytest.raises(OSError, match="No space"):
            file._put(b"four\n")
    assert file.dropped == len(["two", "three", "four"])
    file.write(b"five\n")
    file.write(b"six\n")
    file.close()
    assert path.read_text() == "one\ntw\nfive\nsix\n"


def test_a_slow_disk_holds_nobody_up_and_costs_lines(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)  # opening it to write waits for a reader
    file = LogFile(path)
    line = b"x" * 1000 + b"\n"
    for _ in range(2 * MOST_WAITING // len(line)):
        file.write(line)
    assert file.dropped > 0
    assert file._size <= MOST_WAITING
    reader = os.open(path, os.O_RDONLY)
    got = 0
    closing = threading.Thread(target=file.close)
    closing.start()
    while data := os.read(reader, 65536):
        got += len(data)
    closing.join()
    os.close(reader)
    assert got + file.dropped * len(line) == 2 * MOST_WAITING // len(line) * len(line)
