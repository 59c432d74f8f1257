"""The words of ``wampd user`` and ``wampd key``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import click

from .wanted import Wanted
from .words import Group, option, type_of_file, with_all

USER = """\
Manage the principals in the store: those who may come in besides the ones that the configuration and its files name.
What is changed here counts at once, also for a router that runs.

The store is the one of the configuration (--config, else ./config.yaml), which also says what realms and roles there
are; or the one of --store, and then nothing is known of them. The exit status is 0 if it is done, 1 if it cannot be
done, 2 if the command line or the configuration is wrong.
"""
EXAMPLES = {
    "add": """
        wampd user add joe --role user                   # asks for a password
        wampd user add backend --role service --ticket   # draws a ticket, and prints it once
        wampd user add probe --role device --key-file probe.seed    # for the method cryptosign
        wampd user add door --role device --certificate subject=CN=door     # a TLS certificate, for the method tls
        """,
    "list": "wampd user list\nwampd user list --json | jq .",
    "passwd": """
        wampd user passwd joe                            # asks for the new password
        wampd user passwd backend --ticket               # draws a new ticket, and prints it once
        wampd user passwd backend --key-file backend.seed --ticket --factor cryptosign --factor ticket   # both of them
        """,
    "role": "wampd user role joe admin",
    "disable": "wampd user disable joe",
    "enable": "wampd user enable joe",
    "remove": "wampd user remove joe",
    "logout": "wampd user logout joe",
    "new": "wampd key new probe.seed",
    "show": "wampd key show probe.seed",
}

KEY = "Make and show Ed25519 keys, for the authentication method cryptosign."

METHODS = ("ticket", "wampcra", "scram")
WHERE, PROOFS = "Where", "What proves the principal"

Function: TypeAlias = Callable[..., Any]

_WHERE = (
    option("--config", metavar="FILE", type=type_of_file, section=WHERE, help="the configuration; without it ./config.yaml"),
    option("--store", metavar="FILE", type=type_of_file, section=WHERE, help="the store itself, instead of a configuration"),
    option(
        "--realm", metavar="NAME", section=WHERE, help="the realm; not needed if only one has its principals there"
    ),
)  # fmt: skip
_PROOFS = (
    option(
        "--password",
        is_flag=True,
        section=PROOFS,
        help="ask for a password, which is never on the command line; this is the default",
    ),
    option("--password-stdin", is_flag=True, section=PROOFS, help="read the password from standard input"),
    option("--ticket", is_flag=True, section=PROOFS, help="draw a ticket, and print it on standard output, once"),
    option("--key", multiple=True, metavar="HEX", section=PROOFS, help="a public key; may be given several times"),
    option(
        "--key-file",
        multiple=True,
        metavar="FILE",
        type=type_of_file,
        section=PROOFS,
        help="the public key of the seed in a file",
    ),
    option(
        "--certificate",
        multiple=True,
        metavar="KIND=NAME",
        section=PROOFS,
        help="a TLS certificate by what it is called: fingerprint=, subject= or san=; may be given several times",
    ),
    option(
        "--certificate-file",
        multiple=True,
        metavar="FILE",
        type=type_of_file,
        section=PROOFS,
        help="the very TLS certificate in a file (PEM), by its fingerprint",
    ),
    option(
        "--methods",
        metavar="NAMES",
        section=PROOFS,
        help=f"the methods that the password is for, of {','.join(METHODS)}; without it those that the realm offers",
    ),
    option(
        "--factor",
        multiple=True,
        metavar="METHOD",
        section=PROOFS,
        help="a method that the principal has to pass; given twice or more, all of them, in this order",
    ),
)


@click.group("user", cls=Group, help=USER)
def user() -> None:
    """All that is done with principals in the store."""


def _action(name: str, summary: str, *options: Function, authid: bool = True) -> None:
    """Add a command to ``wampd user``."""

    def carry_out(**words: Any) -> int:
        if words.get("password") and words.get("password_stdin"):
            raise click.UsageError("give --password or --password-stdin, not both", click.get_current_context())
        if words.get("factor") and words.get("no_factors"):
            raise click.UsageError("give --factor or --no-factors, not both", click.get_current_context())
        from .user import user

        return user(Wanted(name, **words))

    who = [click.argument("authid", help="the principal")] if authid else []
    function = with_all([*who, *options, *_WHERE], carry_out)
    user.command(name, help=_sentence(summary), short_help=summary, examples=EXAMPLES[name])(function)


_role = option("--role", required=True, metavar="ROLE", help="the role of its sessions")
_no_factors = option("--no-factors", is_flag=True, section=PROOFS, help="any one of its proofs is enough again")


def _sentence(summary: str) -> str:
    return f"{summary[0].upper()}{summary[1:]}."


_action("add", "add a principal, and what proves it; without an option it asks for a password", _role, *_PROOFS)
_action(
    "list",
    "list the principals; never what proves them",
    option("--json", is_flag=True, help="print JSON"),
    authid=False,
)
_action(
    "passwd",
    "change what proves a principal: its password, ticket, keys, certificates or factors",
    *_PROOFS,
    _no_factors,
)
_action(
    "role", "give a principal another role; its sessions end", click.argument("role", help="the role of its sessions")
)
_action("disable", "let a principal in no more, until it is enabled; its sessions end")
_action("enable", "let a principal in again")
_action("remove", "forget a principal; its sessions end")
_action("logout", "end the sessions of a principal; it may come in again")


@click.group("key", cls=Group, help=KEY)
def key() -> None:
    """All that is done with keys."""


def _key_action(name: str, summary: str) -> None:
    """Add a command to ``wampd key``."""

    def carry_out(file: str) -> int:
        from .key import key

        return key(name, Path(file))

    file = click.argument("file", type=type_of_file, help="the file of the seed: 64 hex digits")
    key.command(name, help=_sentence(summary), short_help=summary, examples=EXAMPLES[name])(file(carry_out))


_key_action("new", "draw a key, write its seed to a file that only you can read, and print the public key")
_key_action("show", "print the public key of the seed in a file")
