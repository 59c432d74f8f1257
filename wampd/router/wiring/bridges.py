"""The bridges from HTTP into WAMP: from what is configured to what serves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from wampd.router.http.bridges.call import CallResource
from wampd.router.http.bridges.errors import NONE, Errors
from wampd.router.http.bridges.publish import PublishResource
from wampd.router.settings.http.bridges import CallPath, PublishPath, SignedBridge
from wampd.router.wiring.accesses import access_of, realm_named

if TYPE_CHECKING:
    from wampd.router.http.access.access import Access
    from wampd.router.settings.http.served import Bridge
    from wampd.router.wiring.sites import Ground


def publish_of(path: PublishPath, ground: Ground) -> PublishResource:
    """What publishes for those who come to a path."""
    return PublishResource(
        signed(path, ground),
        errors_of(path),
        ground.means.reactor,
        timeout=path.timeout,
        batch=path.batch,
        depth=depth_of(path, ground),
    )


def call_of(path: CallPath, ground: Ground) -> CallResource:
    """What calls for those who come to a path."""
    return CallResource(
        signed(path, ground),
        errors_of(path),
        ground.means.realms.tally.strike,
        timeout=path.timeout,
        depth=depth_of(path, ground),
    )


def depth_of(path: Bridge, ground: Ground) -> int:
    """How deep what comes by a path may nest, so that nobody's session takes offence."""
    realm = realm_named(path.realm, ground.means)
    depths = [ground.listener.limits.depth, realm.limits.depth, *(role.limits.depth for role in realm.roles)]
    return min(depth for depth in depths if depth is not None)


def errors_of(path: SignedBridge, statuses: Mapping[str, int] = NONE) -> Errors:
    """How a path answers with errors; ``statuses`` are those of its kind, for what the path says nothing of."""
    return Errors({**statuses, **path.errors}, path.tracebacks, path.always_200)


def signed(path: SignedBridge, ground: Ground) -> Access:
    """As whom signed requests act; where none are asked for, as whom the path says."""
    if not path.keys:
        return access_of(path, ground)
    from wampd.router.wiring.signatures import signatures_of

    return signatures_of(path, ground)
