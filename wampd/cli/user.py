"""``wampd user``: the principals in the store, from the command line.

The rules:

* a command changes one principal, in one transaction; it says what it did on standard error, and what was asked for on
  standard output;
* nothing that proves a principal is shown, but a ticket when it is drawn.
"""

import sys
from collections.abc import Callable, Sequence

import apsw
import msgspec
from msgspec import structs

from wampd.auth.accounts import Account
from wampd.auth.methods import LONGEST_AUTHID
from wampd.router.stores import principals
from wampd.router.stores.principals import Kept
from wampd.router.stores.sqlite import StoreError, carry_out, open_store, secret_of_salts

from .proving import methods_of, prove, with_factors
from .wanted import Wanted
from .where import Where, WrongError, find_where
from .words import complain

EXIT_FAILED = 1
EXIT_WRONG = 2
EXIT_INTERRUPTED = 130

COLUMNS = ("REALM", "AUTHID", "ROLE", "STATE", "METHODS", "CHANGED")


def user(chosen: Wanted) -> int:
    """Carry out a command; return the exit status."""
    try:
        where = find_where(chosen.config, chosen.store, chosen.realm)
        if where is None:
            return EXIT_WRONG
        if chosen.action != "list":
            where.realm()  # what is wrong with the command line is said first
        connection = open_store(where.store, create=chosen.action == "add")
        try:
            ACTIONS[chosen.action](chosen, where, connection)
        finally:
            connection.close()
    except WrongError as why:
        complain(str(why))
        return EXIT_WRONG
    except (StoreError, principals.Taken, principals.Missing) as why:
        complain(str(why))
        return EXIT_FAILED
    except (KeyboardInterrupt, EOFError):
        print(file=sys.stderr)
        complain("nothing was changed")
        return EXIT_INTERRUPTED
    return 0


# ---------------------------------------------------------------------------------------------------------------- changing


def _add(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    realm, authid = where.realm(), chosen.authid
    if not authid:
        raise WrongError("the authid must not be empty")
    if len(authid) > LONGEST_AUTHID:
        raise WrongError(f"an authid has at most {LONGEST_AUTHID} characters")
    where.check(authid, chosen.role)
    if principals.get(connection, realm, authid) is not None:  # before anything is asked
        raise principals.Taken(f"there is a principal {authid!r} in the realm {realm!r} already")
    bare = Account(authid=authid, role=chosen.role)
    account, ticket = prove(bare, chosen, where, secret_of_salts(connection))
    carry_out(connection, lambda connection: principals.add(connection, realm, account))
    _tell(f"{authid} was added to {realm} with the role {chosen.role}, for {ways(account)}")
    _tell_what_is_missing(account, where)
    elsewhere = where.elsewhere(authid)
    if elsewhere is not None:
        _tell(f"but it cannot come in so: there is another {authid} in {elsewhere}, which counts before the store")
    _show(ticket)


def _passwd(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    realm, authid = where.realm(), chosen.authid
    kept = principals.existing(connection, realm, authid)
    proved, ticket = prove(kept.account, chosen, where, secret_of_salts(connection))

    def change(account: Account) -> Account:
        """What else another process has changed meanwhile stays."""
        changed = structs.replace(proved, role=account.role, extra=account.extra, factors=account.factors)
        return with_factors(changed, chosen, where)

    account = _replace(connection, realm, authid, change)
    _tell(f"what proves {authid} was changed; it comes in by {ways(account)}")
    _tell_what_is_missing(account, where)
    _show(ticket)


def _role(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    where.check(chosen.authid, chosen.role)
    _replace(connection, where.realm(), chosen.authid, lambda account: structs.replace(account, role=chosen.role))
    _tell(f"{chosen.authid} has the role {chosen.role}")


def _disable(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    _replace(connection, where.realm(), chosen.authid, lambda account: account, disabled=True)
    _tell(f"{chosen.authid} is disabled")


def _enable(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    _replace(connection, where.realm(), chosen.authid, lambda account: account, disabled=False)
    _tell(f"{chosen.authid} is enabled")


def _remove(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    realm = where.realm()
    carry_out(connection, lambda connection: principals.remove(connection, realm, chosen.authid))
    _tell(f"{chosen.authid} was removed from {realm}")


def _logout(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    realm = where.realm()
    carry_out(connection, lambda connection: principals.logout(connection, realm, chosen.authid))
    _tell(f"{chosen.authid} is logged out of {realm}")


def _replace(
    connection: apsw.Connection,
    realm: str,
    authid: str,
    change: Callable[[Account], Account],
    *,
    disabled: bool | None = None,
) -> Account:
    """Change a principal; whether it is ``disabled`` stays as it is with `None`."""

    def replace(connection: apsw.Connection) -> Account:
        kept = principals.existing(connection, realm, authid)
        account = change(kept.account)
        state = kept.disabled if disabled is None else disabled
        principals.replace(connection, realm, account, disabled=state)
        return account

    return carry_out(connection, replace)


# ----------------------------------------------------------------------------------------------------------------- showing


def _list(chosen: Wanted, where: Where, connection: apsw.Connection) -> None:
    found = principals.everybody(connection, where.named)
    if chosen.json:
        print(msgspec.json.format(msgspec.json.encode([_described(kept) for kept in found])).decode())
        return
    rows = [COLUMNS, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _row(kept: Kept) -> Sequence[str]:
    account = kept.account
    state = "disabled" if kept.disabled else "enabled"
    texts = (
        kept.realm,
        account.authid,
        account.role,
        state,
        "+".join(account.factors) or ",".join(methods_of(account)),
        kept.changed,
    )
    return [text if text.isprintable() else ascii(text) for text in texts]


def _described(kept: Kept) -> dict[str, object]:
    account = kept.account
    return {
        "realm": kept.realm,
        "authid": account.authid,
        "role": account.role,
        "disabled": kept.disabled,
        "methods": list(methods_of(account)),
        "factors": account.factors,
        "keys": [key.hex() for key in account.keys],
        "certificates": account.certificates,
        "changed": kept.changed,
    }


def ways(account: Account) -> str:
    """How a principal comes in."""
    return " and ".join(account.factors) or ", ".join(methods_of(account))


def _tell_what_is_missing(account: Account, where: Where) -> None:
    missing = [method for method in methods_of(account) if method not in where.offered()]
    if missing and where.realms is not None:
        _tell(f"note that the realm does not offer {', '.join(missing)}, or leaves it to an authenticator")


def _tell(what: str) -> None:
    print(what, file=sys.stderr)


def _show(ticket: str | None) -> None:
    if ticket is not None:
        _tell("its ticket, which is shown this once:")
        print(ticket)


ACTIONS: dict[str, Callable[[Wanted, Where, apsw.Connection], None]] = {
    "add": _add,
    "list": _list,
    "passwd": _passwd,
    "role": _role,
    "disable": _disable,
    "enable": _enable,
    "remove": _remove,
    "logout": _logout,
}
