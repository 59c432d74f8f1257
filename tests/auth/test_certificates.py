"""What certificates are called."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from wampd.auth.certificates import described, fingerprint_name, names_of, san_name, subject_name

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(b"hunter2 of a certificate".ljust(32, b"."))
DIGEST = "ab" * 32


def certificate(subject: x509.Name, *sans: x509.GeneralName) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2050, 1, 1))
    )
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    return builder.sign(KEY, None)


def der(subject: x509.Name, *sans: x509.GeneralName) -> bytes:
    return certificate(subject, *sans).public_bytes(Encoding.DER)


JOE = x509.Name(
    [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example, Inc."), x509.NameAttribute(NameOID.COMMON_NAME, "joe")]
)


@pytest.mark.spec("TLA-02")
def test_a_certificate_is_called_by_its_fingerprint_its_subject_and_its_alternative_names():
    made = certificate(
        JOE,
        x509.DNSName("Joe.Example.COM"),
        x509.RFC822Name("Joe@Example.COM"),
        x509.UniformResourceIdentifier("urn:Joe"),
        x509.RegisteredID(x509.ObjectIdentifier("1.2.3")),
        x509.DNSName("joe.example.com"),
    )
    assert names_of(made.public_bytes(Encoding.DER)) == (
        f"sha256:{made.fingerprint(hashes.SHA256()).hex()}",
        r"subject:CN=joe,O=Example\, Inc.",
        "DNS:joe.example.com",
        "email:Joe@example.com",
        "URI:urn:Joe",
    )


def test_a_certificate_may_have_neither_subject_nor_alternative_names():
    assert len(names_of(der(x509.Name([])))) == 1
    assert names_of(der(JOE))[1:] == (r"subject:CN=joe,O=Example\, Inc.",)


def test_of_very_many_alternative_names_some_count():
    names = names_of(der(JOE, *(x509.DNSName(f"h{number}.example.com") for number in range(1000))))
    assert len(names) == 2 + 32


@pytest.mark.parametrize("octets", [b"", b"0", b"nothing of the sort", der(JOE)[:-20], der(JOE) + b"more"])
def test_what_cannot_be_read_has_a_fingerprint_and_no_name(octets):
    assert len(names_of(octets)) == 1


def test_names_of_one_kind_are_never_taken_for_names_of_another():
    tricky = names_of(
        der(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "DNS:joe.example.com")]),
            x509.UniformResourceIdentifier("subject:CN=joe"),
            x509.DNSName(f"sha256:{DIGEST}"),
        )
    )
    assert tricky[1:] == (
        "subject:CN=DNS:joe.example.com",
        "URI:subject:CN=joe",
        f"DNS:sha256:{DIGEST}",
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (DIGEST, f"sha256:{DIGEST}"),
        (DIGEST.upper(), f"sha256:{DIGEST}"),
        (":".join(["AB"] * 32), f"sha256:{DIGEST}"),
        (DIGEST[:-1], None),
        (DIGEST + "0", None),
        (DIGEST[:-2] + ":a", None),
        (":" + DIGEST, None),
        (DIGEST + "\n", None),
        ("zz" * 32, None),
        ("", None),
    ],
)
def test_a_fingerprint_is_64_hex_digits(text, name):
    assert fingerprint_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CN=joe", "subject:CN=joe"),
        (r"CN=joe,O=Example\, Inc.", r"subject:CN=joe,O=Example\, Inc."),
        (r"CN=joe,O=Example\2c Inc.", r"subject:CN=joe,O=Example\, Inc."),
        ("emailAddress=joe@example.com", "subject:1.2.840.113549.1.9.1=joe@example.com"),
        ("joe", None),
        ("CN=", None),
        ("CN=joe, O=Example", None),
        ("", None),
        ("/O=Example/CN=joe", None),
    ],
)
def test_a_subject_is_written_as_rfc_4514_has_it(text, name):
    assert subject_name(text) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("DNS:Joe.example.com", "DNS:joe.example.com"),
        ("email:Joe@Example.com", "email:Joe@example.com"),
        ("URI:urn:Joe:x", "URI:urn:Joe:x"),
        ("DNS:", None),
        ("joe.example.com", None),
        ("dns:joe.example.com", None),
        ("IP:127.0.0.1", None),
        ("", None),
    ],
)
def test_an_alternative_name_says_its_kind(text, name):
    assert san_name(text) == name


@pytest.mark.spec("AUT-07")
def test_others_are_told_the_names_and_nothing_else():
    made = certificate(JOE, x509.DNSName("joe.example.com"))
    assert described(made.public_bytes(Encoding.DER)) == {
        "fingerprint": made.fingerprint(hashes.SHA256()).hex(),
        "subject": r"CN=joe,O=Example\, Inc.",
        "san": ["DNS:joe.example.com"],
    }
    assert described(b"nonsense") == {"fingerprint": described(b"nonsense")["fingerprint"], "subject": None, "san": []}
