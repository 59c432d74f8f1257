"""Single values: what text becomes for the type of its key.

The rules:

* text needs quotes if it looks like a number, a boolean or null; the value of a variable does not, and is a number,
  a boolean or null for a key that wants one, quoted or not;
* quantities of time and memory may have a unit;
* no message shows the value of a variable, or anything that was to be a secret.
"""

import math
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import inspect

from .nodes import Node, Scalar, Sequence, Table
from .problems import Place, closest, quote, quote_file
from .scalars import quantity, resolve, show_bytes
from .secret import Secret

INVALID: Final = object()
"""Stands for a value that does not fit; its problem is reported."""

MAX_SECRET_SIZE = 64 * 1024


class UnfitError(Exception):
    """A value does not fit its type; the message says why."""


def read_scalar(node: Node, type_: inspect.Type, extra: Mapping[str, Any]) -> Any:
    """Return the value of a node for a type that is neither struct nor collection; raises :class:`UnfitError`."""
    match type_:
        case inspect.StrType():
            return _text(node, type_, verbatim=bool(extra.get("verbatim")))
        case inspect.LiteralType():
            return _choice(node, [str(value) for value in type_.values])
        case inspect.BoolType():
            value = _meaning(node, "true or false")
            if not isinstance(value, bool):
                raise _unfit(node, "true or false")
            return value
        case inspect.IntType() | inspect.FloatType():
            return _number(node, type_, extra.get("unit"))
        case inspect.CustomType(cls=cls) if cls is Path:
            return absolute(Path(_text(node, inspect.StrType(min_length=1), verbatim=True)), node.place)
    raise TypeError(f"the settings use a type that cannot be read from a file: {type_}")


def read_secret(node: Node) -> Secret:
    """Return a secret: text, or ``{file: PATH}``; raises :class:`UnfitError`."""
    if isinstance(node, Table):
        return Secret(_secret_from_file(node))
    try:
        return Secret(_text(node, inspect.StrType(min_length=1), verbatim=False))
    except UnfitError:
        raise UnfitError("expected a secret: text that is not empty (in quotes, or ${NAME}), or {file: PATH}") from None


def absolute(path: Path, place: Place) -> Path:
    """Return a path that a file names as an absolute one: relative paths are relative to the file."""
    return (place.file.parent / path).absolute()


def no_directory(place: Path) -> str | None:
    """Return why this is no directory, or `None` if it is one.

    Where the user of the router may not look, `Path.is_dir` raises before Python 3.14; so `os.path.isfile` and others of its
    kind are what the rules ask of files.
    """
    try:
        mode = place.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, UnicodeEncodeError):  # the locale may have no bytes for it
        return f"there is no directory {quote_file(place)}"
    except OSError as trouble:
        return f"cannot look at the directory {quote_file(place)}: {trouble.strerror}"
    return None if stat.S_ISDIR(mode) else f"there is no directory {quote_file(place)}"


def others_can_read(file: Path) -> str | None:
    """Return what is wrong with a file that should be secret: others may read or change it, or it is not there."""
    try:
        mode = file.stat().st_mode
    except OSError as trouble:
        return f"cannot read {quote_file(file)}: {trouble.strerror}"
    if mode & stat.S_IRWXO and not stat.S_ISCHR(mode):
        return f"{quote_file(file)} is open to other users (mode {stat.S_IMODE(mode):04o}); chmod o= it"
    return None


def _secret_from_file(node: Table) -> str:
    keys = {key.text: value for key, value in node.entries}
    named = keys.get("file")
    if len(keys) != 1 or not isinstance(named, Scalar) or not named.text:
        raise UnfitError("expected a secret: text, or a mapping with the one key file")
    file = absolute(Path(named.text), named.place)
    trouble = others_can_read(file)
    if trouble:
        raise UnfitError(trouble)
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_SECRET_SIZE + 1)
        text = content.decode()
    except OSError as error:
        raise UnfitError(f"cannot read {quote_file(file)}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnfitError(f"{quote_file(file)} is not UTF-8") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text or len(content) > MAX_SECRET_SIZE:
        raise UnfitError(f"{quote_file(file)} is empty" if not text else f"{quote_file(file)} is too long for a secret")
    return text


def _unfit(node: Node, expected: str) -> UnfitError:
    """Say what was expected, and what was found as far as that may be shown."""
    match node:
        case Scalar(expanded=True):
            found = f"; the value of {quote(node.source)} is something else"
        case Scalar(plain=True) if resolve(node.text) is None:
            found = ", not nothing"
        case Scalar():
            found = f", not {quote(node.text)}"
        case Sequence():
            found = ", not a list"
        case _:
            found = ", not a mapping"
    return UnfitError(f"expected {expected}{found}")


def _meaning(node: Node, expected: str) -> Any:
    """Return what a scalar means by YAML's rules: text if it is quoted, unless a variable brought the value."""
    if not isinstance(node, Scalar):
        raise _unfit(node, expected)
    return resolve(node.text) if node.plain or node.expanded else node.text


def _text(node: Node, type_: inspect.StrType, *, verbatim: bool) -> str:
    if not isinstance(node, Scalar):
        raise _unfit(node, "text")
    meaning = node.text if verbatim or node.expanded else _meaning(node, "text")
    if not isinstance(meaning, str):
        raise UnfitError(
            f"expected text; if that is what {quote(node.text) if node.text else 'nothing'} is to be, put it in quotes"
        )
    if len(meaning) < (type_.min_length or 0):
        raise UnfitError("the text must not be empty")
    return meaning


def _choice(node: Node, choices: list[str]) -> str:
    expected = f"one of {', '.join(choices)}"
    if not isinstance(node, Scalar) or (node.expanded and node.text not in choices):
        raise _unfit(node, expected)
    if node.text not in choices:
        meant = closest(node.text, choices)
        hint = f"; did you mean {quote(meant)}?" if meant else ""
        raise UnfitError(f"expected {expected}, not {quote(node.text)}{hint}")
    return node.text


def _number(node: Node, type_: inspect.IntType | inspect.FloatType, unit: str | None) -> float | int:
    whole = isinstance(type_, inspect.IntType)
    expected = f"a number of {unit}" if unit else "a whole number" if whole else "a number"
    if unit:
        expected += f", such as {'16 MiB' if unit == 'bytes' else '10 s'} or {'4096' if unit == 'bytes' else '2.5'}"
    value = _meaning(node, expected)
    if isinstance(value, str) and unit:
        value = quantity(value, unit)
    if isinstance(value, bool) or not isinstance(value, int | float) or (whole and not isinstance(value, int)):
        raise _unfit(node, expected)
    if not math.isfinite(value):
        raise _unfit(node, expected)
    show: Callable[[Any], str] = show_bytes if unit == "bytes" else str
    if type_.ge is not None and value < type_.ge:
        raise UnfitError(f"must be at least {show(type_.ge)}")
    if type_.gt is not None and value <= type_.gt:
        raise UnfitError(f"must be more than {show(type_.gt)}")
    if type_.le is not None and value > type_.le:
        raise UnfitError(f"must be at most {show(type_.le)}")
    return value if whole else float(value)
