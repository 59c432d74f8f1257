"""What the router does beside routing: from what is configured to what runs; and when that is configured otherwise.

Rules
-----
* What is configured as before goes on as it is; where its role has changed, its session comes in anew. The registry of
  webhooks depends on all roles of its realm: where these have changed, it looks at what is registered. Of a procedure that is
  configured otherwise the old callee is taken off in the moment in which the new one comes.
* What sends is loaded only where something is to be sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeAlias

from msgspec import Struct, structs

from wampd.router.duties import Duty
from wampd.router.ends import Ends
from wampd.router.settings.hooks import Hooks
from wampd.router.settings.realms import Realm, Role
from wampd.router.settings.requests import Forward, HttpCallee
from wampd.router.wiring.means import Means

_Make: TypeAlias = Callable[[Means], Duty]
_Roles: TypeAlias = Role | tuple[Role, ...] | None


class _Renewable(Protocol):
    """Something that depends on roles, and begins anew when they have changed."""

    def renew(self) -> None: ...


class _Running(Struct, eq=False):
    settings: Any
    role: _Roles
    duty: Duty
    ends: Ends


class Duties:
    """All that is done."""

    def __init__(self, means: Means) -> None:
        """Make them; they are to be started."""
        self.all: list[Duty] = [means.watching]
        """Each of them, always this list."""
        self._running: list[_Running] = []
        means.watching.monitor(means.settings)
        for settings, role, make in _wanted(means):
            self._running.append(_made(settings, role, make, means))
        self._list(means)

    def part(self, means: Means) -> None:
        """Stop what is not to be done any more, before its realm goes."""
        means.watching.part(means.settings)
        wanted = [settings for settings, _, _ in _wanted(means)]
        stay: list[_Running] = []
        for running in self._running:
            if running.settings in wanted:
                wanted.remove(running.settings)
                stay.append(running)
            else:
                running.duty.stop()
                running.ends.end()
        self._running = stay
        self._list(means)

    def go_on(self, means: Means) -> None:
        """Begin what is to be done as well, now that its realm is there."""
        means.watching.monitor(means.settings)
        there = self._running.copy()
        for settings, role, make in _wanted(means):
            running = next((each for each in there if each.settings == settings), None)
            if running is None:
                running = _made(settings, role, make, means)
                self._running.append(running)
                running.duty.start()
                continue
            there.remove(running)
            if running.role != role:
                running.role = role
                renewable: _Renewable = running.duty  # type: ignore[assignment]  # those in a role all are
                renewable.renew()
        self._list(means)

    def _list(self, means: Means) -> None:
        self.all[:] = [means.watching, *(running.duty for running in self._running)]


def _made(settings: Any, role: _Roles, make: _Make, means: Means) -> _Running:
    ends = Ends(means.reactor)
    return _Running(settings, role, make(structs.replace(means, ends=ends)), ends)


def _wanted(means: Means) -> Iterator[tuple[Any, _Roles, _Make]]:
    """What is to be done: all of the configuration that matters to it, the roles that it depends on, and what makes it."""
    outgoing = means.settings.outgoing
    for realm in means.settings.realms:
        roles: dict[str | None, Role] = {role.name: role for role in realm.roles}
        if realm.hooks is not None:
            privileged = [role.name for role in realm.roles if role.privileged]
            yield ("hooks", realm.name, realm.hooks, privileged, outgoing), realm.roles, _hooks(realm, realm.hooks)
        for callee in realm.http_callees:
            yield ("callee", realm.name, callee, outgoing), roles.get(callee.role), _callee(realm.name, callee)
        for forward in realm.forwards:
            yield ("forward", realm.name, forward, outgoing), roles.get(forward.role), _forward(realm.name, forward)


def _hooks(realm: Realm, hooks: Hooks) -> _Make:
    def make(means: Means) -> Duty:
        from wampd.router.wiring.hooks import registry_of

        return registry_of(realm, hooks, means)

    return make


def _callee(realm: str, callee: HttpCallee) -> _Make:
    def make(means: Means) -> Duty:
        from wampd.router.wiring.requests import callee_of

        return callee_of(callee, realm, means)

    return make


def _forward(realm: str, forward: Forward) -> _Make:
    def make(means: Means) -> Duty:
        from wampd.router.wiring.requests import forwarding_of

        return forwarding_of(forward, realm, means)

    return make
