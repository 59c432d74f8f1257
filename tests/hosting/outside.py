"""Components in Python in a router of their own process, and how they are seen from outside: callers, operators, intruders."""

import os
import textwrap
import time

import pytest

from tests.router.client import RESULT, WELCOME, Session
from tests.support.process import START_TIMEOUT
from wampd.router.control.where import directory as sockets_directory

CHALLENGE, AUTHENTICATE, ABORT = 4, 5, 3
REALMS = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions:
          - {uri: com., match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: wamp.session., match: prefix, allow: [call]}
          - {uri: wamp.session.kill, allow: [call]}
      - name: backend
        permissions: [{uri: com., match: prefix, allow: [call, register, publish, subscribe]}]
    auth: {anonymous: {role: anonymous}}
"""
PATIENT = "limits: {drain: 2 s}\n"

CLASS = """
import os, time
from autobahn.{framework}.wamp import ApplicationSession


class Adder(ApplicationSession):
    async def onJoin(self, details):
        for name in ("add", "block", "work", "who", "fail", "crash", "leak", "flood"):
            await self.register(getattr(self, name), f"com.{framework}.{{name}}")
        self.log.info("the adder is in")

    def add(self, x, y):
        return x + y

    def who(self):
        return [os.getpid(), self.config.extra]

    def block(self):
        time.sleep(1000)

    def fail(self):
        raise ValueError("not today")

    def crash(self):
        os._exit(3)

    def leak(self):
        self.kept = [b"x" * 2**20 for _ in range(300)]
        return "kept"

    def flood(self):
        for number in range(20000):
            print("spam", number)
        return "said"

    async def work(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(0.1)
            await pause()
        return "done"
"""
PAUSES = {
    "asyncio": "\nfrom asyncio import sleep\ndef pause(): return sleep(0)\n",
    "twisted": (
        "\nfrom twisted.internet.task import deferLater\n"
        "def pause():\n    from twisted.internet import reactor\n    return deferLater(reactor, 0, lambda: None)\n"
    ),
}
EITHER = pytest.mark.parametrize("framework", ["twisted", "asyncio"])
HANGS = "hang: {ping_interval: 0.3 s, ping_timeout: 2.5 s}"
"""On a busy machine one that is well may take a second to answer."""


def python(name, run, more=""):
    return f"  - {{name: {name}, type: python, run: '{run}', realm: realm1, role: backend{more and ', '}{more}}}\n"


def write(directory, name, source):
    (directory / name).write_text(textwrap.dedent(source))


def ask(router, uri, *args, timeout=START_TIMEOUT):
    """The outcome of a call from outside; asked again while nobody is there to answer it."""
    deadline = time.monotonic() + timeout
    with Session(router.port) as session:
        while True:
            session.call(uri, *args)
            answer = session.receive(timeout)
            if answer[0] == RESULT:
                return answer[3][0]
            if answer[4] != "wamp.error.no_such_procedure" or time.monotonic() > deadline:
                return answer[4]
            time.sleep(0.05)


def details_of(router, authid):
    with Session(router.port) as session:
        session.call("wamp.session.list")
        for number in session.receive()[3][0]:
            session.call("wamp.session.get", number)
            found = session.receive()[3][0]
            if found["authid"] == authid:
                return found
    return None


def with_class(directory, framework):
    write(directory, "app.py", CLASS.format(framework=framework) + PAUSES[framework])


def socket_of(router):
    """The private socket of a router that has our environment."""
    return sockets_directory(os.environ, os.getuid()) / f"{router.pid}.sock"


def operate(router, procedure, *args):
    """Ask the router as its operator does."""
    with Session(unix=socket_of(router), realm="wampd") as session:
        session.call(procedure, *args)
        return session.receive()


def joined_as_told(ticket=None):
    """In a guest: whether what stands in the environment lets us in."""
    with Session(unix=os.environ["WAMPD_SOCKET"], join=False) as session:
        told = {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": os.environ["WAMPD_AUTHID"]}
        session.send(1, os.environ["WAMPD_REALM"], told)
        assert session.receive()[0] == CHALLENGE
        session.send(AUTHENTICATE, ticket or os.environ["WAMPD_TICKET"], {})
        return session.receive()[0] == WELCOME
