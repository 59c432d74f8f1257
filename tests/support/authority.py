"""Authorities made for a test, and the certificates of clients that they vouch for."""

import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support.certificates import Pem

PEM = serialization.Encoding.PEM
DAY = datetime.timedelta(days=1)


class Authority:
    """One that vouches for clients; its own certificate is a file of ``directory``."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = _build(self._name, self._name, self._key.public_key(), ca=True).sign(self._key, hashes.SHA256())
        self.certificate = directory / f"{name}.crt"
        self.certificate.write_bytes(certificate.public_bytes(PEM))

    def client(self, name: str, *, sans: tuple[x509.GeneralName, ...] = (), days: int = 1, server: bool = False) -> Pem:
        """A certificate for a client, and its key; ``days`` from now it ends, ``server``: it is for servers alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _build(subject(name), self._name, key.public_key(), ca=False, days=days)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if sans:
            builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
        return _write(self._directory / name, builder.sign(self._key, hashes.SHA256()), key)

    def revocations(self, *revoked: Pem, days: int = 1) -> bytes:
        """A list of certificates that are good no more; ``days`` from now it is out of date."""
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._name)
        builder = builder.last_update(now - 9 * DAY).next_update(now + days * DAY)
        for pem in revoked:
            number = x509.load_pem_x509_certificate(pem.certificate.read_bytes()).serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now - DAY).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(PEM)


def self_signed(directory: Path, name: str) -> Pem:
    """A certificate that nobody but its owner vouches for, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _build(subject(name), subject(name), key.public_key(), ca=False)
    return _write(directory / name, builder.sign(key, hashes.SHA256()), key)


def subject(name: str) -> x509.Name:
    """The subject of a client's certificate."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example, Inc."),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def fingerprint(certificate: Path) -> str:
    """The SHA-256 digest of a certificate, in hex."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256()).hex()


def _build(name: x509.Name, issuer: x509.Name, key: Any, *, ca: bool, days: int = 1) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 9 * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )


def _write(path: Path, certificate: x509.Certificate, key: Any) -> Pem:
    pem = Pem(path.with_suffix(".crt"), path.with_suffix(".key"))
    pem.certificate.write_bytes(certificate.public_bytes(PEM))
    pem.key.touch(mode=0o600)
    pem.key.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return pem
