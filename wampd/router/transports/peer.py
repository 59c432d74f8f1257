"""What a connection serves, as the connection sees it."""

from __future__ import annotations

from typing import Final, Protocol

from wampd.router.wheel import LATE


class Peer(Protocol):
    """What a connection serves: it takes messages, and hears when there is no connection any more."""

    deadline: float | None
    """When (monotonic seconds) `late` is to be called; `None`: never."""

    @property
    def is_in(self) -> bool:
        """Whether the client has joined, or need not."""
        ...

    def receive(self, payloads: list[bytes]) -> None:
        """Take messages."""
        ...

    def late(self) -> None:
        """The deadline has passed."""
        ...

    def congested(self, is_congested: bool) -> bool:
        """Too much waits to be sent, or no more; whether the connection may go on although too much does."""
        ...

    def violated(self, why: str) -> None:
        """The peer sent what is not for this connection: say so, and close it."""
        ...

    def failed(self, why: str) -> None:
        """The connection is being ended for what the peer sent, or did not answer."""
        ...

    def too_slow(self, why: str) -> None:
        """The connection is being ended because the peer does not read what is sent to it."""
        ...

    def lost(self, why: str) -> None:
        """Nothing more is received or sent. Called once, last; also from within a call of `Connection.close`."""
        ...


class _Nobody:
    """What a connection serves that is over."""

    deadline: float | None = None
    is_in = True

    def receive(self, payloads: list[bytes]) -> None:
        """Nothing is taken."""

    def late(self) -> None:
        """There is no deadline."""

    def congested(self, is_congested: bool) -> bool:  # noqa: ARG002 - see `Peer`
        """Nobody minds, and nothing more may wait."""
        return False

    def violated(self, why: str) -> None:
        """Nobody minds."""

    def failed(self, why: str) -> None:
        """Nobody minds."""

    def too_slow(self, why: str) -> None:
        """Nobody minds."""

    def lost(self, why: str) -> None:
        """Nobody minds."""


NOBODY: Final[Peer] = _Nobody()


def see_deadline(peer: Peer, now: float, stalled: bool, due: float) -> float:
    """Tell a peer if its deadline has passed, unless the router itself was ``stalled``; return when to look again.

    ``due`` is when there is to be looked for something else.
    """
    deadline = peer.deadline
    if deadline is not None and now >= deadline:
        if stalled:
            deadline = now + LATE
        else:
            peer.late()
            deadline = peer.deadline
    return due if deadline is None else min(due, deadline)
