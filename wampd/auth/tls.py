"""Authentication method ``tls``: the certificate that the client has shown to TLS tells who it is.

Rules
-----
* The listener has verified the certificate against its authorities: chain, dates, and that the client has the key. So there
  is no CHALLENGE. A client that showed none is not served, and the next method that it offers is tried.
* An account is looked for by each name of the certificate (see `wampd.auth.certificates`), the fingerprint first. The first
  that is found lets its principal in; if HELLO names an authid, the first with that authid.

Source: WAMP advanced profile, "Authentication": "Transport-level".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wampd.auth.accounts import Account
from wampd.auth.certificates import names_of
from wampd.auth.methods import Channel, Deny, Request, Step, Unchallenged, Wait, shown
from wampd.auth.questions import FindAccount


class Tls:
    """The method, with where the accounts are of those who may come in."""

    __slots__ = ("_accounts", "_knows_certificates")

    name = "tls"

    def __init__(self, accounts: Any, *, knows_certificates: bool = False) -> None:
        """``accounts`` is where to look for them: see `FindAccount`.

        ``knows_certificates``: who is asked there sees the whole certificate, so it is asked once, by the fingerprint.
        """
        self._accounts = accounts
        self._knows_certificates = knows_certificates

    def begin(self, request: Request) -> TlsExchange | None:
        """Start with one client; `None`: it has shown no certificate."""
        channel: Channel | None = request.transport.get("channel")
        certificate = None if channel is None else channel.certificate
        if certificate is None:
            return None
        names = names_of(certificate)
        return TlsExchange(request, self._accounts, names[:1] if self._knows_certificates else names)


class TlsExchange(Unchallenged):
    """One client's way: it has shown its certificate already."""

    __slots__ = ("_accounts", "_names", "_request")

    method = "tls"

    def __init__(self, request: Request, accounts: Any, names: tuple[str, ...]) -> None:
        self._request = request
        self._accounts = accounts
        self._names = names

    def challenge(self) -> Step:
        """Nothing is asked of the client; look for its account."""
        return self._look(iter(self._names))

    def _look(self, names: Iterator[str]) -> Step:
        """Look for an account by the next name."""
        name = next(names, None)
        if name is None:
            authid = self._request.details.authid
            return Deny(
                f"tls: no principal {shown(authid) if authid is not None else ''} has {shown(self._names, 300)}"
            )

        def found(account: Account | None) -> Step:
            if account is None or name not in account.certificates or not self._is_meant(account):
                return self._look(names)
            return account.principal()

        return Wait(FindAccount(self._accounts, "certificate", name.encode(), "tls", self._request), found)

    def _is_meant(self, account: Account) -> bool:
        return self._request.details.authid in (None, account.authid)
