"""autobahn-python that joins by a token: see `visits`.

WISHES also have ``token``, ``in_hello`` (show it in HELLO, else when it is asked for) and ``stay`` (until the router ends
the session). Without a token it says "asked" on standard error when it is asked, and takes what is on its standard input.
"""

import os
import sys
from typing import Any

from visits import HEARD, WISHES, Visit, hold


class Session(Visit):
    """Joins with the token, and leaves."""

    def onConnect(self) -> None:
        self.join("realm1", ["jwt"], authextra={"token": WISHES["token"]} if WISHES["in_hello"] else None)

    def onChallenge(self, challenge: Any) -> str:
        HEARD["asked"] = challenge.method
        if WISHES["token"] is None:
            os.write(2, b"asked\n")  # past those who catch what is printed
        token: str = WISHES["token"] or sys.stdin.read()
        return token

    def onJoin(self, details: Any) -> None:
        HEARD["joined"] = [details.authid, details.authrole, details.authmethod, details.authextra]
        if not WISHES["stay"]:
            self.leave()


hold(Session)
