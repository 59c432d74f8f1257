"""Files of principals: read and checked as if they stood in the configuration, when it is read and when they change."""

from collections.abc import Collection, Mapping
from pathlib import Path

from .auth import Principal
from .auth_rules import AUTH_RULES, check_principals, check_role, methods_of
from .checker import Checker, Here
from .problems import Place, Problem, SettingsError
from .realms import Realm
from .source import Reader
from .values import others_can_read


def read_principals(
    file: Path, methods: Collection[str], roles: Collection[str] | None, environ: Mapping[str, str]
) -> tuple[Principal, ...]:
    """Return the principals in a file, or raise :class:`SettingsError` with all that is wrong.

    ``methods`` are offered to them, ``roles`` are those that they may have; None: any.
    """
    problems: list[Problem] = []
    trouble = others_can_read(file)
    if trouble:
        raise SettingsError([Problem(Place(file, 1, 1), (), trouble)])
    node = Reader(environ, problems).read(file)
    checker = Checker(problems, AUTH_RULES, environ)
    principals = checker.check(node, tuple[Principal, ...])
    here = Here(checker, ())
    if isinstance(principals, tuple):
        check_principals(principals, methods, here)
        for index, principal in here.each(principals):
            if roles is not None:
                check_role(principal.role, roles, here, index, "role")
    if problems or not isinstance(principals, tuple):
        raise SettingsError(problems)
    return principals


def files_are_sound(realm: Realm, here: Here) -> None:
    """See that the files of a realm's principals can be used."""
    roles = [role.name for role in realm.roles] if here.is_sound("roles") else None
    for index, file in here.each(realm.auth.files, "auth", "files"):
        if here.is_sound("auth", "files", index):
            try:
                read_principals(file, methods_of(realm.auth, here, "auth"), roles, here.environ)
            except SettingsError as error:
                here.add(error.problems)
