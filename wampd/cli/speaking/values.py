"""From words of the command line to values, and from values to lines of output.

Rules
-----
* A word is JSON if it can be read as JSON, else it is text: ``5`` is a number, ``five`` and ``"5"`` are text. Text that begins
  as an object or a list does is sent, too, but it is said: more often it is JSON with a slip.
* What is written is JSON, one value a line; indented where a person looks. Bytes are strings of U+0000 and base64, which is
  how WAMP has them in JSON; they are read so, too. What JSON cannot carry (NaN, values of other serializations) is
  written as text.
* No control character of somebody else's reaches a terminal: JSON writes them as escapes, those of C1 included, and those
  that turn the direction of text.

Source: WAMP advanced profile, "Binary conversion of JSON strings".
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TextIO

import click
import msgspec

from wampd.cli.showing import escaped
from wampd.cli.words import complain
from wampd.client.errors import one_line
from wampd.router.wire.codec import Uncarriable
from wampd.router.wire.convert import from_json, read_float, to_json

LONGEST_INPUT: Final = 2**24
"""Bytes of a file of arguments."""

IN_QUOTES: Final = """in a shell JSON stands in quotes: '{"a": 1}'"""

_decode: Final = msgspec.json.Decoder(float_hook=read_float).decode
_encode: Final = msgspec.json.Encoder().encode
_NOT_PLAIN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Payload(msgspec.Struct, frozen=True):
    """What is called or published with."""

    args: list[Any]
    kwargs: dict[str, Any]


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text. Raise `ValueError`."""
    try:
        return from_json(_decode(text))
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def read_word(word: str) -> Any:
    """What a word of the command line stands for. Raise `click.BadParameter` if it is not UTF-8."""
    try:
        return read_json(word.encode())
    except UnicodeEncodeError:
        raise click.BadParameter(f"an argument is not UTF-8: {word!r}") from None
    except ValueError as why:
        if word.startswith(("{", "[")):
            complain(f"note: {one_line(word, 40)!r} is sent as text, for it is not JSON: {why}; {IN_QUOTES}")
        return word


def read_pairs(pairs: Sequence[str], option: str) -> dict[str, Any]:
    """``name=value`` words as a dictionary. Raise `click.BadParameter`."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{pair!r} is not name=value", param_hint=option)
        if name in found:
            raise click.BadParameter(f"{name!r} is there twice", param_hint=option)
        found[name] = read_word(value)
    return found


def read_payload(words: Sequence[str], pairs: Sequence[str], file: str | None) -> Payload:
    """What the words say, or a file of JSON. Raise `click.UsageError`."""
    if file is None:
        return Payload([read_word(word) for word in words], read_pairs(pairs, "-k"))
    if words or pairs:
        raise click.UsageError("arguments come from --raw-json or from the command line, not from both")
    try:
        return payload_of(read_json(_content(file)))
    except ValueError as why:
        raise click.BadParameter(f"{file}: {why}", param_hint="--raw-json") from None


def payload_of(value: Any) -> Payload:
    """A list of arguments, or ``{"args": […], "kwargs": {…}}``. Raise `ValueError`."""
    if isinstance(value, list):
        return Payload(value, {})
    if not isinstance(value, dict) or value.keys() - {"args", "kwargs"}:
        raise ValueError('expected a list of arguments, or {"args": […], "kwargs": {…}}')
    args, kwargs = value.get("args") or [], value.get("kwargs") or {}
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        raise ValueError('"args" is a list, "kwargs" an object')
    return Payload(args, kwargs)


def _content(file: str) -> bytes:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(LONGEST_INPUT + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(LONGEST_INPUT + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(data) > LONGEST_INPUT:
        raise ValueError(f"more than {LONGEST_INPUT} bytes")
    return data


# ------------------------------------------------------------------------------------------------------------ output


def json_line(value: Any) -> str:
    """A value as JSON on one line."""
    try:
        text = _encode(to_json(value))
    except (Uncarriable, ValueError, TypeError, RecursionError):
        text = _encode(to_json(_tamed(value)))
    return escaped(text.decode())


def json_block(value: Any) -> str:
    """The same, indented."""
    return escaped(msgspec.json.format(json_line(value), indent=2))


def _tamed(value: Any) -> Any:
    """A value with text in place of what JSON cannot carry."""
    match value:
        case dict():
            return {str(key): _tamed(item) for key, item in value.items()}
        case list() | tuple():
            return [_tamed(item) for item in value]
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case str():
            return value.encode("utf-8", "replace").decode()
        case None | bool() | int() | float() | bytes():
            return value
    return str(value)


class Output:
    """Standard output, for people or for pipes."""

    def __init__(self, *, raw: bool = False, stream: TextIO | None = None) -> None:
        """``raw``: texts are written as they are, without quotes."""
        self._stream = sys.stdout if stream is None else stream
        self.is_terminal = self._stream.isatty()
        self._raw = raw

    def value(self, value: Any) -> None:
        """Write a value: a line, or indented on a terminal."""
        if self._raw and isinstance(value, str):
            self.line(_NOT_PLAIN.sub("\N{REPLACEMENT CHARACTER}", value) if self.is_terminal else value)
        else:
            self.line(json_block(value) if self.is_terminal else json_line(value))

    def line(self, text: str) -> None:
        """Write a line, at once. Raise `BrokenPipeError` if nobody reads any more."""
        self._stream.write(text + "\n")
        self._stream.flush()
