"""The options that say which router, which realm, and as whom; the same for all commands that speak WAMP.

Rules
-----
* What counts, first to last: the option, the environment (``WAMPD_URL``, ``WAMPD_REALM``, ``WAMPD_SECRET``, ``WAMPD_PROFILE``),
  the profile, the default: the router that `wampd run` is without a configuration.
* The default profile counts only if no URL is named: see `wampd.cli.speaking.profiles`.
* A component that the router hosts is who the router says, by the ticket in its environment, as long as it names no other URL
  and nobody else: a script that runs these commands needs no options.
* A secret is never a word of the command line, which others see.
"""

from __future__ import annotations

import functools
import getpass
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from msgspec import Struct

from wampd.cli.completing import profile_names
from wampd.cli.words import EXIT_USAGE, Failure, Seconds, complain, option, with_all
from wampd.client.connecting import CONNECT, connect
from wampd.client.errors import CannotConnect
from wampd.client.proving import METHODS, Credentials, methods
from wampd.client.session import Session
from wampd.client.speech import SERIALIZERS
from wampd.client.tls import Trust
from wampd.client.urls import Url, WrongUrl, read_url
from wampd.hosted import description

DEFAULT_URL: Final = "ws://127.0.0.1:8080/ws"
DEFAULT_REALM: Final = "realm1"
LONGEST_SECRET: Final = 2**16

F = TypeVar("F", bound=Callable[..., Any])


class Target(Struct, frozen=True):
    """A realm of a router, and who comes."""

    url: Url
    realm: str
    credentials: Credentials
    serializer: str
    trust: Trust
    timeout: float

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Session]:
        """A session there; if the router gives it another role than was asked for, that is said. Raise `CannotConnect`."""
        async with connect(
            self.url,
            self.realm,
            credentials=self.credentials,
            serializer=self.serializer,
            trust=self.trust,
            timeout=self.timeout,
        ) as session:
            asked, given = self.credentials.role, session.details.get("authrole")
            if asked is not None and given != asked:
                complain(f"note: the router gave the role {given!r}, not {asked!r}")
            yield session


class Preset(Struct, frozen=True):
    """What counts where no option says otherwise: the defaults, or a profile."""

    url: str = DEFAULT_URL
    realm: str = DEFAULT_REALM
    auth: str | None = None
    authid: str | None = None
    role: str | None = None
    secret: str | None = None
    key: Path | None = None
    serializer: str = "json"
    ca: Path | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    def __repr__(self) -> str:  # nothing secret
        return f"<Preset of {self.url}>"


_FILE: Final = click.Path(dir_okay=False, path_type=Path)


def _option(name: str, **more: Any) -> tuple[str, Callable[..., Any]]:
    """What click calls its value, and the option."""
    return name.removeprefix("--").replace("-", "_"), option(name, section="Which router, and as whom", **more)


_OPTIONS: Final = (
    _option("--url", metavar="URL", envvar="WAMPD_URL", show_envvar=True, help=f"the router  [default: {DEFAULT_URL}]"),
    _option(
        "--realm", metavar="NAME", envvar="WAMPD_REALM", show_envvar=True, help=f"the realm  [default: {DEFAULT_REALM}]"
    ),
    _option(
        "--profile",
        metavar="NAME",
        envvar="WAMPD_PROFILE",
        show_envvar=True,
        shell_complete=profile_names,
        help="a router of your profiles.yaml",
    ),
    _option("--auth", type=click.Choice(METHODS), help="how to prove who you are  [default: what is given]"),
    _option("--authid", metavar="AUTHID", help="who you are"),
    _option("--role", metavar="ROLE", help="the role to ask for"),
    _option(
        "--secret-file",
        type=_FILE,
        help="the file with a ticket, password or token; -: standard input; without it WAMPD_SECRET, or the profile's",
    ),
    _option("--ask", is_flag=True, help="ask for the ticket or password"),
    _option("--key-file", type=_FILE, help="the file with your Ed25519 key (wampd key new)"),
    _option("--cookie-file", type=_FILE, help="the file with name=value of a cookie"),
    _option("--serializer", type=click.Choice(SERIALIZERS), help="how messages are written  [default: json]"),
    _option("--ca", type=_FILE, help="authorities to trust in place of the system's (PEM)"),
    _option("--cert", type=_FILE, help="your certificate (PEM), with its key unless --cert-key"),
    _option("--cert-key", type=_FILE, help="the key of your certificate (PEM)"),
    _option(
        "--connect-timeout",
        type=Seconds(0, min_open=True),
        default=CONNECT,
        show_default=True,
        metavar="SECONDS",
        help="how long it may take to join",
    ),
)


def speaks_wamp(command: F) -> F:
    """Give a command these options; it gets them as the one argument ``target``."""

    @functools.wraps(command)
    def with_target(*args: Any, **kwargs: Any) -> Any:
        given = {name: kwargs.pop(name) for name, _ in _OPTIONS}
        return command(*args, target=target(given), **kwargs)

    return with_all([give for _, give in _OPTIONS], with_target)  # type: ignore[return-value]


