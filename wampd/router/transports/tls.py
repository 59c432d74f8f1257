"""TLS on a listener, through Twisted and OpenSSL: 1.2 and 1.3, AEAD ciphers, certificates read again when they change.

Source: RFC 9325, "Recommendations for Secure Use of TLS".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from OpenSSL import SSL, crypto
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions, TLSVersion
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

log = Logger()

CIPHERS = (
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


class CertificateFiles:
    """A Twisted context factory over two PEM files. Raise `ValueError` if they do not fit together.

    The files are looked at when a connection comes in; if they changed and are good, they are used from then on.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate = certificate
        self._key = key
        self._stamp = self._look()
        self._options = self._load()

    def getContext(self) -> SSL.Context:  # noqa: N802 - Twisted's name
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
        try:
            chain = _certificates(self._certificate.read_bytes())
            key = crypto.load_privatekey(crypto.FILETYPE_PEM, self._key.read_bytes(), _no_password)
            options = CertificateOptions(
                privateKey=key,
                certificate=chain[0],
                extraCertChain=chain[1:],
                insecurelyLowerMinimumTo=TLSVersion.TLSv1_2,
                acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
            )
            options.getContext().check_privatekey()
        except (crypto.Error, SSL.Error) as error:
            raise ValueError(f"{self._certificate} and {self._key} are no certificate and key: {error}") from None
        return options


def wrap(factory: Any, files: Any) -> Any:
    """A factory whose protocols are inside TLS; ``files`` are `CertificateFiles`."""
    return TLSMemoryBIOFactory(files, False, factory)


def _certificates(pem: bytes) -> list[crypto.X509]:
    end = b"-----END CERTIFICATE-----"
    parts = [part + end for part in pem.split(end)[:-1]]
    if not parts:
        raise ValueError("no certificate in the file")
    return [crypto.load_certificate(crypto.FILETYPE_PEM, part) for part in parts]


def _no_password(*_: Any) -> bytes:
    return b""
