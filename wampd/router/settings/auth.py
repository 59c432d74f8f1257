"""Settings of a realm: how its sessions authenticate, and as whom."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from .parts import Name, Part, Text
from .secret import Secret


class Certificate(Part, frozen=True, kw_only=True):
    """What a client's TLS certificate is called: one of these."""

    fingerprint: Annotated[
        Text | None,
        Meta(description="The SHA-256 digest of the certificate: 64 hex digits, with colons or without."),
    ] = None
    subject: Annotated[
        Text | None, Meta(description="The whole subject, as in RFC 4514: `CN=joe,O=Example` (the last part first).")
    ] = None
    san: Annotated[
        Text | None,
        Meta(
            description="A subject alternative name: `DNS:host`, `email:name@host` or `URI:uri`; there are no patterns."
        ),
    ] = None


class Principal(Part, frozen=True, kw_only=True):
    """Somebody who may come in, and what proves it; a method for which nothing is given here does not let them in."""

    authid: Annotated[Name, Meta(description="The name that the client gives; unique in the realm.")]
    role: Annotated[Name, Meta(description="The role of the session.")]
    ticket: Annotated[
        Secret | None,
        Meta(
            description='What the client sends with the method `ticket`: a string, better `"${NAME}"`, or'
            " `{file: PATH}` of a file that others cannot read."
        ),
    ] = None
    keys: Annotated[
        tuple[Text, ...],
        Meta(description="The Ed25519 public keys that prove it by the method `cryptosign`: 64 hex digits each."),
    ] = ()
    certificates: Annotated[
        tuple[Certificate, ...],
        Meta(
            description="The TLS certificates that prove it by the method `tls`. A subject or an alternative name is as good"
            " as the listener's authorities, each of which can vouch for it; a fingerprint is of one certificate alone."
        ),
    ] = ()


class PasswordFile(Part, frozen=True, kw_only=True):
    """A file of names and passwords, as the program `htpasswd` makes it: `htpasswd -cB FILE NAME`.

    Its hashes must be bcrypt or argon2. It is refused if other users have any access to it.
    """

    file: Annotated[Path, Meta(description="The file; read again when it changes.")]
    role: Annotated[Name, Meta(description="The role of all who are in it.")]


class AnonymousAuth(Part, frozen=True, kw_only=True):
    """Authentication method `anonymous`: everybody is let in, under one role."""

    role: Annotated[Name, Meta(description="The role of anonymous sessions.")] = "anonymous"


class TicketAuth(Part, frozen=True, kw_only=True):
    """Authentication method `ticket`: a shared secret, sent as it is; use it over TLS or a Unix socket."""


class CryptosignAuth(Part, frozen=True, kw_only=True):
    """Authentication method `cryptosign`: the client signs a challenge with its Ed25519 key."""

    router_key: Annotated[
        Secret | None,
        Meta(
            description="The seed of the Ed25519 key by which the router proves itself to clients that challenge it: 64 hex"
            " digits, best as `{file: PATH}`. It signs whatever clients bring, so use it for nothing else."
        ),
    ] = None
    channel_binding: Annotated[
        Literal["optional", "required"],
        Meta(
            description="Whether a signature must be bound to the TLS connection (`tls-exporter` on TLS 1.3, `tls-unique`"
            " on TLS 1.2), so that nobody between client and router can use it. `optional`: if the client asks."
        ),
    ] = "optional"


class TlsAuth(Part, frozen=True, kw_only=True):
    """Authentication method `tls`: the certificate that the client has shown tells who it is.

    A listener must ask for certificates: see `client_certificates` of its `tls`.
    """


class Auth(Part, frozen=True, kw_only=True):
    """How sessions of a realm authenticate; a method that is not named is not offered.

    Of the methods that a client offers, the first that is named here serves it.
    """

    principals: Annotated[
        tuple[Principal, ...], Meta(description="Who may come in by other methods than `anonymous`.")
    ] = ()
    password_files: Annotated[
        tuple[PasswordFile, ...],
        Meta(description="Files of names and passwords, which clients send with the method `ticket`."),
    ] = ()
    anonymous: Annotated[AnonymousAuth | None, Meta(description="Let clients in without authentication.")] = None
    ticket: Annotated[TicketAuth | None, Meta(description="Let principals in by a shared secret.")] = None
    cryptosign: Annotated[CryptosignAuth | None, Meta(description="Let principals in by their Ed25519 keys.")] = None
    tls: Annotated[TlsAuth | None, Meta(description="Let principals in by their TLS certificates.")] = None
