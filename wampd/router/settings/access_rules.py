"""What types cannot say of who may use paths of HTTP: rules between paths, realms, their methods and roles."""

from collections.abc import Iterator, Mapping
from typing import Final

from .checker import Here
from .http.access import PathAccess
from .http.served import Bridge, Served
from .listeners import http_paths
from .model import Settings
from .problems import KeyPath, did_you_mean, quote
from .realms import Realm

METHODS: Final[Mapping[str, str]] = {"basic": "ticket", "bearer": "jwt", "cookie": "cookie", "anonymous": "anonymous"}
"""For each way to show who one is, the realm's method for it."""


def access_of_path(path: Served, here: Here) -> None:
    """See that it is said who may use a path, and as whom a bridge acts."""
    access = path.access
    if access is not None and here.is_sound("access"):
        if not any(getattr(access, way) for way in METHODS):
            here.problem("nobody can come: name basic, bearer, cookie or anonymous", "access")
        if access.realm is None and not isinstance(path, Bridge):
            here.problem("this key is missing: the realm that lets them in", "access", "realm")
    if isinstance(path, Bridge):
        _as_whom(path, here)


def _as_whom(path: Bridge, here: Here) -> None:
    asked = [key for key in ("access", *path.proofs()) if getattr(path, key)]
    if not all(here.is_sound(key) for key in ("role", "insecure", "access", *path.proofs())):
        return
    if path.role is None and not asked:
        ways = " or ".join(("access", *path.proofs()))
        here.problem(f"as whom is it done? Give it {ways}, or a role for everybody and insecure: true")
    elif path.role is not None and not asked and not path.insecure:
        ways = " or ".join(("access", *path.proofs()))
        here.problem(f"anybody could do this in the role: give it {ways}, or insecure: true", "role")
    elif path.insecure and asked:
        here.problem(f"it is not: there is {asked[0]}", "insecure")
    elif path.insecure and path.role is None:
        here.problem("it has no meaning without a role for everybody", "insecure")
    if path.access is not None and path.role is None and path.access.realm not in (None, path.realm):
        here.problem("who comes by another realm has no role in this one: name a role", "access", "realm")


def access_of_settings(settings: Settings, here: Here) -> None:
    """See that realms, roles and methods are there that paths name."""
    realms = {realm.name: realm for _, realm in here.each(settings.realms, "realms")}
    for where, path in served_paths(settings, here):
        own = path.realm if isinstance(path, Bridge) else None
        if own is not None and here.is_sound(*where, "realm"):
            realm = realm_there(own, realms, here, *where, "realm")
            if realm is not None and isinstance(path, Bridge):
                _roles(path, realm, here, where)
        access = path.access
        if access is not None and here.is_sound(*where, "access"):
            named = access.realm or own
            at = (*where, "access", "realm") if access.realm else (*where, "realm")
            realm = None if named is None or not here.is_sound(*at) else realm_there(named, realms, here, *at)
            if realm is not None:
                _methods(access, realm, here, (*where, "access"))


def served_paths(settings: Settings, here: Here) -> Iterator[tuple[KeyPath, Served]]:
    """All that is served by HTTP, and where it is."""
    for index, listener in here.each(settings.listeners, "listeners"):
        for keys, path in http_paths(listener):
            yield ("listeners", index, *keys), path


def realm_there(name: str, realms: Mapping[str, Realm], here: Here, *at: str | int) -> Realm | None:
    """The realm of this name, which has to be one that is always there; `None`: it is not, which is said."""
    realm = realms.get(name)
    if realm is None:
        if here.is_sound("realms"):
            here.problem(f"there is no realm {quote(name)}{did_you_mean(name, realms)}", *at)
    elif realm.match != "exact":
        here.problem(f"{quote(name)} is a template: name a realm that is always there", *at)
    else:
        return realm
    return None


def _roles(path: Bridge, realm: Realm, here: Here, where: KeyPath) -> None:
    if path.role is not None and here.is_sound(*where, "role"):
        role_there(path.role, realm, here, *where, "role")
    for index, key in here.each(getattr(path, "keys", ()), *where, "keys"):
        if key.role is not None and here.is_sound(*where, "keys", index, "role"):
            role_there(key.role, realm, here, *where, "keys", index, "role")


def role_there(name: str, realm: Realm, here: Here, *at: str | int) -> None:
    """See that a realm has the role of this name."""
    known = [role.name for role in realm.roles]
    if name not in known:
        here.problem(f"the realm {quote(realm.name)} has no role {quote(name)}{did_you_mean(name, known)}", *at)


def _methods(access: PathAccess, realm: Realm, here: Here, where: KeyPath) -> None:
    for way, method in METHODS.items():
        if getattr(access, way) and getattr(realm.auth, method) is None:
            here.problem(f"the auth of the realm {quote(realm.name)} does not name the method {method}", *where, way)
    for index, role in here.each(access.roles or (), *where, "roles"):
        role_there(role, realm, here, *where, "roles", index)
