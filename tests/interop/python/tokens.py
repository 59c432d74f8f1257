"""autobahn-python that joins by a token: see `visits`.

WISHES also have ``token``, ``in_hello`` (show it in HELLO, else when it is asked for) and ``stay`` (until the router ends
the session).
"""

from typing import Any

from visits import HEARD, WISHES, Visit, hold


class Session(Visit):
    """Joins with the token, and leaves."""

    def onConnect(self) -> None:
        self.join("realm1", ["jwt"], authextra={"token": WISHES["token"]} if WISHES["in_hello"] else None)

    def onChallenge(self, challenge: Any) -> str:
        HEARD["asked"] = challenge.method
        token: str = WISHES["token"]
        return token

    def onJoin(self, details: Any) -> None:
        HEARD["joined"] = [details.authid, details.authrole, details.authmethod, details.authextra]
        if not WISHES["stay"]:
            self.leave()


hold(Session)
