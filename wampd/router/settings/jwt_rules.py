"""What types cannot say of the method `jwt`: rules between keys, algorithms and claims, and of files of keys."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from .checker import Here, Rule, repeated
from .jwt import Jwks, JwtAuth, JwtRole, Oidc
from .problems import KeyPath, quote_file

SOURCES = ("secret", "public_key", "jwks", "oidc")
"""The keys that say where keys come from."""

LARGEST_FILE = 256 * 1024
"""Bytes of a file of keys."""


def read_keys(file: Path) -> bytes:
    """Return the content of a file of public keys; raises `ValueError` with the reason if it cannot be used."""
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ValueError(f"cannot read {quote_file(file)}: {error.strerror}") from None
    if len(content) > LARGEST_FILE:
        raise ValueError(f"{quote_file(file)} is longer than {LARGEST_FILE} bytes")
    return content


def jwt_roles(auth: JwtAuth) -> Iterator[tuple[str, KeyPath]]:
    """Return the roles that the settings name, and where."""
    for value, role in auth.role.values.items():
        yield role, ("role", "values", value)
    if auth.role.default is not None:
        yield auth.role.default, ("role", "default")


def _jwt(auth: JwtAuth, here: Here) -> None:
    given = [name for name in SOURCES if getattr(auth, name) is not None]
    if not given and all(here.is_sound(name) for name in SOURCES):
        here.problem(f"there is nothing to verify tokens with: give one of {', '.join(SOURCES)}")
    for name in given[1:]:
        here.problem(f"there is {given[0]} already; the keys come from one place", name)
    for index, _ in repeated(here.each(auth.algorithms or (), "algorithms")):
        here.problem("this algorithm is here twice", "algorithms", index)
    if len(given) == 1:
        _keys(auth, here)
        _source(auth, here)
    if auth.single_use and here.is_sound("required") and "exp" not in auth.required:
        here.problem('tokens for single use must expire: "exp" must be among the required claims', "single_use")


def _keys(auth: JwtAuth, here: Here) -> None:
    """See that keys and algorithms are made for each other."""
    from wampd.auth import jwk  # only where there are tokens

    algorithms = list(here.each(auth.algorithms or (), "algorithms"))
    if auth.secret is not None:
        fitting = jwk.secret(auth.secret.reveal()).algorithms
        for index, name in algorithms:
            if name not in jwk.HMAC:
                here.problem(f"{name} works with public keys, not with a secret", "algorithms", index)
        wanted = [jwk.HMAC[name] for _, name in algorithms if name in jwk.HMAC] or [jwk.HMAC["HS256"]]
        if not all(name in fitting for _, name in algorithms if name in jwk.HMAC) or not fitting:
            here.problem(f"the secret is too short: it needs at least {max(wanted)} bytes", "secret")
        return
    for index, name in algorithms:
        if name in jwk.HMAC:
            here.problem(
                f"{name} works with a secret, not with public keys, which everybody knows", "algorithms", index
            )
    if auth.public_key is None:
        return
    try:
        fitting = jwk.public(read_keys(auth.public_key)).algorithms
    except jwk.UnusableKeyError as why:
        here.problem(f"cannot use {quote_file(auth.public_key)}: {why}", "public_key")
    except ValueError as error:
        here.problem(str(error), "public_key")
    else:
        for index, name in algorithms:
            if name in jwk.PUBLIC - fitting:
                here.problem(f"the public key is for {', '.join(sorted(fitting))}", "algorithms", index)


def _source(auth: JwtAuth, here: Here) -> None:
    """See that tokens of others are not taken for tokens that are meant for this router."""
    if auth.oidc is not None and auth.issuer not in (None, auth.oidc.issuer):
        here.problem("the issuer of the tokens is that of oidc", "issuer")
    elsewhere = auth.oidc is not None or (auth.jwks is not None and auth.jwks.url is not None)
    if elsewhere and auth.audience is None and here.is_sound("audience") and here.is_sound("jwks"):
        here.problem(
            "say whom the tokens are for, since their issuer makes tokens for others, too; [] takes them all",
            "audience",
        )


def _role(role: JwtRole, here: Here) -> None:
    if role.claim is None and role.default is None and here.is_sound():
        here.problem("nothing says the role: give a claim, or a default")
    if role.claim is None and role.values and here.is_sound("claim"):
        here.problem("there is no claim whose values these are", "values")


def _jwks(jwks: Jwks, here: Here) -> None:
    if (jwks.file is None) == (jwks.url is None):
        if here.is_sound("file") and here.is_sound("url"):
            here.problem("the keys come from a file or from a url: give one of the two")
        return
    if jwks.url is not None:
        _fetched(jwks, jwks.url, "url", here)
        return
    assert jwks.file is not None
    default = Jwks(file=jwks.file)
    for name in ("refresh", "pause", "timeout", "keep", "ca", "insecure"):
        if getattr(jwks, name) != getattr(default, name):
            here.problem("only keys of a url are fetched", name)
    from wampd.auth import jwk

    try:
        jwk.key_set(read_keys(jwks.file))
    except jwk.UnusableKeyError as why:
        here.problem(f"cannot use {quote_file(jwks.file)}: {why}", "file")
    except ValueError as error:
        here.problem(str(error), "file")


def _oidc(oidc: Oidc, here: Here) -> None:
    _fetched(oidc, oidc.issuer, "issuer", here)


def _fetched(source: Jwks | Oidc, url: str, key: str, here: Here) -> None:
    from . import urls  # only for those who fetch something

    if why := urls.fault(url, insecure=source.insecure):
        here.problem(why, key)
    elif source.insecure and url.startswith("https:"):
        here.problem("a url that begins with https: needs no such permission", "insecure")
    if key == "issuer" and "?" in url:
        here.problem("an issuer has no query", key)
    if source.keep < source.refresh and here.is_sound("keep") and here.is_sound("refresh"):
        here.problem("must be at least as long as refresh, else there are no keys in between", "keep")
    if source.ca is not None:
        from cryptography.x509 import load_pem_x509_certificates

        try:
            load_pem_x509_certificates(read_keys(source.ca))
        except ValueError as error:
            text = str(error)
            here.problem(
                text if text.startswith("cannot read") else f"{quote_file(source.ca)} holds no certificates", "ca"
            )


JWT_RULES: Mapping[type, Rule] = {JwtAuth: _jwt, JwtRole: _role, Jwks: _jwks, Oidc: _oidc}
