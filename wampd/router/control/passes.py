"""What lets hosted components into their realms, by the private socket, and what is heard of them there.

Rules
-----
* A ticket is made for one run of one instance, and is good for its realm, role and authid, as long as the run lasts. Where the
  system tells whose process is at the other end of a connection, it is good for processes of the run's process group alone:
  who reads it elsewhere cannot use it.
* A session lasts no longer than the run that it came in by: what a component has left behind may still hold a connection. It
  is sent away a moment later (`LINGER`), so that the last words of one that ended are read.
* Whoever supervises a component is told when the first session of a run has joined and its last one has left, and when it does
  not answer pings. A component may have several sessions, as a script has that runs one command after the other; but not so
  many that there is no room for those of others, and of operators.

Source: unix(7), ``SO_PEERCRED``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from wampd.auth.outcomes import Abort, Accept
from wampd.hosted import description
from wampd.realms.meta.sessions import KILLED
from wampd.router.control.minted import PROVIDER, Minted
from wampd.router.hosting.runs import Instance
from wampd.router.line import Line, Patience
from wampd.router.realms import Realms
from wampd.router.sessions import SessionPeer
from wampd.router.settings.components import Hang
from wampd.router.transports.connection import NO_ANSWER, Connection
from wampd.router.wire.codec import Codec

LINGER: Final = 1.0
"""Seconds that sessions may outlast their run."""
MOST: Final = 250
"""Sessions of one instance."""
MOST_OF_ALL: Final = 900
"""Sessions of all instances: the rest of what the private socket has room for is for operators."""
TOO_MANY: Final = "wampd.error.too_many_sessions"


class Leaving(Protocol):
    """A session, as far as it can be sent away."""

    def outlived(self) -> None:
        """Its run has ended."""
        ...


class Attendance(Protocol):
    """Who supervises components, which it knows by the names of instances: their authids."""

    def pings(self, name: str) -> Hang | None:
        """How it is seen that an instance hangs; `None`: there is none of this name."""
        ...

    def joined(self, name: str) -> None:
        """It has joined its realm."""
        ...

    def left(self, name: str) -> None:
        """It has left its realm."""
        ...

    def hung(self, name: str, why: str) -> None:
        """It answers no more, and its session is over."""
        ...


class _Nobody:
    """Where there are no components."""

    def pings(self, _name: str) -> Hang | None:
        return None

    def joined(self, _name: str) -> None:
        pass

    def left(self, _name: str) -> None:
        pass

    def hung(self, _name: str, _why: str) -> None:
        pass


NOBODY: Final[Attendance] = _Nobody()


class ComponentPasses:
    """Lets instances into their realms: a `wampd.router.hosting.runs.Passes`."""

    def __init__(self, minted: Minted, socket: Callable[[], str], clock: Any) -> None:
        """``socket`` tells where the private socket is; empty: it is not open. ``clock`` is an ``IReactorTime``."""
        self._minted = minted
        self._socket = socket
        self._clock = clock
        self.attendance: Attendance = NOBODY
        self._sessions: defaultdict[str, set[Leaving]] = defaultdict(set)

    def issue(self, instance: Instance) -> Mapping[str, str]:
        """What a process finds in its environment so that it can join."""
        component, socket = instance.component, self._socket()
        if component.realm is None or component.role is None:
            return {}
        return {
            description.SOCKET: socket,
            description.URL: f"ws+unix://{socket}:/ws",
            description.REALM: component.realm,
            description.AUTHID: instance.name,
            description.TICKET: self._minted.mint(component.realm, instance.name, component.role),
        }

    def bind(self, instance: Instance, pid: int) -> None:
        """Only processes of this group may use what was issued."""
        if instance.component.realm is not None:
            self._minted.bind(instance.component.realm, instance.name, pid)

    def void(self, instance: Instance) -> None:
        """What was issued is good for nobody any more."""
        if instance.component.realm is None:
            return
        self._minted.revoke(instance.component.realm, instance.name)
        if sessions := self._sessions.pop(instance.name, None):
            self._clock.callLater(LINGER, _send_away, sessions)

    # --------------------------------------------------------------------------------------------- what is heard of it

    def has_room(self, name: str) -> bool:
        """Whether it may have another session."""
        return len(self._sessions.get(name, ())) < MOST and sum(map(len, self._sessions.values())) < MOST_OF_ALL

    def joined(self, name: str, session: Leaving) -> None:
        """One of its sessions has joined."""
        sessions = self._sessions[name]
        sessions.add(session)
        if len(sessions) == 1:
            self.attendance.joined(name)

    def left(self, name: str, session: Leaving) -> None:
        """One of its sessions has left."""
        sessions = self._sessions.get(name, set())
        if session not in sessions:
            return  # it was of a run that has ended
        sessions.discard(session)
        if not sessions:
            del self._sessions[name]
            self.attendance.left(name)


def _send_away(sessions: set[Leaving]) -> None:
    for session in sessions:
        session.outlived()


class PrivatePeer(SessionPeer):
    """What serves a connection on the private socket: of an operator, or of a component."""

    __slots__ = ("_component", "_passes")

    def __init__(
        self,
        passes: ComponentPasses,
        realms: Realms,
        connection: Line,
        codec: Codec,
        about: dict[str, Any],
        patience: Patience,
    ) -> None:
        """``about`` tells where the connection comes from, and how."""
        super().__init__(realms, connection, codec, about, patience)
        self._passes = passes
        self._component = ""

    def welcome(self, accept: Accept) -> Abort | None:
        """Make the session, and watch over it if it is a component's."""
        if accept.authprovider == PROVIDER and not self._passes.has_room(accept.authid):
            return Abort(
                TOO_MANY, "too many sessions", f"{accept.authid} has {MOST} sessions, or components {MOST_OF_ALL}"
            )
        refusal = super().welcome(accept)
        if refusal is None and accept.authprovider == PROVIDER:
            pings = self._passes.attendance.pings(accept.authid)
            if pings is not None:
                self._component = accept.authid
                if isinstance(self._connection, Connection):
                    self._connection.ping_every(pings.ping_interval, pings.ping_timeout)
                self._passes.joined(accept.authid, self)
        return refusal

    def outlived(self) -> None:
        """Send the session away: its run has ended."""
        if self._component:
            self.dismiss(KILLED, "the component has ended")

    def failed(self, why: str) -> None:
        """The connection cannot go on."""
        super().failed(why)
        if self._component and why == NO_ANSWER:
            self._passes.attendance.hung(self._component, "does not answer pings")

    def too_slow(self, why: str) -> None:
        """It reads too slowly, and is disconnected."""
        super().too_slow(why)
        if self._component:
            self._passes.attendance.hung(self._component, f"does not read what is sent to it: {why}")

    def _leave(self, why: str) -> None:
        super()._leave(why)
        component, self._component = self._component, ""
        if component:
            self._passes.left(component, self)
