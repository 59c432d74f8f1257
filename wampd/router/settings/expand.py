"""``${NAME}`` and ``${NAME:-default}`` in strings.

The rules, as in a shell: ``${NAME:-default}`` takes the default when the variable is unset or empty; ``$$`` is a ``$``;
any other ``$`` stands for itself. Values are taken as they are: a variable in the value of another is not expanded.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_REFERENCE = re.compile(r"\$\$|\$\{(?P<inside>[^{}]*)\}|\$\{")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)


class Expansion(NamedTuple):
    """A string after expansion; ``faults`` are messages, empty if all went well."""

    text: str
    expanded: bool
    faults: tuple[str, ...] = ()


def expand(text: str, environ: Mapping[str, str]) -> Expansion:
    """Replace all references to variables in a text."""
    if "$" not in text:
        return Expansion(text, expanded=False)
    faults: list[str] = []
    expanded = False

    def replace(found: re.Match[str]) -> str:
        nonlocal expanded
        if found[0] == "$$":
            return "$"
        expanded = True
        inside = _INSIDE.fullmatch(found["inside"] or "")
        if inside is None:
            faults.append('not a variable; write ${NAME} or ${NAME:-default} (nothing nested), and "$$" for a "$"')
            return ""
        value = environ.get(inside["name"], "")
        if value or (inside["default"] is None and inside["name"] in environ):
            return value
        if inside["default"] is None:
            faults.append(f"the environment variable {inside['name']} is not set, and there is no default")
            return ""
        return inside["default"]

    return Expansion(_REFERENCE.sub(replace, text), expanded, tuple(faults))
