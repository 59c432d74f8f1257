"""``wampd profile``: the routers that are known by name."""

from __future__ import annotations

import os
from typing import Any

import click

from wampd.cli.completing import profile_names
from wampd.cli.words import EXIT_USAGE, Entry, Failure, Group, command

TABLE = {
    "list": Entry("wampd.cli.profile:list_", "list names and URLs, a star at the default"),
    "show": Entry("wampd.cli.profile:show", "show all of one profile but its secret"),
    "path": Entry("wampd.cli.profile:path", "tell where the file is, or would be"),
}


PROFILE = """\
Show the routers that you know by name: what profiles.yaml says.

Where a command is a client of a router, --profile NAME or WAMPD_PROFILE stand for all that a profile says. The file is
where wampd profile path says, and reads for instance:

\b
  default: local
  profiles:
    local: {url: ws://127.0.0.1:8080/ws, realm: realm1}
    work:
      url: wss://router.example.com/ws
      realm: com.example
      authid: joe
      secret: {file: joe.ticket}    # beside this file, and readable for you alone
"""


@click.group("profile", cls=Group, table=TABLE, help=PROFILE)
def profile() -> None:
    """All that is shown of profiles."""


def _read() -> Any:
    from wampd.cli.speaking.profiles import WrongProfiles, read_profiles

    try:
        return read_profiles()
    except WrongProfiles as why:
        raise Failure(str(why), EXIT_USAGE) from None


@command(name="list", examples="wampd profile list")
def list_() -> int:
    """Print the names and URLs of all profiles, a star at the default."""
    found = _read()
    if not found.profiles:
        click.echo(f"there are no profiles; wampd profile --help shows what to write into {_file()}", err=True)
    width = max(map(len, found.profiles), default=0)
    for name, each in found.profiles.items():
        click.echo(f"{'*' if name == found.default else ' '} {name.ljust(width)}  {each.url}")
    return 0


@command(examples="wampd profile show\nwampd profile show production")
@click.argument("name", required=False, shell_complete=profile_names, help="the profile; by default the default one")
def show(name: str | None) -> int:
    """Print what a profile says, by default that of the default; of a secret only that there is one."""
    found = _read()
    name = found.default if name is None else name
    if name is None:
        names = f"name one of {', '.join(found.profiles)}" if found.profiles else "there are no profiles"
        raise Failure(f"no default profile in {_file()}; {names}", EXIT_USAGE)
    if name not in found.profiles:
        from wampd.router.settings.problems import did_you_mean

        raise Failure(f"there is no profile {name!r} in {_file()}{did_you_mean(name, found.profiles)}", EXIT_USAGE)
    each = found.profiles[name]
    for key in each.__struct_fields__:
        value = getattr(each, key)
        if value is not None:
            click.echo(f"{key}: {'(not shown)' if key == 'secret' else value}")
    return 0


@command(examples='"${EDITOR:-vi}" "$(wampd profile path)"')
def path() -> int:
    """Print where the file is, or would be."""
    click.echo(_file())
    return 0


def _file() -> str:
    from wampd.cli.speaking.where import profiles_file

    return str(profiles_file(os.environ))
