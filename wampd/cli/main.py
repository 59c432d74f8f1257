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
EXAMPLES = """\
wampd init hello            # a first project: a configuration, a component and a page
wampd run                   # the router of ./config.yaml, or one for this machine alone to try things with
wampd check config.yaml     # what is wrong with it: file, line, column, key
wampd call --help           # more of a command
"""

ROUTER, OPERATE, PRINCIPALS, MORE = "The router", "A router that runs", "Who may do what", "More"
CLIENT = "As a client of a router"
COMMANDS = {
    "init": Entry("wampd.cli.init:init", "write a configuration, a component and a page to begin with", ROUTER),
    "run": Entry("wampd.cli.run:run", "run the router until it is stopped (SIGTERM or Ctrl-C)", ROUTER),
    "check": Entry("wampd.cli.check:check", "check a configuration: print all that is wrong with it", ROUTER),
    "status": Entry("wampd.cli.status:status", "tell what a router is doing, and whether it is ready", OPERATE),
    "reload": Entry("wampd.cli.changing:reload", "make it follow its changed configuration", OPERATE),
    "diff": Entry("wampd.cli.changing:diff", "tell what a reload would change", OPERATE),
    "stop": Entry("wampd.cli.stop:stop", "stop it: goodbye to all, calls under way are finished", OPERATE),
    "restart": Entry("wampd.cli.restart:restart", "put a new process in its place, refusing nobody", OPERATE),
    "component": Entry("wampd.cli.component:component", "list, start, stop and restart its components", OPERATE),
    "log": Entry("wampd.cli.log:log", "show and change the levels of its log", OPERATE),
    "top": Entry("wampd.cli.top.command:top", "watch it live: rates, sessions, slow procedures", OPERATE),
    "user": Entry("wampd.cli.user_words:user", "manage the principals in the store", PRINCIPALS),
    "key": Entry("wampd.cli.user_words:key", "make and show Ed25519 keys", PRINCIPALS),
    "auth": Entry("wampd.cli.auth_words:auth", "explain what a session may do, and by which rule", PRINCIPALS),
    "call": Entry("wampd.cli.calling:call", "call a procedure, and print what it returns", CLIENT),
    "publish": Entry("wampd.cli.publishing:publish", "publish an event, or many from standard input", CLIENT),
    "subscribe": Entry("wampd.cli.subscribing:subscribe", "print events, one JSON object a line", CLIENT),
    "tail": Entry("wampd.cli.subscribing:tail", "show everything that is published below a prefix", CLIENT),
    "register": Entry(
        "wampd.cli.registering:register", "serve a procedure by a program that is run for each call", CLIENT
    ),
    "ping": Entry("wampd.cli.pinging:ping", "measure round trips through a router", CLIENT),
    "bench": Entry("wampd.cli.benching:bench", "load a router, and print what it carried", CLIENT),
    "profile": Entry("wampd.cli.profile:profile", "show the routers that you know by name", CLIENT),
    "import-crossbar": Entry(
        "wampd.cli.crossbar.command:import_crossbar", "translate a node configuration of Crossbar.io", MORE
    ),
    "completion": Entry("wampd.cli.completion:completion", "print what lets a shell complete commands", MORE),
    "version": Entry("wampd.cli.version:version", "print the versions of wampd and of what it runs on", MORE),
}


@click.version_option(__version__, message="wampd %(version)s", help="show the version, and end")
@click.group("wampd", cls=Group, table=COMMANDS, help=DESCRIPTION, examples=EXAMPLES)
def root() -> None:
    """All commands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line, by default that of the process; return the exit status."""
    return carry_out(root, None if arguments is None else list(arguments))
