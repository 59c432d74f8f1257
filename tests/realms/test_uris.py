"""How URIs look and how they match, against definitions of three lines."""

from __future__ import annotations

import re
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.realms.universe import URIS, kept, matched, order, patterns, uris
from wampd.realms.uris import UriMap, covers, is_reserved, is_uri, matches, overlap, precedence

# ---------------------------------------------------------------------------------------------------- well-formed URIs


@pytest.mark.spec("URI-02")
@pytest.mark.parametrize(
    "uri", ["a", "com.a", "Com.Ä-1", "com.a-b.c:d", "wampfoo.x", "日本.語", "a" * 512, "\U0001f600"]
)
def test_loose_uris(uri):
    assert is_uri(uri)


@pytest.mark.spec("URI-02")
@pytest.mark.parametrize(
    "uri",
    ["", ".", "com..a", "com.a b", "com.a#b", "com.", ".com", "a\tb", "a\u00a0b", "a\x1cb", "a\x85b", "a\u2028b", "#"],
)
def test_what_is_no_loose_uri(uri):
    assert not is_uri(uri)


@pytest.mark.spec("URI-02")
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", " ", "\u2029"])
@pytest.mark.parametrize("check", ["loose", "strict"])
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
def test_a_uri_with_a_line_end_is_no_uri(end, check, match):
    assert is_uri("a.b", check, match)
    assert not is_uri("a.b" + end, check, match)
    assert not is_uri(end + "a.b", check, match)


@pytest.mark.spec("URI-03")
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
@pytest.mark.parametrize("uri", ["", ".", "..", "com..x", "com.", ".x", "com.a"])
def test_patterns_may_have_empty_components(uri, match):
    assert is_uri(uri, "loose", match)
    assert is_uri(uri, "strict", match)


@pytest.mark.spec("URI-03")
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
@pytest.mark.parametrize("uri", ["com. .x", "com.#", " ", "\n", "com..x\n"])
def test_components_of_patterns_follow_the_same_rule(uri, match):
    assert not is_uri(uri, "loose", match)


@pytest.mark.spec("URI-04")
@pytest.mark.parametrize("uri", ["Com.A", "com.a-b", "com.ä", "com.٣", "com.a\u0301"])
def test_the_strict_rule_knows_lower_case_ascii_digits_and_underscore(uri):
    assert is_uri(uri, "loose")
    assert not is_uri(uri, "strict")
    assert is_uri("com.a_1.0", "strict")


@given(
    st.text(st.sampled_from("a_9.Z# \t\n\x85\u3000é"), max_size=8), st.sampled_from(["loose", "strict"]), st.booleans()
)
def test_the_rules_are_these(uri, check, pattern):
    strict = set(string.ascii_lowercase + string.digits + "_")
    for component in uri.split("."):
        fits = set(component) <= strict if check == "strict" else not re.search(r"[\s#]", component)
        if not fits or not (component or pattern):
            assert not is_uri(uri, check, "wildcard" if pattern else "exact")
            break
    else:
        assert is_uri(uri, check, "prefix" if pattern else "exact")


@pytest.mark.parametrize(
    ("uri", "fits"),
    [("a" * 512, True), ("a" * 513, False), ("ä" * 256, True), ("ä" * 256 + "a", False), ("\ud800" * 171, False)],
)
def test_length_is_counted_in_bytes_of_utf8(uri, fits):
    assert is_uri(uri) is fits


def test_the_limit_of_length_can_be_set():
    assert is_uri("abc", max_bytes=3)
    assert not is_uri("abcd", max_bytes=3)
    assert is_uri("a" * 100_000, max_bytes=100_000)


