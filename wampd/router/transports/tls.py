"""TLS on a listener, through Twisted and OpenSSL: 1.2 and 1.3, AEAD ciphers, certificates by the host that is
asked for, read again when they change; clients' certificates, verified.

Rules
-----
* No session is resumed, and none renegotiated: `wampd.router.transports.channels` depends on it, and a client's certificate is
  verified anew for each connection.
* Of what a client offers to speak (ALPN), HTTP/1.1 is taken; with Twisted's own choice, which asks the factory inside, the
  handshake would fail.
* A client's certificate is verified by OpenSSL: chain, dates, purpose. One that is not good ends the handshake, also where none
  would have done.

Source: RFC 9325, "Recommendations for Secure Use of TLS".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from msgspec import Struct
from OpenSSL import SSL
from OpenSSL.crypto import X509StoreFlags
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


HTTP = b"http/1.1"
"""What browsers are told that is spoken here (ALPN, RFC 7301)."""


class ClientCertificates(Struct, frozen=True):
    """Clients show certificates."""

    authorities: Path
    """PEM file of the certificates that vouch for them."""
    required: bool
    """Without one nobody gets through the handshake."""
    revocations: Path | None = None
    """PEM file of the authorities' lists of certificates that are good no more."""

    @property
    def files(self) -> tuple[Path, ...]:
        """What is to be read."""
        return (self.authorities,) if self.revocations is None else (self.authorities, self.revocations)


class CertificateFiles:
    """A certificate with its chain, and its key: two PEM files. Raise `ValueError` if they do not fit together.

    The files are looked at when a connection comes in; if they changed and are good, they are used from then on.
    """

    def __init__(
        self,
        certificate: Path,
        key: Path,
        *,
        clients: ClientCertificates | None = None,
        prepare: Callable[[SSL.Context], None] | None = None,
    ) -> None:
        """``prepare`` is given every new context."""
        self._certificate = certificate
        self._key = key
        self._clients = clients
        self._files = (certificate, key, *(() if clients is None else clients.files))
        self._prepare = prepare
        self.names: frozenset[str] = frozenset()
        """The hosts that the certificate is for, in lower case; ``*.`` stands for one label."""
        self._stamp = self._look()
        self._context = self._load()

    def context(self) -> SSL.Context:
        """The context for the next connection."""
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._context = self._load()
                log.info("certificate {certificate} was read again", certificate=str(self._certificate))
            except (ValueError, OSError) as error:
                log.error("the old certificate stays in use: {error}", error=str(error))
        return self._context

    def _look(self) -> tuple[int, ...]:
        try:
            return tuple(path.stat().st_mtime_ns for path in self._files)
        except OSError:
            return ()

    def _load(self) -> SSL.Context:
        context: SSL.Context = CertificateOptions(
            insecurelyLowerMinimumTo=TLSVersion.TLSv1_2,
            acceptableCiphers=AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
        ).getContext()
        if b"ENCRYPTED" in self._key.read_bytes():  # OpenSSL would ask for the password on the terminal, and wait
            raise ValueError(f"{self._key} is protected by a password, which nobody is there to type")
        try:
            context.use_certificate_chain_file(str(self._certificate))
            context.use_privatekey_file(str(self._key))
            context.check_privatekey()
        except SSL.Error as error:
            raise ValueError(f"{self._certificate} and {self._key} are no certificate and key: {error}") from None
        context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
        context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION)
        context.set_alpn_select_callback(_choose_protocol)
        if self._clients is not None:
            _ask_clients(context, self._clients)
        self.names = _names(x509.load_pem_x509_certificates(self._certificate.read_bytes())[0])
        if self._prepare is not None:
            self._prepare(context)
        return context


@implementer(IOpenSSLServerConnectionCreator)
class Certificates:
    """Makes the TLS side of connections, with the certificate for the host that the client asks for (RFC 6066, section 3).

    The first certificate is for clients that ask for no host, or for one that no certificate names.
    """

    def __init__(self, pairs: Sequence[tuple[Path, Path]], clients: ClientCertificates | None = None) -> None:
        """``pairs`` are files of certificates and their keys; ``clients``: what is asked of clients, if anything."""
        self._first = CertificateFiles(*pairs[0], clients=clients, prepare=self._prepare)
        self._more = [CertificateFiles(*pair, clients=clients) for pair in pairs[1:]]

    def serverConnectionForTLS(self, _protocol: Any) -> SSL.Connection:  # noqa: N802 - Twisted's name
        """The TLS side of a new connection."""
        return SSL.Connection(self._first.context(), None)

    def _prepare(self, context: SSL.Context) -> None:
        context.set_tlsext_servername_callback(self._choose)

    def _choose(self, connection: SSL.Connection) -> None:
        """The client has said which host it asks for."""
        files = self._of(_asked(connection))
        if files is not self._first:
            connection.set_context(files.context())

    def fits(self, connection: SSL.Connection, host: str) -> bool:
        """Whether a host, in lower case, has the certificate that was shown on a connection."""
        return not self._more or self._of(host) is self._of(_asked(connection))

    def _of(self, host: str) -> CertificateFiles:
        """The certificate of a host."""
        if host:
            wildcard = "*." + host.partition(".")[2]
            for name in (host, wildcard):
                for files in (self._first, *self._more):
                    if name in files.names:
                        return files
        return self._first


def _choose_protocol(_connection: SSL.Connection, offered: Sequence[bytes]) -> Any:
    """HTTP/1.1, if the client offers it; if it offers only others, it may still speak RawSocket, which has no name."""
    return HTTP if HTTP in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _asked(connection: SSL.Connection) -> str:
    """The host that a client asked for in the handshake; empty if for none."""
    return (connection.get_servername() or b"").decode("ascii", "replace").lower().rstrip(".")


def _ask_clients(context: SSL.Context, clients: ClientCertificates) -> None:
    """Have clients show a certificate that one of the authorities vouches for."""
    try:
        context.load_verify_locations(str(clients.authorities))
        context.load_client_ca(str(clients.authorities).encode())
    except SSL.Error as error:
        raise ValueError(f"{clients.authorities} holds no certificates of authorities: {error}") from None
    if clients.revocations is not None:
        store = context.get_cert_store()
        assert store is not None
        for revocations in read_revocations(clients.revocations):
            store.add_crl(revocations)
        store.set_flags(X509StoreFlags.CRL_CHECK)
    context.set_verify(SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if clients.required else 0))


def read_revocations(file: Path) -> list[x509.CertificateRevocationList]:
    """The revocation lists in a PEM file. Raise `ValueError` if there is none, or one cannot be read."""
    found = re.findall(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", file.read_bytes(), re.DOTALL)
    if not found:
        raise ValueError(f"{file} holds no revocation lists")
    try:
        return [x509.load_pem_x509_crl(each) for each in found]
    except ValueError as error:
        raise ValueError(f"{file} holds revocation lists that cannot be read: {error}") from None


def fitting(certificates: Certificates) -> Callable[[Any, str], bool]:
    """What tells whether the connection of a transport has the certificate of a host."""
    return lambda transport, host: certificates.fits(transport.getHandle(), host)


def wrap(factory: Any, certificates: Certificates) -> Any:
    """A factory whose protocols are inside TLS."""
    creator: Any = certificates
    return TLSMemoryBIOFactory(creator, False, factory)


def _names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in alternatives.get_values_for_type(x509.DNSName))
