"""A router in memory with sessions of its own."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from wampd.auth.accounts import Account
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.roles import Role, Rule
from wampd.auth.ticket import Ticket, digest_of
from wampd.router.inside.insider import Insider
from wampd.router.inside.insiders import Insiders
from wampd.router.realms import Realms
from wampd.router.stores.accounts import FixedAccounts
from wampd.router.templates import Plan

EVERYTHING = Rule("", "prefix", frozenset({"call", "register", "publish", "subscribe"}))
WEBHOOKS = Rule("wampd.hook.", "prefix", frozenset({"call"}))


class House:
    """A realm ``realm1`` with the roles ``user`` (may do everything), ``reader`` (may subscribe), and ``partner`` and
    ``operator`` (may do everything, and have webhooks).
    """

    def __init__(self, clock: Any = None, **plan: Any) -> None:
        """``plan`` is what else the realm is made of."""
        self.clock = clock or Clock()
        self.realms = Realms(self.clock, "wampd")
        accounts = FixedAccounts([Account(authid="joe", role="user", ticket=digest_of("hunter2"))])
        roles = [Role("user", [EVERYTHING]), Role("reader", [Rule("", "prefix", frozenset({"subscribe"}))])]
        roles += [Role(name, [EVERYTHING, WEBHOOKS]) for name in ("partner", "operator")]
        door = RealmAuth([Anonymous("reader", lambda: "somebody"), Ticket(accounts)], roles)
        self.realms.add("realm1", Plan(door=door, **plan))
        self.insiders = Insiders(self.realms, self.clock)

    def enter(self, role: str | None = None, **more: Any) -> Insider:
        insider = self.insiders.enter("realm1", role=role, **more)
        self.turns()
        return insider

    def turns(self, count: int = 10) -> None:
        for _ in range(count):
            self.clock.advance(0)
            self.realms.end_of_turn()

    def later(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.turns()

    def now(self, answer: Deferred[Any]) -> Any:
        """What a request comes to, after some turns; raises what it fails with. `None`: it still waits."""
        self.turns()
        came: list[Any] = []

        def see(what: Any) -> Any:
            came.append(what)
            return what

        answer.addBoth(see)
        if came and isinstance(came[0], Failure):
            answer.addErrback(lambda _: None)
            came[0].raiseException()
        return came[0] if came else None
