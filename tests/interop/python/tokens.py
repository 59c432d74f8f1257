"""autobahn-python that joins by a token: ``tokens.py FRAMEWORK WISHES`` prints what came of it as JSON.

FRAMEWORK is ``twisted`` or ``asyncio``; WISHES are a JSON object: ``url``, ``token``, ``in_hello`` (show it in HELLO,
else when it is asked for), ``stay`` (until the router ends the session).
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import txaio

PATIENCE = 15
"""Seconds."""
FRAMEWORK, WISHES = sys.argv[1], json.loads(sys.argv[2])

if FRAMEWORK == "twisted":
    from autobahn.twisted.wamp import ApplicationRunner, ApplicationSession
else:
    from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession

HEARD: dict[str, Any] = {}


class Session(ApplicationSession):
    """Joins as it is told to, and leaves."""

    def onConnect(self) -> None:
        authextra = {"token": WISHES["token"]} if WISHES["in_hello"] else None
        self.join("realm1", ["jwt"], authextra=authextra)

    def onChallenge(self, challenge: Any) -> str:
        HEARD["asked"] = challenge.method
        token: str = WISHES["token"]
        return token

    def onJoin(self, details: Any) -> None:
        HEARD["joined"] = [details.authid, details.authrole, details.authmethod, details.authextra]
        if not WISHES.get("stay"):
            self.leave()

    def onLeave(self, details: Any) -> None:
        HEARD["left"] = [details.reason, details.message]
        self.disconnect()

    def onDisconnect(self) -> None:
        if FRAMEWORK == "twisted":
            from twisted.internet import reactor

            if reactor.running:
                reactor.stop()
        else:
            asyncio.get_running_loop().stop()


def tell(*_: object) -> None:
    """Say what was heard, past those who catch what is printed, and end."""
    os.write(1, json.dumps(HEARD).encode())
    os._exit(0)


signal.signal(signal.SIGALRM, tell)
signal.alarm(PATIENCE)
txaio.start_logging(level="critical")
ApplicationRunner(WISHES["url"], "realm1").run(Session, log_level="critical")
tell()
