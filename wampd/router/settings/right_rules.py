"""What roles may do in which the router does something: what would always be refused is a mistake, told where it stands.

Rules
-----
* Only what is certain is told. Of a role whose rules have placeholders nothing is said, nor of what an authorizer would be
  asked; of a topic with ``{event}`` only that no event at all may be published.
* Of procedures that are HTTP requests nothing is said: the right to register may be taken from a role for a while, and the
  procedure comes back with it.
* A role that is not there is told by other rules, which come before.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from wampd.realms.grants import Action
from wampd.realms.options import Match
from wampd.realms.uris import overlap

from .access_rules import served_paths
from .checker import Here
from .http import PagePath, UploadPath, WebhookPath
from .http.served import Served
from .model import Settings
from .problems import KeyPath, quote
from .realms import Role

if TYPE_CHECKING:
    from wampd.auth.roles import Role as Deciding
    from wampd.auth.roles import Rule

_DOING: Final = {"call": "call", "publish": "publish to", "subscribe": "subscribe to"}
_EVENT: Final = "{event}"


class _Deed(NamedTuple):
    """What is done in a role."""

    where: KeyPath
    """Where all of it stands."""
    realm: str
    role: str | None
    action: Action
    uri: str
    match: Match = "exact"
    key: KeyPath = ("role",)
    """What of it is wrong if that is refused."""


def rights_of_settings(settings: Settings, here: Here) -> None:
    """See that nothing that is done in a role is refused to it for good."""
    realms = {
        realm.name: {role.name: role for role in realm.roles}
        for index, realm in here.each(settings.realms, "realms")
        if realm.match == "exact" and here.is_sound("realms", index, "roles")
    }
    decides = cache(lambda realm, role: _rules(realms[realm][role]))  # a role may do very many things
    for deed in [deed for deed in _deeds(settings, here) if here.is_sound(*deed.where)]:
        role = realms.get(deed.realm, {}).get(deed.role or "")
        if role is not None and not _may(role, *decides(deed.realm, role.name), deed):
            pattern = "" if deed.match == "exact" else f" (match: {deed.match})"
            message = f"the role {quote(role.name)} may not {_DOING[deed.action]} {quote(deed.uri)}{pattern}"
            here.problem(message, *deed.where, *deed.key)


def _deeds(settings: Settings, here: Here) -> Iterator[_Deed]:
    for index, realm in here.each(settings.realms, "realms"):
        at = ("realms", index, "forwards")
        for place, forward in here.each(realm.forwards, *at):
            yield _Deed((*at, place), realm.name, forward.role, "subscribe", forward.topic, forward.match)
    for where, path in served_paths(settings, here):
        yield from _served(path, where)


def _served(path: Served, where: KeyPath) -> Iterator[_Deed]:
    if isinstance(path, WebhookPath):
        yield _Deed(where, path.realm, path.role, "publish", path.topic)
    elif isinstance(path, PagePath):
        for index, page in enumerate(path.pages):
            key = ("pages", index, "procedure")
            yield _Deed(where, path.realm, path.role, "call", page.procedure, key=key)
    elif isinstance(path, UploadPath) and path.events is not None:
        yield _Deed((*where, "events"), path.events.realm, path.events.role, "publish", path.events.topic)


def _rules(role: Role) -> tuple[Deciding, list[Rule]]:
    """What decides for a role, and by what."""
    from wampd.auth.roles import Role as Deciding  # only where something is done in a role
    from wampd.auth.roles import Rule

    rules = [Rule(rule.uri, rule.match, rule.allow or frozenset(), deny=rule.deny) for rule in role.permissions]
    return Deciding(role.name, rules, privileged=role.privileged), rules


def _may(role: Role, decides: Deciding, rules: list[Rule], deed: _Deed) -> bool:
    """Whether a role may do something, or might."""
    if decides.placeholders:
        return True
    beginning, event, _ = deed.uri.partition(_EVENT)
    if event and deed.action == "publish":
        return role.authorizer is not None or any(
            deed.action in rule.allow and overlap(rule.uri, rule.match, beginning, "prefix") for rule in rules
        )
    grant = decides.judge(deed.action, deed.uri, deed.match).grant
    return grant.refusal is None or (grant.undecided and role.authorizer is not None)
