"""The words of ``wampd auth``."""

import argparse
from typing import get_args

from wampd.realms.grants import Action
from wampd.realms.options import Match

EXPLAIN = """\
Tell whether a session may do something, which rule decides, and where that is written. The router itself decides: what is
asked here is what a running one would be asked. Exit status 0: granted; 1: refused; 2: the question or the configuration
is wrong.

  wampd auth explain --realm com.example --authid joe publish com.example.news
  wampd auth explain --realm com.example --role guest subscribe com.example. --match prefix
"""


def add(command: argparse.ArgumentParser) -> None:
    """Add the words to the command."""
    below = command.add_subparsers(dest="auth_command", metavar="COMMAND", required=True)
    explain = below.add_parser(
        "explain", help="tell which rule decides", description=EXPLAIN, formatter_class=argparse.RawTextHelpFormatter
    )
    explain.add_argument("action", choices=get_args(Action), metavar="ACTION", help=", ".join(get_args(Action)))
    explain.add_argument("uri", metavar="URI", help="what it is to be done with")
    explain.add_argument(
        "--match", choices=get_args(Match), default="exact", help="how a registration or subscription is to match"
    )
    explain.add_argument("--realm", required=True, help="the realm, also one of a template")
    explain.add_argument("--role", help="the role; without it that of the principal --authid, as it is kept")
    explain.add_argument("--authid", help="who asks; rules may depend on it")
    explain.add_argument("--session", type=int, default=1, help="the session's id, for rules with {session}")
    explain.add_argument("--config", metavar="FILE", help="the configuration; without it ./config.yaml, or the default")
    explain.add_argument("--json", action="store_true", help="print one JSON object")
