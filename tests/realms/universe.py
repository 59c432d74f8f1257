"""A small world of URIs, in which laws about matching can be checked by trying everything."""

from __future__ import annotations

import itertools

from hypothesis import strategies as st

NAMES = ("a", "ab", "wamp", "wampd", "z")
"""All components that occur; one is the beginning of another, so that string prefixes cut through components."""

URIS = tuple(".".join(names) for count in (1, 2, 3, 4) for names in itertools.product(NAMES, repeat=count))
"""Every URI of at most four components: one more than any pattern has, so that prefixes stay open at their end."""

uris = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(".".join)
prefixes = st.one_of(
    st.just(""),
    st.tuples(uris, st.integers(min_value=1, max_value=9)).map(lambda cut: cut[0][: cut[1]]),
    uris.map("{}.".format),
)
wildcards = st.lists(st.sampled_from(("", "", *NAMES)), min_size=1, max_size=3).map(".".join)
patterns = st.one_of(st.tuples(prefixes, st.just("prefix")), st.tuples(wildcards, st.just("wildcard")))
kept = st.one_of(st.tuples(uris, st.just("exact")), patterns)
"""(URI, match policy) of subscriptions, registrations, rules."""


def matched(uri: str, match: str, other: str) -> bool:
    """The definition of matching."""
    if match != "wildcard":
        return other == uri if match == "exact" else other.startswith(uri)
    components, others = uri.split("."), other.split(".")
    return len(components) == len(others) and all(c in ("", o) for c, o in zip(components, others, strict=True))


def order(uri: str, match: str) -> tuple[object, ...]:
    """The definition of the best match: what sorts first."""
    runs = [-len(run) for run in "".join("x" if name else " " for name in uri.split(".")).split(" ")]
    return ("exact", "prefix", "wildcard").index(match), [-len(uri)] if match == "prefix" else runs
