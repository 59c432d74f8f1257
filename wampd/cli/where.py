"""Where principals are kept that a command is about: which store, and what is known of the realm."""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from msgspec import Struct

from wampd.router.settings.auth import Auth, ScramAuth, TicketAuth, WampcraAuth
from wampd.router.settings.auth_rules import methods_for_principals
from wampd.router.settings.principals import misfit
from wampd.router.settings.problems import did_you_mean, quote
from wampd.router.settings.realms import Realm
from wampd.router.whose import whose

from .configuration import chosen_file, load_or_complain, packaged_default


class WrongError(Exception):
    """The command line asks for what cannot be."""


class Where(Struct, frozen=True):
    """A store, and what is known of the realms whose principals are there."""

    store: Path
    realms: Mapping[str, Realm] | None
    """Those whose principals are in the store; `None`: nothing is known of realms."""
    named: str | None
    """The realm that the command line names."""

    def realm(self) -> str:
        """The name of the realm that is meant. Raise `WrongError`."""
        if self.named is not None:
            return self.named
        if self.realms is None:
            raise WrongError("with --store, say which realm is meant: --realm NAME")
        if len(self.realms) > 1:
            raise WrongError(f"which realm is meant? Give --realm one of {', '.join(self.realms)}")
        return next(iter(self.realms))

    def auth(self) -> Auth:
        """How the realm authenticates; where nothing is known of it, by every method that takes a password."""
        if self.realms is None:
            return Auth(ticket=TicketAuth(), wampcra=WampcraAuth(), scram=ScramAuth())
        return self.realms[self.realm()].auth

    def offered(self) -> Collection[str]:
        """The methods of the realm that principals come in by."""
        return methods_for_principals(self.auth())

    def check(self, authid: str, role: str) -> None:
        """See that the realm has the role, and that the principal can have it. Raise `WrongError`."""
        if self.realms is None:
            return
        realm = self.realms[self.realm()]
        known = [each.name for each in realm.roles]
        if role not in known:
            raise WrongError(f"the realm {quote(realm.name)} has no role {quote(role)}{did_you_mean(role, known)}")
        why = misfit(authid, role, realm)
        if why:
            raise WrongError(f"{quote(authid)} cannot have this role: {why}")

    def elsewhere(self, authid: str) -> str | None:
        """Where else there is a principal of this name, which counts before the one in the store."""
        if self.realms is None:
            return None
        found = whose(self.realms[self.realm()], None, authid, os.environ)
        return None if found is None else found.place


def find_where(config: str | None, store: str | None, realm: str | None) -> Where | None:
    """What the options say; `None`: the configuration is wrong, and it was said how. Raise `WrongError`."""
    if config is not None and store is not None:
        raise WrongError("give --config or --store, not both")
    if store is not None:
        return Where(Path(store).absolute(), None, realm)
    file = chosen_file(config)
    if file == packaged_default():
        raise WrongError("there is no config.yaml here; say where the store is: --config FILE, or --store FILE")
    settings = load_or_complain(file)
    if settings is None:
        return None
    if settings.store is None:
        raise WrongError(f'{file} configures no store; that is "store: {{file: wampd.sqlite}}" beside "realms"')
    realms = {each.name: each for each in settings.realms if each.auth.store}
    if not realms:
        raise WrongError(f'no realm of {file} has principals in the store; that is "store: true" in its "auth"')
    if realm is not None and realm not in realms:
        others = [each.name for each in settings.realms]
        if realm in others:
            raise WrongError(
                f'the realm {quote(realm)} has no principals in the store; that is "store: true" in its "auth"'
            )
        raise WrongError(f"there is no realm {quote(realm)}{did_you_mean(realm, realms)}")
    return Where(settings.store.file, realms, realm)