@pytest.mark.parametrize("text", ["a." * 50_000, "." * 100_000, "a" * 100_000 + " ", "a." * 50_000 + "#"])
def test_no_text_takes_long_to_check(text):
    start = time.process_time()
    for match in ("exact", "prefix", "wildcard"):
        is_uri(text, "loose", match, max_bytes=1_000_000)
        is_uri(text, "strict", match, max_bytes=1_000_000)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("uri", "reserved"),
    [("wamp.a", True), ("wamp", True), ("wampd.a", True), ("wampfoo.a", False), ("a.wamp", False), ("", False)],
)
def test_which_uris_are_reserved(uri, reserved):
    assert is_reserved(uri) is reserved


# ------------------------------------------------------------------------------------------------------------- matching


@pytest.mark.spec("PSUB-02")
def test_a_prefix_is_a_string_prefix():
    for uri in ("com.a.emergency", "com.a.emergency.11", "com.a.emergency-low", "com.a.emergency.category.severe"):
        assert matches("com.a.emergency", "prefix", uri)
    assert not matches("com.a.emergency", "prefix", "com.a.emerge")


@pytest.mark.spec("PSUB-03")
def test_an_empty_component_matches_exactly_one_component():
    assert matches("com.myapp..userevent", "wildcard", "com.myapp.foo.userevent")
    for uri in ("com.myapp.foo.userevent.bar", "com.myapp.foo.user", "com.myapp2.foo.userevent", "com.myapp.userevent"):
        assert not matches("com.myapp..userevent", "wildcard", uri)


@pytest.mark.spec("PRG-02", "PRG-04")
@pytest.mark.parametrize(
    ("uri", "best"),
    [
        ("a1.b2.c3.d4.e55", ("a1.b2.c3.d4.e55", "exact")),
        ("a1.b2.c3.d98.e74", ("a1.b2.c3", "prefix")),
        ("a1.b2.c3.d4.e325", ("a1.b2.c3.d4", "prefix")),
        ("a1.b2.c55.d4.e5", ("a1.b2..d4.e5", "wildcard")),
        ("a1.b99.c33.d4.e5", ("a1..c33.d4.e5", "wildcard")),
        ("a1.b2.c88.d4.e5.f6.g7", ("a1.b2..d4.e5..g7", "wildcard")),
        ("a1.b99.c88.d4.e5.f6.g7", None),
    ],
)
def test_the_best_of_several_matches(uri, best):
    kept = UriMap()
    for each in [
        ("a1.b2.c3.d4.e55", "exact"),
        ("a1.b2.c3", "prefix"),
        ("a1.b2.c3.d4", "prefix"),
        ("a1.b2..d4.e5", "wildcard"),
        ("a1..c33.d4.e5", "wildcard"),
        ("a1.b2..d4.e5..g7", "wildcard"),
        ("a1.b2..d4..f6.g7", "wildcard"),
    ]:
        kept.add(*each, each)
    assert kept.best(uri) == best


@pytest.mark.spec("PRG-07", "PSUB-05")
def test_the_same_uri_is_kept_once_for_each_policy():
    kept = UriMap()
    for match in ("exact", "prefix", "wildcard"):
        kept.add("com.p", match, match)
        with pytest.raises(KeyError):
            kept.add("com.p", match, "again")
    assert kept.matching("com.p") == ("exact", "prefix", "wildcard")
    assert [kept.get("com.p", match) for match in ("exact", "prefix", "wildcard")] == ["exact", "prefix", "wildcard"]
    assert len(kept) == 3


@given(kept, st.sampled_from(URIS))
def test_one_pattern_matches_as_defined(pattern, uri):
    assert matches(*pattern, uri) == matched(*pattern, uri)


