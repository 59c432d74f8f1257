"""A disk that fails under the store: what was acknowledged is there, what was not is told, and others are served meanwhile."""

from __future__ import annotations

import os
import random

import pytest

from tests.faults.disk import FailingDisk, failing_disk
from tests.router.test_store import House, count
from wampd.router.stores.cookies import StoredCookies
from wampd.router.stores.sqlite import StoreError, open_store

INSERT = "INSERT INTO changes (realm, authid, what) VALUES ('realm1', ?, ?)"


def pair(number: int):
    """Work of two steps, all or nothing."""

    def work(connection):
        connection.execute(INSERT, (str(number), "changed" * 50))
        connection.execute(INSERT, (str(number), "logout" * 50))

    return work


@pytest.fixture
def disk():
    with failing_disk() as disk:
        yield disk


@pytest.fixture
def file(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture
def house(disk, file):
    house = House(file)
    yield house
    disk.full = disk.no_sync = disk.no_write = False
    disk.lets.set()
    house.store.close()


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("full", "the disk is full"),
        ("no_sync", "reading or writing it failed"),
        ("no_write", "reading or writing it failed"),
    ],
)
def test_what_the_disk_did_not_take_is_not_acknowledged_and_afterwards_it_works_again(
    disk, house, fault, why, caught_log
):
    assert house.write(pair(1)) is None
    setattr(disk, fault, True)
    for number in (2, 3):
        error = house.write(pair(number))
        assert isinstance(error, StoreError)
        assert why in str(error)
        assert not house.store.is_well
    assert house.read(count) == 2  # who reads is served
    setattr(disk, fault, False)
    assert house.write(pair(4)) is None
    assert house.store.is_well
    assert house.read(count) == 4
    assert [event["log_level"].name for event in caught_log] == ["error"]  # once, however often


def test_every_acknowledgement_waits_for_a_sync_of_its_own(disk, house):
    for number in range(10):
        before = disk.syncs
        house.write(pair(number))
        assert disk.syncs > before


def test_a_slow_sync_holds_up_neither_the_router_nor_readers_and_all_that_waits_is_synced_at_once(disk, house):
    house.write(pair(0))
    disk.begun.clear()
    disk.lets.clear()
    first = house.store.write(pair(1))
    assert disk.begun.wait(20)
    waiting = [house.store.write(pair(number)) for number in range(2, 52)]
    assert house.read(count) == 2  # nobody sees what is not on the disk
    assert not any(each.called for each in (first, *waiting))
    syncs = disk.syncs
    disk.lets.set()
    assert [house.reactor.outcome(each) for each in (first, *waiting)] == [None] * 51
    assert disk.syncs - syncs < 5
    assert house.read(count) == 104


@pytest.mark.parametrize("seed", range(12))
def test_what_was_acknowledged_is_there_after_the_power_was_lost_and_nothing_else_in_part(seed, disk, file, tmp_path):
    chance = random.Random(seed)
    acknowledged = chance.randrange(1, 150)
    connection = open_store(file)
    for number in range(acknowledged):
        with connection:
            pair(number)(connection)
        if chance.random() < 0.03:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get  # noqa: B018 - it is carried out by that
    connection.execute("BEGIN IMMEDIATE")
    for number in range(acknowledged, acknowledged + 50):
        pair(number)(connection)
    disk.no_sync = True  # the power is lost while the last transaction is written
    with pytest.raises(Exception, match=r"not on the disk|IOError|disk I/O"):
        connection.execute("COMMIT")
    after = tmp_path / "after"
    after.mkdir()
    disk.lose_power(after, chance)
    disk.no_sync = False
    connection.close()
    again = open_store(after / file.name)
    assert again.execute("PRAGMA integrity_check").get == "ok"
    rows = again.execute("SELECT authid, count(*) FROM changes GROUP BY authid").fetchall()
    assert {each for _, each in rows} == {2}
    assert {int(authid) for authid, _ in rows} >= set(range(acknowledged))
    assert len(rows) in (acknowledged, acknowledged + 50)
    again.close()


def test_without_the_syncs_the_power_would_take_what_was_acknowledged(disk, file, tmp_path):
    """That the disk of these tests can lose anything at all."""
    lost = 0
    for seed in range(5):
        connection = open_store(file)
        connection.execute("PRAGMA synchronous = OFF")
        with connection:
            pair(seed)(connection)
        after = tmp_path / f"after{seed}"
        after.mkdir()
        disk.lose_power(after, random.Random(seed))
        try:
            again = open_store(after / file.name)
            lost += again.execute("SELECT count(*) FROM changes").get < 2 * (seed + 1)
            again.close()
        except StoreError:
            lost += 1
        connection.close()
    assert lost


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_is_an_error_for_who_asked_or_harmless_and_never_the_end_of_the_process(seed, file, caught_log):
    chance = random.Random(seed)
    house = House(file)
    house.write(lambda connection: [pair(number)(connection) for number in range(300)])
    house.store.close()
    with file.open("r+b") as stream:
        size = stream.seek(0, os.SEEK_END)
        for _ in range(20):
            place = chance.randrange(size)
            stream.seek(place)
            [octet] = stream.read(1)
            stream.seek(place)
            stream.write(bytes((octet ^ 1 << chance.randrange(8),)))
    try:
        again = House(file)
    except StoreError as refused:
        assert str(file) in str(refused)
        return
    told = [
        again.read(lambda connection: connection.execute("SELECT * FROM changes").fetchall()),
        again.write(pair(1000)),
        again.read(lambda connection: connection.execute("SELECT count(*) FROM changes WHERE authid > '5'").get),
    ]
    wrong = [each for each in told if isinstance(each, Exception)]
    assert {type(each) for each in wrong} <= {StoreError}
    assert again.failures == len(wrong)
    assert len([event for event in caught_log if event["log_level"].name == "error"]) <= max(1, len(wrong))
    again.store.close()


def test_the_shim_is_what_the_store_is_opened_on(disk: FailingDisk, file):
    open_store(file).close()
    assert str(file) in disk.files
    assert disk.syncs


def overwritten(file, text: str) -> None:
    """The root page of a table is noise."""
    connection = open_store(file)
    page = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (text,)).get
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").get  # noqa: B018 - it is carried out by that
    connection.close()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(b"\xff" * 4096)


def test_a_store_whose_secret_is_damaged_is_refused_in_one_line(file):
    overwritten(file, "secrets")
    with pytest.raises(StoreError, match="it is damaged"):
        House(file)


def test_cookies_that_cannot_be_read_are_one_error(file):
    overwritten(file, "cookies")
    house = House(file)
    with pytest.raises(StoreError, match="it is damaged"):
        StoredCookies(house.reactor, house.store).load()
    house.store.close()
