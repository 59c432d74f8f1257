"""TLS on a listener, through Twisted and OpenSSL: 1.2 and 1.3, AEAD ciphers, certificates read again when they change.

Source: RFC 9325, "Recommendations for Secure Use of TLS".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

log = Logger()

CIPHERS = (
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


@implementer(IOpenSSLServerConnectionCreator)
class CertificateFiles:
    """Makes the TLS side of connections, from two PEM files. Raise `ValueError` if they do not fit together.

    The files are looked at when a connection comes in; if they changed and are good, they are used from then on.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._stamp = self._look()
        self._options = self._load()

    def serverConnectionForTLS(self, _protocol: Any) -> SSL.Connection:  # noqa: N802 - Twisted's name
        """The TLS side of a new connection."""
        return SSL.Connection(self.context(), None)

    def context(self) -> SSL.Context:
        """The context for the next connection."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._options = self._load()
                log.info("certificate {certificate} was read again", certificate=str(self._certificate))
            except (ValueError, OSError) as error:
                log.error("the old certificate stays in use: {error}", error=str(error))
        context: SSL.Context = self._options.getContext()
        return context

    def _look(self) -> tuple[int, ...]:
        try:
            return tuple(path.stat().st_mtime_ns for path in (self._certificate, self._key))
        except OSError:
            return ()

    def _load(self) -> CertificateOptions:
        options = CertificateOptions(
            insecurelyLowerMinimumTo=TLSVersion.TLSv1_2,
            acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
        )
        context = options.getContext()
        if b"ENCRYPTED" in self._key.read_bytes():  # OpenSSL would ask for the password on the terminal, and wait
            raise ValueError(f"{self._key} is protected by a password, which nobody is there to type")
        try:
            context.use_certificate_chain_file(str(self._certificate))
            context.use_privatekey_file(str(self._key))
            context.check_privatekey()
        except SSL.Error as error:
            raise ValueError(f"{self._certificate} and {self._key} are no certificate and key: {error}") from None
        return options


def wrap(factory: Any, files: Any) -> Any:
    """A factory whose protocols are inside TLS; ``files`` are `CertificateFiles`."""
    return TLSMemoryBIOFactory(files, False, factory)
