"""``wampd``: the commands, and where each is carried out.

Commands are imported when they are called: ``wampd --help`` knows them by this table alone, and ``wampd check`` starts no
reactor and loads no protocol. How they are written is in ``words.py``.
"""

from collections.abc import Sequence

import click

from wampd import __version__

from .words import Entry, Group, carry_out

DESCRIPTION = """\
wampd is a WAMP router: remote procedure calls and publish/subscribe over WebSocket, RawSocket and
HTTP long-poll."""
EPILOG = """\
\b
  wampd run                   the router of ./config.yaml, or one for this machine alone to try things with
  wampd check config.yaml     what is wrong with it: file, line, column, key
  wampd COMMAND --help        more of a command
"""

ROUTER, PRINCIPALS, MORE = "The router", "Who may do what", "More"
COMMANDS = {
    "init": Entry("wampd.cli.init:init", "write a configuration, a component and a page to begin with", ROUTER),
    "run": Entry("wampd.cli.run:run", "run the router until it is stopped (SIGTERM or Ctrl-C)", ROUTER),
    "check": Entry("wampd.cli.check:check", "check a configuration: print all that is wrong with it", ROUTER),
    "user": Entry("wampd.cli.user_words:user", "manage the principals in the store", PRINCIPALS),
    "key": Entry("wampd.cli.user_words:key", "make and show Ed25519 keys", PRINCIPALS),
    "auth": Entry("wampd.cli.auth_words:auth", "explain what a session may do, and by which rule", PRINCIPALS),
    "completion": Entry("wampd.cli.completion:completion", "print what lets a shell complete commands", MORE),
    "version": Entry("wampd.cli.version:version", "print the versions of wampd and of what it runs on", MORE),
}


@click.version_option(__version__, message="wampd %(version)s")
@click.group("wampd", cls=Group, table=COMMANDS, help=DESCRIPTION, epilog=EPILOG)
def root() -> None:
    """All commands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line, by default that of the process; return the exit status."""
    return carry_out(root, None if arguments is None else list(arguments))
