"""From one process of the router to the next, with nobody turned away: the sockets go over, and with them the PID file.

Rules
-----
* The router starts its successor as it was started itself, so that a new version, or a changed configuration, is used. Over a
  socket between the two it gives copies of its listening sockets.
* The successor checks its configuration, opens everything, and says that it is `READY`. Nothing of the predecessor is touched
  until then: a successor that fails, or that is not ready in time, is ended, and the router goes on as if nothing had been.
* Then the predecessor listens no more, ends its duties and says `YOURS`. Those who connect meanwhile wait in the queue of the
  system. From then on the successor accepts, and does the duties. The predecessor drains as on SIGTERM; when its components
  have ended it says `ALONE`, and the successor starts its own.
* For a while the predecessor watches whether the successor goes on, and starts another if not (`wampd.router.wiring.guarding`).
  Then it says `PROVED`. Until then the successor does not hand over itself, and says so if it is `STOPPING`.
* A predecessor that ends in any of this has said everything.

Sources: unix(7) for ``SCM_RIGHTS``; sd_notify(3) for ``MAINPID``.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone, ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.system.origin import PREDECESSOR, Origin
from wampd.router.system.pidfile import PidFile
from wampd.router.system.sockets import Held

log = Logger()

READY: Final = "ready"
YOURS: Final = "yours"
ALONE: Final = "alone"
PROVED: Final = "proved"
STOPPING: Final = "stopping"
PATIENCE: Final = 60.0
"""Seconds until a successor must be ready, and a predecessor must have given what it has."""
MOST: Final = 250
"""Descriptors that one message carries; the kernel's own limit is 253 (``SCM_MAX_FD``)."""
LONGEST: Final = 256 * 1024
"""Bytes of a message."""
CHANNEL: Final = 3
"""The successor's descriptor of the socket between the two."""
INITS: Final = frozenset({"catatonit", "docker-init", "dumb-init", "podman-init", "tini"})
"""Process 1 of containers (``docker run --init``), by its name: it ends with the process that it has started."""
BAD_CONFIGURATION: Final = 2
"""The exit status of a router whose configuration is wrong."""


class NotHandedOver(Exception):
    """There is no successor; the text says why, for people."""


class _Place(Struct, frozen=True):
    """What is said of one socket."""

    place: tuple[str, ...]
    removes: bool = False


class Estate(Struct, frozen=True):
    """What is said of everything that goes over; the descriptors come with it, in this order."""

    sockets: list[_Place]
    pid_file: str | None = None


class Channel(FileDescriptor):
    """One end of the socket between the two, in the reactor."""

    def __init__(
        self, reactor: Any, end: socket.socket, heard: Callable[[str], None], gone: Callable[[], None]
    ) -> None:
        """``heard`` is called with every word of the other, ``gone`` when the other has closed its end or has ended."""
        super().__init__(reactor)
        self._end = end
        self._heard = heard
        self._gone = gone
        end.setblocking(False)
        self.startReading()

    def fileno(self) -> int:
        """The descriptor, for the reactor."""
        return self._end.fileno()

    def say(self, word: str) -> None:
        """Tell the other something, if it is there."""
        try:
            self._end.send(word.encode())
        except OSError as error:
            log.debug("the other router does not hear {word}: {error}", word=word, error=str(error))

    def doRead(self) -> Failure | None:  # noqa: N802 - Twisted's name
        """Hear what there is."""
        try:
            said = self._end.recv(LONGEST)
        except BlockingIOError:
            return None
        except OSError:
            said = b""
        if not said:
            return Failure(ConnectionDone())
        self._heard(said.decode("utf-8", "replace"))
        return None

    def connectionLost(self, reason: Any) -> None:  # noqa: ARG002, N802 - Twisted's name
        """The other is gone."""
        self.close()
        self._gone()

    def close(self) -> None:
        """Hear and say nothing more."""
        if self._end.fileno() >= 0:
            self.stopReading()
            self._end.close()


