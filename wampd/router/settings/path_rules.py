"""Rules for what stands under paths, of WebSocket and of HTTP.

Everything that is served by HTTP has a rule here, made by `_served`: what holds for all of them comes first.
"""

import re
from collections.abc import Mapping
from typing import Any

from .access_rules import access_of_path
from .checker import Here, Rule, repeated
from .http import LongPollPath, StaticPath
from .http.access import PathAccess
from .http.served import Served
from .listeners import EchoPath, RawSocket, WampPath
from .problems import quote_file

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def _path_with_origins(path: WampPath | EchoPath | LongPollPath, here: Here) -> None:
    _origins(path, here)
    if not isinstance(path, EchoPath):
        _serializers(path, here)


def _origins(path: WampPath | EchoPath | LongPollPath | PathAccess, here: Here) -> None:
    for index, origin in here.each(path.origins, "origins"):
        if origin not in ("same-host", "*") and not _ORIGIN.fullmatch(origin):
            message = (
                "not an origin; write same-host, *, or an origin such as https://www.example.com (lower case, no path)"
            )
            here.problem(message, "origins", index)


def _serializers(path: WampPath | LongPollPath | RawSocket, here: Here) -> None:
    for index, name in repeated(here.each(path.serializers, "serializers")):
        here.problem(f"{name} is here twice", "serializers", index)


def _static(path: StaticPath, here: Here) -> None:
    if not path.directory.is_dir():
        here.problem(f"there is no directory {quote_file(path.directory)}", "directory")


def _all_that_is_served(path: Served, here: Here) -> None:
    """Check what `Served` has."""
    access_of_path(path, here)


def _served(*own: Rule) -> Rule:
    """The rules of one kind, after those of all."""

    def check(path: Any, here: Here) -> None:
        for rule in (_all_that_is_served, *own):
            rule(path, here)

    return check


PATH_RULES: Mapping[type, Rule] = {
    EchoPath: _path_with_origins,
    LongPollPath: _served(_path_with_origins),
    PathAccess: _origins,
    RawSocket: _serializers,
    StaticPath: _served(_static),
    WampPath: _path_with_origins,
}
