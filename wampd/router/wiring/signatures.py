"""Those who sign their requests: from configured keys to an `wampd.router.http.access.access.Access`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wampd.router.http.access.signed import Key, Signatures
from wampd.router.wiring.accesses import in_role

if TYPE_CHECKING:
    from wampd.router.settings.http.bridges import SignedBridge
    from wampd.router.wiring.sites import Ground


def signatures_of(path: SignedBridge, ground: Ground) -> Signatures:
    """Those who have a key of a path. What was signed counts once, whatever path it was sent to."""
    keys, means = {}, ground.means
    for each in path.keys:
        role = each.role or path.role
        assert role is not None  # settings/access_rules.py sees to it
        access = in_role(path.realm, role, each.authid or each.key, means)
        keys[each.key] = Key(each.secret.reveal().encode(), access)
    return Signatures(keys, path.schemes, time.time, window=path.window, used=means.used, since=means.began)
