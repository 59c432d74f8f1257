"""What types cannot say of webhooks."""

from collections.abc import Mapping

from wampd.realms.uris import is_reserved, is_uri

from .access_rules import served_paths
from .checker import Here, Rule
from .hooks import HookDeliveries, Hooks
from .http import HookPath
from .model import Settings
from .problems import quote


def _hooks(hooks: Hooks, here: Here) -> None:
    prefix = hooks.topic_prefix
    if not is_uri(prefix.removesuffix("."), "loose") or not prefix.endswith(".") or is_reserved(prefix):
        here.problem(f"{quote(prefix)} is not the beginning of topics like hook.", "topic_prefix")
    if here.is_sound("size") and hooks.size < hooks.event_size:
        here.problem("must be at least event_size", "size")
    if here.is_sound("pending_per_hook") and hooks.pending < hooks.pending_per_hook:
        here.problem("must be at least pending_per_hook", "pending")


def _deliveries(deliveries: HookDeliveries, here: Here) -> None:
    for short, long in (("first_retry", "longest_retry"), ("pause", "longest_pause")):
        if here.is_sound(short) and getattr(deliveries, long) < getattr(deliveries, short):
            here.problem(f"must be at least as long as {short}", long)


def hooks_can_be(settings: Settings, here: Here) -> None:
    """Check that realms with webhooks are always there, that there is a store, and that paths lead to such realms."""
    has_none = [realm.name for _, realm in here.each(settings.realms, "realms") if realm.hooks is None]
    for at, path in served_paths(settings, here):
        if isinstance(path, HookPath) and path.realm in has_none and here.is_sound(*at, "realm"):
            here.problem(f"the realm {quote(path.realm)} has no hooks", *at, "realm")
    for index, realm in here.each(settings.realms, "realms"):
        where = ("realms", index, "hooks")
        if realm.hooks is None or not here.is_sound(*where):
            continue
        if realm.match != "exact" and here.is_sound("realms", index, "match"):
            here.problem('only realms that are always there ("match: exact") have webhooks', *where)
        elif settings.store is None and here.is_sound("store"):
            message = 'there is no store; webhooks want "store: {file: wampd.sqlite}" beside "realms"'
            here.problem(message, *where)


HOOK_RULES: Mapping[type, Rule] = {HookDeliveries: _deliveries, Hooks: _hooks}
