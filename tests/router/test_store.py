"""The store: its file, its threads, and what can go wrong with both."""

import os
import queue
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from tests.support.process import ROOT, environment
from wampd.router.stores import sqlite, store
from wampd.router.stores.room import NoRoom, Room
from wampd.router.stores.sqlite import SCHEMA, StoreError, carry_out, open_reader, open_store, secret_of_salts
from wampd.router.stores.store import Store

MIB = 2**20
INSERT = "INSERT INTO changes (realm, authid, what) VALUES ('realm1', ?, 'changed')"


def count(connection):
    return connection.execute("SELECT count(*) FROM changes").get


def insert(authid):
    return lambda connection: connection.execute(INSERT, (authid,)).get


@pytest.fixture
def file(tmp_path):
    return tmp_path / "wampd.sqlite"


# --- the file ---


def test_the_file_is_made_for_its_owner_alone(file):
    old = os.umask(0)
    try:
        connection = open_store(file)
        carry_out(connection, insert("joe"))
        made = sorted(file.parent.iterdir())
        assert [each.name for each in made] == ["wampd.sqlite", "wampd.sqlite-shm", "wampd.sqlite-wal"]
        assert {stat.S_IMODE(each.stat().st_mode) for each in made} == {0o600}
        connection.close()
    finally:
        os.umask(old)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_others_can_read_is_refused(file, suffix):
    open_store(file).close()
    victim = file.with_name(file.name + suffix)
    victim.touch()
    victim.chmod(0o644)
    with pytest.raises(StoreError, match=r"open to other users \(mode 0644\); chmod o= it"):
        open_store(file)


def test_what_is_in_it_is_on_the_disk_before_it_is_acknowledged(file):
    connection = open_store(file)
    assert connection.execute("PRAGMA journal_mode").get == "wal"
    assert connection.execute("PRAGMA synchronous").get == 2
    connection.close()


def test_it_is_opened_again_with_what_is_in_it(file):
    connection = open_store(file)
    secret = secret_of_salts(connection)
    carry_out(connection, insert("joe"))
    connection.close()
    connection = open_store(file)
    assert (count(connection), secret_of_salts(connection), len(secret)) == (1, secret, 32)
    connection.close()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_bytes(b"user:hunter2\n" * 100), "it is not an SQLite database"),
        (lambda file: other_program(file), "it is a database of another program"),
        (lambda file: newer(file), f"a newer wampd has written it (version 99, known: {len(SCHEMA)})"),
        (lambda file: file.mkdir(), "it cannot be opened"),
    ],
    ids=["text", "another program", "newer", "directory"],
)
def test_a_file_that_is_no_store_is_refused(file, spoil, why):
    spoil(file)
    file.chmod(0o700)
    with pytest.raises(StoreError) as caught:
        open_store(file)
    assert str(caught.value).startswith(f"the store {file}: {why}")
    assert "hunter2" not in str(caught.value)


def other_program(file):
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE mail (text)")
    connection.close()


def newer(file):
    connection = open_store(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def test_a_file_that_is_not_there_is_made_only_when_that_is_wanted(file):
    with pytest.raises(StoreError, match="there is no such file"):
        open_store(file, create=False)
    assert not file.exists()
    with pytest.raises(StoreError, match="No such file or directory"):
        open_store(file.parent / "none" / "store")


OPENER = """
import os, sys
from pathlib import Path
from wampd.router.stores.sqlite import StoreError, open_store
if os.geteuid() == 0:  # who may write to everything
    os.setuid(65534)
try:
    open_store(Path(sys.argv[1]))
except StoreError as why:
    print(why)
"""


def test_a_file_that_cannot_be_written_is_refused():
    with tempfile.TemporaryDirectory() as directory:  # which another user can reach
        file = Path(directory, "wampd.sqlite")
        open_store(file).close()
        if os.geteuid() == 0:
            for each in (file.parent, file):
                os.chown(each, 65534, 65534)
        file.chmod(0o400)
        command = [sys.executable, "-c", OPENER, str(file)]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT, timeout=60, check=True
        )
        assert done.stdout == f"the store {file}: it cannot be written to\n"


