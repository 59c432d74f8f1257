"""Rules of what proves principals by keys of their own: cryptosign's keys, the router's, and TLS certificates."""

from collections.abc import Iterable, Mapping

from wampd.auth.certificates import fingerprint_name, san_name, subject_name
from wampd.auth.keys import SigningKey, read_public_key

from .auth import Auth, Certificate, CryptosignAuth, Principal
from .checker import Here, Rule, repeated
from .listeners import ClientCertificates
from .model import Settings
from .problems import KeyPath, quote_file


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
        here.problem(NOT_A_NAME[given[0]], given[0])


NOT_A_NAME = {
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
    if clients.revocations is not None:
        from wampd.router.transports.tls import read_revocations

        try:
            read_revocations(clients.revocations)
        except ValueError:
            here.problem(f"there are no revocation lists (PEM) in {quote_file(clients.revocations)}", "revocations")
        except OSError:
            here.problem(f"cannot read the file {quote_file(clients.revocations)}", "revocations")


def certificates_are_asked_for(settings: Settings, here: Here) -> None:
    """See that where the method ``tls`` is offered clients can show certificates."""
    if not here.is_sound("listeners") or any(each.tls and each.tls.client_certificates for each in settings.listeners):
        return
    for index, realm in here.each(settings.realms, "realms"):
        if realm.auth.tls is not None:
            message = "no listener asks clients for certificates; give one tls: {client_certificates: …}"
            here.problem(message, "realms", index, "auth", "tls")


def bindings_can_be(settings: Settings, here: Here) -> None:
    """See that clients which must bind their proof to a TLS connection can have one."""
    if not here.is_sound("listeners") or any(each.tls for each in settings.listeners):
        return
    for index, realm in here.each(settings.realms, "realms"):
        methods = {"scram": realm.auth.scram, "cryptosign": realm.auth.cryptosign}
        for name, method in methods.items():
            if method is not None and method.channel_binding == "required":
                message = "nobody can come in by this method: no listener has TLS"
                here.problem(message, "realms", index, "auth", name, "channel_binding")


def one_owner(principals: Iterable[tuple[int, Principal]], here: Here, *keys: str | int) -> None:
    """See that no key and no certificate belongs to two of the principals that ``keys`` lead to."""
    marks: list[tuple[str | bytes | None, KeyPath]] = []
    for index, principal in principals:
        for number, key in here.each(principal.keys, *keys, index, "keys"):
            marks.append((read_public_key(key), (index, "keys", number)))
        for number, certificate in here.each(principal.certificates, *keys, index, "certificates"):
            marks.append((certificate_name(certificate), (index, "certificates", number)))
    sound = [(mark, place) for mark, place in marks if mark is not None]
    for position, _ in repeated(enumerate(mark for mark, _ in sound)):
        here.problem("this is here twice, and can be of one principal alone", *keys, *sound[position][1])


def not_the_routers(auth: Auth, principals: Iterable[tuple[int, Principal]], here: Here, *keys: str | int) -> None:
    """See that the router's own key, which signs whatever clients bring, is not that of a principal ``keys`` lead to."""
    if auth.cryptosign is None or auth.cryptosign.router_key is None:
        return
    try:
        own = SigningKey.from_text(auth.cryptosign.router_key.reveal()).public
    except ValueError:
        return  # which is a problem by itself
    for index, principal in principals:
        for number, key in here.each(principal.keys, *keys, index, "keys"):
            if read_public_key(key) == own:
                message = "this is the router's own key, which signs whatever clients bring"
                here.problem(message, *keys, index, "keys", number)


KEY_RULES: Mapping[type, Rule] = {
    Certificate: certificate,
    ClientCertificates: client_certificates,
    CryptosignAuth: cryptosign,
    Principal: principal_keys,
}