# --- the predecessor ---


def _is_all_of_a_container() -> bool:
    """Whether this is process 1, or what one of `INITS` was told to start."""
    if os.getpid() == 1 or os.getppid() != 1:
        return os.getpid() == 1
    try:
        return Path("/proc/1/comm").read_text(encoding="utf-8").strip() in INITS
    except OSError:
        return False


class Succession(ProcessProtocol):
    """One successor: its start, until it is ready or has failed, and its end, if it comes while this process is there."""

    def __init__(
        self,
        reactor: Any,
        origin: Origin,
        environ: Mapping[str, str],
        died: Callable[[str, bool], None],
        stops: Callable[[], None],
    ) -> None:
        """The successor is started as ``origin`` says, with this environment.

        ``died`` is called when one that was ready has ended: with how, and whether that was with status 0; ``stops`` when it
        has begun to stop.
        """
        self._died = died
        self._stops = stops
        self._reactor = reactor
        self._origin = origin
        self._environ = {name: value for name, value in environ.items() if name != "WATCHDOG_PID"}
        self._ready: Deferred[int] | None = None
        self._process: Any = None
        self._channel: Channel | None = None
        self._timer: Any = None
        self._failed_with = ""

    def begin(self, held: Sequence[Held], pid_file: PidFile | None) -> Deferred[int]:
        """Start the successor and give it copies of all this; fires with its process number when it is ready.

        Fails with `NotHandedOver`; everything is then as it was. ``held`` is closed in any case.
        """
        try:
            if _is_all_of_a_container():
                raise NotHandedOver("the main process of a container cannot be replaced: the container ends with it")
            ours = self._start(held, pid_file)
        except NotHandedOver as why:
            return fail(why)
        except OSError as error:
            what = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
            return fail(NotHandedOver(f"the new router cannot be started: {what}{error.strerror}"))
        finally:
            for each in held:
                each.socket.close()
        self._ready = Deferred()
        self._channel = Channel(self._reactor, ours, self._heard, lambda: None)
        self._timer = self._reactor.callLater(PATIENCE, self.give_up, f"it was not ready within {PATIENCE:g} s")
        log.info("the new router is started, process {pid}", pid=self._process.pid)
        return self._ready

    def _start(self, held: Sequence[Held], pid_file: PidFile | None) -> socket.socket:
        """Start the successor, with all this on its end of a socket; return ours. Raise `OSError`, `NotHandedOver`."""
        _stand_in(self._origin.directory)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            _give(ours, held, pid_file)
            environ = {**self._environ, PREDECESSOR: str(CHANNEL)}
            descriptors = {0: 0, 1: 1, 2: 2, CHANNEL: theirs.fileno()}
            command = self._origin.command
            with _files(self._origin.files):
                self._process = self._reactor.spawnProcess(
                    self, command[0], command, environ, self._origin.directory, childFDs=descriptors
                )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def say(self, word: str) -> None:
        """Tell the successor."""
        if self._channel is not None:
            self._channel.say(word)

    def give_up(self, why: str) -> None:
        """End the successor, unless it was ready already."""
        if self._ready is not None:
            self._failed_with = why
            os.kill(self._process.pid, signal.SIGKILL)

    def pass_on(self, number: signal.Signals) -> bool:
        """Send it a signal, if it runs."""
        try:
            self._process.signalProcess(number)
        except ProcessExitedAlready:
            return False
        log.info("{signal} goes on to process {pid}", signal=number.name, pid=self._process.pid)
        return True

    def processExited(self, reason: Any) -> None:  # noqa: N802 - Twisted's name
        """The successor has ended: before it was ready, or while this one drains."""
        why = self._failed_with or _how(reason.value.exitCode, reason.value.signal)
        waiting = self._finish()
        if waiting is None:
            self._died(why, reason.value.exitCode == 0)
        else:
            waiting.errback(NotHandedOver(f"the new router did not start: {why}"))
            if self._channel is not None:
                self._channel.close()

    def _heard(self, word: str) -> None:
        if word == READY:
            waiting = self._finish()
            if waiting is not None:
                waiting.callback(self._process.pid)
        elif word == STOPPING:
            self._stops()
        else:
            self._failed_with = word

    def _finish(self) -> Deferred[int] | None:
        waiting, self._ready = self._ready, None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        return waiting


