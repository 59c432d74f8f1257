"""What types cannot say of uploads, WSGI applications and Twisted resources."""

import os
import re
from pathlib import Path

from .checker import Here
from .http import ResourcePath, UploadPath, WsgiPath
from .listeners import http_paths
from .model import Settings
from .problems import KeyPath, did_you_mean, quote, quote_file

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def upload(path: UploadPath, here: Here) -> None:
    """See that there is a directory, and that not everybody can fill it unless that is meant."""
    if not path.directory.is_dir():
        here.problem(f"there is no directory {quote_file(path.directory)}", "directory")
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
    if not colon or not _DOTTED.fullmatch(module) or not _DOTTED.fullmatch(name):
        here.problem(f'{quote(path.application)} is not like "module:callable"', "application")
    else:
        _importable(module, name, path.directory, here, "application")


def resource(path: ResourcePath, here: Here) -> None:
    """See that the class can be imported."""
    module, dot, name = path.class_.rpartition(".")
    if not dot or not _DOTTED.fullmatch(path.class_):
        here.problem(f'{quote(path.class_)} is not like "module.Class"', "class")
    else:
        _importable(module, name, path.directory, here, "class")


def _importable(module: str, name: str, directory: Path | None, here: Here, key: str) -> None:
    from wampd.router.objects import trouble_with  # only where there are objects

    if directory is not None and not directory.is_dir():
        here.problem(f"there is no directory {quote_file(directory)}", "directory")
    elif here.is_sound("directory") and (trouble := trouble_with(module, name, directory)):
        here.problem(trouble, key)


def uploads_of_settings(settings: Settings, here: Here) -> None:
    """See that realms and roles are there that tell of uploads."""
    if not here.is_sound("realms"):
        return
    realms = {realm.name: realm for realm in settings.realms if realm.match == "exact"}
    for index, listener in here.each(settings.listeners, "listeners"):
        for where, path in http_paths(listener):
            if not isinstance(path, UploadPath) or path.events is None:
                continue
            events = path.events
            keys: KeyPath = ("listeners", index, *where, "events")
            if not here.is_sound(*keys):
                continue
            realm = realms.get(events.realm)
            if realm is None:
                hint = did_you_mean(events.realm, realms)
                here.problem(f"there is no realm {quote(events.realm)} that is always there{hint}", *keys, "realm")
            elif events.role is not None and events.role not in (known := [role.name for role in realm.roles]):
                hint = did_you_mean(events.role, known)
                here.problem(f"the realm has no role {quote(events.role)}{hint}", *keys, "role")
