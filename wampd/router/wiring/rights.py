"""What the roles of a realm may do, and how much: from what is configured to what decides.

A part of the composition root, as `wampd.router.wiring.doors` is.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from wampd.auth.roles import Role, Rule
from wampd.realms.grants import Authorizer
from wampd.realms.limits import Limits, Rate, RuleLimits
from wampd.router.settings.limits import Rate as RateSettings
from wampd.router.settings.limits import RealmLimits, RoleLimits
from wampd.router.settings.limits import RuleLimits as RuleLimitsSettings
from wampd.router.settings.realms import Permission, Realm
from wampd.router.settings.realms import Role as RoleSettings


def roles_of(realm: Realm) -> list[Role]:
    """The roles of a realm, in the order in which they are configured; so are their rules."""
    return [_role(role, f"wamp.error.{realm.denial}") for role in realm.roles]


def longest_uris(realm: Realm) -> Mapping[str, int]:
    """How long URIs may be, in bytes, by role."""
    return {role.name: role.limits.uri_length or realm.limits.uri_length for role in realm.roles}


def limits_of(realm: RealmLimits, role: RoleLimits) -> Limits:
    """The limits of a role's sessions: its own, else those of the realm."""
    values: dict[str, Any] = {}
    for name in Limits.__struct_fields__:
        own = getattr(role, name)
        value = getattr(realm, name) if own is None else own
        values[name] = _rate(value) if isinstance(value, RateSettings) else value
    return Limits(**values)


def _role(role: RoleSettings, denial: str) -> Role:
    asked = role.authorizer
    return Role(
        role.name,
        [_rule(rule) for rule in role.permissions],
        trustlevel=role.trustlevel,
        privileged=role.privileged,
        denial=denial,
        authorizer=None if asked is None else Authorizer(asked.procedure, asked.realm, asked.timeout, asked.ttl),
    )


def _rule(rule: Permission) -> Rule:
    limits = rule.limits
    return Rule(
        uri=rule.uri,
        match=rule.match,
        allow=frozenset(rule.allow or ()),
        disclose=rule.disclose,
        trustlevel=rule.trustlevel,
        deny=frozenset(rule.deny),
        limits=None
        if limits == RuleLimitsSettings()
        else RuleLimits(limits.payload_size, _rate(limits.call_rate), _rate(limits.publication_rate)),
    )


def _rate(settings: RateSettings | None) -> Rate | None:
    if settings is None:
        return None
    return Rate(settings.per_second, settings.burst or max(1, ceil(settings.per_second)))
