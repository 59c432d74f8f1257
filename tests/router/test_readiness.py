"""Whether the router is ready: what is looked at, and what is wrong with it."""

import pytest
from twisted.internet.task import Clock

from wampd.router.memory import Ceiling
from wampd.router.reception import Lobby
from wampd.router.wiring.hosted import Hosted
from wampd.router.wiring.readiness import Readiness


class Store:
    """A store that is as it is told."""

    def __init__(self):
        self.is_well = True
        self.tried = 0
        self.shortage = ""

    def try_again(self):
        self.tried += 1


class Router:
    """The parts that are looked at, all as they should be."""

    def __init__(self):
        clock = Clock()
        self.ports = [object(), object()]
        self.lobby = Lobby(2, clock.seconds)
        self.hosting = Hosted(clock, (), {})
        self.rss = 0
        self.ceiling = Ceiling(Clock(), 100 * 2**20, lambda _: None, lambda: None, lambda: self.rss, lambda: None)

    def look(self, store=None):
        return Readiness(self.ports, 2, self.lobby, store, self.hosting, self.ceiling).look()


@pytest.fixture
def router():
    return Router()


def test_only_what_there_is_is_looked_at(router):
    assert router.look() == {"listeners": "", "running": "", "room": "", "memory": ""}


def test_a_listener_that_is_not_open_is_told(router):
    router.ports.pop()
    assert router.look()["listeners"] == "1 of 2 are not open"


def test_a_router_that_is_being_stopped_is_not_ready(router):
    router.lobby.closing = True
    assert router.look()["running"] == "the router is stopping"


def test_a_router_without_room_is_not_ready(router):
    router.lobby.open = 1
    assert router.look()["room"] == ""
    router.lobby.open = 2
    assert router.look()["room"] == "no more connections are taken"


def test_a_router_without_memory_is_not_ready(router):
    router.rss = 101 * 2**20
    router.ceiling.look()
    assert router.look()["memory"] == "more memory is used than 100 MiB"


def test_a_store_that_does_not_work_is_told_and_tried_again(router):
    store = Store()
    assert router.look(store)["store"] == ""
    store.is_well = False
    assert router.look(store)["store"] == "it does not work"
    assert store.tried == 2
    store.shortage = "the disk is nearly full"
    assert router.look(store)["disk"] == "the disk is nearly full"
