"""autobahn-python that logs in by a key or a certificate: ``keys.py FRAMEWORK WISHES`` prints what came of it as JSON.

FRAMEWORK is ``twisted`` or ``asyncio``; WISHES are a JSON object: ``url``, ``method``, ``authid``, ``seed``, ``binding``,
``challenge`` (for the router to sign), ``trust``, ``certificate`` and ``key`` (PEM files), ``tls`` (``1.2`` or ``1.3``),
``patience`` (seconds).
"""

import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

import txaio
from autobahn.wamp.auth import create_authenticator

PATIENCE = 10
"""Seconds."""
FRAMEWORK, WISHES = sys.argv[1], json.loads(sys.argv[2])

if FRAMEWORK == "twisted":
    from autobahn.twisted.wamp import ApplicationRunner, ApplicationSession
    from twisted.internet.ssl import Certificate, PrivateCertificate, TLSVersion, optionsForClientTLS
else:
    from autobahn.asyncio.wamp import ApplicationRunner, ApplicationSession

HEARD: dict[str, Any] = {}


class Session(ApplicationSession):
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

    def onLeave(self, details: Any) -> None:
        HEARD["left"] = details.reason
        self.disconnect()

    def onDisconnect(self) -> None:
        if FRAMEWORK == "twisted":
            from twisted.internet import reactor

            if reactor.running:
                reactor.stop()
        else:
            asyncio.get_running_loop().stop()


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


def main() -> None:
    """Log in once."""
    secure = WISHES["url"].startswith(("wss:", "rss:"))
    runner = ApplicationRunner(WISHES["url"], "realm1", ssl=options() if secure else None)
    try:
        runner.run(Session, log_level="critical")
    except Exception as error:  # noqa: BLE001 - a TLS handshake that fails
        HEARD["failed"] = f"{type(error).__name__}: {error}"
    tell()


def tell(*_: object) -> None:
    """Say what was heard, past those who catch what is printed, and end."""
    os.write(1, json.dumps(HEARD).encode())
    os._exit(0)


signal.signal(signal.SIGALRM, tell)
signal.alarm(WISHES.get("patience", PATIENCE))
txaio.start_logging(level="critical")
main()
