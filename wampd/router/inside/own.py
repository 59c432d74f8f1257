"""What the router itself may do: everything."""

from __future__ import annotations

from typing import Final

from wampd.realms.grants import Grant, Grants
from wampd.realms.options import Match

ROUTER: Final = "wampd"
"""``authrole`` and ``authprovider`` of the router itself, and ``authprovider`` of the components that it hosts."""
_GRANTED: Final = Grant()


class Everything:
    """The router may do what it was told to do."""

    def decide(self, action: str, uri: str, match: Match) -> Grant:  # noqa: ARG002 - whatever it is
        """Grant it."""
        return _GRANTED


class OwnGrants(Grants):
    """Those of the router itself: what is reserved for it is not refused to it."""

    __slots__ = ()

    def decide(self, action: str, uri: str, match: Match = "exact") -> Grant:  # noqa: ARG002 - whatever it is
        """Grant it."""
        return _GRANTED
