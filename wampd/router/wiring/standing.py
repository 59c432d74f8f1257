"""How the process stands before the router is made: its PID file, its sockets, its user.

A part of the composition root: here settings meet the parts of `wampd.router.system`.

Rules
-----
* As root nothing is done but this: the PID file is locked, TCP endpoints are bound, and the process becomes its user. All else,
  from the store to the control socket, is made as that user, and the whole configuration is checked once more as that user:
  what it cannot read now it could not read at a reload either.
* Whoever runs the router as root without saying so is warned.
* What has gone wrong is said in one line, and nothing is left behind.
"""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

from twisted.logger import Logger

from wampd.router.settings.model import Settings
from wampd.router.settings.problems import SettingsError
from wampd.router.settings.process import umask_of
from wampd.router.stores.watched import Unusable
from wampd.router.system import sockets
from wampd.router.system.handover import ALONE, PROVED, YOURS, NotHandedOver, Predecessor
from wampd.router.system.notify import Manager, Watchdog
from wampd.router.system.origin import Origin
from wampd.router.system.pidfile import PidFile, Taken
from wampd.router.system.privileges import (
    Identity,
    NotAllowed,
    become,
    give_up_new_privileges,
    identity_of,
    must_change,
)
from wampd.router.system.refusals import why_not

log = Logger()


