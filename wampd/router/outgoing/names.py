"""The addresses of names, as the system finds them.

Rules
-----
* The system's look-up waits for servers, each in a thread of its own; whoever registers a URL may have chosen servers that
  never answer. So there are few of these threads, which serve nothing else, and few look-ups wait for them: more are refused.
* Nothing is remembered: every connection asks anew.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from wampd.router.outgoing.problems import OutgoingError
from wampd.router.threads import Threads

THREADS: Final = 8
MOST_WAITING: Final = 200
"""Look-ups at once, those included that nobody waits for any more."""


class Resolver(Protocol):
    """Finds the addresses of names."""

    def resolve(self, name: str) -> Deferred[Sequence[str]]:
        """All addresses of a name, best first; none: there is no such name."""
        ...


def look_up(name: str) -> list[str]:
    """All addresses of a name; waits for servers."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(address[0]) for _, _, _, _, address in found))


class SystemResolver:
    """Asks what the system asks, in threads."""

    def __init__(self, reactor: Any, ask: Callable[[str], list[str]] = look_up) -> None:
        """``ask`` is called in a thread."""
        self.waiting = 0
        self._ask = ask
        self._threads = Threads(reactor, THREADS, "names")

    def resolve(self, name: str) -> Deferred[Sequence[str]]:
        """All addresses of a name. Fails with `OutgoingError` if too many are being looked up."""
        if self.waiting >= MOST_WAITING:
            return fail(OutgoingError("busy", "too many names are being looked up"))
        self.waiting += 1
        asked: Deferred[Sequence[str]] = Deferred(lambda _: None)  # what comes later is not heard
        self._threads.run(self._ask, name).addBoth(self._answered, asked)
        return asked

    def _answered(self, found: list[str] | Failure, asked: Deferred[Sequence[str]]) -> None:
        self.waiting -= 1
        if not asked.called:
            asked.callback([] if isinstance(found, Failure) else found)
