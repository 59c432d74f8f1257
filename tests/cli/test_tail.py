"""How tail comes back: against routers that a test plays, one after the other."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.client.router import Router
from tests.support.loops import run
from wampd.cli import subscribing
from wampd.cli.subscribing import Shown, Wanted
from wampd.client import TimeOver
from wampd.realms import messages as m

WANTED = Wanted(("com.example.",), "prefix")


class Target:
    """A place where routers come and go."""

    def __init__(self, routers):
        self.routers = routers

    @asynccontextmanager
    async def connect(self):
        yield self.routers.pop(0).session


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(subscribing, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr("wampd.client.session.ANSWER", 0.05)


def test_it_goes_on_where_the_router_comes_back():
    async def conversation():
        routers, shown = [Router(), Router(), Router()], []
        tail = asyncio.ensure_future(subscribing._tail_on(Target(list(routers)), WANTED, Shown(shown.append, count=3)))
        for number, router in enumerate(routers):
            assert (await router.hears())[0] == m.SUBSCRIBE
            router.say(m.SUBSCRIBED, 1, 7)
            router.say(m.EVENT, 7, number, {"topic": "com.example.a"}, [number])
            await asyncio.sleep(0)
            if number < 2:
                await wait_until(lambda told=number + 1: len(shown) == told)
                router.line.lost("")
        await tail
        assert [told.event.args for told in shown] == [[0], [1], [2]]

    run(conversation())


async def wait_until(there):
    async with asyncio.timeout(5):
        while not there():
            await asyncio.sleep(0)


def test_a_router_that_does_not_answer_when_it_is_back_is_waited_for_too():
    async def conversation():
        lost, mute, well, shown = Router(), Router(), Router(), []
        tail = asyncio.ensure_future(
            subscribing._tail_on(Target([lost, mute, well]), WANTED, Shown(shown.append, count=1))
        )
        await lost.hears()
        lost.say(m.SUBSCRIBED, 1, 7)
        await asyncio.sleep(0)
        lost.line.lost("")
        await mute.hears()  # and says nothing
        await well.hears()
        well.say(m.SUBSCRIBED, 1, 7)
        well.say(m.EVENT, 7, 1, {"topic": "com.example.a"}, ["here"])
        await tail
        assert [(told.event.topic, told.event.args) for told in shown] == [("com.example.a", ["here"])]

    run(conversation())


def test_a_router_that_has_never_answered_is_not():
    async def conversation():
        with pytest.raises(TimeOver):
            await subscribing._tail_on(Target([Router()]), WANTED, Shown(lambda _: None, count=1))

    run(conversation())