def _how(status: int | None, number: int | None) -> str:
    """How a process has ended."""
    if number is not None:
        return f"it was ended by signal {number}"
    return "its configuration is wrong" if status == BAD_CONFIGURATION else f"it ended with status {status}"


def _stand_in(directory: str) -> None:
    """See that the directory is there that a process is to be started in, and that we are in any. Raise `OSError`.

    A release may have been put in the place of the one before: what is there now has the name, but is not where we are, and
    nothing can be started from nowhere.
    """
    os.stat(directory)
    try:
        os.getcwd()
    except FileNotFoundError:
        os.chdir(directory)


@contextmanager
def _files(most: int) -> Iterator[None]:
    """While this lasts, let so many files be open as when this process was started: what is started now begins with that."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not most:
        yield
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def _give(channel: socket.socket, held: Sequence[Held], pid_file: PidFile | None) -> None:
    descriptors = [each.socket.fileno() for each in held]
    if pid_file is not None:
        descriptors.append(pid_file.fileno())
    if len(descriptors) > MOST:
        raise NotHandedOver(f"the new router cannot be started: there are more than {MOST} sockets")
    estate = Estate(
        [_Place(each.place, each.removes) for each in held], None if pid_file is None else str(pid_file.file)
    )
    channel.setblocking(False)
    socket.send_fds(channel, [msgspec.json.encode(estate)], descriptors)


# --- the successor ---


class Predecessor:
    """The router whose place this one is to take."""

    def __init__(self, descriptor: int) -> None:
        """Take what it gives. Raise `NotHandedOver` if it gives nothing."""
        self.sockets: list[Held] = []
        self.pid_file: PidFile | None = None
        self._channel: Channel | None = None
        self._waiting: dict[str, Deferred[None]] = {word: Deferred() for word in (YOURS, ALONE, PROVED)}
        try:
            self._end = socket.socket(fileno=descriptor)
            self._end.set_inheritable(False)
            self._end.settimeout(PATIENCE)
            said, descriptors, _, _ = socket.recv_fds(self._end, LONGEST, MOST + 1)
            estate = msgspec.json.decode(said, type=Estate)
        except (OSError, msgspec.MsgspecError) as error:
            raise NotHandedOver(f"there is no router to take over from: {error}") from None
        for each, passed in zip(estate.sockets, descriptors, strict=False):
            os.set_inheritable(passed, False)
            self.sockets.append(Held(each.place, socket.socket(fileno=passed), removes=each.removes))
        if estate.pid_file is not None and len(descriptors) > len(estate.sockets):
            os.set_inheritable(descriptors[-1], False)
            self.pid_file = PidFile(Path(estate.pid_file), descriptors[-1])

    def ready(self, reactor: Any) -> None:
        """Say that all is open."""
        self._channel = Channel(reactor, self._end, self._heard, self._gone)
        self._channel.say(READY)

    def failed(self, why: str) -> None:
        """Say why the router cannot be started."""
        try:
            self._end.send(why.encode())
        except OSError as error:
            log.debug("the other router does not hear why: {error}", error=str(error))
        self._end.close()

    def stopping(self) -> None:
        """Say that this router is being stopped, if the other is there to hear it."""
        if self._channel is not None:
            self._channel.say(STOPPING)

    def when(self, word: str) -> Deferred[None]:
        """Fires when the predecessor has said this, or has ended."""
        return self._waiting[word]

    def _heard(self, word: str) -> None:
        waiting = self._waiting.get(word)
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    def _gone(self) -> None:
        for word in self._waiting:
            self._heard(word)
