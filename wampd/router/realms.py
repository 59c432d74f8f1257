"""The shells round the realms: what they share, their doors, and the end of every turn.

Rules
-----
* A realm of a template is opened for the first session that is let in, and closed when the connection of the last one is done
  with it, what sessions held is taken off, and nothing is kept; or, whatever is kept, when it has been without a session for as
  long as its template says. Nobody has a use for it then, so it is taken apart at once.
* One list of touched sessions serves all realms: the end of a turn flushes each of them once.
* One timer serves all that a realm waits for: the next thing that is due.
* A bug in encoding ends the session that it struck, and no other.
* Session ids come from the system's random numbers; publication ids, which nobody has to guess, from a fast generator
  seeded from it. Both are uniform over [1, 2^53] (WAMP basic profile, "IDs").
"""

from __future__ import annotations

import random
import secrets
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from wampd.auth.door import RealmAuth
from wampd.auth.handshake import NO_SUCH_REALM, Handshake
from wampd.auth.outcomes import Abort, Accept
from wampd.auth.questions import AwaitTurn, FindAccount, FindKeys
from wampd.auth.throttle import Throttle, Tolerance
from wampd.realms.asking import Question
from wampd.realms.audit import Entry
from wampd.realms.counts import Past
from wampd.realms.limits import UNAVAILABLE, beyond
from wampd.realms.options import MAX_ID
from wampd.realms.outside import Outside
from wampd.realms.realm import Realm
from wampd.realms.records import CANCELED
from wampd.realms.session import Session
from wampd.router.answers import Answers
from wampd.router.audit import Auditor, who
from wampd.router.authorizers import Authorizers
from wampd.router.envoy import Answer, CallFailed, Envoy
from wampd.router.tally import OUR_BUGS, REALMS_OVER_THE_LIMIT, SESSIONS_OVER_THE_LIMIT, Tally
from wampd.router.templates import Directory, Plan, Template
from wampd.router.wire.convert import carry, load

log = Logger()


class RealmShell:
    """One realm, as the daemon runs it."""

    LOOK_AGAIN = 60.0
    """Seconds between two looks whether what a realm without sessions is kept for is there yet."""
    LONGEST_NAP = 3600.0
    """Seconds that the timer runs at most; then it is looked at what is due. Clients may ask for any timeout."""

    def __init__(
        self,
        core: Realm,
        clock: Any,
        *,
        drops_events: bool,
        end_of_turn: Callable[[], None] = lambda: None,
        end: Callable[[], None] | None = None,
        keep: float = 0.0,
    ) -> None:
        """``clock`` is an ``IReactorTime``; ``drops_events``: slow subscribers lose events, not their connection.

        ``end_of_turn`` writes what was said when something was due. ``end`` is called when a realm on demand is not wanted
        any more; without sessions it stays at most ``keep`` seconds.
        """
        self.core = core
        self._end_of_turn = end_of_turn
        self._timer: Any = None
        self.drops_events = drops_events
        self._clock = clock
        self._tidying = False
        self._end = end
        self._keep = keep
        self._look_again: Any = None  # at a realm on demand that is kept without sessions
        self._deserted_since = 0.0
        self._connections = 0
        """Those that serve a session of the realm, one that was sent away included."""
        self._closed = False

    def join(self, session: Session) -> None:
        """Take in a session that has been welcomed."""
        self._connections += 1
        self.core.join(session)
        self._do_not_look_again()

    def leave(self, session: Session) -> None:
        """The connection of a session is done with it: take it out, if it is not out already. To be called once."""
        self._connections -= 1
        self.core.leave(session)
        self.tidy()

    def tidy(self) -> None:
        """Go on taking off what sessions that have left still hold, a slice a turn; after the last, see whether that is all.

        To be called when a session has left, or when something that was kept is gone.
        """
        if self._closed:
            return
        if self.core.has_leavers:
            if not self._tidying:
                self._tidying = True
                self._clock.callLater(0, self._tidy)
        elif self._end is not None and not self._connections and self.core.is_deserted:
            now = self._clock.seconds()
            if self._look_again is None:
                self._deserted_since = now
            left = self._deserted_since + self._keep - now
            if left <= 0 or not self.core.keeps:
                self._close()
            elif self._look_again is None or not self._look_again.active():
                self._look_again = self._clock.callLater(min(left, self.LOOK_AGAIN), self.tidy)

    def set_timer(self) -> None:
        """See that somebody looks when the next thing is due."""
        due = self.core.next_deadline
        if due is None:
            return
        delay = min(max(0.0, due - self._clock.seconds()), self.LONGEST_NAP)
        if self._timer is None:
            self._timer = self._clock.callLater(delay, self._look)
        elif self._timer.getTime() > due:
            self._timer.reset(delay)

    def _look(self) -> None:
        self._timer = None
        self.core.expire(self._clock.seconds())
        self.set_timer()
        self.tidy()  # what was kept may be gone
        self._end_of_turn()

    def _tidy(self) -> None:
        self._tidying = False
        if not self._closed:
            self.core.tidy()
            self.tidy()
            self._end_of_turn()

    def _close(self) -> None:
        self._do_not_look_again()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._closed = True
        if self._end is not None:
            self._end()
            self._end = None

    def _do_not_look_again(self) -> None:
        if self._look_again is not None:
            if self._look_again.active():
                self._look_again.cancel()
            self._look_again = None


