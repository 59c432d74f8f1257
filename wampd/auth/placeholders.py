"""Placeholders in the rules of a role: components that stand for the session which asks.

Rules
-----
* ``{authid}`` and ``{session}`` stand for the session's authid and id. There is no other placeholder, and no way to write a
  brace that is none.
* A placeholder is one whole component, and what it stands for is one whole component, too: an authid such as ``joe.admin``
  cannot be filled in (`wampd.realms.uris.is_component`), or it would reach into what is another's.
* As a prefix is a string prefix, a placeholder in it is followed by a dot: ``com.user.{authid}`` of joe would be the
  beginning of what is joey's.
* Components are filled in once, each by itself: what is filled in is never looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from wampd.realms.options import Match

Placeholder: TypeAlias = Literal["authid", "session"]

PLACEHOLDERS: Mapping[str, Placeholder] = {f"{{{name}}}": name for name in get_args(Placeholder)}
"""By how they are written."""


def placeholders(uri: str) -> frozenset[Placeholder]:
    """Those in the URI of a rule."""
    if "{" not in uri:
        return frozenset()
    return frozenset(PLACEHOLDERS[component] for component in uri.split(".") if component in PLACEHOLDERS)


def fill(uri: str, values: Mapping[Placeholder, str]) -> str:
    """The URI of a rule for one session."""
    return ".".join(
        [values[PLACEHOLDERS[part]] if part in PLACEHOLDERS else part for part in uri.split(".")],
    )


def unknown(uri: str) -> str | None:
    """A component of the URI of a rule with a brace that belongs to no placeholder; `None`: there is none."""
    for component in uri.split("."):
        rest = component
        for known in PLACEHOLDERS:
            rest = rest.replace(known, "", 1)
        if "{" in rest or "}" in rest:
            return component
    return None


def misplaced(uri: str, match: Match) -> str | None:
    """What is wrong with where placeholders stand in the URI of a rule; `None`: nothing is."""
    components = uri.split(".")
    for component in components:
        if any(known in component for known in PLACEHOLDERS) and component not in PLACEHOLDERS:
            return "a placeholder stands for a whole component"
    if match == "prefix" and components[-1] in PLACEHOLDERS:
        return f"{uri!r} would also match what begins alike, as joey does with joe: put a dot at its end"
    return None
