"""Handing the router over to a new process of it: what goes over, and what follows.

A part of the composition root: here what is open meets `wampd.router.system.handover`, where the rules are. While it is under
way nothing else is changed (`wampd.router.wiring.changing`): what goes over is what is open.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.realms.meta.shapes import Nothing
from wampd.router.inside.insider import Refusal, Reply
from wampd.router.inside.taking import taken
from wampd.router.shutdown import Shutdown
from wampd.router.system import sockets
from wampd.router.system.handover import ALONE, PROVED, YOURS, NotHandedOver, Succession
from wampd.router.system.pidfile import PidFile
from wampd.router.system.sockets import Held
from wampd.router.wiring.control import PrivateSocket
from wampd.router.wiring.guarding import Guard
from wampd.router.wiring.listening import Listening
from wampd.router.wiring.standing import Standing

log = Logger()

NOT_HANDED_OVER: Final = "wampd.error.not_handed_over"
WAIT: Final = 30.0
"""Seconds that a handover waits for the one before it to be over."""
_ALREADY: Final = "the router is being handed over or stopped already"


class Handover:
    """The way to the next process, taken once if it leads there."""

    def __init__(
        self,
        reactor: Any,
        standing: Standing,
        listening: Listening,
        private: PrivateSocket,
        shutdown: Shutdown,
        alone: Callable[[Callable[[], Deferred[int]]], Deferred[int]],
    ) -> None:
        """``alone`` does something while the configuration is not being changed."""
        self._alone = alone
        self.then: Callable[[], None] = lambda: None
        """Called when another process is the router."""
        self._is_asked = False
        self._reactor = reactor
        self._standing = standing
        self._listening = listening
        self._private = private
        self._shutdown = shutdown
        self._succession: Succession | None = None
        self.guard = Guard(reactor, self._replace)
        self.guard.then = self._proved
        shutdown.may_end = lambda: self.guard.is_over

    def request(self, why: str) -> Deferred[int]:
        """Start a successor; fires with its process number when it is ready, after which this router stops.

        Fails with `NotHandedOver`; this router goes on then.
        """
        if self._is_asked or self._shutdown.is_under_way:
            return fail(NotHandedOver(_ALREADY))
        if not self._standing.origin.command:
            return fail(NotHandedOver("it is not known how the router was started"))
        self._is_asked = True
        turn = self._alone_of_all().addCallback(lambda _: self._alone(partial(self._begin, why)))
        return turn.addErrback(self._not_succeeded)

    def _alone_of_all(self) -> Deferred[None]:
        """Fires when a router before this one is done: with its components, which the next one has as well, and its watch."""
        alone: Deferred[Any] = Deferred()
        self._standing.when_alone(lambda: self._standing.when_proved(lambda: alone.callback(None)))

        def too_late(failure: Failure, _: float) -> NoReturn:
            failure.trap(CancelledError)
            raise NotHandedOver("the router before this one still watches this one, or ends its components")

        return alone.addTimeout(WAIT, self._reactor, onTimeoutCancel=too_late)

    def _begin(self, why: str) -> Deferred[int]:
        if self._shutdown.is_under_way:
            return fail(NotHandedOver(_ALREADY))
        log.info("{why}: handing over to a new router", why=why)
        if self._shutdown.limits.probation:
            self.guard.keep(self._all_held(), self._standing.pid_file)
        return self._start(self._all_held(), self._standing.pid_file).addCallback(self._succeeded)

    def _all_held(self) -> list[Held]:
        """Copies of all that is listened on."""
        return [*self._listening.pass_on(), *self._private.pass_on()]

    def _start(self, held: list[Held], pid_file: PidFile | None) -> Deferred[int]:
        self._succession = Succession(self._reactor, self._standing.origin, os.environ, self._died, self.guard.let_stop)
        return self._succession.begin(held, pid_file)

    def signalled(self, why: str) -> None:
        """Hand over; that it has failed is logged."""
        self.request(why).addErrback(lambda failure: log.debug("{why}", why=failure.getErrorMessage()))

    def hang_up(self) -> bool:
        """Pass a SIGHUP on to the router that has taken over, if one has and still runs."""
        return self._standing.is_succeeded and self._pass_on(signal.SIGHUP)

    def terminate(self) -> bool:
        """Pass a SIGTERM of a service manager on to the router that has taken over, if this one is the main process still.

        Once: asked again this one ends.
        """
        if self.guard.is_over or self.guard.is_stopping or not self._standing.manager.is_there:
            return False
        self.guard.let_stop()
        return self._pass_on(signal.SIGTERM)

    def _pass_on(self, number: signal.Signals) -> bool:
        return self._succession is not None and self._succession.pass_on(number)

    def serve(self, call: Reply) -> Deferred[dict[str, Any]]:
        """``wampd.node.handover``: the number of the process that is the router from now on."""
        taken(Nothing, call)
        answered: Deferred[Any] = self.request("wampd.node.handover").addCallback(lambda pid: {"pid": pid})
        return answered.addErrback(_refuse)

    def cancel(self) -> None:
        """The router is stopped for good: a successor that is not ready yet ends with it."""
        if self._succession is not None and not self._standing.is_succeeded:
            self._succession.give_up("the router is being stopped")

    def _succeeded(self, pid: int) -> int:
        if self._shutdown.limits.probation:
            self.guard.begin()
        for open_ in self._listening.open:
            sockets.let_be(open_.port)
        self._private.let_be()
        self._install(pid)
        self.then()
        self._shutdown.waits_for_arriving = True
        # In the next turn, so that whoever has called the procedure is answered.
        self._reactor.callLater(0, self._shutdown.request, f"process {pid} has taken over")
        return pid

    def _install(self, pid: int) -> None:
        """The successor is ready: all that is this router's is to be its own, as soon as this one is done with it."""
        self._standing.succeeded_by(pid)
        succession = self._succession
        assert succession is not None

        def serves() -> None:
            if succession is self._succession:  # and has not ended by now
                succession.say(YOURS)
                self.guard.serves(self._shutdown.limits.probation)

        self._shutdown.closed.addCallback(lambda _: serves())
        self._shutdown.alone.addCallback(lambda _: succession.say(ALONE))
        if self.guard.is_over:
            self._proved()

    def _proved(self) -> None:
        """The successor needs this router no more."""
        self._standing.proved()
        if self._succession is not None:
            self._succession.say(PROVED)

    def _died(self, why: str, is_meant: bool) -> None:
        self._succession = None
        self._standing.bereft()
        self.guard.died(f"the new router has ended: {why}", is_meant=is_meant)

    def _replace(self, held: list[Held], pid_file: PidFile | None) -> None:
        self._start(held, pid_file).addCallbacks(self._install, self._not_replaced)

    def _not_replaced(self, failure: Failure) -> None:
        self._succession = None
        self.guard.died(failure.getErrorMessage(), is_meant=False)

    def _not_succeeded(self, failure: Failure) -> Failure:
        self._succession = None
        self._is_asked = False
        self.guard.let_go()
        if not failure.check(NotHandedOver):  # it had no turn
            failure = Failure(NotHandedOver(failure.getErrorMessage()))
        log.error("{why}; this one goes on", why=failure.getErrorMessage())
        return failure


def _refuse(failure: Failure) -> Any:
    failure.trap(NotHandedOver)
    raise Refusal(NOT_HANDED_OVER, failure.getErrorMessage())
