"""Settings of the authentication method `jwt`: which tokens are good, and what is made of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from .parts import KIB, Bytes, Name, Part, Seconds, SecondsOrOff
from .secret import Secret

Algorithm = Literal[
    "HS256",
    "HS384",
    "HS512",
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
]
DEFAULT_SECRET_ALGORITHMS: tuple[Algorithm, ...] = ("HS256",)

Way = Annotated[tuple[Name, ...], Meta(min_length=1)]


class _Fetched(Part, frozen=True, kw_only=True):
    """What is to be said of keys that are fetched."""

    refresh: Annotated[
        Seconds,
        Meta(
            description="How often the keys are fetched. They are also fetched when a token names one that is not known,"
            " but not more often than every `pause`."
        ),
    ] = 3600.0
    pause: Annotated[Seconds, Meta(description="Time between two attempts to fetch the keys, at least.")] = 30.0
    timeout: Annotated[Seconds, Meta(description="Time that one attempt may take.")] = 5.0
    keep: Annotated[
        Seconds,
        Meta(description="How long keys count that cannot be fetched again; then nobody is let in until they can."),
    ] = 86400.0
    ca: Annotated[
        Path | None,
        Meta(
            description="Certificates (PEM) of the authorities that vouch for the server, read at the start; `null`: those of"
            " the system."
        ),
    ] = None
    insecure: Annotated[
        bool,
        Meta(description="Allow `http:` to other hosts than this one, where anybody on the way can give the keys."),
    ] = False


class Jwks(_Fetched, frozen=True, kw_only=True):
    """A set of public keys (JWK Set), from a file or from a server.

    `refresh`, `pause`, `timeout`, `keep`, `ca` and `insecure` are for servers. Redirections are not followed.
    """

    file: Annotated[Path | None, Meta(description="The file; read again when it changes.")] = None
    url: Annotated[Name | None, Meta(description="Where the set is: `https:`, or `http:` on this host.")] = None


class Oidc(_Fetched, frozen=True, kw_only=True):
    """A provider of OpenID Connect, which tells where its keys are."""

    issuer: Annotated[
        Name,
        Meta(
            description="Its URL, which is also what the claim `iss` of the tokens must be, to the letter. What it says of"
            " itself is at `/.well-known/openid-configuration` below it."
        ),
    ]


class JwtRole(Part, frozen=True, kw_only=True):
    """The role of a session by its token."""

    claim: Annotated[
        Way | None,
        Meta(
            description="The way to the claim that tells: a text, or a list of texts. `[roles]` is the claim `roles`,"
            " `[realm_access, roles]` is `roles` in `realm_access`."
        ),
    ] = None
    values: Annotated[
        Mapping[str, Name],
        Meta(
            description="The role for each value of the claim; the first here that the token has decides. Without any the"
            " values are the names of the realm's roles, in their order."
        ),
    ] = {}
    default: Annotated[
        Name | None, Meta(description="The role of tokens without such a value. `null`: they let nobody in.")
    ] = None


class JwtAuth(Part, frozen=True, kw_only=True):
    """Authentication method `jwt`: a token that somebody else has signed says who the client is.

    The keys come from one of `secret`, `public_key`, `jwks` and `oidc`.
    """

    secret: Annotated[
        Secret | None,
        Meta(
            description="The secret that the signer shares: at least as many bytes as the algorithm's hash has, such as 32."
        ),
    ] = None
    public_key: Annotated[
        Path | None, Meta(description="The signer's public key, or its certificate, in PEM; read at the start.")
    ] = None
    jwks: Annotated[Jwks | None, Meta(description="A set of public keys.")] = None
    oidc: Annotated[Oidc | None, Meta(description="A provider of OpenID Connect.")] = None
    algorithms: Annotated[
        Annotated[tuple[Algorithm, ...], Meta(min_length=1)] | None,
        Meta(
            description="The algorithms that are taken, whatever the token says. `null`: with a secret `HS256`, else all"
            " that fit the public keys.",
        ),
    ] = None
    issuer: Annotated[
        Name | None, Meta(description="What the claim `iss` must be; `null`: anything, or with `oidc` its `issuer`.")
    ] = None
    audience: Annotated[
        tuple[Name, ...] | None,
        Meta(
            description="What the claim `aud` must be, or hold, one of; an empty list: it may be anything. `null`: there"
            " must be no such claim; must be given where keys come from a server, which signs for others, too."
        ),
    ] = None
    required: Annotated[
        tuple[Name, ...], Meta(description="Claims that must be there, besides those that other settings need.")
    ] = ("exp",)
    leeway: Annotated[SecondsOrOff, Meta(description="How much clocks may differ.")] = 10.0
    max_age: Annotated[
        Seconds | None, Meta(description="How long ago a token may have been issued (`iat`); `null`: any time.")
    ] = None
    authid: Annotated[Way, Meta(description="The way to the claim that is the authid.")] = ("sub",)
    role: Annotated[JwtRole, Meta(description="The role of the session.")]
    realm: Annotated[
        Way | None,
        Meta(description="The way to a claim that names this realm, or lists it; `null`: a token is for any realm."),
    ] = None
    extra: Annotated[
        tuple[Name, ...], Meta(description="Claims that the client is told in `authextra` of `WELCOME`.")
    ] = ()
    max_size: Annotated[Bytes, Meta(ge=256, le=64 * KIB, description="The longest token.")] = 8 * KIB
    single_use: Annotated[
        bool, Meta(description="Let each token in once. It needs `jti`; the router forgets all when it starts again.")
    ] = False
    end_with_token: Annotated[bool, Meta(description="End a session when its token expires (`exp` and `leeway`).")] = (
        True
    )
