"""The composition root: settings in, running services out. The only place that knows both the settings and the classes.

Rules
-----
* Nothing is started that cannot be: what is wrong is said in one line, and the exit status is 1.
* On SIGHUP the configuration is read again (`wampd.router.wiring.changing`), unless it says that the terminal is gone in which
  the router was started. One that comes before the router serves is remembered, and one that comes when it has been handed over
  goes on to the new router: a change is not lost on the way.
* On SIGTERM or SIGINT: stop listening, let calls under way finish for a while, say GOODBYE
  ``wamp.close.system_shutdown`` to every session, close, and exit with status 0; a second signal ends at once, and so does
  the hard limit.
* On SIGUSR2 a new router takes over (`wampd.router.system.handover`).
* On SIGUSR1 the tally is logged. On SIGQUIT the stacks of all threads are written to standard error, and the router goes on; on
  SIGABRT, as a watchdog sends it, too, and it ends.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import DeferredList
from twisted.logger import Logger

import wampd
from wampd.auth.questions import CheckPassword
from wampd.auth.used import Used
from wampd.router import reactor as turn_reactor
from wampd.router.control.desk import REALM, Desk
from wampd.router.control.log import procedures_of
from wampd.router.control.node import status_of
from wampd.router.control.reload import procedures_of as changing_of
from wampd.router.descriptors import Accepting, Descriptors, raise_limit
from wampd.router.ends import Ends
from wampd.router.hashing import PasswordChecks
from wampd.router.inside.insiders import Insiders
from wampd.router.memory import Ceiling, ceiling_of
from wampd.router.observe import logs
from wampd.router.realms import Realms
from wampd.router.reception import Lobby
from wampd.router.settings.loader import load
from wampd.router.settings.model import Settings
from wampd.router.settings.realms import Realm as RealmSettings
from wampd.router.shutdown import Shutdown
from wampd.router.stores.watched import Unusable
from wampd.router.system.opening import BACKLOG
from wampd.router.system.origin import LATER, Origin
from wampd.router.tally import ACCEPTING_PAUSED, CONNECTIONS_REFUSED, MEMORY_PASSED, PASSWORDS_NOT_CHECKED
from wampd.router.templates import Plan
from wampd.router.wheel import Wheel
from wampd.router.wiring.changing import Changing, NotChanged, Parts
from wampd.router.wiring.control import PrivateSocket
from wampd.router.wiring.doors import tolerance
from wampd.router.wiring.duties import Duties
from wampd.router.wiring.hosted import Hosted
from wampd.router.wiring.listening import Listening
from wampd.router.wiring.means import Means
from wampd.router.wiring.outgoing import Sender
from wampd.router.wiring.places import Key, Places
from wampd.router.wiring.plans import plan_of, template_of
from wampd.router.wiring.readiness import Readiness
from wampd.router.wiring.standing import Standing
from wampd.router.wiring.succession import Handover
from wampd.router.wiring.watching import Watching

log = Logger()


def run(settings: Settings, configuration: Path, origin: Origin | None = None, *, follow_files: bool = False) -> int:
    """Run the router until it is stopped; return the exit status.

    ``configuration`` is the file of the settings; ``origin`` what the process was given.
    With ``follow_files`` components are restarted when their files change.
    """
    reactor = turn_reactor.install()
    log_lines = logs.begin(settings.log, reactor, os.environ)
    log.info("the configuration is {configuration}", configuration=str(configuration))
    standing = Standing(os.environ, origin)
    try:
        standing.prepare(settings, BACKLOG, lambda: load(configuration, os.environ))
        daemon = Daemon(reactor, settings, configuration, standing, follow_files=follow_files)
    except Unusable as why:  # the store; or a file that has changed since it was checked
        log.critical("cannot start: {why}", why=str(why))
        standing.failed(str(why))
        log_lines.finish()
        return 1
    reactor.end_of_turn = daemon.realms.end_of_turn
    daemon.use(log_lines)
    reactor.callWhenRunning(daemon.start)
    gc.collect()
    gc.freeze()  # what is there now stays: it need not be looked at again
    reactor.run()
    standing.end()
    log_lines.finish()
    return 1 if daemon.is_deserted else daemon.status


class Daemon:
    """The running router."""

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        configuration: Path | None = None,
        standing: Standing | None = None,
        *,
        follow_files: bool = False,
    ) -> None:
        self.status = 0
        self._standing = standing or Standing({})
        self._has_terminal = os.isatty(0)
        self._is_hung_up = False
        self._began = time.time()
        self._reactor = reactor
        self._settings = settings
        self._wheel = Wheel(reactor)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]  # before it is raised for the router's connections
        most, descriptors = _room(settings)
        self._lobby = Lobby(most, reactor.seconds, descriptors)
        self._listening = Listening(self._lobby, self._standing.sockets)
        accepting = Accepting(reactor, self._listening.rest)
        self._lobby.on_exhaustion = accepting.pause
        agent = f"wampd-{wampd.__version__}"
        self.realms = Realms(reactor, agent, tolerance(settings.limits.failed_joins))
        self.realms.tally.ask(lambda: {CONNECTIONS_REFUSED: self._lobby.refused, ACCEPTING_PAUSED: accepting.pauses})
        self._places = Places(reactor, settings, self.realms, dict(os.environ))
        self._checks = self._password_checks()
        self.realms.answers.add(CheckPassword, self._checks.check)
        plans: dict[Key, Plan] = {(realm.name, realm.match): self._open(realm) for realm in settings.realms}
        insiders = Insiders(self.realms, reactor)
        sender = Sender(reactor, settings.outgoing)
        ceiling = Ceiling(reactor, ceiling_of(settings.limits.memory), self._starve, self.realms.turns.release)
        self.realms.tally.ask(lambda: {MEMORY_PASSED: ceiling.passed})
        watching = Watching(reactor, self.realms, lambda: self._lobby.open, ceiling, self._began)
        self._hosting = Hosted(reactor, settings.components, os.environ, follow_files=follow_files, files=files)
        watching.components = self._hosting.states
        store = self._places.store
        self._readiness = Readiness(
            self._listening.open, len(settings.listeners), self._lobby, store, self._hosting, ceiling
        )
        self._means = Means(
            reactor,
            settings,
            self.realms,
            insiders,
            store,
            self._wheel,
            sender,
            watching,
            self._readiness,
            self._desk(configuration, insiders, watching, self._readiness),
            used=Used(),
            ends=Ends(reactor),
            began=self._began,
        )
        duties = Duties(self._means)
        self._duties = duties.all
        self._ceiling = ceiling
        self._private = PrivateSocket(self._means, self._lobby, os.environ, self._standing.sockets)
        self._hosting.private = self._private
        self._stop = Shutdown(
            reactor, settings.limits, self.realms, self._lobby, self._close, self._hosting, self._duties
        )
        parts = Parts(self._means, self._places, self._listening, duties, self._lobby, self._hosting)
        self._changing = Changing(parts, configuration, plans)
        self._changing.then.append(self._limit)
        self._means.desk.offer(changing_of(self._changing.change, self._changing.difference, NotChanged))
        self._handover = Handover(
            reactor, self._standing, self._listening, self._private, self._stop, self._changing.alone
        )
        self._handover.then = self._succeeded
        self._means.desk.offer({"wampd.node.handover": self._handover.serve})

    # ------------------------------------------------------------------------------------------------------- wiring

    def _password_checks(self) -> PasswordChecks:
        limits, tally = self._settings.limits, self.realms.tally
        return PasswordChecks(
            self._reactor,
            limits.password_checks,
            limits.waiting_password_checks,
            lambda: tally.strike(PASSWORDS_NOT_CHECKED),
        )

    def _limit(self, settings: Settings) -> None:
        """Let other limits of the process hold than before."""
        limits, before = settings.limits, self._stop.limits
        self._stop.limits = limits
        self._readiness.listeners = len(settings.listeners)
        if limits == before:
            return
        self._lobby.most, self._lobby.descriptors = _room(settings)
        self._ceiling.ceiling = ceiling_of(limits.memory)
        self.realms.throttle.change(tolerance(limits.failed_joins))
        self._checks.change(limits.password_checks, limits.waiting_password_checks)
        if self.realms.returning is not None:
            self.realms.returning.jar.most = limits.cookies

    def _open(self, realm: RealmSettings) -> Plan:
        """Open one realm, or get ready to open those of a template; return what it is made of."""
        plan = plan_of(realm, self._places.door(realm))
        if realm.match == "exact":
            self.realms.add(realm.name, plan)
        else:
            self.realms.add_template(template_of(realm, plan))
        return plan

    def _desk(self, configuration: Path | None, insiders: Insiders, watching: Watching, readiness: Readiness) -> Desk:
        """Where the router is operated."""
        desk = Desk(self._reactor, self.realms, insiders, lambda: watching.serve(REALM, all_realms=True))
        status = status_of(
            version=wampd.__version__,
            configuration="" if configuration is None else str(configuration),
            began=self._began,
            now=time.time,
            checks=readiness.look,
            listeners=lambda: [each.listener.endpoint for each in self._listening.open],
            connections=lambda: self._lobby.open,
            realms=lambda: {shell.core.name: len(shell.core.sessions) for shell in self.realms.all()},
        )
        desk.offer({"wampd.node.status": status})
        self._hosting.serve(desk)
        return desk

    def _starve(self, starving: bool) -> None:
        """There is too little memory, or enough again."""
        self._lobby.is_starving = starving
        self.realms.starve(starving)

    def use(self, lines: logs.RouterLog) -> None:
        """Count what does not get into the log, and let operators change its levels."""
        self.realms.tally.ask(lines.counts)
        self._means.watching.levels = lines.levels
        self._means.desk.offer(procedures_of(lines.levels))
        self._changing.then.append(lambda settings: lines.configure(settings.log))

    # ----------------------------------------------------------------------------------------------------- life

    @property
    def is_deserted(self) -> bool:
        """Whether this router was to be succeeded, and is not: whoever started it has to know."""
        return self._handover.guard.is_deserted

    def start(self) -> None:
        """Open the listeners, then start the components."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)
        signal.signal(signal.SIGHUP, self._hung_up)
        self._places.start()
        if sys.stderr is not None:
            faulthandler.enable()
            faulthandler.register(signal.SIGQUIT)
        signal.signal(signal.SIGUSR1, lambda *_: self._reactor.callFromThread(self.realms.tally.report))
        signal.signal(signal.SIGUSR2, self._hand_over)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, LATER)
        self._listening.accepts = not self._standing.waits
        self._private.open()
        asked = [self._listening.listen(listener, self._means) for listener in self._settings.listeners]
        DeferredList(asked).addCallback(self._started)

    def _started(self, results: list[tuple[bool, Any]]) -> None:
        if not all(opened for _, opened in results):
            self.status = 1
            self._standing.failed("not everything could be listened on")
            self._reactor.stop()
            return
        self._standing.opened(self._reactor, self._serve)

    def _serve(self) -> None:
        self._listening.accept()
        for duty in (*self._duties, self._ceiling):
            duty.start()
        self._standing.when_alone(self._hosting.start)
        self.realms.tally.start()
        self._standing.listening(self._reactor, self._listening.open)
        log.info("wampd {version} is ready, process {pid}", version=wampd.__version__, pid=os.getpid())
        self._changing.is_ready = True
        if self._is_hung_up:
            self._change()

    def _close(self) -> list[Any]:
        """Listen no more; what has to be waited for, if anything."""
        self._standing.stopping()
        self._ceiling.stop()
        self._handover.cancel()
        return [*self._listening.close(), self._private.close()]

    def _hung_up(self, number: int, frame: object) -> None:
        if self._has_terminal and not os.isatty(0):  # it is gone, and with it whoever would stop the router
            self._signalled(number, frame)
        else:
            self._reactor.callFromThread(self._change)

    def _change(self) -> None:
        """Use the configuration as it is in the file now; a successor may have read it before it was as it is."""
        if self._changing.is_awaited or self._handover.hang_up():
            return
        self._private.where()
        self._is_hung_up = True
        if not self._changing.is_ready:
            return
        self._standing.manager.reloading()
        changed = self._changing.change()
        changed.addErrback(lambda _: None)  # the log has said why
        changed.addCallback(lambda _: self._changed())

    def _changed(self) -> None:
        self._is_hung_up = False
        if not self._standing.is_succeeded:
            self._standing.serving(self._listening.open)

    def _succeeded(self) -> None:
        """Another process is the router: what has not been changed is its to change."""
        if self._is_hung_up:
            self._handover.hang_up()

    def _hand_over(self, number: int, _frame: object) -> None:
        self._reactor.callFromThread(self._handover.signalled, signal.Signals(number).name)

    def _signalled(self, number: int, _frame: object) -> None:
        self._reactor.callFromThread(self._terminate, signal.Signals(number).name)

    def _terminate(self, why: str) -> None:
        if not self._handover.terminate():
            self._stop.request(why)


def _room(settings: Settings) -> tuple[int, Descriptors]:
    """How many connections there may be: as configured, and no more than the file descriptors allow."""
    limits = settings.limits
    most = raise_limit(limits.connections, limits.spare_descriptors)
    allowed = max(1, min(limits.connections, most - limits.spare_descriptors))
    if allowed < limits.connections:
        log.info("at most {allowed} connections: the limit of file descriptors is {hard}", allowed=allowed, hard=most)
    return allowed, Descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0], limits.spare_descriptors)
