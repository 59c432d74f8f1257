"""What TLS knows of a connection, for methods of authentication that bind themselves to it.

Rules
-----
* Nothing is computed before a method asks.
* Sessions of TLS are never resumed here (see `wampd.router.transports.tls`). So the first Finished message of a connection
  is the client's, and ``tls-unique`` is not open to the attack of the triple handshake, which needs a resumption (RFC 7627,
  section 1; RFC 5929, section 3). Each connection has verified the client's certificate itself.
* ``tls-unique`` is of TLS 1.2 alone: it is not defined for 1.3 (RFC 8446, appendix C.5). ``tls-exporter`` is given for 1.3
  alone: before, it would need the extended master secret (RFC 9266, section 4.2), and nothing here tells whether there is one.
* ``tls-server-end-point`` is of the certificate that this very connection was served with, whichever SNI chose.
"""

from __future__ import annotations

from OpenSSL import SSL

EXPORTER_LABEL = b"EXPORTER-Channel-Binding"
EXPORTER_SIZE = 32


class TlsChannel:
    """A connection inside TLS whose handshake is done: a `wampd.auth.methods.Channel`."""

    __slots__ = ("_connection",)

    def __init__(self, connection: SSL.Connection) -> None:
        self._connection = connection

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate in DER, verified against the listener's authorities; `None`: it showed none."""
        from cryptography.hazmat.primitives.serialization import Encoding

        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        return None if certificate is None else certificate.public_bytes(Encoding.DER)

    def binding(self, kind: str) -> bytes | None:
        """The channel id of this kind; `None`: there is none."""
        connection = self._connection
        version = connection.get_protocol_version()
        if kind == "tls-unique" and version == SSL.TLS1_2_VERSION:
            return connection.get_peer_finished()
        if kind == "finished" and version == SSL.TLS1_3_VERSION:
            return connection.get_peer_finished()
        if kind == "tls-exporter" and version == SSL.TLS1_3_VERSION:
            return connection.export_keying_material(EXPORTER_LABEL, EXPORTER_SIZE, b"")
        if kind == "tls-server-end-point":
            return _end_point(connection)
        return None


def _end_point(connection: SSL.Connection) -> bytes | None:
    """The digest of the server's certificate by the hash of its own signature, or a better one (RFC 5929, section 4.1)."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes

    certificate = connection.get_certificate(as_cryptography=True)
    if certificate is None:
        return None
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    if algorithm is None:
        return None  # Ed25519 and its like have no single hash: the binding is not defined for them
    return certificate.fingerprint(hashes.SHA256() if algorithm.name in ("md5", "sha1") else algorithm)