class Standing:
    """What the process has before the router is made, and what is taken away when it ends."""

    def __init__(self, environ: MutableMapping[str, str], origin: Origin | None = None) -> None:
        """``environ`` is that of the process."""
        self.origin = origin or Origin()
        self._environ = environ
        self.manager = Manager(environ)
        self.sockets = sockets.Sockets(sockets.from_service_manager(self.origin))
        self.pid_file: PidFile | None = None
        self._predecessor: Predecessor | None = None
        self._outdated: PidFile | None = None
        self.is_succeeded = False
        """Whether another process is the router by now."""
        self._successor: int | None = None

    def prepare(self, settings: Settings, backlog: int, check: Callable[[], object]) -> None:
        """Lock the PID file, bind, and become the user. ``check`` looks at the configuration again. Raise `Unusable`."""
        try:
            self._inherit()
            self._hold_pid_file(settings)
            umask = umask_of(settings.process)
            if umask is not None:
                os.umask(umask)
            self._become(settings, backlog, check)
            if not settings.process.new_privileges:
                give_up_new_privileges()
        except (NotAllowed, NotHandedOver, Taken) as why:
            raise Unusable(str(why)) from None

    def failed(self, why: str) -> None:
        """The router cannot be started."""
        if self._predecessor is not None:
            self._predecessor.failed(why)
        self.end()

    # ------------------------------------------------------------------------------------------ a router before this one

    def opened(self, reactor: Any, serve: Callable[[], object]) -> None:
        """All is open: serve, as soon as a router before this one serves no more."""
        if self._predecessor is None:
            serve()
            return
        self._predecessor.when(YOURS).addCallback(lambda _: serve())
        self._predecessor.ready(reactor)

    def when_alone(self, begin: Callable[[], object]) -> None:
        """Do something as soon as a router before this one has no components any more."""
        self._when(ALONE, begin)

    def when_proved(self, begin: Callable[[], object]) -> None:
        """Do something as soon as no router before this one watches over it any more."""
        self._when(PROVED, begin)

    def _when(self, word: str, begin: Callable[[], object]) -> None:
        if self._predecessor is None:
            begin()
        else:
            self._predecessor.when(word).addCallback(lambda _: begin())

    @property
    def waits(self) -> bool:
        """Whether there is a router before this one: nobody is let in yet."""
        return self._predecessor is not None

    def _inherit(self) -> None:
        if self.origin.predecessor is not None:
            self._predecessor = Predecessor(self.origin.predecessor)
            self.pid_file = self._predecessor.pid_file
            for held in self._predecessor.sockets:
                self.sockets.add(held)

    # ------------------------------------------------------------------------------------------- a router after this one

    def succeeded_by(self, pid: int) -> None:
        """Another process is the router from now on, and has the PID file."""
        self.is_succeeded = True
        self._successor = pid
        if self.pid_file is not None:
            self.pid_file.close()
        self.pid_file = None

    def bereft(self) -> None:
        """That process has ended."""
        self._successor = None

    def proved(self) -> None:
        """That process is the main one from now on: the manager is told."""
        pid, self._successor = self._successor, None
        if pid is not None:
            self.manager.successor(pid)

    # ------------------------------------------------------------------------------------------------------------- life

    def listening(self, reactor: Any, listeners: Sequence[object]) -> None:
        """The router serves: what nobody wanted is closed, and who wants to know is told."""
        for place in self.sockets.close():
            log.warn("no listener is for the socket {place} that was passed on: it is closed", place=place)
        if self._outdated is not None:
            self._outdated.remove()
        if self.pid_file is not None:
            try:
                self.pid_file.write(os.getpid())
            except OSError as error:
                log.error("cannot write the PID file {file}: {error}", file=self.pid_file.file, error=error.strerror)
        Watchdog(self.manager, reactor).start()
        self.serving(listeners)

    def serving(self, listeners: Sequence[object]) -> None:
        """The router serves, also after a change of these listeners."""
        self.manager.ready(f"serves {len(listeners)} listener{'s' if len(listeners) != 1 else ''}")

    def stopping(self) -> None:
        """The router is being stopped."""
        if self._predecessor is not None:
            self._predecessor.stopping()
        if not self.is_succeeded:
            self.manager.stopping("stops: calls under way may finish, sessions are told to leave")

    def end(self) -> None:
        """The process ends."""
        self.proved()
        if self.pid_file is not None:
            self.pid_file.remove()
        self.pid_file = None
        self.sockets.close()
        self.manager.close()

    def _hold_pid_file(self, settings: Settings) -> None:
        file = settings.process.pid_file
        if self.pid_file is not None and not self.pid_file.is_of(file):
            self._outdated, self.pid_file = self.pid_file, None
        if file is not None and self.pid_file is None:
            user = settings.process.user
            owner = None if user is None else identity_of(user, settings.process.group).uid
            self.pid_file = PidFile.hold(file, owner)

    def _become(self, settings: Settings, backlog: int, check: Callable[[], object]) -> None:
        wanted = settings.process
        if wanted.user is None:
            if os.geteuid() == 0:
                log.warn(
                    "the router runs as root: give it a user of its own (process: {{user: NAME}}), or one of systemd or"
                    " the container; {{user: root}} says that it is meant"
                )
            return
        identity = identity_of(wanted.user, wanted.group)
        if not must_change(identity) or identity.is_root:
            return
        self._bind(settings, backlog)
        if self.pid_file is not None:
            self.pid_file.give_to(identity.uid, identity.gid)
        become(identity, self._environ)
        _check_as(identity, check)
        log.info(
            "the process is {user} now (uid {uid}, gid {gid})", user=identity.name, uid=identity.uid, gid=identity.gid
        )

    def _bind(self, settings: Settings, backlog: int) -> None:
        """Bind what may be root's alone to bind: every TCP endpoint that nobody has bound for us."""
        bound: list[sockets.Held] = []
        for listener in settings.listeners:
            try:
                bound += self.sockets.take(listener.endpoint) or filter(
                    None, [sockets.bind(listener.endpoint, backlog)]
                )
            except sockets.NoSocket:  # which is said where it is listened on
                continue
            except OSError as error:
                raise Unusable(f"cannot listen on {listener.endpoint}: {why_not(error)}") from None
        for held in bound:
            self.sockets.add(held)


def _check_as(identity: Identity, check: Callable[[], object]) -> None:
    """See that the user can read all that the configuration names."""
    try:
        check()
    except SettingsError as error:
        raise Unusable(f"as the user {identity.name}:\n{error}") from None
