"""``wampd``: the words of the command line, and which function carries each out.

Commands are imported when they are called: ``wampd check`` starts no reactor and loads no protocol.
"""

import argparse
from collections.abc import Sequence

from wampd import __version__

from . import auth_words, user_words

DESCRIPTION = """\
wampd is a WAMP router: remote procedure calls and publish/subscribe over WebSocket, RawSocket and
HTTP long-poll."""
EPILOG = """\
  wampd run                   the router of ./config.yaml, or one for this machine alone to try things with
  wampd check config.yaml     what is wrong with it: file, line, column, key
  wampd COMMAND --help        more of a command
"""
FILE_HELP = "the configuration; without it ./config.yaml, or else the default that wampd brings"


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line, by default that of the process; return the exit status."""
    chosen = parser().parse_args(arguments)
    match chosen.command:
        case "run":
            from . import run

            return run.run(chosen.file)
        case "check":
            from . import check

            return check.check(chosen.file)
        case "user":
            from . import user

            return user.user(chosen)
        case "key":
            from . import key

            return key.key(chosen.action, chosen.file)
        case "auth":
            from . import auth

            return auth.explain(chosen)
        case "version":
            from . import version

            return version.version()
    raise AssertionError(f"no function for the command {chosen.command}")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(
        prog="wampd", description=DESCRIPTION, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    root.add_argument("--version", action="version", version=f"wampd {__version__}")
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in (
        ("run", "run the router until it is stopped (SIGTERM or Ctrl-C)"),
        ("check", "check a configuration: print all that is wrong with it, exit status 2, or that it is ok"),
    ):
        command = commands.add_parser(name, help=summary, description=summary)
        command.add_argument("file", nargs="?", metavar="FILE", help=FILE_HELP)
    user_words.add_user(commands)
    user_words.add_key(commands)
    summary = "explain what a session may do, and by which rule"
    auth_words.add(commands.add_parser("auth", help=summary, description=summary))
    commands.add_parser("version", help="print the versions of wampd and of what it runs on")
    return root
