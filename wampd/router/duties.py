"""What the router does beside routing."""

from __future__ import annotations

from typing import Any, Protocol


class Duty(Protocol):
    """Something that the router does beside routing, from when it listens until it stops."""

    def start(self) -> None:
        """Begin. What cannot be done is logged, and nothing else is concerned."""
        ...

    def stop(self) -> Any:
        """End, before the sessions are told; maybe with a Deferred, which is waited for a while."""
        ...
