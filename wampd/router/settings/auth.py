"""Settings of a realm: how its sessions authenticate, and as whom."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from wampd.auth.accounts import Kdf

from .jwt import JwtAuth
from .parts import Count, Name, Part, Seconds, SecondsOrOff, Text
from .secret import Secret

Kibibytes = Annotated[int, Meta(ge=8, le=4 * 1024 * 1024)]
"""The memory of Argon2 in KiB, as its parameters, and CHALLENGE, have it."""


class CraProof(Part, frozen=True, kw_only=True):
    """What proves a principal by the method `wampcra`: a secret as it is, or the key that a password was derived to.

    The key is the base64 text of `keylen` octets that PBKDF2 with HMAC-SHA256 makes of password, salt and iterations.
    """

    secret: Annotated[Secret | None, Meta(description="A secret that the client has as it is.")] = None
    key: Annotated[Secret | None, Meta(description="The derived key, in base64; instead of `secret`.")] = None
    salt: Annotated[str | None, Meta(description="The salt of the password, as the text that clients get.")] = None
    iterations: Annotated[Count | None, Meta(description="The iterations of PBKDF2.")] = None
    keylen: Annotated[int, Meta(ge=16, le=64, description="The length of the key in octets.")] = 32


class ScramProof(Part, frozen=True, kw_only=True):
    """What proves a principal by the method `scram`: what was derived from a password (RFC 5802). All texts are base64."""

    kdf: Annotated[
        Kdf,
        Meta(
            description="What the salted password was made with. `argon2id-13` is how Crossbar.io and autobahn do it, which"
            " differs from `argon2id13` of the specification; clients of the one kind cannot use keys of the other."
        ),
    ]
    salt: Annotated[str, Meta(description="The salt, 8 to 64 octets.")]
    iterations: Annotated[Count, Meta(description="The iterations of PBKDF2, or the passes of Argon2.")]
    memory: Annotated[Kibibytes | None, Meta(description="The memory of Argon2, in KiB.")] = None
    stored_key: Annotated[Secret, Meta(description="The stored key, 32 octets.")]
    server_key: Annotated[Secret, Meta(description="The server key, 32 octets.")]


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
    password: Annotated[
        Secret | None,
        Meta(
            description="A password for every method of the realm that takes one: `ticket`, `wampcra` and `scram`. What they"
            " need is derived when the router starts, which takes some hundredths of a second for each principal."
        ),
    ] = None
    wampcra: Annotated[
        CraProof | None, Meta(description="What proves it by the method `wampcra`, instead of `password`.")
    ] = None
    scram: Annotated[
        ScramProof | None, Meta(description="What proves it by the method `scram`, instead of `password`.")
    ] = None
    factors: Annotated[
        tuple[Name, ...],
        Meta(
            description="Methods by which the client has to prove itself one after the other, all of them in one handshake;"
            " no other method lets it in. Empty: any method will do for which there is something here."
        ),
    ] = ()


class Authenticator(Part, frozen=True, kw_only=True):
    """A procedure of a component that says who may come in by a method, instead of `principals`.

    It is called with the realm, the authid and details of the client, and returns the role, or a dictionary with the role and
    what the client must prove (see authentication.md). Whatever goes wrong lets nobody in.
    """

    procedure: Annotated[Name, Meta(description="The URI of the procedure.")]
    realm: Annotated[
        Name | None,
        Meta(description="The realm that it is registered in; `null`: the realm whose clients it is asked about."),
    ] = None
    timeout: Annotated[Seconds, Meta(description="How long it may take to answer.")] = 5.0
    pending_calls: Annotated[
        Count, Meta(description="Clients at once that wait for its answer; more are turned away.")
    ] = 1_000


class PasswordFile(Part, frozen=True, kw_only=True):
    """A file of names and passwords, as the program `htpasswd` makes it: `htpasswd -cB FILE NAME`.

    Its hashes must be bcrypt or argon2. It is refused if other users have any access to it.
    """

    file: Annotated[Path, Meta(description="The file; read again when it changes.")]
    role: Annotated[Name, Meta(description="The role of all who are in it.")]


class AnonymousAuth(Part, frozen=True, kw_only=True):
    """Authentication method `anonymous`: everybody is let in, under one role."""

    role: Annotated[Name, Meta(description="The role of anonymous sessions.")] = "anonymous"
    authenticator: Annotated[
        Authenticator | None,
        Meta(description="Who says which clients are let in, and in what role, instead of `role`."),
    ] = None


class TicketAuth(Part, frozen=True, kw_only=True):
    """Authentication method `ticket`: a shared secret, sent as it is; use it over TLS or a Unix socket."""

    authenticator: Annotated[
        Authenticator | None, Meta(description="Who judges the tickets, instead of `principals`.")
    ] = None


class WampcraAuth(Part, frozen=True, kw_only=True):
    """Authentication method `wampcra`: the client signs a challenge with a secret, or with a key derived from its password."""

    iterations: Annotated[
        Count,
        Meta(
            description="What deriving a key from a `password` costs: iterations of PBKDF2. Clients derive theirs each time"
            " that they join."
        ),
    ] = 100_000
    authenticator: Annotated[
        Authenticator | None, Meta(description="Who tells the secrets and keys, instead of `principals`.")
    ] = None


class ScramAuth(Part, frozen=True, kw_only=True):
    """Authentication method `scram`, alias `wamp-scram`: client and router prove to each other that they know a password."""

    kdf: Annotated[
        Literal["argon2id13", "pbkdf2"], Meta(description="What derives the keys of a `password`: Argon2id or PBKDF2.")
    ] = "argon2id13"
    iterations: Annotated[
        Count | None,
        Meta(description="Its passes or iterations. `null`: 2 of Argon2id, 600,000 of PBKDF2."),
    ] = None
    memory: Annotated[Kibibytes, Meta(description="The memory of Argon2id, in KiB.")] = 19 * 1024
    channel_binding: Annotated[
        Literal["optional", "required"],
        Meta(
            description="Whether clients must bind their proof to the TLS connection, so that nobody in between can pass it"
            " on; browsers cannot."
        ),
    ] = "optional"
    authenticator: Annotated[Authenticator | None, Meta(description="Who tells the keys, instead of `principals`.")] = (
        None
    )


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
    tls_unique_on_tls_1_3: Annotated[
        bool,
        Meta(
            description="Bind by `tls-unique` on TLS 1.3, too, as autobahn and Crossbar.io do; no standard has it there."
        ),
    ] = False
    authenticator: Annotated[
        Authenticator | None, Meta(description="Who tells whose a key is, instead of `principals`.")
    ] = None


class TlsAuth(Part, frozen=True, kw_only=True):
    """Authentication method `tls`: the certificate that the client has shown tells who it is.

    A listener must ask for certificates: see `client_certificates` of its `tls`.
    """

    authenticator: Annotated[
        Authenticator | None, Meta(description="Who tells whose a certificate is, instead of `principals`.")
    ] = None


class CookieAuth(Part, frozen=True, kw_only=True):
    """Authentication method `cookie`: a browser that came in by another method before comes back without being asked.

    It needs a WebSocket or long-poll path with `cookie`. Changed times hold for cookies that are given from then on.
    """

    lifetime: Annotated[Seconds, Meta(description="How long after the authentication a cookie stands for it.")] = (
        30 * 86_400.0
    )
    idle: Annotated[Seconds, Meta(description="How long it stands for it without a connection that showed it.")] = (
        7 * 86_400.0
    )
    grace: Annotated[
        SecondsOrOff,
        Meta(
            description="How long the value before is good when a new one has arrived at the browser, for other tabs that"
            " are on their way. Shown later, it was copied: the cookie is forgotten, and who came by it is sent away."
        ),
    ] = 30.0
    per_principal: Annotated[
        Count,
        Meta(
            description="Most cookies that stand for one principal; the one that was not shown for longest is forgotten."
        ),
    ] = 20


class Auth(Part, frozen=True, kw_only=True):
    """How sessions of a realm authenticate; a method that is not named is not offered.

    Of the methods that a client offers, the first that is named here serves it.
    """

    principals: Annotated[
        tuple[Principal, ...], Meta(description="Who may come in by other methods than `anonymous`.")
    ] = ()
    files: Annotated[
        tuple[Path, ...],
        Meta(
            description="Files with more principals: a YAML list of the same mappings, open to no other user. A file is"
            " read again when it changes; while it cannot be used, what was read before stays. An authid that is in"
            " several places is the principal of the first: `principals`, then the files in order, then the store."
        ),
    ] = ()
    store: Annotated[
        bool,
        Meta(description="Let in the principals of this realm that are in the store, where `wampd user` manages them."),
    ] = False
    password_files: Annotated[
        tuple[PasswordFile, ...],
        Meta(description="Files of names and passwords, which clients send with the method `ticket`."),
    ] = ()
    unknown_principals: Annotated[
        Literal["deny", "tell"],
        Meta(
            description="What clients learn that name somebody whom nobody knows: `deny`, that they are denied, as with a"
            " wrong proof; `tell`, that there is no such principal (`wamp.error.no_such_principal`)."
        ),
    ] = "deny"
    anonymous: Annotated[AnonymousAuth | None, Meta(description="Let clients in without authentication.")] = None
    ticket: Annotated[TicketAuth | None, Meta(description="Let principals in by a shared secret.")] = None
    cryptosign: Annotated[CryptosignAuth | None, Meta(description="Let principals in by their Ed25519 keys.")] = None
    tls: Annotated[TlsAuth | None, Meta(description="Let principals in by their TLS certificates.")] = None
    cookie: Annotated[CookieAuth | None, Meta(description="Let browsers come back that came in before.")] = None
    wampcra: Annotated[
        WampcraAuth | None, Meta(description="Let principals in that sign a challenge with a secret or password.")
    ] = None
    scram: Annotated[
        ScramAuth | None,
        Meta(description="Let principals in that prove that they know a password, and learn that we do."),
    ] = None
    mock_secret: Annotated[
        Secret | None,
        Meta(
            description="What the salts are made of that unknown principals are shown by `wampcra` and `scram`, and those of"
            " every `password`: at least 16 characters, drawn at random. `null`: the store keeps one, or else it is drawn"
            " when the router starts; then who compares salts before and after that can tell who is unknown from those with"
            " derived keys."
        ),
    ] = None
    jwt: Annotated[
        JwtAuth | None, Meta(description="Let in who has a token that somebody else has signed (JSON Web Token).")
    ] = None
