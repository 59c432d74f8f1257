"""Profiles: routers that a user often speaks to, by name.

Rules
-----
* The file is ``profiles.yaml`` in ``$XDG_CONFIG_HOME/wampd`` (``~/.config/wampd``). It is read as the router's configuration
  is: an unknown key is an error with its place and a hint, and so is everything else that does not fit.
* Secrets are in files of their own (``secret: {file: …}``), or in the file itself; then nobody else may read it.
* Which profile: the one that is named, or else ``default``; where a URL is named, none by itself, so that no secret goes to
  another router than the one it is for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, field

from wampd.cli.speaking.options import Preset
from wampd.cli.speaking.where import profiles_file
from wampd.client.urls import WrongUrl, read_url
from wampd.router.settings.parts import Part
from wampd.router.settings.secret import Secret

if TYPE_CHECKING:
    from wampd.router.settings.checker import Here

Text = Annotated[str, Meta(min_length=1)]
Method = Literal["anonymous", "ticket", "wampcra", "scram", "cryptosign", "tls", "cookie", "jwt"]
Serializer = Literal["json", "msgpack", "cbor", "ubjson", "flatbuffers"]


class Profile(Part, frozen=True, kw_only=True):
    """One router, and who the user is there."""

    url: Annotated[Text, Meta(description="Where it is.")]
    realm: Annotated[Text | None, Meta(description="The realm to join.")] = None
    auth: Annotated[Method | None, Meta(description="The method; without it whatever there is proof for.")] = None
    authid: Annotated[Text | None, Meta(description="Who the user is.")] = None
    role: Annotated[Text | None, Meta(description="The role to ask for.")] = None
    secret: Annotated[Secret | None, Meta(description="A ticket, password or token.")] = None
    key: Annotated[Path | None, Meta(description="The file of an Ed25519 key, as `wampd key new` makes it.")] = None
    serializer: Annotated[Serializer | None, Meta(description="How messages are written.")] = None
    ca: Annotated[Path | None, Meta(description="The authorities that are trusted (PEM).")] = None
    certificate: Annotated[Path | None, Meta(description="The client's certificate (PEM).")] = None
    certificate_key: Annotated[Path | None, Meta(description="Its private key, if that is in another file.")] = None


class Profiles(Part, frozen=True, kw_only=True):
    """The file."""

    default: Annotated[Text | None, Meta(description="The profile that is used when none is named.")] = None
    profiles: Annotated[Mapping[str, Profile], Meta(description="All profiles, by name.")] = field(default_factory=dict)


class WrongProfiles(Exception):
    """The file is not right; the text says all that is wrong, a line each."""


def read_profiles(environ: Mapping[str, str] = os.environ) -> Profiles:
    """The profiles; none if there is no file. Raise `WrongProfiles`."""
    file = profiles_file(environ)
    if not os.path.exists(file):  # nor where this user may not look: the home of another
        return Profiles()
    from wampd.router.settings.checker import Checker
    from wampd.router.settings.problems import SettingsError, gathering
    from wampd.router.settings.source import Reader

    try:
        with gathering() as problems:
            root = Reader(environ, problems).read(file)
            checker = Checker(problems, {Profiles: _check_profiles, Profile: _check_profile}, environ)
            found: Any = checker.check(root, Profiles)
    except SettingsError as wrong:
        raise WrongProfiles(str(wrong)) from None
    assert isinstance(found, Profiles)
    if _holds_secrets(file, found):
        raise WrongProfiles(
            f"{file} holds secrets, and others can read it; chmod 600 it, or name files: secret: {{file: …}}"
        )
    return found


def _check_profiles(profiles: Profiles, here: Here) -> None:
    from wampd.router.settings.problems import did_you_mean, quote

    if profiles.default is not None and profiles.default not in profiles.profiles and here.is_sound("profiles"):
        hint = did_you_mean(profiles.default, profiles.profiles)
        here.problem(f"there is no profile {quote(profiles.default)}{hint}", "default")


def _check_profile(profile: Profile, here: Here) -> None:
    try:
        read_url(profile.url)
    except WrongUrl as why:
        here.problem(str(why), "url")
    if profile.secret is not None and profile.auth in ("anonymous", "cryptosign", "tls"):
        here.problem(f"the method {profile.auth} takes no secret", "secret")
    if profile.certificate_key is not None and profile.certificate is None:
        here.problem("a key without its certificate", "certificate_key")


def _holds_secrets(file: Path, profiles: Profiles) -> bool:
    """Whether others can read the file, and it holds what they should not."""
    if not file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return False
    return any(
        each.secret is not None and each.secret.reveal() in file.read_text(errors="replace")
        for each in profiles.profiles.values()
    )


def preset(name: str | None, environ: Mapping[str, str] = os.environ) -> Preset:
    """What the named profile says, or the default one, or nothing. Raise `WrongProfiles`."""
    found = read_profiles(environ)
    name = found.default if name is None else name
    if name is None:
        return Preset()
    if name not in found.profiles:
        from wampd.router.settings.problems import did_you_mean

        hint = did_you_mean(name, found.profiles)
        raise WrongProfiles(f"there is no profile {name!r} in {profiles_file(environ)}{hint}")
    profile = found.profiles[name]
    plain = Preset()
    return Preset(
        url=profile.url,
        realm=profile.realm or plain.realm,
        auth=profile.auth,
        authid=profile.authid,
        role=profile.role,
        secret=None if profile.secret is None else profile.secret.reveal(),
        key=profile.key,
        serializer=profile.serializer or plain.serializer,
        ca=profile.ca,
        certificate=profile.certificate,
        certificate_key=profile.certificate_key,
    )
