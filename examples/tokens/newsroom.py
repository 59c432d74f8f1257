"""A web site's login gives out tokens, and the router lets people in by them for as long as they last.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``, ``SITE_SECRET`` another secret than that of config.yaml.
"""

import asyncio
import os
import time
from typing import Any, ClassVar

import jwt
import txaio
from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import PublishOptions

URL = os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws")
SECRET = os.environ.get("SITE_SECRET", "the site and the router both know this")
TOPIC = "com.example.news.today"


def token(name: str, groups: list[str], lasts: float) -> str:
    """What the login of the site gives to somebody who has proved a password, or whatever it asks for."""
    claims = {
        "iss": "https://site.example.com",
        "aud": "wampd",
        "sub": name,
        "groups": groups,
        "exp": time.time() + lasts,
    }
    return jwt.encode(claims, SECRET, "HS256")


class Visitor(ApplicationSession):
    """Comes with a fresh token, publishes, and stays until the router ends the session."""

    name = ""
    groups: ClassVar[list[str]] = []
    lasts = 0.0

    def onConnect(self) -> None:
        """Offer the method, and show the token at once."""
        self.join("realm1", ["jwt"], authextra={"token": token(self.name, self.groups, self.lasts)})

    async def onJoin(self, details: Any) -> None:
        """Try what the role allows."""
        print(f"{details.authid} is in as {details.authrole}")
        try:
            await self.publish(TOPIC, "It rains.", options=PublishOptions(acknowledge=True))
            print(f"{details.authid} wrote the news")
        except ApplicationError as refused:
            print(f"{details.authid} may not write the news: {refused.error}")

    def onLeave(self, details: Any) -> None:
        """The router says why."""
        print(f"out: {details.reason}, {details.message}")
        self.disconnect()

    def onDisconnect(self) -> None:
        """That was this visit."""
        asyncio.get_running_loop().stop()


def visit(name: str, groups: list[str], lasts: float) -> None:
    """Come in with a token, and stay as long as it lasts."""
    Visitor.name, Visitor.groups, Visitor.lasts = name, groups, lasts
    try:
        ApplicationRunner(URL).run(Visitor, log_level="critical")
    except OSError:
        raise SystemExit(f"no router at {URL}; start one with: wampd run examples/tokens/config.yaml") from None


txaio.start_logging(level="critical")  # what the library tells of every step would hide what the example says
visit("ann", ["newsroom", "chess club"], lasts=2)
visit("joe", ["chess club"], lasts=2)
visit("eve", ["newsroom"], lasts=-1)
