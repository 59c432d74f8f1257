"""What types cannot say of dynamic authenticators and authorizers: that they can be asked, and that they can be there."""

from collections.abc import Iterator

from wampd.realms.uris import is_uri, matches

from .auth import Auth, Authenticator
from .checker import Here
from .model import Settings
from .problems import KeyPath, did_you_mean, quote
from .realms import Authorizer, Realm, Role


def authenticator_of(auth: Auth, method: str) -> Authenticator | None:
    """Who says which clients come in by a method, if not `principals`."""
    found: Authenticator | None = getattr(getattr(auth, method, None), "authenticator", None)
    return found


def authenticators_are_there(settings: Settings, here: Here) -> None:
    """See that what authenticators are asked for can be registered, and that those who register it can come in."""
    if not here.is_sound("realms"):
        return  # what is missed may be in a realm that is left out
    exact = {realm.name: realm for _, realm in here.each(settings.realms, "realms") if realm.match == "exact"}
    for index, realm in here.each(settings.realms, "realms"):
        for method, asked in _authenticators(realm):
            where = ("realms", index, "auth", method, "authenticator")
            home = _home(realm, asked, exact, here, where)
            if home is not None and _can_be_registered(home, asked, here, where):
                _can_come_in(home, here, where)
        for place, authorizer in _authorizers(index, realm, here):
            home = realm if authorizer.realm is None else _home(realm, authorizer, exact, here, place)
            if home is not None:
                _can_be_registered(home, authorizer, here, place)
        anonymous = realm.auth.anonymous
        if anonymous is not None and anonymous.authenticator is not None and anonymous.role != "anonymous":
            here.problem("the role is said by the authenticator", "realms", index, "auth", "anonymous", "role")


def _authenticators(realm: Realm) -> Iterator[tuple[str, Authenticator]]:
    for method in Auth.__struct_fields__:
        authenticator = authenticator_of(realm.auth, method)
        if authenticator is not None:
            yield method, authenticator


def _authorizers(index: int, realm: Realm, here: Here) -> Iterator[tuple[KeyPath, Authorizer]]:
    for r, role in here.each(realm.roles, "realms", index, "roles"):
        if role.authorizer is not None:
            yield ("realms", index, "roles", r, "authorizer"), role.authorizer


def _home(
    realm: Realm, asked: Authenticator | Authorizer, exact: dict[str, Realm], here: Here, where: KeyPath
) -> Realm | None:
    """The realm that what is asked is registered in."""
    if asked.realm is None:
        if realm.match == "exact":
            return realm
        here.problem("there are many realms of a template: name the one that it is registered in", *where, "realm")
    elif asked.realm in exact:
        return exact[asked.realm]
    else:
        here.problem(f"there is no realm {quote(asked.realm)}{did_you_mean(asked.realm, exact)}", *where, "realm")
    return None


def _can_be_registered(home: Realm, asked: Authenticator | Authorizer, here: Here, where: KeyPath) -> bool:
    """Whether some role may register it; of a role that asks another authorizer nobody knows."""
    procedure = asked.procedure
    if not is_uri(procedure, home.uri_check, "exact", home.limits.uri_length):
        here.problem(f"{quote(procedure)} is not a URI (uri_check: {home.uri_check})", *where, "procedure")
    elif procedure.startswith("wamp."):
        here.problem("nobody can register procedures under wamp.", *where, "procedure")
    elif not any(_may_register(role, procedure) for role in home.roles):
        here.problem(
            f"no role of the realm {quote(home.name)} may register it; give one a rule with allow: [register]",
            *where,
            "procedure",
        )
    else:
        return True
    return False


def _may_register(role: Role, procedure: str) -> bool:
    if role.authorizer is not None and role.authorizer.procedure != procedure:
        return True
    return any(
        "register" in (rule.allow or ()) and matches(rule.uri, rule.match, procedure) for rule in role.permissions
    )


def _can_come_in(home: Realm, here: Here, where: KeyPath) -> None:
    """See that whoever is to register an authenticator need not ask it first."""
    methods = [name for name in Auth.__struct_fields__ if hasattr(getattr(home.auth, name), "authenticator")]
    askers = [authenticator_of(home.auth, name) for name in methods]
    if askers and all(other is not None and (other.realm or home.name) == home.name for other in askers):
        here.problem(
            f"nobody can come into the realm {quote(home.name)} to register it, as all of its methods ask"
            " authenticators there",
            *where,
        )
