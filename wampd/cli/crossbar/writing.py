"""A document → YAML as a person would write it: blocks, short things on one line, comments where they belong.

A text stands in quotes unless nobody could take it for anything else (settings read YAML 1.2: ``true``, ``null`` and
numbers). ``$$`` stands for a ``$`` that would begin a variable.
"""

import json
import re

from .document import Entry, Expanded, Rows, Table, Value
from .report import printable

WIDTH = 110

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@-]*|[A-Za-z/][A-Za-z0-9_./@-]*(:[A-Za-z0-9_./=@-]+)+|[1-9][0-9]* [KM]iB")
_MEANING = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def write(document: Table) -> str:
    """Return the text of a configuration; blank lines stand between its parts."""
    parts = ["\n".join(_entries(Table({key: entry}), "")) for key, entry in document.entries.items()]
    return "\n\n".join(parts) + "\n"


def _entries(table: Table, indent: str) -> list[str]:
    lines = []
    for key, entry in table.entries.items():
        lines += _comment(entry, indent)
        lines += _with_value(f"{indent}{scalar(key)}:", entry.value, indent)
    return lines


def _members(rows: Rows, indent: str) -> list[str]:
    lines = []
    for entry in rows.members:
        lines += _comment(entry, indent)
        if isinstance(entry.value, Table) and (short := _short(entry.value, len(indent) + 2)) is None:
            inner = _entries(entry.value, indent + "  ")
            first = next(i for i, line in enumerate(inner) if not line.lstrip().startswith("#"))
            lines += inner[:first]
            lines += [f"{indent}- {inner[first].removeprefix(indent + '  ')}", *inner[first + 1 :]]
        elif isinstance(entry.value, Rows) and _short(entry.value, len(indent) + 2) is None:
            lines += [f"{indent}-", *_members(entry.value, indent + "  ")]
        else:
            short = _short(entry.value, 0) or ""
            lines.append(f"{indent}- {short}")
    return [*lines, *(f"{indent}# {line}" for line in rows.tail)]


def _with_value(head: str, value: Value, indent: str) -> list[str]:
    short = _short(value, len(head) + 1)
    if short is not None:
        return [f"{head} {short}"]
    if isinstance(value, Table):
        return [head, *_entries(value, indent + "  ")]
    assert isinstance(value, Rows)
    if not value.members:
        return [f"{head} []", *_members(value, indent + "  ")]
    return [head, *_members(value, indent + "  ")]


def _comment(entry: Entry, indent: str) -> list[str]:
    return [f"{indent}# {printable(line)}" for line in entry.comment]


def _short(value: Value, column: int) -> str | None:
    """What stands on one line, after so many others; None if that is too long, or has comments."""
    text = _flow(value)
    nested = isinstance(value, Table | Rows)
    return None if text is None or (nested and column + len(text) > WIDTH) else text


def _flow(value: Value) -> str | None:
    if isinstance(value, Table):
        inner = [_flow_of(key, entry) for key, entry in value.entries.items()]
        deep = any(isinstance(entry.value, Table) and entry.value for entry in value.entries.values())
        return None if deep or None in inner else "{" + ", ".join(map(str, inner)) + "}"
    if isinstance(value, Rows):
        inner = [_flow_of(None, entry) for entry in value.members]
        deep = any(isinstance(entry.value, Table | Rows) and entry.value for entry in value.members)
        return None if deep or value.tail or None in inner else "[" + ", ".join(map(str, inner)) + "]"
    return scalar(value)


def _flow_of(key: str | None, entry: Entry) -> str | None:
    text = None if entry.comment else _flow(entry.value)
    return text if text is None or key is None else f"{scalar(key)}: {text}"


def scalar(value: str | float | bool | Expanded | None) -> str:
    """Return a single value as it stands in a file."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, int | float):
        return _number(value)
    text = value.text if isinstance(value, Expanded) else _verbatim(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _MEANING:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)


def _number(value: float) -> str:
    text = repr(value)
    return text if "e" not in text or "." in text else text.replace("e", ".0e")


def _verbatim(text: str) -> str:
    return text.replace("$", "$$") if "$$" in text or "${" in text else text
