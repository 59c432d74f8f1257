"""What somebody shows who wants a session of the router's own, and what it is like not to get one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class NotLetIn(Exception):
    """There is no session: ``reason`` is the URI of the ABORT, the text what it says, ``details`` are its details."""

    def __init__(self, reason: str, text: str, details: Mapping[str, Any] = NOTHING) -> None:
        super().__init__(reason, text)
        self.reason = reason
        self.text = text
        self.details = details


class Credentials(Struct, frozen=True):
    """What somebody shows: by which method of the realm, as whom, and the proof."""

    method: str
    """``anonymous``, ``ticket``, ``jwt``, ``cookie`` …"""
    authid: str | None = None
    secret: str = ""

    def __repr__(self) -> str:  # the secret stays here
        return f"<Credentials {self.method}>"
