"""Who vouches for the certificates of servers that the router asks."""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.ssl import Certificate, trustRootFromCertificates

_END: Final = b"-----END CERTIFICATE-----"


def trust_of(pem: bytes | None) -> Any:
    """Certificates in PEM as an ``IOpenSSLTrustRoot``; `None`: those whom the system trusts."""
    if pem is None:
        return None
    return trustRootFromCertificates([Certificate.loadPEM(part + _END + b"\n") for part in pem.split(_END)[:-1]])
