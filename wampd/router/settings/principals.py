"""Files of principals: read and checked as if they stood in the configuration, when it is read and when they change."""

from collections.abc import Collection, Mapping
from pathlib import Path

from wampd.auth.placeholders import placeholders
from wampd.realms.uris import is_component

from .auth import Principal
from .auth_rules import AUTH_RULES, check_principals, check_role, methods_for_principals, methods_of
from .checker import Checker, Here
from .problems import Place, Problem, SettingsError, gathering, quote
from .realms import Realm
from .source import Reader
from .values import others_can_read


def read_principals(
    file: Path,
    realm: Realm,
    environ: Mapping[str, str],
    *,
    methods: Collection[str] | None = None,
    roles_are_known: bool = True,
) -> tuple[Principal, ...]:
    """Return the principals in a file, or raise :class:`SettingsError` with all that is wrong.

    ``methods`` are those that may be offered to them; None: those of the realm.
    """
    trouble = others_can_read(file)
    if trouble:
        raise SettingsError([Problem(Place(file, 1, 1), (), trouble)])
    with gathering() as problems:
        node = Reader(environ, problems).read(file)
        checker = Checker(problems, AUTH_RULES, environ)
        principals = checker.check(node, tuple[Principal, ...])
        if isinstance(principals, tuple):
            here = Here(checker, ())
            offered = methods_for_principals(realm.auth) if methods is None else methods
            check_principals(principals, realm.auth, offered, here)
            fitting_principals(principals, realm, here)
            if roles_are_known:
                roles = [role.name for role in realm.roles]
                for index, principal in here.each(principals):
                    check_role(principal.role, roles, here, index, "role")
    assert isinstance(principals, tuple)
    return principals


def fitting_principals(principals: tuple[Principal, ...], realm: Realm, here: Here, *keys: str | int) -> None:
    """See that principals can have their roles."""
    for index, principal in here.each(principals, *keys):
        why = misfit(principal.authid, principal.role, realm)
        if why:
            here.problem(why, *keys, index, "authid")


def misfit(authid: str, role: str, realm: Realm) -> str | None:
    """Why a principal cannot have this role: what a rule fills in must be one component of URIs."""
    for each in realm.roles:
        if each.name == role and any("authid" in placeholders(rule.uri) for rule in each.permissions):
            most = each.limits.uri_length or realm.limits.uri_length
            if not is_component(authid, realm.uri_check, most):
                return f"not one component of a URI, and rules of the role {quote(role)} have {{authid}} in them"
    return None


def files_are_sound(realm: Realm, here: Here) -> None:
    """See that the files of a realm's principals can be used."""
    methods = methods_of(realm.auth, here, "auth")
    for index, file in here.each(realm.auth.files, "auth", "files"):
        if here.is_sound("auth", "files", index):
            trouble = others_can_read(file)
            if trouble:
                here.problem(trouble, "auth", "files", index)
                continue
            try:
                read_principals(file, realm, here.environ, methods=methods, roles_are_known=here.is_sound("roles"))
            except SettingsError as error:
                here.add(error.problems)
