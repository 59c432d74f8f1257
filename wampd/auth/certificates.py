"""Names of TLS certificates, by which principals are found: what one certificate is called, and what others are told of it.

Rules
-----
* A certificate has several names: ``sha256:`` and its fingerprint, ``subject:`` and its subject, and one for each subject
  alternative name: ``DNS:``, ``email:``, ``URI:``. The fingerprint, which is of this certificate alone, comes first.
* A name is compared as a whole: no pattern matches, in the configuration or in the certificate. Hosts, also those of e-mail
  addresses, are in lower case, everything else is as it is.
* Whether a certificate may be believed is not known here: it was verified by whoever has it.

Sources: RFC 5280 (certificates), RFC 4514 (subjects as text).
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from wampd.realms.options import JsonDict

FINGERPRINT_SIZE: Final = 32
KINDS: Final = ("DNS", "email", "URI")
"""The subject alternative names that are names here."""
MOST_NAMES: Final = 32
"""Subject alternative names of one certificate that count."""


def fingerprint_name(text: str) -> str | None:
    """The name that a SHA-256 fingerprint in hex is, with colons or without; `None`: it is none."""
    digits = text.replace(":", "") if re.fullmatch("[^:]{2}(:[^:]{2})*", text) else text
    if not re.fullmatch(f"[0-9a-fA-F]{{{2 * FINGERPRINT_SIZE}}}", digits):
        return None
    return f"sha256:{digits.lower()}"


def subject_name(text: str) -> str | None:
    """The name that a subject is, written as RFC 4514 has it (``CN=joe,O=Example``); `None`: it is none."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        subject = x509.Name.from_rfc4514_string(text, {"emailAddress": NameOID.EMAIL_ADDRESS})
    except ValueError:
        return None
    return _subject(subject)


def san_name(text: str) -> str | None:
    """The name that ``DNS:…``, ``email:…`` or ``URI:…`` is; `None`: it is none."""
    kind, _, value = text.partition(":")
    return _san(kind, value) if kind in KINDS and value else None


def names_of(certificate: bytes) -> tuple[str, ...]:
    """What a certificate (DER) is called, its fingerprint first; of one that cannot be read, its fingerprint alone."""
    fingerprint = f"sha256:{hashlib.sha256(certificate).hexdigest()}"
    try:
        return (fingerprint, *_names_within(certificate))
    except ValueError:
        return (fingerprint,)


def described(certificate: bytes) -> JsonDict:
    """What others, who decide about a client, are told of its certificate."""
    fingerprint, *names = names_of(certificate)
    subjects = [name.partition(":")[2] for name in names if name.startswith("subject:")]
    return {
        "fingerprint": fingerprint.partition(":")[2],
        "subject": subjects[0] if subjects else None,
        "san": [name for name in names if not name.startswith("subject:")],
    }


def _names_within(der: bytes) -> list[str]:
    """Raise `ValueError` if the certificate cannot be read."""
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(der)
    subject = _subject(certificate.subject)
    names = [] if subject is None else [subject]
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return names
    kinds: dict[Any, str] = {x509.DNSName: "DNS", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "URI"}
    named = [(kinds[type(each)], each.value) for each in alternatives if type(each) in kinds]
    return [*names, *dict.fromkeys(_san(kind, value) for kind, value in named[:MOST_NAMES])]


def _subject(subject: Any) -> str | None:
    text = subject.rfc4514_string()
    return f"subject:{text}" if text else None


def _san(kind: str, value: str) -> str:
    if kind == "DNS":
        return f"DNS:{value.lower()}"
    if kind == "email":
        local, at, host = value.rpartition("@")
        return f"email:{local}{at}{host.lower()}"
    return f"{kind}:{value}"
