"""The door of one realm: by which methods clients come in, and what they may do in the role that they get.

Rules
-----
* Sessions of a role share its grants; where rules depend on who asks, those of one principal do. A principal whose authid does
  not fit into the rules of its role is not let in (``wamp.error.not_authorized``, of which the basic profile says that it is
  for joining, too).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from copy import copy
from types import MappingProxyType
from typing import Any
from weakref import WeakValueDictionary

from wampd.auth.anonymous import Anonymous
from wampd.auth.methods import Deny, Method, shown
from wampd.auth.roles import Role
from wampd.realms.grants import NOT_AUTHORIZED, Grants, GrantsOfOne
from wampd.realms.uris import MAX_URI_BYTES, UriCheck, is_component

NO_SUCH_ROLE = "wamp.error.no_such_role"


class RealmAuth:
    """How sessions join one realm: its methods, and what its roles may do.

    Raise `ValueError` if two methods or two roles have the same name.
    """

    __slots__ = ("_check", "_of_one", "_personal", "_uri_bytes", "grants", "methods", "open_to_all", "tells_unknown")

    def __init__(
        self,
        methods: Iterable[Method],
        roles: Iterable[Role],
        uri_check: UriCheck = "loose",
        max_uri_bytes: int = MAX_URI_BYTES,
        role_uri_bytes: Mapping[str, int] = MappingProxyType({}),
        *,
        tells_unknown: bool = False,
    ) -> None:
        """``role_uri_bytes`` are of the roles for which it is not ``max_uri_bytes``.

        ``tells_unknown``: clients are told that there is no principal of the name that they give.
        """
        self.tells_unknown = tells_unknown
        self.methods: dict[str, Method] = {}
        self.open_to_all: frozenset[str]
        """The methods that ask for no proof, or for one that is far too long to be guessed."""
        self._offer(methods)
        self.grants: dict[str, Grants] = {}
        """Of the roles that are the same for all their sessions."""
        self._personal: dict[str, Role] = {}
        self._of_one: WeakValueDictionary[tuple[str, str], Grants] = WeakValueDictionary()
        """By role and authid, as long as there is a session that has them."""
        self._check: UriCheck = uri_check
        self._uri_bytes: dict[str, int] = {}
        for role in roles:
            if role.name in self._uri_bytes:
                raise ValueError(f"two roles named {role.name!r}")
            most = self._uri_bytes[role.name] = role_uri_bytes.get(role.name, max_uri_bytes)
            if role.placeholders:
                self._personal[role.name] = role
            else:
                self.grants[role.name] = Grants(role, uri_check, most, limited=role.limited, authorizer=role.authorizer)

    def _offer(self, methods: Iterable[Method]) -> None:
        self.methods = {}
        for method in methods:
            if method.name in self.methods:
                raise ValueError(f"two methods named {method.name!r}")
            self.methods[method.name] = method
        self.open_to_all = frozenset(
            name for name, method in self.methods.items() if isinstance(method, Anonymous) or name == "cookie"
        )

    def by(self, methods: Iterable[Method]) -> RealmAuth:
        """Another door to the same roles: who comes by it proves itself by these methods."""
        door = copy(self)
        door._offer(methods)
        return door

    def become(self, other: RealmAuth, same: Collection[str] = ()) -> None:
        """Be from now on what another door is, which is not used itself any more; so do those made of this one by `by`.

        The roles named in ``same`` are the same there, so that those who have them keep their grants.
        """
        kept = {name: grants for name, grants in self.grants.items() if name in same and name in other.grants}
        personal = {name: role for name, role in self._personal.items() if name in same and name in other._personal}
        for principal in [each for each in self._of_one if each[0] not in personal]:
            self._of_one.pop(principal, None)
        self.tells_unknown, self._check = other.tells_unknown, other._check
        self.methods, self.open_to_all = other.methods, other.open_to_all
        _replace(self.grants, {**other.grants, **kept})
        _replace(self._personal, {**other._personal, **personal})
        _replace(self._uri_bytes, other._uri_bytes)

    def grants_of(self, role: str, authid: str, session_id: int) -> Grants | Deny:
        """What a session may do in this role, or why it cannot have the role."""
        return self.grants.get(role) or self._grants_of_one(role, authid, session_id)

    def _grants_of_one(self, name: str, authid: str, session_id: int) -> Grants | Deny:
        """What one principal may do in a role whose rules depend on who it is."""
        role = self._personal.get(name)
        if role is None:
            log = f"{shown(authid)} has the role {shown(name)}, which does not exist"
            return Deny(log, NO_SUCH_ROLE, "the role of this principal does not exist")
        most = self._uri_bytes[name]
        if "authid" in role.placeholders and not is_component(authid, self._check, most):
            log = f"{shown(authid)} cannot have the role {shown(name)}: its rules take {{authid}} as one component of URIs"
            return Deny(log, NOT_AUTHORIZED, "a session of this authid cannot have its role")
        lasting = "session" not in role.placeholders
        grants = self._of_one.get((name, authid)) if lasting else None
        if grants is None:
            own = role.of({"authid": authid, "session": str(session_id)})
            grants = GrantsOfOne(own, self._check, most, limited=role.limited, authorizer=role.authorizer)
            if lasting:
                self._of_one[name, authid] = grants
        return grants


def _replace(there: dict[str, Any], values: Mapping[str, Any]) -> None:
    there.clear()
    there.update(values)