class Realms:
    """All realms of the process."""

    def __init__(self, clock: Any, agent: str, tolerance: Tolerance = Tolerance()) -> None:  # noqa: B008 - frozen
        """``agent`` is what WELCOME says of the router; ``tolerance`` is for those who fail to authenticate."""
        self.touched: list[Session] = []
        self._alarmed: list[Realm] = []
        self._asked: list[Question] = []
        self._entries: list[Entry] = []
        self.ids: set[int] = set()
        """Of the sessions of all realms."""
        self.tally = Tally(clock)
        self._clock = clock
        self._agent = agent
        self._shells: dict[str, RealmShell] = {}
        self._directory = Directory()
        self._private: dict[str, RealmAuth] = {}
        self._past: Counter[str] = Counter()
        """What struck in realms that are closed."""
        self.tally.ask(self._struck)
        self.past = Past()
        """What has happened in realms that are closed."""
        chance = random.Random(secrets.randbits(256))  # noqa: S311 - ids, not secrets
        self._draw = chance.getrandbits
        self.returning: Any = None
        """Who came by which cookie: a `wampd.router.returning.Returning`, where there are cookies."""
        self.followers: list[Callable[[RealmAuth, Any, Collection[str] | None], object]] = []
        """Told what may have changed of principals: the door, their accounts, their authids (`None`: any). See `Recall`."""
        self.answers = Answers()
        """Who answers what handshakes ask of the outside."""
        self.answers.add(FindKeys, lambda question: question.keys.find(question))
        self.answers.add(FindAccount, lambda question: question.accounts.find(question))
        self.answers.add(AwaitTurn, self._await_turn)
        self.throttle = Throttle(tolerance, clock.seconds)
        """Of those who fail to authenticate."""
        self.tally.ask(lambda: self.throttle.struck)
        self._envoys: dict[str, Envoy] = {}
        self.auditor = Auditor(clock, self._core, self.end_of_turn)
        self._authorizers = Authorizers(self.call, clock, self.tally)
        self._outside = Outside(self._publication_id, clock.seconds, time.time, chance.random, load, carry)

    def add(self, name: str, plan: Plan) -> RealmShell:
        """Open a realm, for good."""
        self._directory.add(name, plan.door)
        shell = self._shells[name] = self._shell(name, plan)
        return shell

    def add_private(self, name: str, plan: Plan) -> RealmShell:
        """Open a realm for good that only those find who come in by a directory of their own, and the router itself."""
        self._directory.hide(name)
        self._private[name] = plan.door
        shell = self._shells[name] = self._shell(name, plan)
        return shell

    def add_template(self, template: Template) -> None:
        """Open realms of this template on demand."""
        self._directory.add_template(template)

    def enter(self, accept: Accept) -> RealmShell | Abort:
        """The realm that a client which has authenticated is to join at once, or why it cannot."""
        name = accept.realm
        shell = self._shells.get(name)
        if shell is None:
            return self._open(name, accept.authrole)
        full = shell.core.occupancy.full(accept.authrole, accept.authid)
        if full is not None:
            self.tally.strike(SESSIONS_OVER_THE_LIMIT)
            return Abort(UNAVAILABLE, full, f"the realm {name} has {full}")
        return shell

    def _open(self, name: str, authrole: str) -> RealmShell | Abort:
        """Open a realm of a template."""
        template = self._directory.template(name)
        if template is None or (template.opened_by is not None and authrole not in template.opened_by):
            return Abort(NO_SUCH_REALM, f"there is no realm {name!r}", f"the role {authrole} may not open {name}")
        if template.open >= template.most:
            self.tally.strike(REALMS_OVER_THE_LIMIT)
            text = beyond("realms", template.most)
            return Abort(UNAVAILABLE, text, f"the template {template.pattern} has {text}")
        plan = template.plan

        def end() -> None:
            del self._shells[name]
            envoy = self._envoys.pop(name, None)
            if envoy is not None:
                envoy.dismiss(CANCELED)
                self.ids.discard(envoy.session.id)
            self._past.update(shell.core.struck)
            self.past.take(shell.core)
            shell.core.close()
            template.open -= 1
            log.info("realm {realm} is closed", realm=name)

        shell = self._shell(name, plan, end, template.keep)
        self._shells[name] = shell
        template.open += 1
        log.info("realm {realm} is open, of the template {template}", realm=name, template=template.pattern)
        return shell

    def _shell(self, name: str, plan: Plan, end: Callable[[], None] | None = None, keep: float = 0.0) -> RealmShell:
        core = Realm(
            name,
            touched=self.touched,
            outside=self._outside,
            alarmed=self._alarmed,
            asked=self._asked,
            entries=self._entries,
            limits=plan.limits,
            role_limits=plan.role_limits,
            quota=plan.quota,
            retention=plan.retention,
            history=plan.history,
            timeouts=plan.timeouts,
            lenient_progress=plan.lenient_progress,
            strict_request_ids=plan.strict_request_ids,
            check_roles=plan.check_roles,
        )
        return RealmShell(
            core,
            self._clock,
            drops_events=plan.drops_events,
            end_of_turn=self.end_of_turn,
            end=end,
            keep=keep,
        )

    def _struck(self) -> Counter[str]:
        """What struck in all realms, those that are closed included."""
        struck = Counter(self._past)
        for shell in self._shells.values():
            struck.update(shell.core.struck)
        return struck

    def _core(self, name: str) -> Realm | None:
        shell = self._shells.get(name)
        return None if shell is None else shell.core

    def __getitem__(self, name: str) -> RealmShell:
        return self._shells[name]

    def all(self) -> list[RealmShell]:
        """Every realm."""
        return list(self._shells.values())

    def door(self, name: str) -> RealmAuth | None:
        """Who may come into the realm of this name, and as what; `None`: there is none, and will be none."""
        return self._directory.get(name) or self._private.get(name)

    def deadline(self, delay: float) -> float:
        """The time (monotonic seconds) in ``delay`` seconds."""
        now: float = self._clock.seconds()
        return now + delay

    def handshake(self, about: Mapping[str, Any]) -> Handshake:
        """Begin a handshake with a client; ``about`` tells of its transport, and which realms there are for it."""
        return Handshake(
            about.get("directory", self._directory), self.new_session_id, self._agent, about, self.throttle
        )

    def call(self, realm: str, procedure: str, args: Sequence[Any], timeout: float) -> Deferred[Answer]:
        """Call a procedure of a component, as the router; ``timeout`` in seconds. The Deferred fails with `CallFailed`."""
        shell = self._shells.get(realm)
        if shell is None:
            return fail(CallFailed(NO_SUCH_REALM))
        envoy = self._envoys.get(realm)
        if envoy is None:
            envoy = self._envoys[realm] = Envoy(shell.core, self._clock, self.new_session_id(), self.touched)
            self.ids.add(envoy.session.id)
        return envoy.call(procedure, args, timeout)

    def _await_turn(self, question: AwaitTurn) -> Deferred[None]:
        turn: Deferred[None] = Deferred()
        # In a later turn of the reactor: nobody calls into the handshake that has just ended.
        question.attempt.turn = lambda: self._clock.callLater(0, _fire, turn)
        return turn

    def end_of_turn(self) -> None:
        """Write what was said in this turn."""
        if self._asked:
            for question in self._asked:  # grows while questions are answered at once
                self._authorizers.ask(question, self.end_of_turn)
            self._asked.clear()
        if self._entries:
            for entry in self._entries:
                self.auditor.write(entry)
            self._entries.clear()
        touched = self.touched
        if touched:
            for session in touched:  # grows while what cannot be delivered is answered
                try:
                    session.outlet.flush()  # type: ignore[union-attr]
                except Exception:  # noqa: BLE001 - logged, and ended for this session
                    self.tally.strike(OUR_BUGS)
                    log.failure("sending to {who} failed: a bug in wampd", who=who(session), session=session.id)
                    session.outbox.clear()
                    session.outlet.broken()  # type: ignore[union-attr]
            touched.clear()
        if self._alarmed:
            for realm in self._alarmed:
                shell = self._shells.get(realm.name)
                if shell is not None and shell.core is realm:  # else it was closed in this turn
                    shell.set_timer()
            self._alarmed.clear()

    def _publication_id(self) -> int:
        return self._draw(53) + 1

    def new_session_id(self) -> int:
        """Draw the id of a session."""
        while True:
            session_id = secrets.randbelow(MAX_ID) + 1
            if session_id not in self.ids:
                return session_id


def _fire(turn: Deferred[None]) -> None:
    if not turn.called:  # else nobody waits any more
        turn.callback(None)
