"""The realm in which the router is operated, and what can be called there.

Rules
-----
* It is called `REALM`, and those alone find it who come by the private socket; nobody else can join it, whatever the
  configuration says. It is made when the first of them asks for it.
* Each part of the router offers what it can be asked for (`Desk.offer`) before that, or later.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred

from wampd.auth.door import RealmAuth
from wampd.auth.owner import Owner
from wampd.auth.roles import Role, Rule
from wampd.auth.ticket import Ticket
from wampd.realms.grants import Action
from wampd.router.control.minted import Minted
from wampd.router.inside.insider import Handler, Insider
from wampd.router.inside.insiders import Insiders
from wampd.router.inside.resident import Resident
from wampd.router.inside.together import together
from wampd.router.realms import Realms
from wampd.router.settings.control import CONTROL_REALM
from wampd.router.templates import Plan

REALM: Final = CONTROL_REALM
OPERATOR: Final = "operator"
"""The role of those who operate the router."""
_ALL: Final[frozenset[Action]] = frozenset({"call", "subscribe"})


class Desk:
    """Where the router is operated. It is a directory of realms, too: of those that clients on the private socket find."""

    def __init__(self, reactor: Any, realms: Realms, insiders: Insiders, monitor: Callable[[], object]) -> None:
        """``monitor`` serves ``wampd.monitor.*`` in the realm, once that is there."""
        self._reactor = reactor
        self._realms = realms
        self._insiders = insiders
        self._monitor = monitor
        self._offered: dict[str, Handler] = {}
        self._clerk: Resident | None = None
        self._insider: Insider | None = None
        self.minted = Minted()
        """The tickets of the components that the router hosts."""

    def offer(self, procedures: Mapping[str, Handler]) -> None:
        """Serve procedures to operators: by URI, each below ``wampd.``."""
        self._offered.update(procedures)
        if self._insider is not None and not self._insider.is_over:
            self._register(self._insider, procedures)

    def tell(self, topic: str, args: list[Any]) -> None:
        """Publish to operators, if there are any."""
        if self._insider is not None and not self._insider.is_over:
            self._insider.publish(topic, args).addErrback(lambda _: None)  # its session is over: nobody listens

    def get(self, name: str, /) -> RealmAuth | None:
        """The door of a realm, for a client on the private socket."""
        if name == REALM:
            self._open()
            return self._realms.door(REALM)
        accounts = self.minted.of(name)
        door = None if accounts is None else self._realms.door(name)
        return None if door is None else door.by([Ticket(accounts)])

    def close(self) -> None:
        """Serve nobody any more."""
        if self._clerk is not None:
            self._clerk.stop()

    def _open(self) -> None:
        """Make the realm, unless it is there."""
        if self._clerk is not None:
            return
        rules = [Rule(uri, "prefix", _ALL) for uri in ("wamp.", "wampd.", "wampd.monitor.kill")]
        role = Role(OPERATOR, rules, privileged=True)
        users = frozenset({0, os.getuid()})
        self._realms.add_private(REALM, Plan(door=RealmAuth([Owner(OPERATOR, users)], [role])))
        self._monitor()
        self._clerk = Resident(self._reactor, "the desk for operators", self._enter, self._settle)
        self._clerk.start()

    def _enter(self) -> Insider:
        return self._insiders.enter(REALM)

    def _settle(self, insider: Insider) -> Deferred[Any]:
        self._insider = insider
        return self._register(insider, self._offered)

    def _register(self, insider: Insider, procedures: Mapping[str, Handler]) -> Deferred[Any]:
        return together([insider.register(uri, handler) for uri, handler in procedures.items()])
