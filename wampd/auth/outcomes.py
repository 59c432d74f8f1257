"""What a handshake comes to: a CHALLENGE, a session, an ABORT; or a question to the outside comes first."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from wampd.auth.methods import Challenge, Wait
from wampd.realms.features import router_roles
from wampd.realms.grants import Grants
from wampd.realms.messages import ABORT, WELCOME, Format
from wampd.realms.options import ClientRoles, JsonDict
from wampd.realms.session import Outlet, Session


class Accept(Struct, frozen=True):
    """The client joins: make its session and send WELCOME."""

    realm: str
    session_id: int
    authid: str
    authrole: str
    authmethod: str
    authprovider: str
    authextra: JsonDict | None
    grants: Grants
    roles: ClientRoles
    """What the client announced in HELLO, as far as the router knows it."""
    agent: str
    account: Any = None
    """The account that it was proved by: see `wampd.auth.methods.Principal`."""
    client: str = ""
    """What the client says that it is."""
    lasts: float | None = None
    """Seconds from now after which the session is to end; `None`: as long as it likes."""

    def details(self) -> JsonDict:
        """``WELCOME.Details``."""
        details: JsonDict = {
            "realm": self.realm,
            "authid": self.authid,
            "authrole": self.authrole,
            "authmethod": self.authmethod,
            "authprovider": self.authprovider,
            "agent": self.agent,
            "roles": router_roles(),
        }
        if self.authextra is not None:
            details["authextra"] = self.authextra
        return details

    def wire(self) -> tuple[Any, ...]:
        """``[WELCOME, Session|id, Details|dict]``."""
        return (WELCOME, self.session_id, self.details())

    def session(self, form: Format, touched: list[Session], transport: JsonDict, outlet: Outlet) -> Session:
        """The client's session: it speaks ``form`` on this transport, and ``outlet`` carries its outbox away."""
        return Session(
            self.session_id,
            format=form,
            roles=self.roles,
            grants=self.grants,
            touched=touched,
            authid=self.authid,
            authrole=self.authrole,
            authmethod=self.authmethod,
            authprovider=self.authprovider,
            transport=transport,
            agent=self.client,
            outlet=outlet,
        )


class Abort(Struct, frozen=True):
    """The client is refused: send ABORT and close the transport."""

    reason: str
    message: str
    log: str
    """Why, for our log."""
    more: JsonDict = {}
    """What ``ABORT.Details`` holds beside the message."""
    guess: bool = False
    """A method refused the client, which may try again."""
    quiet: bool = False
    """It is one of very many, and no line in the log."""

    def details(self) -> JsonDict:
        """``ABORT.Details``."""
        return {"message": self.message, **self.more}

    def wire(self) -> tuple[Any, ...]:
        """``[ABORT, Details|dict, Reason|uri]``."""
        return (ABORT, self.details(), self.reason)


Outcome: TypeAlias = Challenge | Accept | Abort | Wait
