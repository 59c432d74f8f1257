"""Listening sockets that are there before the router listens: from the service manager, from a predecessor, or bound as root.

Rules
-----
* A socket belongs to an endpoint. One of the service manager is meant by name: ``systemd:NAME``, or as Twisted writes it,
  ``systemd:domain=INET:name=NAME`` or ``systemd:domain=INET:index=0``. One of a predecessor, or one that was bound before
  privileges were given up, is taken by whichever endpoint listens at the same place.
* Every socket is taken once, and closed if nobody takes it at the start. One of the service manager comes back when its
  listener is taken away, since nobody could make it anew. No child of the router inherits one.
* A socket that others hold as well is closed without being shut down, which would end it for all; and the file of a Unix socket
  stays where it is for as long as it is somebody else's.

Sources: sd_listen_fds(3), systemd.socket(5); `twisted.internet.endpoints` for what endpoint strings mean.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable
from typing import Any, Final, TypeAlias

from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred

from wampd.router.settings.endpoints import SYSTEMD, Place, place_of
from wampd.router.system.origin import Origin

_NO_FILE: Final = b"\0"
"""For Twisted the address of a Unix socket without a file, so that it neither changes nor removes one."""

Port: TypeAlias = Any
"""An ``IListeningPort``."""


class NoSocket(Exception):
    """The socket that an endpoint names is not there; the text says what is."""


class Held(Struct, frozen=True):
    """A socket, and where it listens: the place of the endpoint that it is for."""

    place: Place
    socket: socket.socket
    index: int | None = None
    """Its number among those of the service manager."""
    removes: bool = False
    """Whether its file is the router's to remove."""


class Several:
    """Ports of one endpoint, as one."""

    def __init__(self, ports: list[Port]) -> None:
        self.ports = ports

    def getHost(self) -> Any:  # noqa: N802 - Twisted's name
        """The address of the first."""
        return self.ports[0].getHost()

    def stopListening(self) -> Deferred[Any]:  # noqa: N802 - Twisted's name
        """Stop them all; fires when they have."""
        return DeferredList([maybeDeferred(port.stopListening) for port in self.ports], consumeErrors=True)


class Sockets:
    """Those that nobody has taken yet."""

    def __init__(self, held: Iterable[Held] = ()) -> None:
        self._held = list(held)

    def add(self, held: Held) -> None:
        """Have one more."""
        self._held.append(held)

    def take(self, endpoint: str) -> list[Held]:
        """All that are for an endpoint; none: it has to be bound. Raise `NoSocket` if it names one that is not there."""
        place = place_of(endpoint)
        found = [held for held in self._held if _is_for(held, place)]
        if place[0] == SYSTEMD:
            if not found:
                raise NoSocket(self._what_there_is())
        else:
            del found[1:]  # two endpoints for any port (0) are two sockets
        self._held = [held for held in self._held if held not in found]
        return found

    def take_file(self, file: str) -> list[Held]:
        """The Unix socket at a path, if it is there."""
        found = [held for held in self._held if held.place == ("unix", file)]
        self._held = [held for held in self._held if held not in found]
        return found

    def copies(self) -> list[Held]:
        """The same for a successor, each with a descriptor of its own."""
        return [Held(each.place, each.socket.dup(), each.index, each.removes) for each in self._held]

    def close(self) -> list[str]:
        """Close those that nobody took; return where they listen."""
        left, self._held = self._held, []
        for held in left:
            held.socket.close()
        return [":".join(held.place) for held in left]

    def _what_there_is(self) -> str:
        names = sorted({held.place[1] for held in self._held if held.place[0] == SYSTEMD})
        if not names:
            return "the service manager has passed on no socket (LISTEN_FDS, LISTEN_PID)"
        return f"the service manager has passed on no such socket; there is {', '.join(names)}"


def from_service_manager(origin: Origin) -> list[Held]:
    """The sockets that the service manager has passed on."""
    found = []
    for index, (descriptor, name) in enumerate(origin.sockets):
        try:
            passed = socket.socket(fileno=descriptor)
            passed.set_inheritable(False)
        except OSError:  # a pipe or a file, which is for nobody here; or it is closed
            continue
        found.append(Held((SYSTEMD, name or "unknown"), passed, index))
    return found


def bind(endpoint: str, backlog: int) -> Held | None:
    """Bind a TCP endpoint and listen, as Twisted would; `None`: it is of another kind. Raise `OSError`."""
    place = place_of(endpoint)
    if place[0] not in ("tcp", "tcp6"):
        return None
    _, port, interface = place
    family = socket.AF_INET6 if ":" in interface else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((interface, int(port)))
        bound.listen(backlog)
    except BaseException:
        bound.close()
        raise
    return Held(place, bound)


def adopt(reactor: Any, held: list[Held], factory: Any) -> Port:
    """Listen on sockets that were taken; return the port."""
    ports = [_adopt(reactor, each, factory) for each in held]
    return ports[0] if len(ports) == 1 else Several(ports)


def _adopt(reactor: Any, held: Held, factory: Any) -> Port:
    family = held.socket.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN)
    held.socket.setblocking(False)
    if family == socket.AF_UNIX:
        return _adopt_unix(reactor, held, factory)
    port = reactor.adoptStreamPort(held.socket.fileno(), family, factory)
    held.socket.close()  # the port has a descriptor of its own
    return port


def _adopt_unix(reactor: Any, held: Held, factory: Any) -> Port:
    from twisted.internet import unix

    file = held.socket.getsockname()
    port = unix.Port._fromListeningDescriptor(reactor, held.socket.fileno(), factory)
    held.socket.close()
    port._bindPath = _NO_FILE  # it would change the mode of the file, which was chosen by whoever made it
    port._shouldShutdown = False
    port.startListening()
    if held.removes and isinstance(file, str) and file.startswith("/"):
        port._bindPath = os.fsencode(file)
        _claim_lock(f"{file}.lock")
    return port


def pass_on(endpoint: str | Place, port: Port) -> list[Held]:
    """The sockets of a port for a successor, each with a descriptor of its own. The port goes on until `let_be`."""
    place = place_of(endpoint) if isinstance(endpoint, str) else endpoint
    return [
        Held(place, socket.socket(fileno=os.dup(each.fileno())), removes=_has_file(each) and place[0] != SYSTEMD)
        for each in _each(port)
    ]


def let_be(port: Port) -> None:
    """Let a port end without ending its socket, which is somebody else's now, and without removing its file."""
    for each in _each(port):
        each._shouldShutdown = False
        if _has_file(each):
            each._bindPath = _NO_FILE
            each.lockFile = None


def pause(port: Port) -> None:
    """Accept nobody for now; connections wait in the queue of the system."""
    for each in _each(port):
        each.stopReading()


def resume(port: Port) -> None:
    """Accept connections again."""
    for each in _each(port):
        each.startReading()


def _each(port: Port) -> list[Port]:
    return port.ports if isinstance(port, Several) else [port]


def _has_file(port: Port) -> bool:
    return bool(getattr(port, "_bindPath", _NO_FILE)[:1] != _NO_FILE)


def _is_for(held: Held, place: Place) -> bool:
    if place[0] == SYSTEMD and len(place) == 3 and held.index is not None:  # an index
        return str(held.index) == place[2]
    return held.place == place


def _claim_lock(lock: str) -> None:
    """Make the lock beside a Unix socket ours: Twisted's is a link to the number of a process."""
    if os.path.islink(lock):
        draft = f"{lock}.{os.getpid()}"
        with contextlib.suppress(OSError):
            os.symlink(str(os.getpid()), draft)
            os.replace(draft, lock)
