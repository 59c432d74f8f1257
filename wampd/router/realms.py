"""The shells round the realms: what they share, their doors, and the end of every turn.

Rules
-----
* One list of touched sessions serves all realms: the end of a turn flushes each of them once.
* A bug in encoding ends the session that it struck, and no other.
* Session ids come from the system's random numbers; publication ids, which nobody has to guess, from a fast generator
  seeded from it. Both are uniform over [1, 2^53] (WAMP basic profile, "IDs").
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Mapping
from typing import Any

from twisted.logger import Logger

from wampd.auth.handshake import Handshake, RealmAuth
from wampd.realms.options import MAX_ID
from wampd.realms.outside import Outside
from wampd.realms.realm import Limits, Realm
from wampd.realms.session import Session
from wampd.router.tally import OUR_BUGS, Tally
from wampd.router.wire.convert import carry, load

log = Logger()


class RealmShell:
    """One realm, as the daemon runs it."""

    def __init__(self, core: Realm, clock: Any, *, drops_events: bool) -> None:
        """``clock`` is an ``IReactorTime``; ``drops_events``: slow subscribers lose events, not their connection."""
        self.core = core
        self.drops_events = drops_events
        self._clock = clock
        self._tidying = False

    def leave(self, session: Session) -> None:
        """Take out a session that has ended."""
        self.core.leave(session)
        self.tidy()

    def tidy(self) -> None:
        """Go on taking off what sessions that have left still hold, a slice a turn."""
        if not self._tidying and self.core.has_leavers:
            self._tidying = True
            self._clock.callLater(0, self._tidy)

    def _tidy(self) -> None:
        self._tidying = False
        self.core.tidy()
        self.tidy()


class Realms:
    """All realms of the process."""

    def __init__(self, clock: Any, agent: str) -> None:
        """``agent`` is what WELCOME says of the router."""
        self.touched: list[Session] = []
        self.tally = Tally(clock)
        self._clock = clock
        self._agent = agent
        self._shells: dict[str, RealmShell] = {}
        self._doors: dict[str, RealmAuth] = {}
        chance = random.Random(secrets.randbits(256))  # noqa: S311 - ids, not secrets
        self._draw = chance.getrandbits
        self._outside = Outside(self._publication_id, clock.seconds, time.time, chance.random, load, carry)

    def add(
        self,
        name: str,
        door: RealmAuth,
        *,
        limits: Limits,
        strict_request_ids: bool = False,
        drops_events: bool = False,
    ) -> RealmShell:
        """Open a realm: ``door`` says who may come in, and as what."""
        core = Realm(
            name,
            touched=self.touched,
            outside=self._outside,
            limits=limits,
            strict_request_ids=strict_request_ids,
        )
        shell = RealmShell(core, self._clock, drops_events=drops_events)
        self._shells[name] = shell
        self.tally.ask(lambda: core.struck)
        self._doors[name] = door
        return shell

    def __getitem__(self, name: str) -> RealmShell:
        return self._shells[name]

    def all(self) -> list[RealmShell]:
        """Every realm."""
        return list(self._shells.values())

    def deadline(self, delay: float) -> float:
        """The time (monotonic seconds) in ``delay`` seconds."""
        now: float = self._clock.seconds()
        return now + delay

    def handshake(self, about: Mapping[str, Any]) -> Handshake:
        """Begin a handshake with a client; ``about`` tells of its transport."""
        return Handshake(self._doors, self._session_id, self._agent, about)

    def end_of_turn(self) -> None:
        """Write what was said in this turn."""
        touched = self.touched
        if touched:
            for session in touched:  # grows while what cannot be delivered is answered
                try:
                    session.outlet.flush()  # type: ignore[union-attr]
                except Exception:  # noqa: BLE001 - logged, and ended for this session
                    self.tally.strike(OUR_BUGS)
                    log.failure("sending to {session} failed: a bug in wampd", session=session)
                    session.outbox.clear()
                    session.outlet.broken()  # type: ignore[union-attr]
            touched.clear()

    def _publication_id(self) -> int:
        return self._draw(53) + 1

    def _session_id(self) -> int:
        while True:
            session_id = secrets.randbelow(MAX_ID) + 1
            if not any(session_id in shell.core.sessions for shell in self._shells.values()):
                return session_id