def test_an_older_schema_is_brought_up_to_date_in_one_step_and_a_failed_step_leaves_it(file, monkeypatch):
    connection = open_store(file)
    carry_out(connection, insert("joe"))
    connection.close()
    monkeypatch.setattr(sqlite, "SCHEMA", (*SCHEMA, "CREATE TABLE new (x); CREATE TABLE principals (y)"))
    with pytest.raises(StoreError):
        open_store(file)
    monkeypatch.setattr(sqlite, "SCHEMA", (*SCHEMA, "CREATE TABLE new (x)"))
    connection = open_store(file)
    assert count(connection) == 1
    assert connection.execute("PRAGMA user_version").get == len(SCHEMA) + 1
    assert connection.execute("SELECT count(*) FROM new").get == 0
    connection.close()


def test_a_transaction_is_all_or_nothing(file):
    connection = open_store(file)

    def half(connection):
        insert("joe")(connection)
        raise KeyError("half")

    with pytest.raises(KeyError):
        carry_out(connection, half)
    assert count(connection) == 0
    connection.close()


def test_who_writes_waits_for_another_process_but_not_for_ever(file, monkeypatch):
    first = open_store(file)
    monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
    second = open_store(file)
    first.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process keeps it locked"):
        carry_out(second, insert("joe"))
    first.execute("ROLLBACK")
    carry_out(second, insert("joe"))
    first.close()
    second.close()


WRITER = """
import sys
from pathlib import Path
from wampd.router.stores.sqlite import carry_out, open_store
connection = open_store(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    def work(connection):
        for half in ("a", "b"):
            connection.execute("INSERT INTO changes (realm, authid, what) VALUES (?, ?, 'changed')", (half, str(number)))
    carry_out(connection, work)
    print(number, flush=True)
"""


def test_what_was_acknowledged_outlives_a_process_that_is_killed_while_it_writes(file):
    for _ in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True, env=environment(), cwd=ROOT
        )
        acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().split("\n") if line]
        writer.wait()
        writer.stdout.close()
        connection = open_store(file)
        assert connection.execute("PRAGMA integrity_check").get == "ok"
        rows = connection.execute("SELECT authid, count(*) FROM changes GROUP BY authid").fetchall()
        assert {each for _, each in rows} == {2}  # never a half
        assert max(int(authid) for authid, _ in rows) >= acknowledged[-1]
        connection.execute("DELETE FROM changes")
        connection.close()


# --- the threads ---


class Reactor:
    """Carries out what threads hand over when it is waited for."""

    def __init__(self):
        self.calls = queue.Queue()
        self.closing = []

    def callFromThread(self, function, *arguments):
        self.calls.put((function, arguments))

    def addSystemEventTrigger(self, phase, event, function):
        self.closing.append(function)

    def outcome(self, deferred):
        """What becomes of a Deferred: a result, or an exception."""
        found = []
        deferred.addBoth(found.append)
        while not found:
            function, arguments = self.calls.get(timeout=20)
            function(*arguments)
        return getattr(found[0], "value", found[0])


class House:
    def __init__(self, file):
        self.reactor = Reactor()
        self.failures = 0
        self.disk = SimpleNamespace(f_bavail=500, f_blocks=1000, f_frsize=MIB)
        self.room = Room(file, 256 * MIB, 0.05, lambda _: self.disk)
        self.store = Store(self.reactor, file, self._failed, self.room.see)

    def _failed(self):
        self.failures += 1

    def read(self, work):
        return self.reactor.outcome(self.store.read(work))

    def write(self, work):
        return self.reactor.outcome(self.store.write(work))

    def grow(self, work):
        return self.reactor.outcome(self.store.grow(work))


@pytest.fixture
def house(file):
    house = House(file)
    yield house
    house.store.close()


