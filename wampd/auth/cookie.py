"""Authentication method ``cookie``: a browser that has authenticated before comes back without being asked.

Rules
-----
* What counts is the cookie of the HTTP request that opened the connection: ``Request.transport["cookie"]``, a `Visit`.
* A cookie stands for the principal of one realm. Where it stands for nobody, for one of another realm, or for another than the
  client names in HELLO, the next method that the client offers is tried.
* The principal is looked for again, and comes back as who it is now, with the role that it has now. If it is gone or disabled,
  or what proves it has changed since, the cookie is forgotten and the next method tried. Who came in by something that no
  account vouches for comes back as who it was then.
* Principals that an authenticator judged are judged by it again, which has no proof then.
* A cookie stands for all that the authentication took which it was bound by: nothing further is asked of the client. If that
  was by a method that the realm does not offer any more, or if the principal has more factors now, the cookie is forgotten.

The specification names the method and says no more (WAMP advanced profile, "Authentication"); the rest is decided here.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any

from msgspec import structs

from wampd.auth.accounts import JUDGED, Account
from wampd.auth.factors import AUTHFACTORS, factor
from wampd.auth.jar import Binding, Jar, Terms, Visit
from wampd.auth.methods import Decline, Principal, Request, Step, Unchallenged, Wait, shown
from wampd.auth.questions import FindAccount


class Cookie:
    """The method, with what cookies stand for and where the accounts are of those who may come back."""

    __slots__ = ("_accounts", "_jar", "template", "terms")

    name = "cookie"

    def __init__(
        self,
        template: str,
        jar: Jar,
        accounts: Callable[[str], Any],
        terms: Terms = Terms(),  # noqa: B008 - frozen
    ) -> None:
        """``template`` is the realm as the configuration names it; ``terms`` are for cookies that are bound from now on.

        ``accounts`` tells where to look for those who came in by a method (see `FindAccount`); `None`: by none that is offered.
        """
        self.template = template
        self._jar = jar
        self._accounts = accounts
        self.terms = terms

    def begin(self, request: Request) -> CookieExchange | None:
        """Start with one client, if it brought a cookie that stands for somebody here."""
        visit: Visit | None = request.transport.get("cookie")
        binding = None if visit is None else visit.binding
        if binding is None or binding.realm != request.realm or not self._jar.holds(binding):
            return None
        if request.details.authid not in (None, binding.authid):
            return None
        accounts = self._accounts(binding.method)
        if accounts is None:
            self._jar.forget(binding)
            return None
        return CookieExchange(request, self._jar, accounts, binding)


class CookieExchange(Unchallenged):
    """One client's way: nothing is asked of it."""

    __slots__ = ("_accounts", "_binding", "_jar", "_request")

    method = "cookie"

    def __init__(self, request: Request, jar: Jar, accounts: Any, binding: Binding) -> None:
        self._request = request
        self._jar = jar
        self._accounts = accounts
        self._binding = binding

    def challenge(self) -> Step:
        """Look for the principal."""
        binding = self._binding
        if binding.proofs is None:
            lasts = self._jar.lasts(binding)
            return Principal(binding.authid, binding.role, binding.provider, binding.extra, lasts=lasts)
        return Wait(FindAccount(self._accounts, "authid", binding.authid, "cookie", self._request), self._see)

    def _see(self, account: Account | None) -> Step:
        """Let the principal in, if it is who it was."""
        binding = self._binding
        if not self._jar.holds(binding):
            return Decline("cookie: forgotten meanwhile")
        if account is None or not is_proved(binding, account):
            self._jar.forget(binding)
            why = "is gone or disabled" if account is None else "has to prove something else now"
            return Decline(f"cookie: {shown(binding.authid)} {why}")
        return self._principal(account)

    def _principal(self, account: Account) -> Principal:
        """Who comes back; all factors were passed when the cookie was bound."""
        principal = account.principal()
        factors = (self._binding.extra or {}).get(AUTHFACTORS)
        extra = principal.extra if factors is None else {**(principal.extra or {}), AUTHFACTORS: factors}
        return structs.replace(principal, factors=(), extra=extra, lasts=self._jar.lasts(self._binding))


def is_proved(binding: Binding, account: Account) -> bool:
    """Whether what proves a principal is what it was when the cookie was bound."""
    if account.provider == JUDGED:
        passed = (binding.extra or {}).get(AUTHFACTORS, [factor(binding.method)])
        return set(account.factors) <= set(passed)
    return binding.proofs is not None and hmac.compare_digest(account.digest(binding.salt), binding.proofs)
