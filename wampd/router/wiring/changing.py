"""Another configuration for the router that runs: read, compared, prepared, and taken into use at once; or refused.

A part of the composition root, as `wampd.router.daemon` is.

Rules
-----
* All or nothing. The whole configuration is read and checked, every file read, every key derived, every new port bound, every
  path made, before anything is changed. What is wrong is said, and changes nothing. Then all is changed in one turn of the
  reactor, so nobody sees a part of it.
* One at a time; who asks meanwhile has its turn afterwards. Nothing is changed while the router is handed over to a
  successor, which reads the file for itself: one that read too soon would undo what was changed meanwhile.
* What is slow, reading and deriving, is done in a thread, and has its time: a file may be on a machine that does not answer.
* What cannot be changed while the router runs (`FIXED`) is refused, and so is all that was to be changed with it.
* Whoever is not concerned by what changes notices nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from msgspec import Struct, structs
from twisted.internet.defer import CancelledError, Deferred, DeferredLock, inlineCallbacks, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.realms import Realms
from wampd.router.reception import Lobby
from wampd.router.settings.differ import differences
from wampd.router.settings.loader import load
from wampd.router.settings.model import Settings
from wampd.router.settings.problems import SettingsError
from wampd.router.stores.watched import Unusable
from wampd.router.tally import RELOADS_FAILED
from wampd.router.templates import Plan
from wampd.router.threads import Threads
from wampd.router.wiring.duties import Duties
from wampd.router.wiring.hosted import Hosted
from wampd.router.wiring.houses import House
from wampd.router.wiring.listening import Listening
from wampd.router.wiring.means import Means
from wampd.router.wiring.outgoing import Sender
from wampd.router.wiring.places import Key, Places
from wampd.router.wiring.plans import plan_of, template_of
from wampd.router.wiring.relistening import NotPrepared, Prepared

log = Logger()

Result = TypeVar("Result")

FIXED: Final[Mapping[str, str]] = {
    "store": "the store",
    "control": "the private socket",
    "process": "the process",
}
"""Parts of the configuration that a running router keeps, and what they are."""
READING: Final = 120.0
"""Seconds that reading the configuration, and deriving keys from it, may take."""
TURN: Final = 30.0
"""Seconds that something else waits for its turn."""
MOST_TOLD: Final = 100
"""Lines of the log that one change makes."""
NEEDS_RESTART: Final = " (needs a restart)"


class NotChanged(Exception):
    """The configuration was not taken into use; the text says why, on a line for each reason."""


class Parts(Struct, frozen=True):
    """What of the router is changed."""

    means: Means
    places: Places
    listening: Listening
    duties: Duties
    lobby: Lobby
    hosted: Hosted


class Changing:
    """Changes the router's configuration."""

    def __init__(self, parts: Parts, configuration: Path | None, plans: dict[Key, Plan]) -> None:
        """``configuration`` is the file; ``plans`` are what the realms, and templates, are made of."""
        self._parts = parts
        self.means = parts.means
        self._configuration = configuration
        self._plans = plans
        self.is_ready = False
        """Whether the router has started, so that it can be changed."""
        self._lock = DeferredLock()
        self._awaited = 0  # changes that have not begun
        self._threads = Threads(parts.means.reactor, 1, "configuration")
        self.then: list[Callable[[Settings], object]] = []
        """Called with the settings that are in use from now on, for what is changed by that alone. It must not raise."""

    def difference(self) -> Deferred[list[str]]:
        """What would change, a line each. The Deferred fails with `NotChanged`."""
        return self._lock.run(self._difference)

    def change(self) -> Deferred[list[str]]:
        """Use the configuration as it is in the file now; what changed, a line each. The Deferred fails with `NotChanged`."""
        self._awaited += 1
        return self._lock.run(self._change)

    def alone(self, work: Callable[[], Deferred[Result]]) -> Deferred[Result]:
        """Do something else while nothing is changed. The Deferred fails with `NotChanged` if what is done takes too long."""

        def begin(_: object) -> Deferred[Result]:
            return maybeDeferred(work).addBoth(self._released)

        turn = self._in_time(self._lock.acquire(), TURN, "the configuration is being changed")
        return turn.addCallback(begin)

    def _released(self, outcome: Result) -> Result:
        self._lock.release()
        return outcome

    def _in_time(self, waited: Deferred[Any], seconds: float, what: str) -> Deferred[Any]:
        def too_late(failure: Failure, _: float) -> NoReturn:
            failure.trap(CancelledError)
            raise NotChanged(f"{what}, which takes longer than {seconds:g} s")

        return waited.addTimeout(seconds, self.means.reactor, onTimeoutCancel=too_late)

    def _in_thread(self, work: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return self._in_time(self._threads.run(work, *args), READING, "the configuration is being read")

    @property
    def is_awaited(self) -> bool:
        """Whether the file will be read once more, when what is being done is over."""
        return self._awaited > 0

    @inlineCallbacks
    def _difference(self) -> Generator[Deferred[Any], Any, list[str]]:
        old = self.means.settings
        new = yield self._in_thread(self._read)
        fixed = set(_fixed(old, new))
        return [f"{line}{NEEDS_RESTART if line in fixed else ''}" for line in differences(old, new)]

    @inlineCallbacks
    def _change(self) -> Generator[Deferred[Any], Any, list[str]]:
        self._awaited -= 1
        try:
            changes: list[str] = yield from self._changed()
        except NotChanged as why:
            self.means.realms.tally.strike(RELOADS_FAILED)
            for line in str(why).splitlines():
                log.error("the configuration stays as it was: {why}", why=line)
            raise
        except Exception:
            self.means.realms.tally.strike(RELOADS_FAILED)
            log.failure("changing the configuration failed: a bug in wampd")
            raise
        for line in changes[:MOST_TOLD]:
            log.info("changed: {what}", what=line)
        log.info(
            "the configuration {file} was read again: {count} changes",
            file=str(self._configuration),
            count=len(changes),
        )
        return changes

    def _changed(self) -> Generator[Deferred[Any], Any, list[str]]:
        parts, old = self._parts, self.means.settings
        if not self.is_ready:
            raise NotChanged("the router is still starting")
        self._see_that_it_goes_on()
        new = yield self._in_thread(self._read)
        if fixed := _fixed(old, new):
            raise NotChanged("\n".join(f"{line}{NEEDS_RESTART}" for line in fixed))
        try:
            parts.places.let_return(new)
            houses = yield self._in_thread(parts.places.houses, new.realms)
        except Unusable as why:
            raise NotChanged(str(why)) from None
        self._see_that_it_goes_on()  # listeners that are closed by now could not be told from new ones
        sender = self.means.sender if new.outgoing == old.outgoing else Sender(self.means.reactor, new.outgoing)
        means = structs.replace(self.means, settings=new, sender=sender)
        prepared = Prepared(parts.listening, means.reactor)
        try:
            yield prepared.prepare(new.listeners, means)
            if parts.lobby.closing:
                raise NotPrepared("the router is being stopped")
        except NotPrepared as why:
            prepared.drop()
            raise NotChanged(str(why)) from None
        self._use(means, houses, prepared)
        return differences(old, new)

    def _see_that_it_goes_on(self) -> None:
        if self._parts.lobby.closing:
            raise NotChanged("the router is being stopped")

    def _use(self, means: Means, houses: dict[Key, House], prepared: Prepared) -> None:
        """Change all, at once."""
        parts, settings = self._parts, means.settings
        parts.duties.part(means)
        self._plans = change_realms(parts.places, means.realms, self._plans, (self.means.settings, settings), houses)
        prepared.use()
        parts.duties.go_on(means)
        if settings.components != self.means.settings.components:
            parts.hosted.change(settings.components)
        self.means = means
        for tell in self.then:
            tell(settings)
        means.realms.end_of_turn()

    def _read(self) -> Settings:
        if self._configuration is None:
            raise NotChanged("this router was not started with a configuration file")
        try:
            return load(self._configuration, os.environ)
        except SettingsError as error:
            raise NotChanged(str(error)) from None


def change_realms(
    places: Places,
    realms: Realms,
    plans: Mapping[Key, Plan],
    settings: tuple[Settings, Settings],
    houses: dict[Key, House],
) -> dict[Key, Plan]:
    """Change the realms, given the ``plans`` of those there are, the settings before and now, and the houses for these.

    Return the plans of the realms that there are then; one that stays the same is the same object.
    """
    before, now = settings
    concerned = places.move(houses, now)
    old = {(realm.name, realm.match): realm for realm in before.realms}
    new: dict[Key, Plan] = {}
    for realm in now.realms:
        key = realm.name, realm.match
        is_same = key in plans and old.get(key) == realm
        new[key] = plans[key] if is_same else plan_of(realm, houses[key].door)
    exact = {realm.name: new[realm.name, realm.match] for realm in now.realms if realm.match == "exact"}
    templates = [template_of(realm, new[realm.name, realm.match]) for realm in now.realms if realm.match != "exact"]
    realms.change(exact, templates)
    places.see(concerned)
    return new


def _fixed(old: Settings, new: Settings) -> Sequence[str]:
    """The changes that a running router cannot make."""
    kept = {name: getattr(old, name) for name in FIXED}
    return differences(structs.replace(new, **kept), new)
