"""autobahn-python that logs in by a key or a certificate: see `visits`.

WISHES also have ``method``, ``authid``, ``seed``, ``binding``, ``challenge`` (for the router to sign), ``trust``,
``certificate`` and ``key`` (PEM files), and ``tls`` (``1.2`` or ``1.3``).
"""

import ssl
from pathlib import Path
from typing import Any

from autobahn.wamp.auth import create_authenticator
from visits import FRAMEWORK, HEARD, WISHES, Visit, hold

if FRAMEWORK == "twisted":
    from twisted.internet.ssl import Certificate, PrivateCertificate, TLSVersion, optionsForClientTLS


class Session(Visit):
    """Joins as it is told to, and leaves."""

    def onConnect(self) -> None:
        method = WISHES["method"]
        self.signer = None
        authextra = {
            key: WISHES[wish]
            for key, wish in (("channel_binding", "binding"), ("challenge", "challenge"))
            if WISHES.get(wish)
        }
        if method == "cryptosign":
            self.signer = create_authenticator("cryptosign", privkey=WISHES["seed"], authextra=authextra)
            authextra = self.signer.authextra
        self.join("realm1", [method], WISHES.get("authid"), authextra=authextra)

    def onChallenge(self, challenge: Any) -> str:
        HEARD["challenge"] = challenge.extra
        ids = self._transport.transport_details.channel_id or {}
        HEARD["channel"] = {kind: value.hex() for kind, value in ids.items() if value}
        assert self.signer is not None
        answer: str = self.signer.on_challenge(self, challenge)
        return answer

    def onJoin(self, details: Any) -> None:
        HEARD["joined"] = [details.authid, details.authrole, details.authmethod]
        self.leave()


def options() -> Any:
    """How the client speaks TLS."""
    if FRAMEWORK == "asyncio":
        context = ssl.create_default_context(cafile=WISHES["trust"])
        if WISHES.get("certificate"):
            context.load_cert_chain(WISHES["certificate"], WISHES["key"])
        if WISHES.get("tls"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion[f"TLSv{WISHES['tls'].replace('.', '_')}"]
        return context
    more: dict[str, Any] = {}
    if WISHES.get("tls"):
        version = getattr(TLSVersion, f"TLSv{WISHES['tls'].replace('.', '_')}")
        more = {"insecurelyLowerMinimumTo": version, "lowerMaximumSecurityTo": version}
    shown = None
    if WISHES.get("certificate"):
        shown = PrivateCertificate.loadPEM(read(WISHES["certificate"]) + read(WISHES["key"]))
    trusted = Certificate.loadPEM(read(WISHES["trust"]))
    return optionsForClientTLS("localhost", trusted, shown, extraCertificateOptions=more)


def read(file: str) -> str:
    """The text of a file."""
    return Path(file).read_text()


hold(Session, options() if WISHES["url"].startswith(("wss:", "rss:")) else None)
