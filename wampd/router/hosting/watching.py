"""Files of components: those that change restart what they belong to. For development.

Rules
-----
* Files are looked at from time to time, in a thread; nothing is asked of the system that not every file system has. What
  counts is the time of change, the size and the number of a file, and which files there are.
* After a change it is waited until there was none for a while: a save of many files is one restart. Of these the log names one.
* Who was stopped by hand stays so. One that was given up, or rests, is started: its code may be better now.
* So many files are looked at for a component, and no more, whatever its directory leads to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.hosting.hosting import Hosting
from wampd.router.hosting.runs import Program
from wampd.router.hosting.supervisor import told_already
from wampd.router.settings.components import PythonComponent, Watch

log = Logger()

MOST: Final = 10_000
"""Entries of directories that are looked at for one component."""

Seen = Mapping[str, tuple[int, int, int]]
"""Files, and what tells whether they are the same."""


class Place(Struct, frozen=True):
    """What is looked at for a component."""

    roots: tuple[str, ...]
    watch: Watch


def place_of(program: Program, *, everything: bool) -> Place | None:
    """What is looked at for a component; `None`: nothing.

    ``everything``: also of those that are looked at only when somebody develops them, and of all in Python.
    """
    component = program.component
    watch = component.watch
    if watch is None and everything and isinstance(component, PythonComponent):
        watch = Watch()
    if watch is None or not (everything or watch.always):
        return None
    more = component.path if isinstance(component, PythonComponent) else ()
    return Place(tuple(dict.fromkeys(map(str, (component.directory, *more)))), watch)


def look(place: Place) -> Seen:
    """The files that there are now; not more than `MOST` entries are looked at."""
    seen: dict[str, tuple[int, int, int]] = {}
    waiting = [(root, "") for root in reversed(place.roots)]
    left = MOST
    while waiting and left > 0:
        directory, within = waiting.pop()
        try:
            with os.scandir(directory) as found:
                entries = sorted(islice(found, MOST), key=lambda entry: entry.name)
        except OSError:  # it went, or may not be read
            continue
        for entry in entries[:left]:
            path = within + entry.name
            if _is_like(entry.name, path, place.watch.ignore):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, path + "/"))
                elif _is_like(entry.name, path, place.watch.paths):
                    known = entry.stat()
                    seen[entry.path] = (known.st_mtime_ns, known.st_size, known.st_ino)
            except OSError:
                continue
        left -= len(entries)
    return seen


def _is_like(name: str, path: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in patterns)


def difference(old: Seen, new: Seen) -> str | None:
    """A file that is another, new or gone; `None`: there is none."""
    for path, known in new.items():
        if old.get(path) != known:
            return path
    return next((path for path in old if path not in new), None)


class FileWatch:
    """Looks at the files of one component."""

    def __init__(
        self,
        clock: Any,
        place: Place,
        run: Callable[[Callable[[Place], Seen], Place], Deferred[Seen]],
        changed: Callable[[str], None],
    ) -> None:
        """``run`` does something elsewhere; ``changed`` is told a file when it and others have changed."""
        self.place = place
        self._clock = clock
        self._run = run
        self._changed = changed
        self._seen: Seen | None = None
        self._pending: str | None = None
        self._timer: Any = None
        self._stopped = False
        self._look()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _look(self) -> None:
        self._run(look, self.place).addCallbacks(self._compare, self._failed)

    def _compare(self, new: Seen) -> None:
        if self._stopped:
            return
        changed = None if self._seen is None else difference(self._seen, new)
        self._seen = new
        if changed is not None:
            self._pending = self._pending or changed
        elif self._pending is not None:
            changed_file, self._pending = self._pending, None
            self._changed(changed_file)
        watch = self.place.watch
        self._timer = self._clock.callLater(watch.settle if self._pending else watch.interval, self._look)

    def _failed(self, failure: Failure) -> None:
        log.failure("looking at files failed: a bug in wampd", failure=failure)


class FileWatches:
    """Looks at the files of all components that say so."""

    def __init__(
        self,
        clock: Any,
        hosting: Hosting,
        run: Callable[[Callable[[Place], Seen], Place], Deferred[Seen]],
        *,
        everything: bool,
    ) -> None:
        """``everything``: see `place_of`."""
        self._clock = clock
        self._hosting = hosting
        self._run = run
        self._everything = everything
        self._watches: dict[str, FileWatch] = {}

    def follow(self, programs: Sequence[Program]) -> None:
        """Look at the files of these components, and of no others."""
        places = {
            program.component.name: place
            for program in programs
            if (place := place_of(program, everything=self._everything)) is not None
        }
        for name in [name for name, watch in self._watches.items() if places.get(name) != watch.place]:
            self._watches.pop(name).stop()
        for name, place in places.items():
            if name not in self._watches:
                self._watches[name] = FileWatch(self._clock, place, self._run, self._telling(name))

    def stop(self) -> None:
        """Look no more."""
        self.follow(())

    def _telling(self, name: str) -> Callable[[str], None]:
        def changed(path: str) -> None:
            for supervisor in self._hosting.wanted(name):
                if supervisor.state not in ("down", "stopping"):
                    supervisor.restart(f"{path} has changed").addErrback(told_already)

        return changed
