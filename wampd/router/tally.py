"""How often each limit and each misfortune struck: totals for whoever asks, and one line in the log in a while.

Rules
-----
* Counting costs one addition where it happens. Every `INTERVAL` what has grown since is said in one line, so that a flood of
  misfortunes is no flood of lines.
* SIGUSR1 and the end of the router log all totals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.logger import Logger

log = Logger()

INTERVAL: Final = 10.0

AUTHENTICATIONS_REFUSED: Final = "joins refused"
HANDSHAKES_REFUSED: Final = "handshakes refused"
PROTOCOL_VIOLATIONS: Final = "protocol violations"
SLOW_CONSUMERS: Final = "slow consumers disconnected"
CONNECTIONS_FAILED: Final = "connections failed"
TOO_LATE: Final = "clients too late"
SESSIONS_EXPIRED: Final = "sessions expired"
PASSWORDS_NOT_CHECKED: Final = "passwords not checked"
KEYS_NOT_FETCHED: Final = "keys not fetched"
SESSIONS_OVER_THE_LIMIT: Final = "sessions over the limit"
REALMS_OVER_THE_LIMIT: Final = "realms over the limit"
FILES_SPOILED: Final = "files that could not be used"
STORE_FAILED: Final = "failures of the store"
AUTHORIZERS_FAILED: Final = "failures of authorizers"
OUR_BUGS: Final = "failures of ours"
BACKENDS_FAILED: Final = "failures of backends"
REQUESTS_MALFORMED: Final = "HTTP requests malformed"
REQUESTS_TOO_LARGE: Final = "HTTP requests over a limit"
REQUESTS_TOO_SLOW: Final = "HTTP requests too slow"
ANSWERS_NOT_READ: Final = "HTTP answers not read"
RELOADS_FAILED: Final = "changed configurations not used"
COOKIES_STOLEN: Final = "cookies copied"
SESSIONS_WITHOUT_MEMORY: Final = "sessions refused for want of memory"
MEMORY_PASSED: Final = "times over the memory ceiling"
ACCEPTING_PAUSED: Final = "times nothing was accepted for want of descriptors"
CONNECTIONS_REFUSED: Final = "connections refused"
BREATHERS: Final = "breathers"
"""How often a session that published very much had to let others have their turn. It is no misfortune."""


class Tally:
    """Counters by name. Parts that cannot call it (the core) keep their own, and are asked."""

    def __init__(self, clock: Any) -> None:
        """``clock`` is an ``IReactorTime``."""
        self._clock = clock
        self._own: Counter[str] = Counter()
        self._sources: list[Callable[[], Mapping[str, int]]] = []
        self._quiet: list[Callable[[], Mapping[str, int]]] = []
        self._reported: Mapping[str, int] = {}

    def strike(self, what: str) -> None:
        """Count one."""
        self._own[what] += 1

    def ask(self, source: Callable[[], Mapping[str, int]], *, quietly: bool = False) -> None:
        """Count what ``source`` tells, too: its totals by name. ``quietly``: it is no misfortune, and no line of the log."""
        (self._quiet if quietly else self._sources).append(source)

    def totals(self) -> Counter[str]:
        """How often each struck since the start."""
        totals = self._misfortunes()
        for source in self._quiet:
            totals.update(source())
        return totals

    def _misfortunes(self) -> Counter[str]:
        totals = Counter(self._own)
        for source in self._sources:
            totals.update(source())
        return totals

    def start(self) -> None:
        """Report from now on."""
        self._clock.callLater(INTERVAL, self._again)

    def report(self) -> None:
        """Log all totals."""
        log.info("since the start: {totals}", totals=_listed(self.totals()) or "nothing struck")

    def _again(self) -> None:
        totals = self._misfortunes()
        grown = _listed(totals - Counter(self._reported))
        if grown:
            log.warn("in the last {seconds:g} s: {grown}", seconds=INTERVAL, grown=grown)
        self._reported = totals
        self.start()


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()) if count)
