"""One visit of autobahn-python: ``SCRIPT FRAMEWORK WISHES`` joins as it is told to, and prints what came of it as JSON.

FRAMEWORK is ``twisted`` or ``asyncio``; WISHES are a JSON object, in which ``url`` says where to, and ``patience`` how long
it may take (seconds).
"""

import asyncio
import json
import os
import signal
import sys
from typing import Any

import txaio

FRAMEWORK, WISHES = sys.argv[1], json.loads(sys.argv[2])
HEARD: dict[str, Any] = {}
"""What came of it."""

if FRAMEWORK == "twisted":
    from autobahn.twisted.wamp import ApplicationRunner, ApplicationSession
else:
    from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession


class Visit(ApplicationSession):
    """Keeps why it ended, and ends the program."""

    def onLeave(self, details: Any) -> None:
        HEARD["left"], HEARD["message"] = details.reason, details.message
        self.disconnect()

    def onDisconnect(self) -> None:
        if FRAMEWORK == "twisted":
            from twisted.internet import reactor

            if reactor.running:
                reactor.stop()
        else:
            asyncio.get_running_loop().stop()


def hold(visit: type[Visit], ssl: Any = None) -> None:
    """Join once, and tell what came of it."""
    signal.signal(signal.SIGALRM, _tell)
    signal.alarm(WISHES.get("patience", 40))
    txaio.start_logging(level="critical")
    try:
        ApplicationRunner(WISHES["url"], "realm1", ssl=ssl).run(visit, log_level="critical")
    except Exception as error:  # noqa: BLE001 - a TLS handshake that fails
        HEARD["failed"] = f"{type(error).__name__}: {error}"
    _tell()


def _tell(*_: object) -> None:
    """Say what was heard, past those who catch what is printed, and end."""
    os.write(1, json.dumps(HEARD).encode())
    os._exit(0)
