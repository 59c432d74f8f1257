"""The body of a request that is taken while it comes.

Rules
-----
* A resource has its bodies as they come if its ``intake(request)`` returns an `Intake` that says so. It is asked as soon as the
  head is there; its ``render`` is called at once, and finds the body in ``request.body``. All others get a body that is
  there in full, in ``request.content``; for them an `Intake` may say how long it may be, or that nobody reads it (`no_body`).
* Nothing of a body is read before somebody wants it (`Body.into`), and a client that waits to be told to send it
  (``Expect: 100-continue``) is told only then. While the sink pauses, the client has to wait, too.
* A resource may answer at any time. An answer before the body's end is the last of its connection: what the client still sends
  is dropped for a short while.
* What wraps a resource passes the question on, with `intake_of`.

Sources: RFC 9110, section 10.1.1 (Expect); RFC 9112, section 9.3 (what is left of a request that was answered early).
"""

from __future__ import annotations

from typing import Any, Final, Protocol

from msgspec import Struct

LEAST_RATE: Final = 500
"""Bytes a second that a client sends at least, of a body that is waited for."""


class Intake(Struct, frozen=True, kw_only=True):
    """How a resource takes the body of a request."""

    streamed: bool = True
    """Whether it is taken while it comes."""
    size: int | None = None
    """Most bytes; `None`: as many as the listener allows."""
    kept: bool = True
    """Whether one that is not streamed is there in the end; if not, it is read and dropped."""
    rate: int = LEAST_RATE
    """Of a streamed body: bytes a second that come at least, while somebody wants them."""


class Sink(Protocol):
    """Where a body goes. After `finish` or `lost` it is told nothing more."""

    def write(self, data: bytes) -> None:
        """A part of the body is there."""
        ...

    def finish(self) -> None:
        """That was all of it."""
        ...

    def lost(self, why: str) -> None:
        """No more will come: the client has left, was too slow, or sent what it must not. Nobody can be answered any more."""
        ...


DROPPED: Final = Intake(streamed=False, kept=False)


def no_body(_resource: Any, _request: Any) -> Intake:
    """The ``intake`` of a resource that has no use for bodies: nobody can make it keep one."""
    return DROPPED


def intake_of(resource: Any, request: Any) -> Intake | None:
    """How a resource takes the body of this request; `None`: like all others."""
    ask = getattr(resource, "intake", None)
    return None if ask is None else ask(request)


class Line(Protocol):
    """What a body needs of its connection."""

    def want_body(self) -> None:
        """Somebody wants it: read on."""
        ...

    def hold_body(self) -> None:
        """Read nothing for now."""
        ...

    def body_failed(self) -> None:
        """The sink has raised what is handled now: a bug."""
        ...


class Body:
    """A body on its way from a client to a sink."""

    def __init__(self, line: Line, length: int | None) -> None:
        """``length`` is how long it is announced to be, in bytes."""
        self._line = line
        self._sink: Sink | None = None
        self._kept: list[bytes] = []
        self._paused = False
        self._delivering = False
        self._over = False
        self._why = "the request is answered"
        self.length = length
        self.received = 0
        """Bytes that came so far."""
        self.is_complete = False
        """Whether all of it has come; some of it may still wait for the sink to want it."""

    # --------------------------------------------------------------------------------------------- for the resource

    def into(self, sink: Sink) -> None:
        """Want it; what came already is given at once."""
        if self._sink is not None:
            raise RuntimeError("somebody has this body already")
        self._sink = sink
        if self._over:
            sink.lost(self._why)
            return
        self._go_on()

    def pause(self) -> None:
        """Want nothing more for now."""
        self._paused = True
        if not self.is_complete:
            self._line.hold_body()

    def resume(self) -> None:
        """Want it again."""
        if self._paused:
            self._paused = False
            self._go_on()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody waits for it."""
        return self._sink is not None and not self._paused and not self._over

    # ------------------------------------------------------------------------------------------- for the connection

    def came(self, data: bytes) -> None:
        """A part has come; `deliver` is called when there are no more of them for now."""
        self.received += len(data)
        self._kept.append(data)

    def complete(self) -> None:
        """All of it has come."""
        self.is_complete = True
        self.deliver()

    def end(self, why: str) -> None:
        """Nothing more will come."""
        if self._over:
            return
        self._why = why
        self.forget()
        if self._sink is not None:
            self._sink.lost(why)

    def forget(self) -> None:
        """The request is answered: nobody wants the rest."""
        self._over = True
        self._kept.clear()

    def deliver(self) -> None:
        """Give what has come, in one piece: however small the chunks are, they cost the sink no more than that."""
        if not self._delivering:
            self._deliver()

    def _go_on(self) -> None:
        self.deliver()
        if self.is_wanted and not self.is_complete:
            self._line.want_body()

    def _deliver(self) -> None:
        """Give what has come, as long as it is wanted."""
        sink = self._sink
        if sink is None:
            return
        self._delivering = True
        try:
            while self._kept and self.is_wanted:
                data = b"".join(self._kept)
                self._kept.clear()
                sink.write(data)
            if self.is_complete and self.is_wanted:
                self._over = True
                sink.finish()
        except Exception:  # noqa: BLE001 - told to whoever can answer
            self.forget()
            self._line.body_failed()
        finally:
            self._delivering = False
