"""``wampd user``: the principals in the store, from the command line.

The rules:

* each command is one transaction; it says what it did on standard error, and what was asked for on standard output;
* a password is typed twice without being shown, or comes from standard input: never from the command line, which others can see.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec

from wampd.auth.accounts import Account
from wampd.router.stores import principals
from wampd.router.stores.principals import Kept
from wampd.router.stores.sqlite import StoreError, carry_out, open_store

from .where import Where, WrongError, find_where

EXIT_FAILED = 1
EXIT_WRONG = 2


def user(chosen: Namespace) -> int:
    """Carry out a command; return the exit status."""
    try:
        where = find_where(chosen.config, chosen.store, chosen.realm)
        if where is None:
            return EXIT_WRONG
        return ACTIONS[chosen.action](chosen, where)
    except WrongError as why:
        print(f"wampd user: {why}", file=sys.stderr)
        return EXIT_WRONG
    except (StoreError, principals.Taken, principals.Missing) as why:
        print(f"wampd user: {why}", file=sys.stderr)
        return EXIT_FAILED


def _add(chosen: Namespace, where: Where) -> int:
    from .proofs import proved

    where.check_role(chosen.role)
    realm = where.realm()
    if not chosen.authid:
        raise WrongError("the authid must not be empty")
    with _opened(where, create=True) as change:
        if change(principals.get, realm, chosen.authid) is not None:  # before a password is asked for
            raise principals.Taken(f"there is a principal {chosen.authid!r} in the realm {realm!r} already")
        account, ticket = proved(Account(authid=chosen.authid, role=chosen.role), chosen, where, change.secret)
        change(principals.add, realm, account)
    _tell(
        f"{chosen.authid} is added to {realm}, with the role {chosen.role}; proved by {', '.join(proofs_of(account))}"
    )
    _show_once(ticket)
    return 0
