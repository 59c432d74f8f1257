"""How tail comes back: against routers that a test plays, one after the other."""

import asyncio
from contextlib import ExitStack, asynccontextmanager

import pytest

from tests.cli.client_support import Shell
from tests.client.router import Router
from tests.support.loops import run
from tests.support.process import running_wampd
from wampd.cli import subscribing
from wampd.cli.subscribing import Shown, Wanted
from wampd.client import TimeOver
from wampd.realms import messages as m

WANTED = Wanted(("com.example.",), "prefix")
OPEN = """
realms:
  - name: realm1
    roles: [{name: guest, permissions: [{uri: com.example., match: prefix, allow: [publish, subscribe]}]}]
    auth: {anonymous: {role: guest}}
listeners: [{endpoint: "tcp:${WAMPD_PORT}:interface=127.0.0.1", websocket: {/ws: {type: wamp}}}]
"""


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
        with pytest.MonkeyPatch.context() as impatient:
            impatient.setattr("wampd.client.session.ANSWER", 0.05)
            lost.line.lost("")
            await mute.hears()  # and says nothing
        await well.hears()
        well.say(m.SUBSCRIBED, 1, 7)
        well.say(m.EVENT, 7, 1, {"topic": "com.example.a"}, ["here"])
        await tail
        assert [(told.event.topic, told.event.args) for told in shown] == [("com.example.a", ["here"])]

    run(conversation())


def test_a_router_that_has_never_answered_is_not(monkeypatch):
    monkeypatch.setattr("wampd.client.session.ANSWER", 0.05)

    async def conversation():
        with pytest.raises(TimeOver):
            await subscribing._tail_on(Target([Router()]), WANTED, Shown(lambda _: None, count=1))

    run(conversation())


def test_a_router_that_is_started_again_is_listened_to_again(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(OPEN)
    with ExitStack() as ends:
        with running_wampd(config, tmp_path / "first.log") as (router, port):
            shell = Shell(tmp_path, port, router)
            assert shell("publish", "com.example.a", "1", "--retain", "--ack").status == 0
            tail = shell.start("tail", "com.example.", "--retained", "--count", "2")
            ends.callback(tail.process.kill)
            assert tail.line().endswith(" com.example.a 1\n")
        with running_wampd(config, tmp_path / "second.log", port=port):
            tail.wait_for("connected again")
            assert shell("publish", "com.example.b", "2", "--ack").status == 0
            assert tail.line().endswith(" com.example.b 2\n")
            assert tail.end() == 0
