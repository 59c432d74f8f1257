"""Where the keys are that tokens are verified with: in the configuration or a file; those of servers are in `keyservers`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from twisted.internet.defer import Deferred

from wampd.auth.jwk import Key, KeySet
from wampd.auth.methods import Failed
from wampd.auth.questions import FindKeys

Found: TypeAlias = tuple[Key, ...] | Failed


class Keyring(Protocol):
    """A place where keys are found."""

    def find(self, question: FindKeys) -> Found | Deferred[Found]:
        """The keys that are asked for, at once or later."""
        ...


class FixedKey:
    """One key, whatever tokens call it."""

    def __init__(self, key: Key) -> None:
        self._keys = (key,)

    def find(self, question: FindKeys) -> tuple[Key, ...]:  # noqa: ARG002 - there is but one
        """The key."""
        return self._keys


class LocalKeys:
    """The keys of a set that is at hand; ``current`` gives it."""

    def __init__(self, current: Callable[[], KeySet]) -> None:
        self._current = current

    def find(self, question: FindKeys) -> tuple[Key, ...]:
        """The keys that are asked for."""
        return self._current().named(question.kid)
