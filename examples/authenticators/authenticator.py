"""An authenticator: the router calls it for each client that wants into ``realm1``. See README.md.

``WAMP_URL`` names another router than ``ws://127.0.0.1:8080/ws``; ``AUTHENTICATOR_TICKET`` is what the configuration asks for.
"""

import hmac
import os
from typing import Any

from autobahn.asyncio.component import Component, run
from autobahn.wamp.auth import derive_key
from autobahn.wamp.exception import ApplicationError

# In earnest this would be asked of a database.
TICKETS = {"joe": os.environ.get("JOE_TICKET", "change me")}
PASSWORDS = {"joe": os.environ.get("JOE_PASSWORD", "change me")}
KEYS = {"joe": [os.environ.get("JOE_KEY", "")]}

component = Component(
    transports=os.environ.get("WAMP_URL", "ws://127.0.0.1:8080/ws"),
    realm="com.example.staff",
    authentication={"ticket": {"authid": "authenticator", "ticket": os.environ["AUTHENTICATOR_TICKET"]}},
)


@component.register("com.example.authenticate.ticket")
def ticket(_realm: str, authid: str, details: dict[str, Any]) -> str:
    """Judge a ticket: the answer is a role, or an error."""
    if not hmac.compare_digest(TICKETS.get(authid, "").encode(), details["ticket"].encode()):
        raise ApplicationError("wamp.error.authentication_denied")
    return "user"


@component.register("com.example.authenticate.wampcra")
def wampcra(_realm: str, authid: str, _details: dict[str, Any]) -> dict[str, Any]:
    """Tell the key that the client must sign with: the router judges the signature."""
    if authid not in PASSWORDS:
        raise ApplicationError("wamp.error.no_such_principal")
    salt, iterations, keylen = f"salt of {authid}", 1000, 32
    key = derive_key(PASSWORDS[authid].encode(), salt.encode(), iterations, keylen).decode()
    return {"role": "user", "secret": key, "salt": salt, "iterations": iterations, "keylen": keylen}


@component.register("com.example.authenticate.cryptosign")
def cryptosign(_realm: str, _authid: str | None, details: dict[str, Any]) -> dict[str, Any]:
    """Find the user by the key that the client shows: the router sees whether the client has it."""
    shown = details["authextra"]["pubkey"]
    for authid, keys in KEYS.items():
        if shown in keys:
            return {"role": "user", "authid": authid, "pubkey": shown, "extra": {"key": keys.index(shown)}}
    raise ApplicationError("wamp.error.no_such_principal")


@component.on_join
def joined(_session: Any, _details: Any) -> None:
    """Say that clients may come."""
    print("ready", flush=True)


if __name__ == "__main__":
    run([component])
