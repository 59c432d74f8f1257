"""What can go wrong for a client, told apart by what is to be done about it. The texts are lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ClientError(Exception):
    """Something that is not this program's fault; ``str`` of it is one line."""


class CannotConnect(ClientError):
    """There is no session: nobody answers, or who answers is no router."""


class NotLetIn(CannotConnect):
    """The router ended the handshake: `uri` is its reason."""

    def __init__(self, uri: str, text: str) -> None:
        super().__init__(text)
        self.uri = uri


class ConnectionLost(ClientError):
    """The session is over, and this side did not end it."""


class TimeOver(ClientError):
    """An answer did not come in time."""


class WampError(ClientError):
    """A request was answered by an ERROR."""

    def __init__(self, uri: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None) -> None:
        first = args[0] if args else None
        super().__init__(f"{uri}: {one_line(first)}" if isinstance(first, str) and first else uri)
        self.uri = uri
        self.arguments = list(args)
        self.kwargs = dict(kwargs or {})
        self.asked = ""
        """The URI that the request was about."""
        self.session: Mapping[str, Any] = {}
        """Who asked: the details of WELCOME."""


def one_line(text: str, most: int = 500) -> str:
    """What somebody else wrote, as it can be shown in a line of a terminal: no control characters, not too long."""
    shown = "".join(char if char.isprintable() else " " for char in text[: most + 1])
    return shown if len(shown) <= most else shown[:most] + "…"
