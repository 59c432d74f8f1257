r"""How URIs look and how they match: the one module that knows.

Rules
-----
* A URI is components separated by ``.``. *Loose* (default): components are not empty and hold no whitespace, ``#`` or ``.``.
  *Strict*: components are ``[0-9a-z_]+``. In patterns (prefix, wildcard) components may be empty.
  Checks are full matches: ``"a.b\n"`` is not a URI. (WAMP basic profile, "URIs")
* *exact* matches the same string; *prefix* matches every URI that starts with the string, component or not;
  *wildcard* matches URIs of as many components where every non-empty component is the same.
  (Advanced profile, "Pattern-based Subscriptions" and "Pattern-based Registrations")
* Of several matches the best is: exact, else the longest prefix, else the wildcard whose runs of named components,
  compared from left to right, are the longest.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from typing import Generic, Literal, TypeAlias, TypeVar

from wampd.realms.options import Match

UriCheck: TypeAlias = Literal["loose", "strict"]

T = TypeVar("T")

_RULES: dict[tuple[UriCheck, bool], re.Pattern[str]] = {
    ("loose", False): re.compile(r"([^\s.#]+\.)*[^\s.#]+"),
    ("loose", True): re.compile(r"([^\s.#]*\.)*[^\s.#]*"),
    ("strict", False): re.compile(r"([0-9a-z_]+\.)*[0-9a-z_]+"),
    ("strict", True): re.compile(r"([0-9a-z_]*\.)*[0-9a-z_]*"),
}

MAX_URI_BYTES = 512
"""The default limit of a URI's length in UTF-8 bytes."""


def is_uri(uri: str, check: UriCheck = "loose", match: Match = "exact", max_bytes: int = MAX_URI_BYTES) -> bool:
    """Whether ``uri`` is well formed for a request with this match policy, and no longer than ``max_bytes``."""
    return not is_too_long(uri, max_bytes) and _RULES[check, match != "exact"].fullmatch(uri) is not None


def is_component(text: str, check: UriCheck = "loose", max_bytes: int = MAX_URI_BYTES) -> bool:
    """Whether ``text`` is one component of a URI, no more and no less."""
    return "." not in text and is_uri(text, check, "exact", max_bytes)


def is_too_long(uri: str, max_bytes: int) -> bool:
    """Whether ``uri`` takes more than ``max_bytes`` in UTF-8."""
    return len(uri) > max_bytes or (not uri.isascii() and len(uri.encode("utf-8", "surrogatepass")) > max_bytes)


def is_reserved(uri: str) -> bool:
    """Whether a URI, or everything that a pattern of this string could name first, is WAMP's or the router's own."""
    return uri.partition(".")[0] in ("wamp", "wampd")


def _mask(pattern: tuple[str, ...]) -> tuple[int, ...]:
    """The positions of the named components of a wildcard pattern."""
    return tuple(index for index, component in enumerate(pattern) if component)


def _runs(length: int, mask: tuple[int, ...]) -> tuple[int, ...]:
    """The lengths of the runs of named components before the first wildcard, the second, … of a pattern."""
    named = set(mask)
    runs, run = [], 0
    for index in range(length):
        if index in named:
            run += 1
        else:
            runs.append(run)
            run = 0
    return (*runs, run)


def _rank(length: int, mask: tuple[int, ...]) -> tuple[int, ...]:
    """What sorts the masks of patterns of one length: those with the longest runs of named components first."""
    return tuple([-run for run in _runs(length, mask)])


