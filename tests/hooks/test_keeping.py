"""What is kept of webhooks: the store in memory of the tests and the one on the disk do the same."""

import os
import signal
import subprocess
import sys

import pytest
from twisted.internet.defer import fail, succeed

from tests.hooks.house import Registry, Shelf
from tests.support.process import ROOT, environment
from wampd.router.hooks.keeping import Pending
from wampd.router.hooks.ledger import DeadLetter
from wampd.router.hooks.registry import Hook
from wampd.router.stores import sqlite
from wampd.router.stores.hooks import StoredHooks
from wampd.router.stores.sqlite import SCHEMA, StoreError, carry_out, open_reader, open_store


class Database:
    """A store that does all at once."""

    def __init__(self, file):
        self.file = file
        self.connection = open_store(file)

    def read(self, work):
        return succeed(work(self.connection))

    def write(self, work):
        try:
            return succeed(carry_out(self.connection, work))
        except StoreError as why:
            return fail(why)

    grow = write


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "hooks.sqlite")
    yield database
    database.connection.close()


@pytest.fixture(params=["in memory", "on the disk"])
def kept(request, database):
    return Shelf() if request.param == "in memory" else StoredHooks(database, "realm1")


def now(deferred):
    results = []
    deferred.addCallback(results.append)
    return results[0]


def hook(hook_id="h1", **more):
    given = {"key": "orders", "url": "https://a.example/", "host": "a.example:443", "owner": "joe", **more}
    return Hook(
        id=hook_id, secret=b"hunter2", filter={"args.0": ("x", 1, None, True, 1.5)}, created=1.0, expires=2.0, **given
    )


def pending(event, hook_id="h1", number=1, attempts=0, due=5.0):
    return Pending(event, hook_id, number, attempts, due)


def dead(event, hook_id="h1", why="404"):
    return DeadLetter(event, hook_id, 1, 3, why, 7.5)


def everything(kept):
    """All that is there, in an order of its own."""
    found = now(kept.load())
    return (
        sorted(each.id for each in found.hooks),
        sorted(found.events),
        sorted((each.event, each.hook, each.attempts, each.due) for each in found.pending),
        sorted((each.event, each.hook, each.why) for each in found.dead),
    )


def test_registrations_come_back_as_they_were(kept):
    now(kept.put_hook(hook()))
    now(kept.put_hook(hook("h2")))
    now(kept.put_hook(hook(owner="ann")))
    found = {each.id: each for each in now(kept.load()).hooks}
    assert found == {"h1": hook(owner="ann"), "h2": hook("h2")}
    assert found["h1"].secret == b"hunter2"


def test_events_stay_as_long_as_a_delivery_of_them(kept):
    for hook_id in ("h1", "h2", "h3"):
        now(kept.put_hook(hook(hook_id)))
    now(kept.add_event("e1", b"body", [pending("e1"), pending("e1", "h2")], [dead("e1", "h3", "overflow")]))
    assert now(kept.body("e1")) == b"body"
    assert everything(kept)[1:] == (
        [("e1", 4)],
        [("e1", "h1", 0, 5.0), ("e1", "h2", 0, 5.0)],
        [("e1", "h3", "overflow")],
    )
    now(kept.forget("e1", "h1"))
    now(kept.postpone(pending("e1", "h2", attempts=1, due=9.0)))
    assert everything(kept)[2] == [("e1", "h2", 1, 9.0)]
    now(kept.bury(dead("e1", "h2", "500"), [dead("e1", "h3")]))
    assert everything(kept)[2:] == ([], [("e1", "h2", "500")])
    now(kept.postpone(pending("e1", "h2")))
    assert everything(kept)[2:] == ([("e1", "h2", 0, 5.0)], [])
    now(kept.forget("e1", "h2"))
    assert (everything(kept)[1:], now(kept.body("e1"))) == (([], [], []), None)


def test_a_registration_takes_its_deliveries_along(kept):
    now(kept.put_hook(hook()))
    now(kept.put_hook(hook("h2")))
    now(kept.add_event("e1", b"1", [pending("e1")], []))
    now(kept.add_event("e2", b"2", [pending("e2"), pending("e2", "h2")], []))
    now(kept.remove_hook("h1"))
    assert everything(kept) == (["h2"], [("e2", 1)], [("e2", "h2", 0, 5.0)], [])
    now(kept.postpone(pending("e2")))
    assert everything(kept)[2] == [("e2", "h2", 0, 5.0)], "what was removed does not come back"


def test_realms_do_not_see_each_other(database):
    one, two = StoredHooks(database, "realm1"), StoredHooks(database, "realm2")
    now(one.put_hook(hook()))
    now(one.add_event("e1", b"1", [pending("e1")], []))
    assert everything(two) == ([], [], [], [])


def test_an_event_is_kept_with_all_its_deliveries_or_not_at_all(database):
    kept = StoredHooks(database, "realm1")
    failures = []
    kept.add_event("e1", b"1", [pending("e1"), pending("e1")], []).addErrback(failures.append)
    assert failures[0].check(StoreError)
    assert everything(kept) == ([], [], [], [])


def test_a_registration_that_cannot_be_read_is_none(database, caught):
    kept = StoredHooks(database, "realm1")
    now(kept.put_hook(hook()))
    database.connection.execute("UPDATE hooks SET record = x'01'")
    assert everything(kept)[0] == []
    assert "hunter2" not in str(caught)


def test_a_store_of_before_webhooks_is_brought_up_to_date(tmp_path, monkeypatch):
    file = tmp_path / "old.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "SCHEMA", SCHEMA[:1])
        connection = open_store(file)
        connection.execute("INSERT INTO changes (realm, authid, what) VALUES ('realm1', 'joe', 'changed')")
        connection.close()
    connection = open_store(file)
    assert connection.execute("SELECT count(*) FROM changes").get == 1
    assert connection.execute("SELECT count(*) FROM hook_deliveries").get == 0
    connection.close()


def test_the_registry_works_with_the_store_on_the_disk(database):
    first = Registry(kept=StoredHooks(database, "realm1"))
    first.register(first.ann)
    first.web.answers["http://10.0.0.1/"] = 500
    for number in range(3):
        assert first.ask(first.ann, "post", "orders", [number])["deliveries"] == 1
    second = Registry(kept=StoredHooks(database, "realm1"))
    second.later(6.0)
    assert sorted(second.web.data("http://10.0.0.1/")) == [0, 1, 2]
    assert everything(StoredHooks(database, "realm1"))[1:] == ([], [], [])


WRITER = """
import os, signal, sys
from pathlib import Path
from twisted.internet import reactor
from tests.hooks.test_keeping import hook, pending
from wampd.router.stores.hooks import StoredHooks
from wampd.router.stores.store import Store

store = Store(reactor, Path(sys.argv[1]), lambda: None)
kept = StoredHooks(store, "realm1")
kept.put_hook(hook())

def go(number):
    if number == 20:
        os.kill(os.getpid(), signal.SIGKILL)
    kept.add_event(f"e{number}", b"x", [pending(f"e{number}", number=number)], []).addCallback(told, number)

def told(_, number):
    print(number, flush=True)
    go(number + 1)

reactor.callWhenRunning(go, 0)
reactor.run()
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path):
    file = tmp_path / "hooks.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(file)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=os.pathsep.join(sys.path)),
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    acknowledged = {f"e{number}" for number in done.stdout.split()}
    assert len(acknowledged) == 20
    connection = open_reader(file)
    assert {event for (event,) in connection.execute("SELECT event FROM hook_deliveries")} >= acknowledged
    connection.close()
