"""The arguments of the procedures ``wampd.hook.*``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from wampd.realms.services import INVALID_ARGUMENT, Arguments
from wampd.router.inside.insider import Refusal, Reply

LONGEST_REASON: Final = 200
_ELEMENTS: Final = msgspec.json.Decoder(list[Raw])
_NAMED: Final = msgspec.json.Decoder(dict[str, Raw])


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be said of a registration."""

    ttl: float | None = None
    secret: str | None = None
    filter: dict[str, Any] | None = None


class Register(Arguments, frozen=True):
    """The arguments of a registration; options may be given in a mapping or by name."""

    key: str
    url: str
    options: Mapping[str, Any] = {}
    ttl: float | UnsetType | None = UNSET
    secret: str | UnsetType | None = UNSET
    filter: dict[str, Any] | UnsetType | None = UNSET


class Unregister(Arguments, frozen=True):
    """An id; or a key and a URL."""

    id: str
    url: str | None = None


class Renew(Arguments, frozen=True):
    """An id, and for how long."""

    id: str
    ttl: float | None = None


class Key(Arguments, frozen=True):
    """A key; none: all."""

    key: str | None = None


class One(Arguments, frozen=True):
    """An id."""

    id: str


class Posted(Struct, frozen=True):
    """The arguments of a post: those of the event stay JSON text."""

    key: str
    args: Raw
    kwargs: Raw


def options_of(given: Register) -> Options:
    """The options of a registration, whether they are given in a mapping or by name."""
    named = {name: value for name in ("ttl", "secret", "filter") if (value := getattr(given, name)) is not UNSET}
    try:
        return msgspec.convert({**given.options, **named}, Options)
    except msgspec.ValidationError as why:  # tells types and names
        raise Refusal(INVALID_ARGUMENT, str(why)[:LONGEST_REASON]) from None


def posted(call: Reply) -> Posted:
    """What is posted; its payload stays JSON text. Raise `Refusal`."""
    try:
        return _read_post(call)
    except msgspec.MsgspecError:
        raise Refusal(INVALID_ARGUMENT, "the procedure takes a key, a list and a mapping") from None


def _read_post(call: Reply) -> Posted:
    elements = [] if call.args is None else _ELEMENTS.decode(call.args)
    named = {} if call.kwargs is None else _NAMED.decode(call.kwargs)
    given = {**dict(zip(("key", "args", "kwargs"), elements, strict=False)), **named}
    if len(elements) > 3 or "key" not in given or len(given) > 3:
        raise msgspec.ValidationError
    args, kwargs = given.get("args", Raw(b"[]")), given.get("kwargs", Raw(b"{}"))
    _ELEMENTS.decode(args)
    _NAMED.decode(kwargs)
    return Posted(msgspec.json.decode(given["key"], type=str), args, kwargs)