class UriMap(Generic[T]):
    """Values by URI and match policy, found again by the URIs that they match.

    An exact match costs one dictionary look-up; a prefix one per distinct length of the prefixes kept; a wildcard one
    per distinct placing of wildcards. What a URI matches is remembered while patterns are kept and do not change.
    """

    __slots__ = ("_by_length", "_by_mask", "_lengths", "_masks", "_memo", "_memo_values", "exact", "prefix", "wildcard")

    MEMO = 4096
    """How many URIs' matches are remembered."""
    MEMO_VALUES = 16 * MEMO
    """How many matches of all these URIs together."""

    def __init__(self) -> None:
        self.exact: dict[str, T] = {}
        self.prefix: dict[str, T] = {}
        self.wildcard: dict[str, T] = {}
        self._by_length: dict[int, int] = {}  # length of a prefix → how many
        self._lengths: tuple[int, ...] = ()  # longest first
        # (number of components, positions of the named ones) → named components → value
        self._by_mask: dict[tuple[int, tuple[int, ...]], dict[tuple[str, ...], T]] = {}
        # number of components → (rank, mask), best first
        self._masks: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}
        self._memo: dict[str, tuple[T, ...]] = {}
        self._memo_values = 0

    def __len__(self) -> int:
        return len(self.exact) + len(self.prefix) + len(self.wildcard)

    def of(self, match: Match) -> dict[str, T]:
        """The values kept with one match policy, by URI."""
        if match == "exact":
            return self.exact
        return self.prefix if match == "prefix" else self.wildcard

    def get(self, uri: str, match: Match = "exact") -> T | None:
        """The value kept for exactly this URI and policy."""
        return self.of(match).get(uri)

    def add(self, uri: str, match: Match, value: T) -> None:
        """Keep ``value``. Raise `KeyError` if something is kept for this URI and policy already."""
        kept = self.of(match)
        if uri in kept:
            raise KeyError(uri)
        kept[uri] = value
        if match == "exact":
            self._memo.pop(uri, None)
            return
        self._forget()
        if match == "prefix":
            size = len(uri)
            self._by_length[size] = self._by_length.get(size, 0) + 1
            if self._by_length[size] == 1:
                self._lengths = tuple(sorted(self._by_length, reverse=True))
            return
        pattern = tuple(uri.split("."))
        mask = _mask(pattern)
        key = (len(pattern), mask)
        if key not in self._by_mask:
            self._by_mask[key] = {}
            insort(self._masks.setdefault(len(pattern), []), (_rank(len(pattern), mask), mask))
        self._by_mask[key][tuple(pattern[index] for index in mask)] = value

    def remove(self, uri: str, match: Match) -> T:
        """Forget and return what is kept. Raise `KeyError` if nothing is."""
        value = self.of(match).pop(uri)
        if match == "exact":
            self._memo.pop(uri, None)
            return value
        self._forget()
        if match == "prefix":
            size = len(uri)
            self._by_length[size] -= 1
            if not self._by_length[size]:
                del self._by_length[size]
                self._lengths = tuple(sorted(self._by_length, reverse=True))
            return value
        pattern = tuple(uri.split("."))
        mask = _mask(pattern)
        values = self._by_mask[len(pattern), mask]
        del values[tuple(pattern[index] for index in mask)]
        if not values:
            del self._by_mask[len(pattern), mask]
            masks = self._masks[len(pattern)]
            del masks[bisect_left(masks, (_rank(len(pattern), mask), mask))]
            if not masks:
                del self._masks[len(pattern)]
        return value

    def matching(self, uri: str) -> tuple[T, ...]:
        """Every value that ``uri`` matches: exact, then prefixes from long to short, then wildcards from best to worst."""
        if not self._lengths and not self._masks:
            value = self.exact.get(uri)
            return () if value is None else (value,)
        found = self._memo.get(uri)
        if found is None:
            found = self._search(uri)
            if len(uri) > MAX_URI_BYTES:  # asked by somebody who did not check it
                return found
            self._memo_values += len(found)
            if len(self._memo) >= self.MEMO or self._memo_values > self.MEMO_VALUES:
                self._forget()
                self._memo_values = len(found)
            self._memo[uri] = found
        return found

    def best(self, uri: str) -> T | None:
        """The one value that ``uri`` matches best, or `None`."""
        value = self.exact.get(uri)
        if value is not None or not (self._lengths or self._masks):
            return value
        found = self.matching(uri)
        return found[0] if found else None

    def _forget(self) -> None:
        self._memo.clear()
        self._memo_values = 0

    def _search(self, uri: str) -> tuple[T, ...]:
        found = []
        value = self.exact.get(uri)
        if value is not None:
            found.append(value)
        most = len(uri)
        prefix = self.prefix
        for length in self._lengths:
            if length <= most and (value := prefix.get(uri[:length])) is not None:
                found.append(value)
        size = uri.count(".") + 1
        masks = self._masks.get(size)
        if masks is not None:
            components = uri.split(".")
            for _, mask in masks:
                value = self._by_mask[size, mask].get(tuple([components[index] for index in mask]))
                if value is not None:
                    found.append(value)
        return tuple(found)


# -------------------------------------------------------------------------- how the sets that two rules match relate


def precedence(uri: str, match: Match) -> tuple[int, ...]:
    """How specific a kept URI is: of several that match one URI, the one with the greatest value is the best."""
    if match == "exact":
        return (2,)
    if match == "prefix":
        return (1, len(uri))
    pattern = tuple(uri.split("."))
    return (0, *_runs(len(pattern), _mask(pattern)))


def covers(uri: str, match: Match, pattern: str, pattern_match: Match) -> bool:
    """Whether everything that a pattern (prefix or wildcard) matches is matched by ``uri`` too; exact covers none."""
    if match == "prefix":
        # What every URI that a wildcard pattern matches begins with is its text up to the first empty component.
        return pattern.startswith(uri) if pattern_match == "prefix" else _head(pattern).startswith(uri)
    if match == "exact" or pattern_match == "prefix":  # a prefix matches URIs of any number of components
        return False
    components, others = uri.split("."), pattern.split(".")
    return len(components) == len(others) and all(
        not component or component == other for component, other in zip(components, others, strict=True)
    )


def overlap(uri: str, match: Match, pattern: str, pattern_match: Match) -> bool:
    """Whether some URI may be matched by both. It is never wrong in saying no."""
    if match == "exact" or pattern_match == "exact":
        if match != "exact":
            uri, match, pattern, pattern_match = pattern, pattern_match, uri, match
        return matches(pattern, pattern_match, uri)
    if match == pattern_match == "prefix":
        return uri.startswith(pattern) or pattern.startswith(uri)
    if match == pattern_match:
        components, others = uri.split("."), pattern.split(".")
        return len(components) == len(others) and all(
            not component or not other or component == other
            for component, other in zip(components, others, strict=True)
        )
    if match == "wildcard":
        uri, pattern = pattern, uri
    # A prefix and a wildcard: the whole components of the prefix, then the beginning of one more.
    *whole, begun = uri.split(".")
    others = pattern.split(".")
    return (
        len(whole) < len(others)
        and all(not other or component == other for component, other in zip(whole, others, strict=False))
        and (not others[len(whole)] or others[len(whole)].startswith(begun))
    )


def matches(uri: str, match: Match, other: str) -> bool:
    """Whether the URI ``other`` is matched by one kept ``uri``; for many of them there is `UriMap`."""
    if match == "exact":
        return uri == other
    if match == "prefix":
        return other.startswith(uri)
    return covers(uri, "wildcard", other, "wildcard")


def _head(wildcard: str) -> str:
    """What every URI that a wildcard pattern matches begins with."""
    components = wildcard.split(".")
    if "" not in components:
        return wildcard
    named = components[: components.index("")]
    return ".".join([*named, ""]) if named else ""
