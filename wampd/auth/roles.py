"""Static roles: rules by URI, and what they decide.

Rules
-----
* Of the rules that match a URI the most specific one decides alone, whatever the others say: exact, else the longest
  prefix, else the wildcard whose runs of named components, from left to right, are the longest (the order of
  `wampd.realms.uris.UriMap`). It allows the action, denies it, or does not name it.
* What is denied is refused. What the deciding rule does not name, or no rule matches, is refused as well, but
  *undecided*: somebody who knows more than the rules may be asked.
* A rule with placeholders (`wampd.auth.placeholders`) takes part only in the role as it is for one session (`Role.of`). Where
  it comes to stand for the same as a rule without, or with fewer, that one counts: it was written for this very URI.
* ``wamp.*`` and ``wampd.*`` are closed by default: only rules whose first component is that very word take part in
  decisions about them. A rule with an empty prefix, or with a wildcard or a placeholder for its first component, never
  reaches there, whatever the authid. What no such rule allows is denied: nobody else is asked about it.
* Procedures that change what is others' (`PRIVILEGED`) are called by rules alone whose URI begins with what they are called:
  ``wamp.`` does not reach ``wamp.session.kill``. In a *privileged* role they are as all others in ``wamp.*``.
* A pattern (of a SUBSCRIBE or REGISTER) is granted only if *every* URI that it matches is granted; so a permission for
  an exact URI allows no pattern on it. This is decided conservatively and part by part (what lies in ``wamp.*``, what
  in ``wampd.*``, and the rest): for each part there must be one allowing rule that covers all of it, and no rule that
  could win over that one somewhere in the part may refuse. Cover by several rules together is not looked for.
  A pattern is denied if somewhere in it a rule may win that denies, or if a reserved part of it is not granted.
* What the refused client is told depends on its question alone, so it gives no hint of what exists.

Source: WAMP advanced profile, "Authorization"; what it leaves open is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache
from typing import Literal, TypeAlias

from msgspec import Struct

from wampd.auth.placeholders import Placeholder, fill, placeholders
from wampd.realms.grants import NOT_AUTHORIZED, Action, Authorizer, Disclosure, Grant
from wampd.realms.limits import RuleLimits
from wampd.realms.options import Match
from wampd.realms.uris import UriMap, covers, overlap, precedence

RESERVED = ("wamp", "wampd")
"""First components of URIs that only rules naming them reach."""

PRIVILEGED = (
    "wamp.session.kill",
    "wamp.registration.remove_callee",
    "wamp.subscription.remove_subscriber",
    "wampd.monitor.kill",
)
"""What the URIs of procedures begin with that change what is others'."""

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
    limits: RuleLimits | None = None
    """How much may be done by it, within the limits of the session."""


class Ruling(Struct, frozen=True):
    """What the rules say of one question, or of one part of it, and which of them says so."""

    why: Why
    grant: Grant
    rule: Rule | None = None
    """The one that decides; `None`: none matches, or covers all of a pattern."""


class Part(Struct, frozen=True):
    """A part of what a question is about: what lies in one namespace."""

    namespace: str
    """``""``: all that is not reserved; else one of `RESERVED`, or of `PRIVILEGED`."""
    uri: str
    ruling: Ruling


class Judgement(Struct, frozen=True):
    """What the rules say of a question: of each part of it, and so of all."""

    grant: Grant
    parts: tuple[Part, ...]


class Bystanders(Struct, frozen=True):
    """The rules that do not decide about a part of a question, though they match a URI of it; the most specific first."""

    before: tuple[Rule, ...]
    """More specific than the one that decides; so they match a part of a pattern, and do not refuse it."""
    after: tuple[Rule, ...]
    """Less specific than the one that decides."""
    outside: tuple[Rule, ...]
    """Those that do not name the namespace, and so have nothing to say in it."""


