"""Static roles: rules by URI, and what they decide.

Rules
-----
* Of the rules that match a URI the most specific one decides alone, whatever the others say: exact, else the longest
  prefix, else the wildcard whose runs of named components, from left to right, are the longest (the order of
  `wampd.realms.uris.UriMap`). If it does not allow the action, or no rule matches: refused.
* ``wamp.*`` and ``wampd.*`` are closed by default: only rules whose first component is that very word take part in
  decisions about them. A rule with an empty prefix, or with a wildcard for its first component, never reaches there.
* A pattern (of a SUBSCRIBE or REGISTER) is granted only if *every* URI that it matches is granted; so a permission for
  an exact URI allows no pattern on it. This is decided conservatively and part by part (what lies in ``wamp.*``, what
  in ``wampd.*``, and the rest): for each part there must be one allowing rule that covers all of it, and no rule that
  could win over that one somewhere in the part may refuse. Cover by several rules together is not looked for.
* What the refused client is told depends on its question alone, so it gives no hint of what exists.

Source: WAMP advanced profile, "Authorization"; what it leaves open is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from wampd.realms.grants import NOT_AUTHORIZED, Action, Authorizer, Disclosure, Grant
from wampd.realms.options import Match
from wampd.realms.uris import UriMap, covers, overlap, precedence

RESERVED = ("wamp", "wampd")
"""First components of URIs that only rules naming them reach."""


class Rule(Struct, frozen=True):
    """One rule of a role: what may be done with the URIs that it matches; an empty ``allow`` refuses everything."""

    uri: str
    match: Match = "exact"
    allow: frozenset[Action] = frozenset()
    disclose: Disclosure = "on_request"
    trustlevel: int | None = None
    """What calls and publications under this rule are trusted; `None`: as the role says."""


class Role:
    """A named set of rules, in any order; a `wampd.realms.grants.Policy`.

    Raise `ValueError` if two rules are for the same URI and match policy.
    """

    __slots__ = ("_parts", "authorizer", "name", "rules")

    def __init__(
        self,
        name: str,
        rules: Iterable[Rule] = (),
        *,
        trustlevel: int | None = None,
        authorizer: Authorizer | None = None,
    ) -> None:
        """``trustlevel`` is that of every rule which names none; ``authorizer`` is asked about what no rule names."""
        self.name = name
        self.authorizer = authorizer
        self.rules = tuple(rules)
        self._parts = {"": _Rules(self.rules, trustlevel)}
        for word in RESERVED:
            rules_of_word = [rule for rule in self.rules if rule.uri.partition(".")[0] == word]
            self._parts[word] = _Rules(rules_of_word, trustlevel)

    def __repr__(self) -> str:
        return f"<Role {self.name}: {len(self.rules)} rules>"

    def decide(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """Whether ``action`` on ``uri``, or on everything that the pattern ``uri`` matches, is granted."""
        if match == "exact":
            return self._parts[_namespace(uri)].on_uri(action, uri)
        granted = None
        for word, part in _split(uri, match):
            grant = self._parts[word].on_pattern(action, part, match)
            if grant.refusal is not None:
                return grant
            granted = granted or grant
        return granted or _REFUSED[action, True]


class _Rules:
    """The rules that take part in decisions about one part of all URIs."""

    __slots__ = ("_by_uri", "_granted", "_ranked")

    def __init__(self, rules: Sequence[Rule], trustlevel: int | None) -> None:
        self._by_uri: UriMap[Rule] = UriMap()
        self._granted = {rule: _granted(rule, trustlevel) for rule in rules}
        for rule in rules:
            try:
                self._by_uri.add(rule.uri, rule.match, rule)
            except KeyError:
                raise ValueError(f"two rules for {rule.uri!r} with match {rule.match!r}") from None
        # Those that would win over the others first.
        self._ranked = sorted(rules, key=lambda rule: precedence(rule.uri, rule.match), reverse=True)

    def on_uri(self, action: Action, uri: str) -> Grant:
        """Decide about one URI."""
        rule = self._by_uri.best(uri)
        if rule is None or action not in rule.allow:
            return _REFUSED[action, False]
        return self._granted[rule]

    def on_pattern(self, action: Action, uri: str, match: Match) -> Grant:
        """Decide about everything that a pattern matches."""
        for rule in self._ranked:
            if action not in rule.allow:
                if overlap(rule.uri, rule.match, uri, match):
                    break
            elif covers(rule.uri, rule.match, uri, match):
                return self._granted[rule]
        return _REFUSED[action, True]


def _granted(rule: Rule, trustlevel: int | None) -> Grant:
    """What a rule grants where it decides, in a role of this trust level."""
    return Grant(
        disclose=rule.disclose,
        trustlevel=trustlevel if rule.trustlevel is None else rule.trustlevel,
    )


def _namespace(uri: str) -> str:
    """Which reserved word ``uri`` is under; ``""``: none."""
    for word in RESERVED:
        if uri.startswith(word) and uri.startswith(".", len(word)):
            return word
    return ""


def _split(pattern: str, match: Match) -> Iterator[tuple[str, str]]:
    """The parts of what a pattern matches: under which reserved word, and the pattern of that part."""
    word = _namespace(pattern)
    if word:
        yield word, pattern
        return
    yield "", pattern
    for word in RESERVED:
        if match == "prefix" and word.startswith(pattern):
            yield word, word + "."
        elif match == "wildcard" and pattern.startswith("."):
            yield word, word + pattern


_DOING: dict[Action, str] = {
    "call": "call",
    "register": "register",
    "publish": "publish to",
    "subscribe": "subscribe to",
    "force_reregister": "take over from those who registered",
}
_REFUSED: dict[tuple[Action, bool], Grant] = {
    (action, pattern): Grant(
        refusal=NOT_AUTHORIZED,
        reason=f"this session may not {doing} {'everything that this pattern matches' if pattern else 'this URI'}",
        undecided=True,
    )
    for action, doing in _DOING.items()
    for pattern in (False, True)
}
