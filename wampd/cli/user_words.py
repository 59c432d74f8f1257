"""The words of ``wampd user`` and ``wampd key``."""

import argparse
from pathlib import Path
from typing import Any

USER = """\
Manage the principals in the store: those who may come in besides the ones that the configuration and its files name.
What is changed here counts at once, also for a router that runs."""

USER_MORE = """\
The store is the one of the configuration (--config, else ./config.yaml), which also says what realms and roles there
are; or the one of --store, and then nothing is known of them.

  wampd user add joe --role user                   asks for a password
  wampd user add backend --role service --ticket   draws a ticket, and prints it once
  wampd user add probe --role device --key 1f3a…   a public key, for the method cryptosign
  wampd user add door --role device --certificate subject=CN=door
                                                   a TLS certificate, for the method tls
  wampd user passwd backend --key 1f3a… --factor cryptosign --factor ticket
                                                   both of them, in one handshake
  wampd user list
  wampd user disable joe                           joe's sessions end, and joe does not come in again

The exit status is 0 if it is done, 1 if it cannot be done, 2 if the command line or the configuration is wrong."""

KEY = "Make and show Ed25519 keys, for the authentication method cryptosign."

METHODS = ("ticket", "wampcra", "scram")


def add_user(commands: Any) -> None:
    """Add ``user`` to the commands."""
    user = commands.add_parser(
        "user",
        help="manage the principals in the store",
        description=USER,
        epilog=USER_MORE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = user.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, summary: str, *, authid: bool = True) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=summary)
        if authid:
            added.add_argument("authid", metavar="AUTHID", help="the principal")
        where = added.add_argument_group("where")
        where.add_argument("--config", metavar="FILE", help="the configuration; without it ./config.yaml")
        where.add_argument("--store", metavar="FILE", help="the store itself, instead of a configuration")
        where.add_argument("--realm", metavar="NAME", help="the realm; not needed if only one has its principals there")
        return added

    add = action("add", "add a principal, and what proves it; without an option it asks for a password")
    add.add_argument("--role", required=True, metavar="ROLE", help="the role of its sessions")
    _proofs(add)
    listed = action("list", "list the principals; never what proves them", authid=False)
    listed.add_argument("--json", action="store_true", help="print JSON")
    passwd = action("passwd", "change what proves a principal: its password, ticket, keys, certificates or factors")
    _proofs(passwd).add_argument("--no-factors", action="store_true", help="any one of its proofs is enough again")
    role = action("role", "give a principal another role; its sessions end")
    role.add_argument("role", metavar="ROLE", help="the role of its sessions")
    action("disable", "let a principal in no more, until it is enabled; its sessions end")
    action("enable", "let a principal in again")
    action("remove", "forget a principal; its sessions end")
    action("logout", "end the sessions of a principal; it may come in again")


def _proofs(parser: argparse.ArgumentParser) -> Any:
    """Add the options; return those that say how many of the proofs it takes, of which one excludes the others."""
    proofs = parser.add_argument_group("what proves the principal")
    passwords = proofs.add_mutually_exclusive_group()
    passwords.add_argument(
        "--password",
        action="store_true",
        help="ask for a password, which is never on the command line; this is the default",
    )
    passwords.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    proofs.add_argument("--ticket", action="store_true", help="draw a ticket, and print it on standard output, once")
    proofs.add_argument(
        "--key", action="append", default=[], metavar="HEX", help="a public key; may be given several times"
    )
    proofs.add_argument(
        "--key-file", action="append", default=[], metavar="FILE", help="the public key of the seed in a file"
    )
    proofs.add_argument(
        "--certificate",
        action="append",
        default=[],
        metavar="KIND=NAME",
        help="a TLS certificate by what it is called: fingerprint=, subject= or san=; may be given several times",
    )
    proofs.add_argument(
        "--certificate-file",
        action="append",
        default=[],
        metavar="FILE",
        help="the very TLS certificate in a file (PEM), by its fingerprint",
    )
    proofs.add_argument(
        "--methods",
        metavar="NAMES",
        help=f"the methods that the password is for, of {','.join(METHODS)}; without it those that the realm offers",
    )
    parser.set_defaults(no_factors=False)
    factors = proofs.add_mutually_exclusive_group()
    factors.add_argument(
        "--factor",
        action="append",
        default=[],
        metavar="METHOD",
        help="a method that the principal has to pass; given twice or more, all of them, in this order",
    )
    return factors


def add_key(commands: Any) -> None:
    """Add ``key`` to the commands."""
    key = commands.add_parser("key", help="make and show Ed25519 keys", description=KEY)
    actions = key.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (
        ("new", "draw a key, write its seed to a file that only you can read, and print the public key"),
        ("show", "print the public key of the seed in a file"),
    ):
        added = actions.add_parser(name, help=summary, description=summary)
        added.add_argument("file", type=Path, metavar="FILE", help="the file of the seed: 64 hex digits")