class Role:
    """A named set of rules, in any order; a `wampd.realms.grants.Policy`.

    Raise `ValueError` if two rules are for the same URI and match policy.
    """

    __slots__ = ("_rules_of", "authorizer", "limited", "name", "placeholders", "privileged", "rules")

    def __init__(
        self,
        name: str,
        rules: Iterable[Rule] = (),
        *,
        trustlevel: int | None = None,
        privileged: bool = False,
        denial: str = NOT_AUTHORIZED,
        authorizer: Authorizer | None = None,
    ) -> None:
        """``trustlevel`` is that of every rule which names none; ``denial`` is the URI of the ERROR that refuses.

        ``authorizer`` is asked about what no rule names.
        """
        self.name = name
        self.authorizer = authorizer
        self.privileged = privileged
        self.rules = tuple(rules)
        self.placeholders = frozenset(name for rule in self.rules for name in placeholders(rule.uri))
        """What its rules have to know of a session; if there is any, the role is to be asked for as it is `of` one."""
        self.limited = any(rule.limits is not None for rule in self.rules)
        """Whether some rule has limits of its own."""
        refused = _refusals(denial)
        self._rules_of = {"": _Rules(self.rules, trustlevel, refused)}
        for word in RESERVED:
            rules_of_word = [rule for rule in self.rules if rule.uri.partition(".")[0] == word]
            self._rules_of[word] = _Rules(rules_of_word, trustlevel, refused, final=True)
        for beginning in PRIVILEGED:
            naming = [rule for rule in self.rules if rule.uri.startswith(beginning)]
            self._rules_of[beginning] = _Rules(naming, trustlevel, refused, final=True)

    def __repr__(self) -> str:
        return f"<Role {self.name}: {len(self.rules)} rules>"

    def of(self, values: Mapping[Placeholder, str]) -> Role:
        """The role as it is for one session; the values are single components of URIs."""
        own = copy(self)
        own._rules_of = {namespace: rules.of(values) for namespace, rules in self._rules_of.items()}
        return own

    def decide(self, action: Action, uri: str, match: Match = "exact") -> Grant:
        """Whether ``action`` on ``uri``, or on everything that the pattern ``uri`` matches, is granted."""
        if match == "exact":  # the usual question: nobody wants to know why
            return self._rules_of[self._namespace(action, uri)].on_uri(action, uri).grant
        return self.judge(action, uri, match).grant

    def judge(self, action: Action, uri: str, match: Match = "exact") -> Judgement:
        """Decide, and tell why."""
        if match == "exact":
            namespace = self._namespace(action, uri)
            ruling = self._rules_of[namespace].on_uri(action, uri)
            return Judgement(ruling.grant, (Part(namespace, uri, ruling),))
        parts = tuple(
            [
                Part(namespace, part, self._rules_of[namespace].on_pattern(action, part, match))
                for namespace, part in self._split(action, uri, match)
            ]
        )
        return Judgement(_of_all(parts), parts)

    def bystanders(self, part: Part, match: Match = "exact") -> Bystanders:
        """The other rules that match what a part of a judgement is about."""
        concerned = self._rules_of[part.namespace].concerned(part.uri, match)
        everywhere = self._rules_of[""].concerned(part.uri, match)
        decides = part.ruling.rule
        place = concerned.index(decides) if decides in concerned else len(concerned)
        return Bystanders(
            tuple(concerned[:place]),
            tuple(concerned[place + 1 :]),
            tuple([rule for rule in everywhere if rule not in concerned]),
        )

    def _namespace(self, action: Action, uri: str) -> str:
        """Where the rules are that take part in a decision about this URI."""
        word = _reserved(uri)
        if word and action == "call" and not self.privileged:
            for beginning in PRIVILEGED:
                if uri.startswith(beginning):
                    return beginning
        return word

    def _split(self, action: Action, pattern: str, match: Match) -> Iterator[tuple[str, str]]:
        """The parts of what a pattern matches: under which namespace, and the pattern of that part."""
        for word, part in _split(pattern, match):
            yield word, part
            if word and action == "call" and not self.privileged:
                for beginning in PRIVILEGED:
                    if overlap(beginning, "prefix", part, match):
                        yield beginning, beginning if beginning.startswith(part) and match == "prefix" else part


class _Kept(Struct, frozen=True, eq=False):
    """A rule, the URI that it stands for, and what it grants."""

    rule: Rule
    uri: str
    grant: Grant


