"""A router in a test's own hands: what a session says is looked at, what it hears is written down here."""

import asyncio

import msgspec

from tests.support.loops import run
from wampd.client.session import Session
from wampd.client.speech import Speech
from wampd.realms import messages as m


class FakeLine:
    """In place of a connection."""

    def __init__(self):
        self.heard = self.lost = None
        self.said = []
        self.is_hung_up = False

    def send(self, payload):
        self.said.append(msgspec.json.decode(payload))

    def hang_up(self):
        self.is_hung_up = True

    async def closed(self, patience):
        assert patience

    async def drained(self):
        pass


class Router:
    """The other end of a session."""

    def __init__(self):
        self.line = FakeLine()
        self.session = Session(self.line, Speech("json"))
        self.say(m.WELCOME, 5, {"realm": "realm1"})

    def say(self, *message):
        self.line.heard(msgspec.json.encode(message))

    def shout(self, data):
        self.line.heard(data)

    async def hears(self):
        """The next thing that the session says."""
        async with asyncio.timeout(5):
            while not self.line.said:
                await asyncio.sleep(0)
        return self.line.said.pop(0)


def play(conversation):
    """Hold a conversation with a router that has let the session in."""

    async def with_router():
        await conversation(Router())

    run(with_router())


def serving(procedure):
    """A conversation up to REGISTERED."""

    async def begin(router):
        asked = asyncio.ensure_future(router.session.register("com.add", procedure, options={"invoke": "first"}))
        assert await router.hears() == [m.REGISTER, 1, {"invoke": "first"}, "com.add"]
        router.say(m.REGISTERED, 1, 9)
        assert await asked == 9

    return begin
