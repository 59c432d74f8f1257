"""Static roles: rules by URI, and what they decide.

Rules
-----
* Of the rules that match a URI the most specific one decides alone, whatever the others say: exact, else the longest
  prefix, else the wildcard whose runs of named components, from left to right, are the longest (the order of
  `wampd.realms.uris.UriMap`). It allows the action, denies it, or does not name it.
* What is denied is refused. What the deciding rule does not name, or no rule matches, is refused as well, but
  *undecided*: somebody who knows more than the rules may be asked.
* ``wamp.*`` and ``wampd.*`` are closed by default: only rules whose first component is that very word take part in
  decisions about them. A rule with an empty prefix, or with a wildcard for its first component, never reaches there.
* A pattern (of a SUBSCRIBE or REGISTER) is granted only if *every* URI that it matches is granted; so a permission for
  an exact URI allows no pattern on it. This is decided conservatively and part by part (what lies in ``wamp.*``, what
  in ``wampd.*``, and the rest): for each part there must be one allowing rule that covers all of it, and no rule that
  could win over that one somewhere in the part may refuse. Cover by several rules together is not looked for.
  A pattern is denied if a rule may win that denies, and if a reserved part into which it reaches from outside is not granted.
* What the refused client is told depends on its question alone, so it gives no hint of what exists.

Source: WAMP advanced profile, "Authorization"; what it leaves open is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

from wampd.realms.grants import NOT_AUTHORIZED, Action, Disclosure, Grant
from wampd.realms.options import Match
from wampd.realms.uris import UriMap, covers, overlap, precedence

RESERVED = ("wamp", "wampd")
"""First components of URIs that only rules naming them reach."""

Why: TypeAlias = Literal["allowed", "denied", "silent", "unmatched"]
"""What a rule says of an action where it decides; ``silent``: it does not name it, ``unmatched``: there is no such rule."""

MATCHES: tuple[Match, ...] = ("exact", "prefix", "wildcard")


class Rule(Struct, frozen=True):
    """One rule of a role: what may be done with the URIs that it matches, and what not."""

    uri: str
    match: Match = "exact"
    allow: frozenset[Action] = frozenset()
    disclose: Disclosure = "on_request"
    trustlevel: int | None = None
    """What calls and publications under this rule are trusted; `None`: as the role says."""
    deny: frozenset[Action] = frozenset()
    """What is refused for good; it counts for more than ``allow``."""


class Ruling(Struct, frozen=True):
    """What the rules say of one question, or of one part of it, and which of them says so."""

    why: Why
    grant: Grant
    rule: Rule | None = None
    """The one that decides; `None`: none matches, or covers all of a pattern."""


class Part(Struct, frozen=True):
    """A part of what a question is about: what lies in one namespace."""

    namespace: str
    """``""``: all that is not reserved."""
    uri: str
    ruling: Ruling


class Judgement(Struct, frozen=True):
    """What the rules say of a question: of each part of it, and so of all."""

    grant: Grant
    parts: tuple[Part, ...]


class Role:
    """A named set of rules, in any order; a `wampd.realms.grants.Policy`.

    Raise `ValueError` if two rules are for the same URI and match policy.
    """

    __slots__ = ("_rules_of", "name", "rules")

    def __init__(self, name: str, rules: Iterable[Rule] = (), *, trustlevel: int | None = None) -> None:
        """``trustlevel`` is that of every rule which names none."""
        self.name = name
        self.rules = tuple(rules)
        self._rules_of = {"": _Rules(self.rules, trustlevel)}
        for word in RESERVED:
            rules_of_word = [rule for rule in self.rules if rule.uri.partition(".")[0] == word]
            self._rules_of[word] = _Rules(rules_of_word, trustlevel)

    def __repr__(self) -> str:
        return f"<Role {self.name}: {len(self.rules)} rules>"

    def decide(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """Whether ``action`` on ``uri``, or on everything that the pattern ``uri`` matches, is granted."""
        return self.judge(action, uri, match).grant

    def judge(self, action: Action, uri: str, match: Match = "exact") -> Judgement:
        """Decide, and tell why."""
        if match == "exact":
            namespace = _namespace(uri)
            ruling = self._rules_of[namespace].on_uri(action, uri)
            return Judgement(ruling.grant, (Part(namespace, uri, ruling),))
        parts = tuple(
            [
                Part(namespace, part, self._rules_of[namespace].on_pattern(action, part, match))
                for namespace, part in _split(uri, match)
            ]
        )
        return Judgement(_of_all(action, parts), parts)


class _Kept(Struct, frozen=True, eq=False):
    """A rule, and what it grants."""

    rule: Rule
    grant: Grant

    def says(self, action: Action, *, pattern: bool) -> Ruling:
        """What it says of an action where it decides."""
        if action in self.rule.deny:
            return Ruling("denied", _REFUSED[action, pattern, True], self.rule)
        if action in self.rule.allow:
            return Ruling("allowed", self.grant, self.rule)
        return Ruling("silent", _REFUSED[action, pattern, False], self.rule)


class _Rules:
    """The rules that take part in decisions about one part of all URIs."""

    __slots__ = ("_by_uri", "_ranked")

    def __init__(self, rules: Sequence[Rule], trustlevel: int | None) -> None:
        self._by_uri: UriMap[_Kept] = UriMap()
        for rule in rules:
            try:
                self._by_uri.add(rule.uri, rule.match, _Kept(rule, _granted(rule, trustlevel)))
            except KeyError:
                raise ValueError(f"two rules for {rule.uri!r} with match {rule.match!r}") from None
        # Those that would win over the others first.
        kept = [each for match in MATCHES for each in self._by_uri.of(match).values()]
        self._ranked = sorted(kept, key=lambda each: precedence(each.rule.uri, each.rule.match), reverse=True)

    def on_uri(self, action: Action, uri: str) -> Ruling:
        """Decide about one URI."""
        best = self._by_uri.best(uri)
        return _UNMATCHED[action, False] if best is None else best.says(action, pattern=False)

    def on_pattern(self, action: Action, uri: str, match: Match) -> Ruling:
        """Decide about everything that a pattern matches."""
        silent: Ruling | None = None
        for each in self._ranked:
            rule = each.rule
            if not overlap(rule.uri, rule.match, uri, match):
                continue
            ruling = each.says(action, pattern=True)
            if ruling.why == "denied":
                return ruling
            if ruling.why == "silent":
                silent = silent or ruling
            if covers(rule.uri, rule.match, uri, match):
                return silent or ruling  # it wins over all that come after it
        return silent or _UNMATCHED[action, True]


def _of_all(action: Action, parts: Sequence[Part]) -> Grant:
    """What is said of a pattern, given what is said of its parts."""
    undecided: Grant | None = None
    for part in parts:
        grant = part.ruling.grant
        if grant.refusal is None:
            continue
        if not grant.undecided or part is not parts[0]:
            return _REFUSED[action, True, True]
        undecided = grant
    return undecided or parts[0].ruling.grant


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
_REFUSED: dict[tuple[Action, bool, bool], Grant] = {
    (action, pattern, final): Grant(
        refusal=NOT_AUTHORIZED,
        reason=f"this session may not {doing} {'everything that this pattern matches' if pattern else 'this URI'}",
        undecided=not final,
    )
    for action, doing in _DOING.items()
    for pattern in (False, True)
    for final in (False, True)
}
"""Refusals of an action: on a URI or a pattern, of one that is denied or of one that nothing is said of."""
_UNMATCHED: dict[tuple[Action, bool], Ruling] = {
    (action, pattern): Ruling("unmatched", _REFUSED[action, pattern, False])
    for action in _DOING
    for pattern in (False, True)
}
