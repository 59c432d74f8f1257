"""Which events of a key a hook wants: exact values at places in the payload. There is no code in it.

Rules
-----
* A filter is a mapping from places to a value or a list of values. An event passes if at every place stands one of them.
* A place is ``args`` or ``kwargs`` and what leads inside, with dots between: ``kwargs.state``, ``args.0.repository.name``. What
  is named like a number is that member of a list, or that key of a mapping.
* Values are text, numbers, booleans and null. ``true`` is not 1, and 1 is 1.0.
* Filters are bounded as wholes: an event may have to be looked at by very many of them, and all of them are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct

MOST_PLACES: Final = 16
MOST_VALUES: Final = 64
"""Of all places together."""
MOST_STEPS: Final = 16
"""Of a place."""
LONGEST: Final = 256
"""Characters of a place, and of a value."""
LARGEST: Final = 2048
"""Characters of all places and values together."""

Scalar: TypeAlias = str | int | float | bool | None
Filter: TypeAlias = Mapping[str, tuple[Scalar, ...]]
DIGITS: Final = 10
"""No list has so many members that its last one has a number so long."""
NOTHING: Final = object()


class FilterError(ValueError):
    """It is no filter; the text says why, and may be shown."""


class Payload(Struct, frozen=True):
    """The payload of an event."""

    args: Sequence[Any]
    kwargs: Mapping[str, Any]


def read_filter(given: Any) -> dict[str, tuple[Scalar, ...]]:
    """The filter that somebody gives. Raise `FilterError`."""
    if not isinstance(given, Mapping) or len(given) > MOST_PLACES:
        raise FilterError(f"a filter is a mapping of at most {MOST_PLACES} places to values")
    filter_ = {_place(place): _values(values) for place, values in given.items()}
    every = [value for values in filter_.values() for value in values]
    if len(every) > MOST_VALUES:
        raise FilterError(f"a filter has at most {MOST_VALUES} values")
    if sum(map(len, filter_)) + sum(len(value) for value in every if isinstance(value, str)) > LARGEST:
        raise FilterError(f"the places and values of a filter have at most {LARGEST} characters together")
    return filter_


def passes(filter_: Filter, payload: Payload) -> bool:
    """Whether an event passes a filter."""
    return all(_is_one_of(_at(place, payload), values) for place, values in filter_.items())


def _place(place: Any) -> str:
    if not isinstance(place, str) or len(place) > LONGEST or place.partition(".")[0] not in ("args", "kwargs"):
        raise FilterError("a place in a filter is like kwargs.state or args.0.name")
    if place.count(".") > MOST_STEPS:
        raise FilterError(f"a place in a filter is at most {MOST_STEPS} steps deep")
    return place


def _values(values: Any) -> tuple[Scalar, ...]:
    listed = tuple(values) if isinstance(values, list | tuple) else (values,)
    if not 1 <= len(listed) <= MOST_VALUES:
        raise FilterError(f"a place in a filter has 1 to {MOST_VALUES} values")
    for value in listed:
        if not (value is None or isinstance(value, str | int | float)) or (
            isinstance(value, str) and len(value) > LONGEST
        ):
            raise FilterError(
                f"a value in a filter is text of at most {LONGEST} characters, a number, a boolean or null"
            )
    return listed


def _at(place: str, payload: Payload) -> Any:
    first, *steps = place.split(".")
    found: Any = payload.args if first == "args" else payload.kwargs
    for step in steps:
        if isinstance(found, Mapping):
            found = found.get(step, NOTHING)
        elif isinstance(found, Sequence) and not isinstance(found, str) and step.isascii() and step.isdigit():
            found = found[int(step)] if len(step) < DIGITS and int(step) < len(found) else NOTHING
        else:
            return NOTHING
    return found


def _is_one_of(found: Any, values: tuple[Scalar, ...]) -> bool:
    return any(isinstance(found, bool) == isinstance(value, bool) and found == value for value in values)
