"""The way in for whoever operates the router: processes of its own user, and of root, on its private socket.

Rules
-----
* The system tells whose process is at the other end of the connection; nothing that the client says counts.
* It goes by the name ``anonymous``, which is what a client means that offers no method: it has nothing to prove.
"""

from __future__ import annotations

from collections.abc import Container

from wampd.auth.methods import Deny, Principal, Request, Step, Unchallenged

PROVIDER = "system"
"""``authprovider`` of these sessions."""


class Owner:
    """The method, with the users that are let in."""

    __slots__ = ("_role", "_users")

    name = "anonymous"

    def __init__(self, role: str, users: Container[int]) -> None:
        """``users`` are let in, by their uids."""
        self._role = role
        self._users = users

    def begin(self, request: Request) -> OwnerExchange:
        """Start with one client, whose uid the transport knows."""
        user = request.transport.get("user")
        if user in self._users:
            return OwnerExchange(Principal(f"uid-{user}", self._role, PROVIDER))
        return OwnerExchange(Deny(f"the user {user} does not operate this router"))


class OwnerExchange(Unchallenged):
    """One client's way: in, or not."""

    __slots__ = ("_step",)

    method = "anonymous"

    def __init__(self, step: Step) -> None:
        self._step = step

    def challenge(self) -> Step:
        """Nothing is asked."""
        return self._step
