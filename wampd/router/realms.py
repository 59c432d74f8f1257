"""All realms: what they share, their doors, and the end of every turn.

Rules
-----
* A realm of a template is opened for the first session that is let in, and is no more when its shell says so (`shells`).
* One list of touched sessions serves all realms: the end of a turn flushes each of them once; of very many some now, the others
  in the next turns.
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
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from wampd.auth.anonymous import Anonymous
from wampd.auth.door import RealmAuth
from wampd.auth.handshake import NO_SUCH_REALM, Handshake
from wampd.auth.methods import Deny
from wampd.auth.outcomes import Abort, Accept
from wampd.auth.questions import AwaitTurn, FindAccount, FindKeys
from wampd.auth.throttle import Throttle, Tolerance
from wampd.realms.asking import Question
from wampd.realms.audit import Entry
from wampd.realms.counts import Past
from wampd.realms.grants import Grants
from wampd.realms.limits import UNAVAILABLE, beyond
from wampd.realms.options import MAX_ID
from wampd.realms.outside import Outside
from wampd.realms.realm import Realm
from wampd.realms.records import CANCELED
from wampd.realms.session import Session
from wampd.router.answers import Answers
from wampd.router.audit import Auditor, who
from wampd.router.authorizers import Authorizers
from wampd.router.entrance import Doubts
from wampd.router.envoy import Answer, CallFailed, Envoy
from wampd.router.inside.own import ROUTER, OwnGrants
from wampd.router.shells import RealmShell
from wampd.router.tally import (
    BREATHERS,
    OUR_BUGS,
    REALMS_OVER_THE_LIMIT,
    SESSIONS_OVER_THE_LIMIT,
    SESSIONS_WITHOUT_MEMORY,
    Tally,
)
from wampd.router.templates import Directory, Plan, Template
from wampd.router.turns import WRITES, Turns, part_of
from wampd.router.wire.convert import carry, load

log = Logger()


class Realms:
    """All realms of the process."""

    def __init__(self, clock: Any, agent: str, tolerance: Tolerance = Tolerance()) -> None:  # noqa: B008 - frozen
        """``agent`` is what WELCOME says of the router; ``tolerance`` is for those who fail to authenticate."""
        self.touched: list[Session] = []
        self.turns = Turns(clock, self.touched, self.end_of_turn)
        """What is left for later turns."""
        self._alarmed: list[Realm] = []
        self._asked: list[Question] = []
        self._entries: list[Entry] = []
        self.ids: set[int] = set()
        """Of the sessions of all realms."""
        self.tally = Tally(clock)
        self._clock = clock
        self._agent = agent
        self._shells: dict[str, RealmShell] = {}
        self._removed: set[RealmShell] = set()
        """Those whose sessions were sent away, and are not all gone."""
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
        self.is_starving = False
        """There is too little memory for more sessions."""
        self.followers: list[Callable[[RealmAuth, Any, Collection[str] | None], object]] = []
        """Told what may have changed of principals: the door, their accounts, their authids (`None`: any). See `Recall`."""
        self.doubts: Doubts | None = None
        """Whether what somebody has proved may be over by now."""
        self.answers = Answers()
        """Who answers what handshakes ask of the outside."""
        self.answers.add(FindKeys, lambda question: question.keys.find(question))
        self.answers.add(FindAccount, lambda question: question.accounts.find(question))
        self.answers.add(AwaitTurn, self._await_turn)
        self.throttle = Throttle(tolerance, clock.seconds)
        """Of those who fail to authenticate."""
        self.tally.ask(lambda: self.throttle.struck)
        self.tally.ask(lambda: {BREATHERS: self.turns.breathers} if self.turns.breathers else {}, quietly=True)
        self._envoys: dict[str, Envoy] = {}
        self.auditor = Auditor(clock, self._core, self.end_of_turn)
        self._authorizers = Authorizers(self.call, clock, self.tally)
        self._outside = Outside(
            self._publication_id, clock.seconds, time.time, chance.random, load, carry, self.turns.turn
        )

    def add(self, name: str, plan: Plan) -> RealmShell:
        """Open a realm, for good."""
        self._directory.add(name, plan.door)
        shell = self._shells[name] = self._shell(name, plan)
        return shell

    def change(self, plans: Mapping[str, Plan], templates: Sequence[Template]) -> None:
        """Let these be the realms, by name, and the templates. A realm whose plan is the same object is left as it is.

        What a realm is made of, or which template it is of, may change while sessions are in it. Those of a realm that is there
        no more get GOODBYE ``wamp.close.close_realm``.
        """
        self._directory.replace({name: plan.door for name, plan in plans.items()}, templates)
        for name, shell in list(self._shells.items()):
            if name in self._private:
                continue
            template = None if name in plans else self._directory.template(name)
            if name not in plans and (template is None or shell.template is None):
                self._remove(name, shell)
                continue
            if template is not shell.template:
                self._move(shell, template)
            plan = plans[name] if template is None else template.plan
            if plan is not shell.plan:
                shell.change(plan, partial(_grants_of, plan.door))
        for name, plan in plans.items():
            if name not in self._shells:
                self._shells[name] = self._shell(name, plan)
                log.info("realm {realm} is open", realm=name)
        self.end_of_turn()

    def _move(self, shell: RealmShell, template: Template | None) -> None:
        """A realm is of this template now; `None`: it is there for good."""
        if shell.template is not None:
            shell.template.open -= 1
        if template is not None:
            template.open += 1
        shell.template = template

    def _remove(self, name: str, shell: RealmShell) -> None:
        log.info("realm {realm} is removed", realm=name)
        self._leave(name)
        self._removed.add(shell)
        shell.remove()

    def _leave(self, name: str) -> None:
        """A realm is found under its name no more."""
        del self._shells[name]
        envoy = self._envoys.pop(name, None)
        if envoy is not None:
            envoy.dismiss(CANCELED)
            self.ids.discard(envoy.session.id)

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

    def starve(self, starving: bool) -> None:
        """There is too little memory, or enough again: take in no clients, and slow publishers down."""
        self.is_starving = starving
        self.turns.halt(starving)
        for shell in self._shells.values():
            shell.core.broker.hurry(not starving)

    def refusal(self, accept: Accept) -> Abort | None:
        """Why nobody is let in now, who has authenticated; operators are."""
        if not self.refuses_for_memory(accept.realm):
            return None
        return Abort(UNAVAILABLE, "there is no memory for more sessions", "the memory ceiling is passed")

    def refuses_for_memory(self, realm: str) -> bool:
        """Whether there is too little memory for one more session in a realm; that is counted."""
        refused = self.is_starving and realm not in self._private
        if refused:
            self.tally.strike(SESSIONS_WITHOUT_MEMORY)
        return refused

    def _open(self, name: str, authrole: str) -> RealmShell | Abort:
        """Open a realm of a template."""
        template = self._directory.template(name)
        if template is None or (template.opened_by is not None and authrole not in template.opened_by):
            return Abort(NO_SUCH_REALM, f"there is no realm {name!r}", f"the role {authrole} may not open {name}")
        if template.open >= template.most:
            self.tally.strike(REALMS_OVER_THE_LIMIT)
            text = beyond("realms", template.most)
            return Abort(UNAVAILABLE, text, f"the template {template.pattern} has {text}")
        shell = self._shells[name] = self._shell(name, template.plan, template)
        template.open += 1
        log.info("realm {realm} is open, of the template {template}", realm=name, template=template.pattern)
        return shell

    def _ended(self, shell: RealmShell) -> None:
        """Nobody has a use for a realm any more."""
        name = shell.core.name
        if self._shells.get(name) is shell:
            self._leave(name)
        self._removed.discard(shell)
        self._past.update(shell.core.struck)
        self.past.take(shell.core)
        shell.core.close()
        self._move(shell, None)
        log.info("realm {realm} is closed", realm=name)

    def _shell(self, name: str, plan: Plan, template: Template | None = None) -> RealmShell:
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
        core.broker.hurry(not self.is_starving)
        shell = RealmShell(
            core,
            self._clock,
            drops_events=plan.drops_events,
            end_of_turn=self.end_of_turn,
            ended=self._ended,
            template=template,
        )
        shell.plan = plan
        return shell

    def _struck(self) -> Counter[str]:
        """What struck in all realms, those that are closed included."""
        struck = Counter(self._past)
        for shell in (*self._shells.values(), *self._removed):
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
            self.turns.number += 1
            now = touched if len(touched) <= WRITES else part_of(touched)
            for session in now:  # grows while what cannot be delivered is answered
                try:
                    session.outlet.flush()  # type: ignore[union-attr]
                except Exception:  # noqa: BLE001 - logged, and ended for this session
                    self.tally.strike(OUR_BUGS)
                    log.failure("sending to {who} failed: a bug in wampd", who=who(session), session=session.id)
                    session.outbox.clear()
                    session.outlet.broken()  # type: ignore[union-attr]
            if now is touched:
                touched.clear()
            else:
                self.turns.come()
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


def _grants_of(door: RealmAuth, session: Session) -> Grants | str:
    """What a session may do that came in by this door before it changed; or why it cannot stay."""
    if isinstance(session.grants, OwnGrants):
        return session.grants
    if session.authprovider != ROUTER:  # else it is a session of the router's own, or of a component that it hosts
        method = door.methods.get(session.authmethod)
        if method is None:
            return "this realm does not offer the method any more by which this session came in"
        if isinstance(method, Anonymous) and method.role != session.authrole:
            return "anonymous sessions have another role now"
    grants = door.grants_of(session.authrole, session.authid, session.id)
    return grants.message if isinstance(grants, Deny) else grants


def _fire(turn: Deferred[None]) -> None:
    if not turn.called:  # else nobody waits any more
        turn.callback(None)
