"""Why a session of some role may do something, or why not: what the router itself would decide, and by which rules.

Rules
-----
* Nothing is decided here. The doors are made of the configuration as the daemon makes them, only without a way in; what they
  say of a session's role is asked, and who decides tells why (`wampd.auth.roles.Role.judge`).
* A question that cannot be put raises `CannotExplain`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from wampd.auth.handshake import RealmAuth
from wampd.auth.methods import Deny
from wampd.auth.placeholders import Placeholder, fill, placeholders
from wampd.auth.roles import Part, Role, Rule, Why
from wampd.realms.grants import Action, Disclosure, Grant, Grants
from wampd.realms.limits import Limits, Rate
from wampd.realms.options import Match
from wampd.router.settings.model import Settings
from wampd.router.settings.problems import KeyPath, Place, SettingsError, did_you_mean, quote
from wampd.router.settings.realms import Realm
from wampd.router.templates import Directory, Plan, Template
from wampd.router.whose import Unreadable, whose
from wampd.router.wiring.rights import limits_of, longest_uris, roles_of

Places: TypeAlias = Mapping[KeyPath, Place]

COUNTED: Mapping[Action, tuple[str, ...]] = {
    "call": ("payload_size", "call_rate", "pending_calls"),
    "publish": ("payload_size", "publication_rate"),
    "register": ("registrations",),
    "force_reregister": ("registrations",),
    "subscribe": ("subscriptions",),
}
"""The limits that each action meets."""


class CannotExplain(Exception):
    """There is no such realm, role or principal; the text says what is wrong."""


class Question(Struct, frozen=True, kw_only=True):
    """What is to be explained."""

    action: Action
    uri: str
    match: Match = "exact"
    realm: str
    role: str | None = None
    """`None`: that of the principal ``authid``, as it is kept."""
    authid: str | None = None
    session: int = 1
    """For rules with ``{session}``."""


class ShownRule(Struct, frozen=True, omit_defaults=True):
    """A rule, and where it is written."""

    place: str
    uri: str
    match: Match
    allow: list[Action]
    deny: list[Action]
    stands_for: str | None = None
    """Its URI for this session, if there are placeholders in it."""


class ShownPart(Struct, frozen=True):
    """What the rules say of one part of the question."""

    namespace: str
    uri: str
    why: Why
    decides: ShownRule | None
    more_specific: list[ShownRule]
    less_specific: list[ShownRule]
    not_counted: list[ShownRule]
    """Those that match, but do not name the reserved or privileged namespace."""


class ShownLimit(Struct, frozen=True, omit_defaults=True):
    """A limit that counts for what is granted."""

    limit: str
    value: float
    """For rates: so many a second."""
    by: str
    """``session`` (by role or realm) or ``rule``."""
    burst: int | None = None


class Asked(Struct, frozen=True):
    """The procedure that decides where the rules do not."""

    procedure: str
    realm: str
    """Where it is registered."""


class Explanation(Struct, frozen=True, kw_only=True):
    """Whether it is granted, and why."""

    granted: bool
    action: Action
    uri: str
    match: Match
    realm: str
    role: str
    authid: str | None
    principal: str | None
    """Where the principal is kept that has this role; `None`: the role was given."""
    privileged: bool
    error: str | None
    """The URI of the ERROR that refuses it."""
    reason: str
    """What the client is told."""
    asks: Asked | None = None
    """Who is asked before it is refused; `None`: nobody."""
    parts: list[ShownPart]
    """Empty if it is refused whatever the rules say."""
    disclose: Disclosure | None = None
    trustlevel: int | None = None
    limits: list[ShownLimit] = []


def explain(settings: Settings, places: Places, question: Question, environ: Mapping[str, str]) -> Explanation:
    """Tell what would be decided. Raises `CannotExplain`. ``environ`` is what ``${NAME}`` means in files of principals."""
    index, door = _door(settings.realms, question.realm)
    realm = settings.realms[index]
    name, principal = _role_of(settings, realm, question, environ)
    numbers = [number for number, role in enumerate(realm.roles) if role.name == name]
    if not numbers:
        known = [role.name for role in realm.roles]
        raise CannotExplain(f"the realm has no role {quote(name)}{did_you_mean(name, known)}")
    role_settings = realm.roles[numbers[0]]
    if question.authid is None and any("authid" in placeholders(rule.uri) for rule in role_settings.permissions):
        raise CannotExplain(f"rules of the role {quote(name)} have {{authid}} in them: give --authid")
    grants = _grants(door, name, question)
    role = grants.policy
    assert isinstance(role, Role)
    grant = grants.decide(question.action, question.uri, question.match)
    judgement = role.judge(question.action, question.uri, question.match)
    prefix: KeyPath = ("realms", index, "roles", numbers[0], "permissions")
    written = {
        (rule.uri, rule.match): places[(*prefix, number)] for number, rule in enumerate(role_settings.permissions)
    }
    show = _Show(role, question, written)
    granted = grant.refusal is None
    return Explanation(
        granted=granted,
        action=question.action,
        uri=question.uri,
        match=question.match,
        realm=question.realm,
        role=name,
        authid=question.authid,
        principal=principal,
        privileged=role.privileged,
        error=grant.refusal,
        reason=grant.reason,
        asks=_asked(grants, grant, question.realm),
        parts=[show.part(part) for part in judgement.parts] if judgement.grant == grant else [],
        disclose=grant.disclose if granted else None,
        trustlevel=grant.trustlevel,
        limits=_limits(question.action, limits_of(realm.limits, role_settings.limits), grant) if granted else [],
    )


def _door(realms: Sequence[Realm], name: str) -> tuple[int, RealmAuth]:
    """The realm that is meant, or the template that it belongs to, and what its roles may do."""
    directory = Directory()
    doors: list[RealmAuth] = []
    for realm in realms:
        door = RealmAuth((), roles_of(realm), realm.uri_check, role_uri_bytes=longest_uris(realm))
        doors.append(door)
        if realm.match == "exact":
            directory.add(realm.name, door)
        else:
            directory.add_template(Template(realm.name, realm.match, Plan(door=door), uri_check=realm.uri_check))
    found = directory.get(name)
    if found is None:
        raise CannotExplain(f"there is no realm {quote(name)}{did_you_mean(name, [realm.name for realm in realms])}")
    return doors.index(found), found


def _role_of(
    settings: Settings, realm: Realm, question: Question, environ: Mapping[str, str]
) -> tuple[str, str | None]:
    """The role that is meant, and who says that the principal has it."""
    if question.role is not None:
        return question.role, None
    authid = question.authid
    if authid is None:
        raise CannotExplain("whose permission? give --role, --authid, or both")
    try:
        found = whose(realm, None if settings.store is None else settings.store.file, authid, environ)
    except (Unreadable, SettingsError) as why:
        raise CannotExplain(str(why)) from None
    if found is None:
        raise CannotExplain(f"nothing is kept of a principal {quote(authid)} in this realm: give --role, too")
    if found.disabled:
        raise CannotExplain(f"the principal {quote(authid)} is disabled in {found.place}")
    return found.role, found.place


def _grants(door: RealmAuth, role: str, question: Question) -> Grants:
    """What the session may do."""
    grants = door.grants_of(role, question.authid or "", question.session)
    if isinstance(grants, Deny):
        raise CannotExplain(f"no such session is let in: {grants.log}")
    return grants


class _Show:
    """Shows rules of one role."""

    def __init__(self, role: Role, question: Question, written: Mapping[tuple[str, Match], Place]) -> None:
        self._role = role
        self._match = question.match
        self._written = written
        self._values: dict[Placeholder, str] = {"authid": question.authid or "", "session": str(question.session)}

    def part(self, part: Part) -> ShownPart:
        """One part of a judgement."""
        others = self._role.bystanders(part, self._match)
        decides = part.ruling.rule
        return ShownPart(
            part.namespace,
            part.uri,
            part.ruling.why,
            None if decides is None else self._rule(decides),
            self._rules(others.before),
            self._rules(others.after),
            self._rules(others.outside),
        )

    def _rules(self, rules: Iterable[Rule]) -> list[ShownRule]:
        return [self._rule(rule) for rule in rules]

    def _rule(self, rule: Rule) -> ShownRule:
        filled = fill(rule.uri, self._values)
        return ShownRule(
            str(self._written[rule.uri, rule.match]),
            rule.uri,
            rule.match,
            sorted(rule.allow),
            sorted(rule.deny),
            None if filled == rule.uri else filled,
        )


def _asked(grants: Grants, grant: Grant, realm: str) -> Asked | None:
    authorizer = grants.authorizer
    if authorizer is None or not grant.undecided:
        return None
    return Asked(authorizer.procedure, authorizer.realm or realm)


def _limits(action: Action, limits: Limits, grant: Grant) -> list[ShownLimit]:
    """The limits that count for something that is granted: those of the session, then those of the rule."""
    shown = []
    for by, of in (("session", limits), ("rule", grant.limits)):
        for name in COUNTED[action]:
            value: Any = getattr(of, name, None)
            if isinstance(value, Rate):
                shown.append(ShownLimit(name, value.per_second, by, value.burst))
            elif value is not None:
                shown.append(ShownLimit(name, value, by))
    return shown
