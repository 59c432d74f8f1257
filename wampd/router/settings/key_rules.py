"""Rules of what proves principals by keys of their own: cryptosign's keys, the router's, and TLS certificates."""

from collections.abc import Iterable, Sequence
from typing import Any

from wampd.auth.certificates import fingerprint_name, san_name, subject_name
from wampd.auth.keys import SigningKey, read_public_key

from .auth import Auth, Certificate, CryptosignAuth, Principal
from .checker import Here, repeated
from .listeners import ClientCertificates
from .model import Settings
from .problems import quote_file


def principal_keys(principal: Principal, here: Here) -> None:
    """See that the keys of a principal are public keys."""
    for index, key in here.each(principal.keys, "keys"):
        if read_public_key(key) is None:
            here.problem("not an Ed25519 public key, which is 64 hex digits", "keys", index)


def cryptosign(method: CryptosignAuth, here: Here) -> None:
    """See that the router's key is one."""
    if method.router_key is None or not here.is_sound("router_key"):
        return
    try:
        SigningKey.from_text(method.router_key.reveal())
    except ValueError:
        here.problem("not the seed of an Ed25519 key, which is 64 hex digits", "router_key")


def certificate_name(certificate: Certificate) -> str | None:
    """The name that is meant; `None`: what is there is none."""
    if certificate.fingerprint is not None:
        return fingerprint_name(certificate.fingerprint)
    if certificate.subject is not None:
        return subject_name(certificate.subject)
    return san_name(certificate.san or "")


def certificate(certificate: Certificate, here: Here) -> None:
    """See that a certificate has one name that can be found."""
    given = [key for key in Certificate.__struct_fields__ if getattr(certificate, key) is not None]
    if not here.is_sound():
        return
    if len(given) != 1:
        here.problem(f"expected one of {', '.join(Certificate.__struct_fields__)}")
    elif certificate_name(certificate) is None:
        here.problem(_EXPECTED[given[0]], given[0])


_EXPECTED = {
    "fingerprint": "not a SHA-256 fingerprint, which is 64 hex digits",
    "subject": "not a subject; write it like CN=joe,O=Example (RFC 4514)",
    "san": "not a subject alternative name; write it like DNS:host, email:name@host or URI:uri",
}


def client_certificates(clients: ClientCertificates, here: Here) -> None:
    """See that there are authorities."""
    import ssl  # only where TLS is used

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(clients.authorities)
    except ssl.SSLError:
        here.problem(f"there are no certificates (PEM) in {quote_file(clients.authorities)}", "authorities")
    except OSError:
        here.problem(f"cannot read the file {quote_file(clients.authorities)}", "authorities")


def certificates_are_asked_for(settings: Settings, here: Here) -> None:
    """See that where the method ``tls`` is offered clients can show certificates."""
    if not here.is_sound("listeners") or any(each.tls and each.tls.client_certificates for each in settings.listeners):
        return
    for index, realm in here.each(settings.realms, "realms"):
        if realm.auth.tls is not None:
            message = "no listener asks clients for certificates; give one tls: {client_certificates: …}"
            here.problem(message, "realms", index, "auth", "tls")


def routers_key(auth: Auth) -> bytes | None:
    """The public key of the router itself; `None`: it has none, or what is there is none."""
    if auth.cryptosign is None or auth.cryptosign.router_key is None:
        return None
    try:
        return SigningKey.from_text(auth.cryptosign.router_key.reveal()).public
    except ValueError:
        return None


def one_owner(
    principals: Sequence[tuple[int, Principal]], routers: bytes | None, here: Here, *where: str | int
) -> None:
    """See that no key belongs to two principals, or to one and the router, which signs what anybody brings."""
    keys = [
        ((index, number), read_public_key(key))
        for index, principal in principals
        for number, key in here.each(principal.keys, *where, index, "keys")
    ]
    known = [((index, number), key) for (index, number), key in keys if key is not None]
    for index, number in _repeated(known):
        here.problem("this key is here twice", *where, index, "keys", number)
    names = [
        ((index, number), certificate_name(each))
        for index, principal in principals
        for number, each in here.each(principal.certificates, *where, index, "certificates")
    ]
    for index, number in _repeated([(place, name) for place, name in names if name is not None]):
        here.problem("this certificate is here twice", *where, index, "certificates", number)
    for (index, number), key in known:
        if key == routers:
            here.problem(
                "this is the router's own key, which signs whatever clients bring", *where, index, "keys", number
            )


def _repeated(keys: list[tuple[tuple[int, int], Any]]) -> Iterable[tuple[int, int]]:
    """The places of what was there before."""
    return (keys[position][0] for position, _ in repeated(enumerate(key for _, key in keys)))
