"""The words of ``wampd auth``."""

from dataclasses import dataclass
from typing import Any, get_args

import click

from wampd.realms.grants import Action
from wampd.realms.options import Match

from .words import Group, option, type_of_file

EXPLAIN = """\
Tell whether a session may do something, which rule decides, and where that is written. The router itself decides: what is
asked here is what a running one would be asked. Exit status 0: granted; 1: refused; 2: the question or the configuration
is wrong.
"""
EXAMPLES = """\
wampd auth explain --realm com.example --authid joe publish com.example.news
wampd auth explain --realm com.example --role guest subscribe com.example. --match prefix
"""


@dataclass(frozen=True)
class Asked:
    """What ``wampd auth explain`` was asked."""

    action: Action
    uri: str
    match: Match
    realm: str
    role: str | None
    authid: str | None
    session: int
    config: str | None
    json: bool


@click.group("auth", cls=Group, help="Explain what a session may do, and by which rule.")
def auth() -> None:
    """All that is asked about permissions."""


@auth.command("explain", help=EXPLAIN, short_help="tell which rule decides", examples=EXAMPLES)
@click.argument("action", metavar="ACTION", type=click.Choice(get_args(Action)), help=", ".join(get_args(Action)))
@click.argument("uri", metavar="URI", help="what it is to be done with")
@option(
    "--match",
    type=click.Choice(get_args(Match)),
    default="exact",
    show_default=True,
    help="how a registration or subscription is to match",
)
@option("--realm", metavar="NAME", required=True, help="the realm, also one of a template")
@option("--role", metavar="ROLE", help="the role; without it that of the principal --authid, as it is kept")
@option("--authid", metavar="AUTHID", help="who asks; rules may depend on it")
@option("--session", type=int, metavar="ID", default=1, help="the session's id, for rules with {session}")
@option(
    "--config", metavar="FILE", type=type_of_file, help="the configuration; without it ./config.yaml, or the default"
)
@option("--json", is_flag=True, help="print one JSON object")
def explain(**words: Any) -> int:
    """Hand the question to what knows."""
    from .auth import explain

    return explain(Asked(**words))
