"""What types cannot say of uploads, WSGI applications and Twisted resources."""

import os
import re
from pathlib import Path

from .access_rules import realm_there, role_there, served_paths
from .checker import Here
from .http import ResourcePath, UploadPath, WsgiPath
from .model import Settings
from .problems import quote, quote_file
from .values import no_directory

DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def upload(path: UploadPath, here: Here) -> None:
    """See that there is a directory, and that not everybody can fill it unless that is meant."""
    if trouble := no_directory(path.directory):
        here.problem(trouble, "directory")
    elif not os.access(path.directory, os.W_OK | os.X_OK):
        here.problem(f"cannot write into the directory {quote_file(path.directory)}", "directory")
    for index, pattern in here.each(path.types, "types"):
        if pattern != pattern.lower():
            here.problem("types are compared in lower case", "types", index)
    if path.access is None and not path.insecure and here.is_sound("access"):
        here.problem("anybody could fill the disk: give it access, or insecure: true")
    elif path.access is not None and path.insecure:
        here.problem("it is not: there is access", "insecure")


def wsgi(path: WsgiPath, here: Here) -> None:
    """See that the application can be imported."""
    module, colon, name = path.application.partition(":")
    if not colon or not DOTTED.fullmatch(module) or not DOTTED.fullmatch(name):
        here.problem(f'{quote(path.application)} is not like "module:callable"', "application")
    else:
        _importable(module, name, path.directory, here, "application")


def resource(path: ResourcePath, here: Here) -> None:
    """See that the class can be imported."""
    module, dot, name = path.class_.rpartition(".")
    if not dot or not DOTTED.fullmatch(path.class_):
        here.problem(f'{quote(path.class_)} is not like "module.Class"', "class")
    else:
        _importable(module, name, path.directory, here, "class")


def _importable(module: str, name: str, directory: Path | None, here: Here, key: str) -> None:
    from wampd.router.objects import trouble_with  # only where there are objects

    if directory is not None and (trouble := no_directory(directory)):
        here.problem(trouble, "directory")
    elif here.is_sound("directory") and (trouble := trouble_with(module, name, directory, here.foreign)):
        here.problem(trouble, key)


def uploads_of_settings(settings: Settings, here: Here) -> None:
    """See that realms and roles are there that tell of uploads."""
    realms = {realm.name: realm for _, realm in here.each(settings.realms, "realms")}
    for where, path in served_paths(settings, here):
        if not isinstance(path, UploadPath) or path.events is None or not here.is_sound(*where, "events"):
            continue
        realm = realm_there(path.events.realm, realms, here, *where, "events", "realm")
        if realm is not None and path.events.role is not None:
            role_there(path.events.role, realm, here, *where, "events", "role")
