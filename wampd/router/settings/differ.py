"""What is different between two configurations, in lines that people read.

Rules
-----
* A line says where, and what: ``limits.connections: 50000 -> 1000``, ``realms.realm1.roles: + guest``,
  ``realms.realm1.roles.guest.permissions: - {uri: com.app., match: prefix, allow: [call]}``.
* The elements of a list are known by their names (of realms, roles, components, principals, endpoints …), so that their order
  does not count; those without a name by what they are.
* Nobody reads a secret here: of what may be one it is said that it is another one, or that it is there. Of where requests are
  sent only the origin is told: for many services whoever knows the path may send, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from .model import Settings
from .parts import Part
from .problems import KeyPath
from .secret import Secret

NAMES: Final = ("name", "authid", "endpoint", "procedure", "topic", "uri", "file", "certificate", "fingerprint")
"""The keys by which an element of a list is known: the first of these that it has."""
PRIVATE: Final = frozenset({"environment", "headers", "extra", "query"})
"""Keys whose values may hold what is secret, though they are no secrets by themselves."""
SENT: Final = frozenset({"http_callees", "forwards"})
"""Lists of what sends requests."""
_URL: Final = re.compile(r"(https?://[^/?#{]*)(.*)", re.DOTALL)
LONGEST: Final = 200
"""Characters of a value that are shown."""


def differences(old: Settings, new: Settings) -> list[str]:
    """What is to be done to one configuration so that it is the other; nothing: they are the same."""
    return list(_differing((), old, new))


def _differing(path: KeyPath, old: Any, new: Any) -> Iterator[str]:
    if type(old) is type(new) and isinstance(old, Part):
        for name in old.__struct_fields__:
            yield from _differing((*path, name), getattr(old, name), getattr(new, name))
    elif old == new:
        return
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _of_entries(path, old, new)
    elif isinstance(old, tuple) and isinstance(new, tuple):
        yield from _of_entries(path, _named(old), _named(new))
    elif isinstance(old, Secret) or isinstance(new, Secret) or PRIVATE.intersection(map(str, path)):
        yield f"{_shown(path)}: {_happened(old, new)}"
    elif path[-1] in ("url", "base") and SENT.intersection(map(str, path)):
        yield f"{_shown(path)}: {_origin(old)} -> {_origin(new)}"
    else:
        yield f"{_shown(path)}: {text(old)} -> {text(new)}"


def _of_entries(path: KeyPath, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[str]:
    for key, value in old.items():
        if key in new:
            yield from _differing((*path, key), value, new[key])
        else:
            yield f"{_shown(path)}: - {_entry(path, key, value)}"
    for key, value in new.items():
        if key not in old:
            yield f"{_shown(path)}: + {_entry(path, key, value)}"


def _named(elements: Iterable[Any]) -> dict[Any, Any]:
    """Elements of a list by their names; several of one name are counted."""
    named: dict[Any, Any] = {}
    seen: Counter[Any] = Counter()
    for element in elements:
        name = _name(element)
        seen[name] += 1
        named[name if seen[name] == 1 else f"{name} ({seen[name]})"] = element
    return named


def _name(element: Any) -> str:
    if not isinstance(element, Struct):
        return text(element)
    name = next((str(value) for key in NAMES if (value := getattr(element, key, None))), "") or text(element)
    match = getattr(element, "match", "exact")
    return name if match == "exact" else f"{name} ({match})"


def _entry(path: KeyPath, key: Any, value: Any) -> str:
    """Something that comes or goes: rules in full, all else by its name."""
    if path[-1] == "permissions":
        return text(value)
    if isinstance(value, Part) or PRIVATE.intersection(map(str, path)) or isinstance(value, Secret):
        return str(key)
    shown = text(value)
    return shown if shown == key else f"{key}: {shown}"


def _happened(old: Any, new: Any) -> str:
    if old is None:
        return "+ (not shown)"
    return "- (not shown)" if new is None else "changed (not shown)"


def _origin(url: str | None) -> str:
    """Of a URL what everybody may see."""
    found = _URL.fullmatch(url or "")
    return text(url) if found is None else f"{found[1]}/…" if found[2] else found[1]


def _shown(path: KeyPath) -> str:
    """A path, with names in brackets that are no plain words: ``listeners[tcp:8080].http[/]``."""
    shown = ""
    for key in map(str, path):
        plain = all(part.replace("_", "").replace("-", "").isalnum() for part in key.split("."))
        shown += (f".{key}" if shown else key) if plain else f"[{key}]"
    return shown


def text(value: Any) -> str:
    """A value as one line of YAML, without what nobody is to read, and cut if it is long."""
    shown = "".join(_pieces(value))
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def _pieces(value: Any) -> Iterator[str]:
    if value is None:
        yield "null"
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, Secret):
        yield "(not shown)"
    elif isinstance(value, Part):
        yield from _mapping(_given(value))
    elif isinstance(value, Mapping):
        yield from _mapping(value.items())
    elif isinstance(value, frozenset):
        yield f"[{', '.join(sorted(map(text, value)))}]"
    elif isinstance(value, (tuple, list)):
        yield f"[{', '.join(map(text, value))}]"
    elif isinstance(value, float):
        yield f"{value:g}"
    elif isinstance(value, (int, Path)):
        yield str(value)
    else:
        yield str(value) if str(value).strip() == value and value else f'"{value}"'


def _mapping(entries: Iterable[tuple[Any, Any]]) -> Iterator[str]:
    shown = (f"{key}: {'(not shown)' if key in PRIVATE else text(value)}" for key, value in entries)
    yield f"{{{', '.join(shown)}}}"


def _given(part: Part) -> Iterator[tuple[str, Any]]:
    """What is not as it is by default."""
    if isinstance(part.__struct_config__.tag, str):
        yield "type", part.__struct_config__.tag
    defaults = type(part).__struct_defaults__
    fields = part.__struct_fields__
    for name, default in zip(fields, (_NOTHING,) * (len(fields) - len(defaults)) + tuple(defaults), strict=True):
        value = getattr(part, name)
        if value != default:
            yield name, value


_NOTHING: Final = object()
