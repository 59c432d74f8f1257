"""Who may use paths of HTTP, and as whom bridges act there: from what is configured to an `Access`.

`access_of` is for all that speaks WAMP for clients of HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wampd.router.http.access.access import Access, FixedRole, Refused
from wampd.router.http.access.logins import PATIENCE, Logins, Terms
from wampd.router.inside.coming import NotLetIn
from wampd.router.settings.http.served import Bridge, Served
from wampd.router.wiring.means import Means, cookies_of

if TYPE_CHECKING:
    from wampd.router.inside.insider import Insider
    from wampd.router.settings.realms import Realm
    from wampd.router.wiring.sites import Ground

ABOUT: Final = {"type": "http", "peer": "http"}
"""Of a session that is anybody's."""
AUTHID: Final = "http"
"""Of those who act in a role without having shown who they are."""


def access_of(path: Bridge, ground: Ground) -> Access:
    """As whom a bridge acts: everybody in the role that the path names, or each as who came."""
    if path.role is not None:
        return in_role(path.realm, path.role, AUTHID, ground.means)
    assert ground.logins is not None  # settings/access_rules.py sees to it
    return ground.logins


def logins_of(path: Served, ground: Ground) -> Logins | None:
    """Those who may come to a path; `None`: everybody may."""
    access = path.access
    if access is None:
        return None
    realm = access.realm or (path.realm if isinstance(path, Bridge) else None)
    assert realm is not None  # settings/access_rules.py sees to it
    terms = Terms(
        realm=realm,
        basic=access.basic,
        bearer=access.bearer,
        anonymous=access.anonymous,
        roles=None if access.roles is None else frozenset(access.roles),
        origins=access.origins,
        idle=access.idle,
        longest=access.longest,
        sessions=access.sessions,
        single_use=_single_use(realm, ground.means),
    )
    means = ground.means
    cookies = cookies_of(access.cookie, ground.listener, means.realms)
    return Logins(means.insiders.log_in, means.reactor, terms, cookies)


def in_role(realm: str, role: str, authid: str, means: Means) -> FixedRole:
    """What lets everybody who comes by a path into a realm in a role, without proof, as long as there is the path."""

    def enter(request: Any) -> Insider:  # noqa: ARG001 - all who come are the same
        try:
            return means.insiders.enter(realm, authid, role, about=ABOUT)
        except NotLetIn:
            raise _full() from None

    def enter_alone(request: Any) -> Insider:
        """One session serves all; those that are for one client alone are as many as clients want."""
        if means.realms.refuses_for_memory(realm):
            raise _full()
        return enter(request)

    access = FixedRole(enter, enter_alone)
    means.ends.add(access.close, None)
    return access


def _full() -> Refused:
    return Refused(503, "there is no room at the moment", (PATIENCE,))


def realm_named(name: str, means: Means) -> Realm:
    """The settings of a realm that is always there."""
    return next(realm for realm in means.settings.realms if realm.name == name and realm.match == "exact")


def _single_use(name: str, means: Means) -> bool:
    jwt = realm_named(name, means).auth.jwt
    return jwt is not None and jwt.single_use
