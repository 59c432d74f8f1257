"""A part of the composition root: the registries of webhooks, from what is configured."""

from __future__ import annotations

import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from wampd.router.duties import Duty
from wampd.router.recall import is_kept
from wampd.router.settings.hooks import Hooks as HookSettings
from wampd.router.settings.realms import Realm

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.web.resource import Resource

    from wampd.realms.grants import Action
    from wampd.router.hooks.courier import Rules
    from wampd.router.inside.insider import Insider
    from wampd.router.settings.http import HookPath
    from wampd.router.wiring.means import Means
    from wampd.router.wiring.sites import Ground


def posts_of(path: HookPath, ground: Ground) -> Resource:
    """What takes events for webhooks by HTTP."""
    from wampd.router.http.bridges.hook import STATUSES, HookResource
    from wampd.router.wiring.accesses import realm_named
    from wampd.router.wiring.bridges import depth_of, errors_of, signed

    hooks = realm_named(path.realm, ground.means).hooks
    assert hooks is not None, "a rule of the settings wants webhooks"
    return HookResource(
        signed(path, ground),
        errors_of(path, STATUSES),
        size=hooks.event_size,
        timeout=path.timeout,
        depth=depth_of(path, ground),
    )


def registry_of(realm: Realm, settings: HookSettings, means: Means) -> Duty:
    """The registry of webhooks of one realm."""
    from wampd.router.hooks.courier import Courier, Outside  # only where there are webhooks
    from wampd.router.hooks.owners import Owners
    from wampd.router.hooks.procedures import Procedures
    from wampd.router.hooks.service import Hooks
    from wampd.router.stores.hooks import StoredHooks

    assert means.store is not None, "a rule of the settings wants a store"
    keeping = StoredHooks(means.store, realm.name)
    client = means.sender.client()
    chance = random.SystemRandom().random
    strike = means.realms.tally.strike
    courier = Courier(_rules(settings), Outside(means.reactor, time.time, chance, client, keeping, strike))
    means.watching.couriers[realm.name] = courier
    means.ends.add(partial(means.watching.couriers.pop, realm.name), None)

    def procedures(publish: Callable[[str, Any, Any], object]) -> Procedures:
        return Procedures(
            courier,
            client,
            wall=time.time,
            topic_prefix=settings.topic_prefix,
            longest=settings.ttl,
            challenge=settings.challenge,
            privileged=frozenset(role.name for role in realm.roles if role.privileged),
            permitted=permitted,
            is_kept=kept,
            publish=publish,
        )

    def permitted(session: int, action: Action, topic: str) -> bool:
        known = means.realms[realm.name].core.sessions.get(session)
        return known is not None and known.grants.known(action, topic).refusal is None

    def kept(session: int) -> bool:
        known = means.realms[realm.name].core.sessions.get(session)
        return known is not None and is_kept(known)

    def enter() -> Insider:
        insider = means.insiders.enter(realm.name)
        means.realms[realm.name].core.depute(insider.id)
        return insider

    owners = Owners(courier, settings.topic_prefix, lambda: means.realms.door(realm.name), means.realms.answers)
    means.realms.followers.append(owners.changed)
    means.ends.add(partial(means.realms.followers.remove, owners.changed), None)
    return Hooks(
        realm.name,
        courier,
        keeping,
        enter=enter,
        procedures=procedures,
        topic_prefix=settings.topic_prefix,
        clock=means.reactor,
        strike=strike,
        review=owners.review,
    )


def _rules(settings: HookSettings) -> Rules:
    from wampd.router.hooks.breaker import HostRules
    from wampd.router.hooks.courier import Rules
    from wampd.router.hooks.registry import Bounds
    from wampd.router.hooks.verdicts import Patience

    how = settings.deliveries
    return Rules(
        patience=Patience(how.first_retry, how.longest_retry, how.attempts, how.refusals),
        hosts=HostRules(how.per_host, how.failures, how.pause, how.longest_pause),
        bounds=Bounds(settings.registrations, settings.registrations_per_key, settings.registrations_per_principal),
        at_once=how.at_once,
        timeout=how.timeout,
        pending=settings.pending,
        pending_per_hook=settings.pending_per_hook,
        pending_per_owner=settings.pending_per_principal,
        event_size=settings.event_size,
        size=settings.size,
        dead_letters=settings.dead_letters,
        logged=settings.logged,
    )
