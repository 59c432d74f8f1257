"""The shell round the jar of cookies: who came by which, what is kept in the store, and what a logout ends.

Rules
-----
* Whoever authenticates on a connection that was given a cookie may come back by it, if the realm offers the method ``cookie``;
  not so anonymous sessions, which are nobody.
* GOODBYE ``wamp.close.logout`` forgets the cookie, and sends the other sessions away that came by it. So does a copied one.
* Where a principal is removed or disabled, or what proves it changes, its cookies are forgotten at once; so are they where
  others log it out.
* Where a store is configured it has every cookie, and gives them back after a restart. It is told in the background: what
  changed in the very last moments before a crash is lost.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from wampd.auth.accounts import JUDGED, Account
from wampd.auth.cookie import Cookie, is_proved
from wampd.auth.factors import AUTHFACTORS
from wampd.auth.handshake import Accept, RealmAuth
from wampd.auth.jar import Binding, Bound, Jar, Visit
from wampd.auth.methods import Deny, Failed
from wampd.auth.questions import NOBODY, FindAccount
from wampd.router.answers import Answers
from wampd.router.stores.accounts import Accounts, Found
from wampd.router.tally import COOKIES_STOLEN, Tally

log = Logger()

LOGOUT: Final = "wamp.close.logout"
SALT_SIZE: Final = 16


class Guest(Protocol):
    """What serves a connection, as this sees it."""

    about: dict[str, Any]

    def dismiss(self, reason: str, message: str = "") -> None:
        """Say GOODBYE, and close."""
        ...


class CookieStore(Protocol):
    """Where cookies outlive the process."""

    def load(self) -> Iterable[Binding]:
        """All that are there."""
        ...

    def keep(self, binding: Binding) -> None:
        """Write one down as it is now; soon."""
        ...

    def forget(self, binding: Binding) -> None:
        """Take one out; soon."""
        ...


class Judges:
    """The accounts that an authenticator judges, of those who come back: what it cannot judge, or denies, is not there."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def find(self, question: FindAccount) -> Found | Deferred[Found]:
        """The account that is asked for."""
        answer = self._accounts.find(question)
        return answer.addCallback(_judged) if isinstance(answer, Deferred) else _judged(answer)


def _judged(found: Found) -> Found:
    is_denied = isinstance(found, Deny) or (isinstance(found, Failed) and found.guess)
    return None if is_denied else found


class Returning:
    """All cookies of the process, and the sessions that came by them."""

    def __init__(
        self, tally: Tally, answers: Answers, *, most: int = 50_000, now: Callable[[], float] = time.time
    ) -> None:
        """``answers`` is asked for accounts; ``most`` cookies are kept; ``now`` is Unix time."""
        self.jar = Jar(self, now, most)
        self._tally = tally
        self._answers = answers
        self._store: CookieStore | None = None
        self._guests: dict[bytes, set[Guest]] = {}  # by cookie
        self._came_by: dict[Guest, bytes] = {}

    def keep_in(self, store: CookieStore) -> None:
        """Take in what a store has, and keep everything there from now on."""
        bindings = store.load()
        self._store = store  # which is told what has expired
        self.jar.load(bindings)

    # ------------------------------------------------------------------------------------------- what sessions tell

    def joined(self, guest: Guest, accept: Accept, door: RealmAuth | None) -> None:
        """Somebody was welcomed, by this door, on a connection that was given a cookie."""
        method = None if door is None else door.methods.get("cookie")
        if not isinstance(method, Cookie) or accept.authmethod == "anonymous":
            return
        visit: Visit = guest.about["cookie"]
        binding = visit.binding
        if accept.authmethod != method.name or binding is None:
            binding = self.jar.bind(
                visit, bound_by(accept, method.template), method.terms, secrets.token_bytes(SALT_SIZE)
            )
        self._guests.setdefault(binding.id, set()).add(guest)
        self._came_by[guest] = binding.id

    def left(self, guest: Guest) -> None:
        """The session of a connection is over. Doing it twice does no harm."""
        came_by = self._came_by.pop(guest, None)
        if came_by is not None:
            guests = self._guests[came_by]
            guests.discard(guest)
            if not guests:
                del self._guests[came_by]

    def over(self, guest: Guest, reason: str) -> None:
        """The client of a session has said GOODBYE for this reason: it may want its cookie to be forgotten."""
        came_by = self._came_by.get(guest)
        if came_by is None or reason != LOGOUT:
            return
        self.left(guest)
        binding = self.jar.get(came_by)
        if binding is not None:
            self.jar.forget(binding)
            log.info("{authid} logged out of {realm}", authid=binding.authid, realm=binding.realm)
        self._send_away(came_by, "logged out")

    # ----------------------------------------------------------------------------------- what others tell of principals

    def changed(self, door: RealmAuth, accounts: Any, authids: Collection[str] | None) -> None:
        """Something has changed of these principals, `None`: of any, of those who come in by this door."""
        method = door.methods.get("cookie")
        if not isinstance(method, Cookie):
            return
        for binding in self.jar.of(method.template, authids):
            if binding.proofs is not None and binding.provider != JUDGED:  # whom nobody but its authenticator knows
                question = FindAccount(accounts, "authid", binding.authid, "cookie", NOBODY)
                self._answers.tell(question, self._found, binding)

    def logged_out(self, door: RealmAuth, authids: Collection[str]) -> None:
        """These principals are not to come back by what they have."""
        method = door.methods.get("cookie")
        if isinstance(method, Cookie):
            for binding in self.jar.of(method.template, authids):
                self.jar.forget(binding)

    def _found(self, account: Account | Failed | None, binding: Binding) -> None:
        if account is None or (isinstance(account, Account) and not is_proved(binding, account)):
            self.jar.forget(binding)

    # ------------------------------------------------------------------------------------------- what the jar tells

    def keep(self, binding: Binding) -> None:
        """A cookie is new, or has changed."""
        if self._store is not None:
            self._store.keep(binding)

    def forget(self, binding: Binding) -> None:
        """A cookie stands for nobody any more."""
        if self._store is not None:
            self._store.forget(binding)

    def stolen(self, binding: Binding) -> None:
        """Somebody has a copy of a cookie."""
        self._tally.strike(COOKIES_STOLEN)
        log.warn(
            "a cookie of {authid} in {realm} was shown again after its successor: somebody has a copy; it is forgotten",
            authid=binding.authid,
            realm=binding.realm,
        )
        self._send_away(binding.id, "the cookie was copied")

    def _send_away(self, came_by: bytes, message: str) -> None:
        for guest in list(self._guests.get(came_by, ())):
            guest.dismiss(LOGOUT, message)


def bound_by(accept: Accept, template: str) -> Bound:
    """What a cookie is to stand for when this client is let in."""
    extra = accept.authextra
    if accept.account is not None:  # which has what is to be told; the rest was of this handshake, but for the factors
        extra = {name: value for name, value in (extra or {}).items() if name == AUTHFACTORS} or None
    return Bound(
        template=template,
        realm=accept.realm,
        authid=accept.authid,
        role=accept.authrole,
        method=accept.authmethod,
        provider=accept.authprovider,
        extra=extra,
        account=accept.account,
        lasts=accept.lasts,
    )
