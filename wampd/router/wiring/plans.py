"""What realms are made of: from what is configured to plans and templates.

A part of the composition root, as `wampd.router.wiring.doors` is.
"""

from __future__ import annotations

from wampd.auth.door import RealmAuth
from wampd.realms.calls import Timeouts
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Quota
from wampd.realms.retained import Retention
from wampd.router.settings.limits import RealmLimits, RoleLimits
from wampd.router.settings.realms import Realm, Role
from wampd.router.templates import Plan, Template
from wampd.router.wiring.rights import limits_of


def plan_of(realm: Realm, door: RealmAuth) -> Plan:
    """What a realm is made of, or those of a template; ``door``: who may come in."""
    return Plan(
        door=door,
        limits=limits_of(realm.limits, RoleLimits()),
        role_limits={role.name: limits_of(realm.limits, role.limits) for role in realm.roles},
        quota=_quota(realm.limits, realm.roles),
        retention=Retention(realm.retention.age, realm.retention.empty_clears),
        history=tuple(HistoryRule(rule.uri, rule.match, rule.events, rule.size, rule.age) for rule in realm.history),
        timeouts=Timeouts(realm.call_timeout.default, realm.call_timeout.maximum, realm.call_timeout.forward),
        lenient_progress=realm.lenient_progress,
        strict_request_ids=realm.strict_request_ids,
        check_roles=realm.check_roles,
        drops_events=realm.slow_consumer == "drop",
    )


def template_of(realm: Realm, plan: Plan) -> Template:
    """What opens realms of this plan on demand."""
    demand = realm.on_demand
    return Template(
        realm.name,
        realm.match,
        plan,
        uri_check=realm.uri_check,
        most=demand.realms,
        opened_by=None if demand.opened_by is None else frozenset(demand.opened_by),
        keep=demand.keep,
    )


def _quota(limits: RealmLimits, roles: tuple[Role, ...]) -> Quota:
    of_principals = {role.name: most for role in roles if (most := role.limits.sessions_per_principal)}
    return Quota(
        sessions=limits.sessions,
        sessions_by_role={role.name: most for role in roles if (most := role.limits.sessions)},
        sessions_per_principal=limits.sessions_per_principal,
        sessions_per_principal_by_role=of_principals,
        retained=limits.retained,
        retained_size=limits.retained_size,
        waiting_calls=limits.waiting_calls,
        waiting_size=limits.waiting_size,
        kept_size=limits.kept_size,
    )