def test_work_is_done_in_threads_of_its_own(house):
    threads = {
        house.read(lambda _: threading.current_thread().name),
        house.write(lambda _: threading.current_thread().name),
    }
    assert threads == {"store-reader", "store-writer"}


def test_what_was_written_is_read(house):
    assert house.write(insert("joe")) is None
    assert house.read(count) == 1


def test_who_reads_cannot_write(house):
    error = house.read(insert("joe"))
    assert isinstance(error, StoreError)
    assert "it cannot be written to" in str(error)


def test_what_waits_is_written_in_one_transaction_each_all_or_nothing(house):
    entered, go_on = threading.Event(), threading.Event()

    def block(connection):
        entered.set()
        assert go_on.wait(20)

    def half(connection):
        insert("half")(connection)
        raise KeyError("half")

    first = house.store.write(block)
    assert entered.wait(20)
    before = house.read(lambda connection: connection.execute("PRAGMA data_version").get)
    works = [house.store.write(work) for work in (insert("joe"), half, insert("ann"))]
    go_on.set()
    house.reactor.outcome(first)
    outcomes = [house.reactor.outcome(each) for each in works]
    assert [type(each) for each in outcomes] == [type(None), KeyError, type(None)]
    assert house.read(lambda connection: connection.execute("SELECT authid FROM changes").fetchall()) == [
        ("joe",),
        ("ann",),
    ]
    after = house.read(lambda connection: connection.execute("PRAGMA data_version").get)
    assert after != before


def test_reading_does_not_wait_for_writing(house):
    go_on = threading.Event()
    writing = house.store.write(lambda _: go_on.wait(20))
    assert house.read(count) == 0
    go_on.set()
    assert house.reactor.outcome(writing) is True


def test_a_full_disk_is_told_to_all_whose_work_it_undid_and_is_logged_once(house, caught_log):
    house.write(lambda connection: connection.execute("PRAGMA max_page_count = 12").get)

    def much(connection):
        connection.execute(INSERT, ("x" * 100_000,))

    for _ in range(2):
        error = house.write(much)
        assert isinstance(error, StoreError)
        assert "the disk is full" in str(error)
    assert house.failures == 2
    assert [event["log_level"].name for event in caught_log] == ["error"]
    assert house.write(insert("joe")) is None
    assert house.read(count) == 1
    assert isinstance(house.write(much), StoreError)
    assert len(caught_log) == 2


def test_a_store_that_failed_is_not_well_until_something_could_be_written(house):
    assert house.store.is_well
    house.store.try_again()  # nothing is tried while it is well
    assert house.store.waiting == 0
    house.write(lambda connection: connection.execute("PRAGMA max_page_count = 12").get)
    assert isinstance(house.write(lambda connection: connection.execute(INSERT, ("x" * 100_000,)).get), StoreError)
    assert not house.store.is_well
    house.store.try_again()
    house.store.try_again()  # one at a time
    assert house.store.waiting == 1
    while not house.store.is_well:
        function, arguments = house.reactor.calls.get(timeout=20)
        function(*arguments)
    assert (house.store.waiting, house.read(count)) == (0, 0)


def test_what_cannot_be_written_is_not_well_however_often_it_is_tried(house):
    house.write(lambda connection: connection.execute("PRAGMA query_only = 1").get)
    assert isinstance(house.write(insert("joe")), StoreError)
    for _ in range(2):
        house.store.try_again()
        function, arguments = house.reactor.calls.get(timeout=20)
        function(*arguments)
        assert not house.store.is_well