class Keeping(RuleBasedStateMachine):
    """A `UriMap` and a plain dictionary, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.map: UriMap[tuple[str, str]] = UriMap()
        self.model: dict[tuple[str, str], tuple[str, str]] = {}

    @rule(key=kept)
    def add(self, key):
        if key in self.model:
            with pytest.raises(KeyError):
                self.map.add(*key, key)
        else:
            self.map.add(*key, key)
            self.model[key] = key

    @rule(key=kept)
    def remove_unknown(self, key):
        if key not in self.model:
            with pytest.raises(KeyError):
                self.map.remove(*key)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove(self, data):
        key = data.draw(st.sampled_from(sorted(self.model)))
        assert self.map.remove(*key) == self.model.pop(key)

    @rule(uri=st.one_of(uris, st.sampled_from(URIS)))
    def look_up(self, uri):
        found = sorted((key for key in self.model if matched(*key, uri)), key=lambda key: order(*key))
        assert list(self.map.matching(uri)) == found
        assert self.map.best(uri) == (found[0] if found else None)

    @rule(key=kept)
    def get(self, key):
        assert self.map.get(*key) == self.model.get(key)

    @invariant()
    def has_as_many(self):
        assert len(self.map) == len(self.model)
        if not self.model:
            assert not any((self.map._lengths, self.map._by_length, self.map._by_mask, self.map._masks))


TestKeeping = Keeping.TestCase


@pytest.mark.parametrize("key", [("a.b", "exact"), ("a.", "prefix"), ("a.", "wildcard"), ("", "prefix")])
def test_what_is_remembered_of_matches_is_forgotten_when_they_change(key):
    kept: UriMap[str] = UriMap()
    kept.add(".b", "wildcard", "first")
    assert kept.matching("a.b") == ("first",)
    kept.add(*key, "second")
    assert sorted(kept.matching("a.b")) == ["first", "second"]
    kept.remove(*key)
    assert kept.matching("a.b") == ("first",)


def test_what_is_remembered_of_matches_is_bounded_in_number_and_length():
    kept: UriMap[str] = UriMap()
    kept.add("", "prefix", "all")
    for number in range(UriMap.MEMO + 100):
        assert kept.matching(f"a.b{number}") == ("all",)
    assert len(kept._memo) <= UriMap.MEMO
    assert kept.matching("x" * 100_000) == ("all",)
    assert max(map(len, kept._memo)) < 512


# ----------------------------------------------------------------------------------------- how sets of URIs relate


@given(kept, patterns)
def test_a_rule_covers_a_pattern_if_it_matches_all_that_the_pattern_matches(rule, pattern):
    inside = [uri for uri in URIS if matched(*pattern, uri)]
    if pattern[1] == "prefix":
        inside.append(pattern[0] + "q")  # in the small world a beginning of a name may have one continuation alone
    if rule[1] == "exact":
        assert not covers(*rule, *pattern)
    elif inside:
        assert covers(*rule, *pattern) == all(matched(*rule, uri) for uri in inside)


@given(kept, kept)
def test_two_rules_overlap_if_something_is_matched_by_both(one, other):
    both = any(matched(*one, uri) and matched(*other, uri) for uri in URIS)
    assert overlap(*one, *other) == overlap(*other, *one)
    assert overlap(*one, *other) or not both


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("com.a", "exact"), ("com.b", "exact")),
        (("com.a", "exact"), ("com.a.", "prefix")),
        (("com.a", "exact"), ("com.a.", "wildcard")),
        (("com.a.", "prefix"), ("com.b.", "prefix")),
        (("com.a", "prefix"), ("com.b.", "wildcard")),
        (("com.ab", "prefix"), ("com.a.", "wildcard")),
        (("com.a.b.", "prefix"), ("com.a.", "wildcard")),
        (("com.a.x", "prefix"), ("com..b", "wildcard")),
        (("com.a.", "wildcard"), ("com.b.", "wildcard")),
        (("com..", "wildcard"), ("com.", "wildcard")),
    ],
)
def test_rules_apart_do_not_overlap(one, other):
    assert not overlap(*one, *other)
    assert not overlap(*other, *one)


@given(st.lists(kept, min_size=2, max_size=5, unique=True), st.sampled_from(URIS))
def test_precedence_names_the_best_match(several, uri):
    kept: UriMap[tuple[str, str]] = UriMap()
    for each in several:
        kept.add(*each, each)
    found = [each for each in several if matched(*each, uri)]
    assert kept.best(uri) == max(found, key=lambda each: precedence(*each), default=None)