class _Rules:
    """The rules that take part in decisions about one part of all URIs."""

    __slots__ = ("_by_uri", "_final", "_personal", "_ranked", "_refused")

    def __init__(
        self, rules: Sequence[Rule], trustlevel: int | None, refused: _Refusals, *, final: bool = False
    ) -> None:
        """``final``: what they do not allow is denied."""
        self._refused = refused
        self._final = final
        self._by_uri: UriMap[_Kept] = UriMap()
        personal: UriMap[_Kept] = UriMap()
        for rule in rules:
            kept = personal if placeholders(rule.uri) else self._by_uri
            try:
                kept.add(rule.uri, rule.match, _Kept(rule, rule.uri, _granted(rule, trustlevel)))
            except KeyError:
                raise ValueError(f"two rules for {rule.uri!r} with match {rule.match!r}") from None
        # Those with fewer placeholders first, and always in the same order.
        self._personal = sorted(_all(personal), key=lambda each: (each.uri.count("{"), each.uri))
        self._ranked = _ranked(self._by_uri)

    def of(self, values: Mapping[Placeholder, str]) -> _Rules:
        """These rules, with the placeholders filled in."""
        if not self._personal:
            return self
        own = copy(self)
        own._by_uri = _SmallMap()
        for each in self._ranked:
            own._by_uri.add(each.uri, each.rule.match, each)
        for each in self._personal:
            uri, match = fill(each.uri, values), each.rule.match
            if own._by_uri.get(uri, match) is None:
                own._by_uri.add(uri, match, _Kept(each.rule, uri, each.grant))
        own._ranked = _ranked(own._by_uri)
        return own

    def on_uri(self, action: Action, uri: str) -> Ruling:
        """Decide about one URI."""
        best = self._by_uri.best(uri)
        return self._unmatched(action, pattern=False) if best is None else self._says(best.rule, best.grant, action)

    def concerned(self, uri: str, match: Match) -> list[Rule]:
        """All that match the URI, or some URI of the pattern; those that win over the others first."""
        if match == "exact":
            return [each.rule for each in self._by_uri.matching(uri)]
        return [each.rule for each in self._ranked if overlap(each.uri, each.rule.match, uri, match)]

    def on_pattern(self, action: Action, uri: str, match: Match) -> Ruling:
        """Decide about everything that a pattern matches."""
        silent: Ruling | None = None
        for each in self._ranked:
            rule, own = each.rule, each.uri
            ruling = self._says(rule, each.grant, action, pattern=True)
            if ruling.why != "allowed" and overlap(own, rule.match, uri, match):
                if ruling.why == "denied":
                    return ruling
                silent = silent or ruling
            if covers(own, rule.match, uri, match):
                return silent or ruling  # it wins over all that come after it
        return silent or self._unmatched(action, pattern=True)

    def _says(self, rule: Rule, grant: Grant, action: Action, *, pattern: bool = False) -> Ruling:
        """What a rule says of an action where it decides."""
        if action in rule.deny:
            return Ruling("denied", self._refused[action, pattern, True], rule)
        if action in rule.allow:
            return Ruling("allowed", grant, rule)
        return Ruling("silent", self._refused[action, pattern, self._final], rule)

    def _unmatched(self, action: Action, *, pattern: bool) -> Ruling:
        """What is said where no rule decides."""
        return Ruling("unmatched", self._refused[action, pattern, self._final])


class _SmallMap(UriMap[_Kept]):
    """Of these there may be one a session."""

    __slots__ = ()

    MEMO = 64
    MEMO_VALUES = 16 * MEMO


def _all(rules: UriMap[_Kept]) -> list[_Kept]:
    return [each for match in MATCHES for each in rules.of(match).values()]


def _ranked(rules: UriMap[_Kept]) -> list[_Kept]:
    """Those that would win over the others first."""
    return sorted(_all(rules), key=lambda each: precedence(each.uri, each.rule.match), reverse=True)


def _of_all(parts: Sequence[Part]) -> Grant:
    """What is said of a pattern, given what is said of its parts."""
    undecided: Grant | None = None
    for part in parts:
        grant = part.ruling.grant
        if grant.refusal is None:
            continue
        if not grant.undecided:
            return grant
        undecided = grant
    return undecided or parts[0].ruling.grant


def _granted(rule: Rule, trustlevel: int | None) -> Grant:
    """What a rule grants where it decides, in a role of this trust level."""
    return Grant(
        disclose=rule.disclose,
        trustlevel=trustlevel if rule.trustlevel is None else rule.trustlevel,
        limits=rule.limits,
    )


def _reserved(uri: str) -> str:
    """Which reserved word ``uri`` is under; ``""``: none."""
    if not uri.startswith("wamp"):  # as both words do
        return ""
    for word in RESERVED:
        if uri.startswith(word) and uri.startswith(".", len(word)):
            return word
    return ""


def _split(pattern: str, match: Match) -> Iterator[tuple[str, str]]:
    """The parts of what a pattern matches: under which reserved word, and the pattern of that part."""
    word = _reserved(pattern)
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
_Refusals: TypeAlias = Mapping[tuple[Action, bool, bool], Grant]
"""Refusals of an action: on a URI or a pattern, of one that is denied or of one that nothing is said of."""


@cache
def _refusals(uri: str) -> _Refusals:
    """The refusals by an ERROR of this URI."""
    return {
        (action, pattern, final): Grant(
            refusal=uri,
            reason=f"this session may not {doing} {'everything that this pattern matches' if pattern else 'this URI'}",
            undecided=not final,
        )
        for action, doing in _DOING.items()
        for pattern in (False, True)
        for final in (False, True)
    }