def test_when_sqlite_ends_the_transaction_no_work_in_it_is_acknowledged(house):
    go_on = threading.Event()
    first = house.store.write(lambda _: go_on.wait(20))

    def lose(connection):
        connection.execute("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise apsw.FullError("FullError: database or disk is full")

    works = [house.store.write(work) for work in (insert("joe"), lose, insert("ann"))]
    go_on.set()
    house.reactor.outcome(first)
    assert [type(house.reactor.outcome(each)) for each in works] == [StoreError] * 3
    assert house.read(count) == 0


def test_a_damaged_file_is_told(house, file, caught_log):
    house.write(lambda connection: [connection.execute(INSERT, (str(n),)) for n in range(5000)])
    house.write(lambda connection: None)
    house.store._workers[1].ask(lambda connection: None)
    connection = open_reader(file)
    pages = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'changes'").get
    connection.close()
    house.store.close()
    with file.open("r+b") as stream:
        stream.seek((pages - 1) * 4096)
        stream.write(b"\xff" * 4096)
    again = House(file)
    error = again.read(lambda connection: connection.execute("SELECT count(authid) FROM changes").get)
    again.store.close()
    assert isinstance(error, StoreError)
    assert "it is damaged" in str(error)
    assert caught_log[0]["log_level"].name == "error"


def test_what_waits_is_bounded(house, monkeypatch):
    monkeypatch.setattr(store, "MOST_WAITING", 2)
    go_on = threading.Event()
    waiting = [house.store.write(lambda _: go_on.wait(20)) for _ in range(2)]
    assert "2 requests wait for it" in str(house.write(count))
    assert house.failures == 1
    go_on.set()
    for each in waiting:
        house.reactor.outcome(each)
    assert house.write(count) == 0


def test_the_end_waits_for_what_was_asked(file):
    house = House(file)
    for number in range(100):
        house.store.write(insert(str(number)))
    house.store.close()
    assert "is not open" in str(house.write(count))
    connection = open_store(file)
    assert count(connection) == 100
    connection.close()
    assert house.reactor.closing == [house.store.close]


def test_the_end_does_not_wait_for_ever(house, monkeypatch, caught_log):
    monkeypatch.setattr(store, "LAST_WORDS", 0.1)
    go_on = threading.Event()
    house.store.write(lambda _: go_on.wait(20))
    house.store.close()
    assert "what waits for it was given up" in caught_log[0]["log_format"]
    go_on.set()


def test_who_configures_no_store_does_not_load_sqlite():
    program = "import sys; from wampd.router import daemon; sys.exit('apsw' in sys.modules)"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, env=environment(), cwd=ROOT, timeout=60, check=False).returncode == 0


# --------------------------------------------------------------------------------------------------------- the disk


@pytest.mark.parametrize(
    ("free", "size", "is_full"),
    [(500, 1000, False), (256, 1000, False), (255, 1000, True), (499, 10_000, True), (500, 10_000, False)],
)
def test_the_disk_is_full_below_a_number_of_bytes_or_a_share(tmp_path, free, size, is_full):
    disk = SimpleNamespace(f_bavail=free, f_blocks=size, f_frsize=MIB)
    room = Room(tmp_path / "store", 256 * MIB, 0.05, lambda _: disk)
    if is_full:
        with pytest.raises(NoRoom, match=f"nearly full: {free:,} of {size:,} MiB are free"):
            room.see()
    else:
        room.see()
    disk.f_bavail = 0
    Room(tmp_path / "store", 0, 0.0, lambda _: disk).see()


def test_a_disk_that_cannot_be_looked_at_is_not_full(tmp_path):
    Room(tmp_path / "nowhere" / "store", 256 * MIB, 0.05).see()


def test_while_the_disk_is_full_nothing_is_added_but_taken_away(house, caught_log):
    assert house.grow(insert("joe")) is None
    house.disk.f_bavail = 100
    for _ in range(3):
        error = house.grow(insert("jim"))
        assert isinstance(error, NoRoom)
    assert house.read(count) == 1
    assert "nearly full" in house.store.shortage
    assert house.store.is_well
    assert house.failures == 3
    assert house.write(lambda connection: connection.execute("DELETE FROM changes").fetchall()) == []
    assert house.read(count) == 0
    house.disk.f_bavail = 300
    assert house.grow(insert("jim")) is None
    assert house.store.shortage == ""
    assert [each["log_format"] for each in caught_log] == ["{why}"]