def target(given: dict[str, Any]) -> Target:
    """What the options say together. Raise `click.UsageError`."""
    preset = _preset(given["profile"], has_url=given["url"] is not None)
    trust = Trust(
        ca=given["ca"] or preset.ca,
        certificate=given["cert"] or preset.certificate,
        key=given["cert_key"] or (None if given["cert"] else preset.certificate_key),
    )
    try:
        url = read_url(given["url"] or preset.url)
        credentials = _credentials(given, preset, trust)
        if url.secure and trust != Trust():
            from wampd.client.tls import context

            context(trust)  # whatever is wrong with files is wrong with the command line
    except WrongUrl as why:
        raise click.BadParameter(str(why), param_hint="--url") from None
    except CannotConnect as why:  # what the method or TLS needs is not given
        raise click.UsageError(str(why)) from None
    if credentials.cookie is not None and url.kind != "websocket":
        raise click.UsageError("a cookie is shown by the request that opens a WebSocket; the URL is of a RawSocket")
    return Target(
        url=url,
        realm=given["realm"] or preset.realm,
        credentials=credentials,
        serializer=given["serializer"] or preset.serializer,
        trust=trust,
        timeout=given["connect_timeout"],
    )


def _preset(name: str | None, *, has_url: bool) -> Preset:
    """The profile that counts. Raise `Failure`."""
    from wampd.cli.speaking.where import profiles_file

    if name is None and (has_url or not os.path.exists(profiles_file())):
        return Preset()
    from wampd.cli.speaking.profiles import WrongProfiles, preset

    try:
        return preset(name)
    except WrongProfiles as why:
        raise Failure(str(why), EXIT_USAGE) from None


def _credentials(given: dict[str, Any], preset: Preset, trust: Trust) -> Credentials:
    """Who comes. Raise `click.UsageError` or `CannotConnect`."""
    hosted = _as_component(given)
    if hosted is not None:
        return hosted
    key_file = given["key_file"] or preset.key
    found = Credentials(
        method=given["auth"] or preset.auth,
        authid=given["authid"] or preset.authid,
        role=given["role"] or preset.role,
        secret=_secret(given, preset),
        seed=None if key_file is None else _seed(key_file),
        cookie=None if given["cookie_file"] is None else _cookie(given["cookie_file"]),
        has_certificate=trust.certificate is not None,
    )
    if found.method is None and found.authid is not None and methods(found) == ["anonymous"]:
        raise click.UsageError(
            f"nothing proves that you are {found.authid}: give --secret-file, --ask or --key-file, or say --auth anonymous"
        )
    return found


def _as_component(given: dict[str, Any]) -> Credentials | None:
    """Who a hosted component is; `None`: this is none, or says who it is itself. Its ticket is for its own router alone."""
    environ = os.environ
    ticket = environ.get(description.TICKET)
    own = ("auth", "authid", "role", "secret_file", "ask", "key_file", "cookie_file", "profile")
    if not ticket or given["url"] != environ.get(description.URL) or any(given[name] for name in own):
        return None
    return Credentials(method="ticket", authid=environ.get(description.AUTHID), secret=ticket)


def _secret(given: dict[str, Any], preset: Preset) -> str | None:
    file: Path | None = given["secret_file"]
    if file is not None and given["ask"]:
        raise click.UsageError("--secret-file or --ask, not both")
    if given["ask"]:
        if not sys.stdin.isatty():
            raise click.UsageError("--ask: there is no terminal to ask on; give --secret-file")
        whose = given["authid"] or preset.authid
        return getpass.getpass(f"Secret of {whose}: " if whose else "Secret: ")
    if file is not None:
        return _read_secret(file, "--secret-file")
    return os.environ.get("WAMPD_SECRET") or preset.secret


def _read_secret(file: Path, option: str) -> str:
    """What is in a file that others cannot read, without the newline at its end. Raise `click.BadParameter`."""
    if str(file) == "-":
        text = sys.stdin.readline(LONGEST_SECRET)
    else:
        from wampd.router.settings.values import others_can_read

        trouble = others_can_read(file)
        if trouble:
            raise click.BadParameter(trouble, param_hint=option)
        try:
            text = file.read_text()
        except OSError as error:
            raise click.BadParameter(f"cannot read {file}: {error.strerror}", param_hint=option) from None
        except UnicodeDecodeError:
            raise click.BadParameter(f"{file} is not text", param_hint=option) from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or len(text) > LONGEST_SECRET:
        raise click.BadParameter(f"{file} is {'too long' if text else 'empty'}", param_hint=option)
    return text


def _seed(file: Path) -> bytes:
    from wampd.auth.keys import SEED_SIZE, read_hex

    seed = read_hex(_read_secret(file, "--key-file").strip(), SEED_SIZE)
    if seed is None:
        raise click.BadParameter(f"{file} holds no seed of an Ed25519 key (wampd key new)", param_hint="--key-file")
    return seed


def _cookie(file: Path) -> str:
    text = _read_secret(file, "--cookie-file")
    name, equals, value = text.partition("=")
    if not equals or not name or not value or any(not "!" <= char <= "~" or char in ';,"\\' for char in text):
        raise click.BadParameter(f"{file} does not hold name=value of a cookie", param_hint="--cookie-file")
    return text
