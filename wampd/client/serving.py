"""What a session of a client is asked: the procedures that it serves, and the invocations under way.

Rules
-----
* Each invocation is a task of its own. An INTERRUPT cancels it; its answer is then ``wamp.error.canceled``.
* Each has one answer at last, whatever becomes of it: also when what it came to cannot be said in the serialization.

Sources: WAMP basic profile, "Remote Procedure Calls"; advanced profile, "Call Canceling", "Progressive Call Results".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from wampd.client.errors import WampError
from wampd.client.speech import NONSENSE, CannotSay, Unintelligible
from wampd.client.vocabulary import Invocation, Procedure, Result, payload_of
from wampd.realms import messages as m

CANCELED: Final = "wamp.error.canceled"
RUNTIME_ERROR: Final = "wamp.error.runtime_error"
NO_SUCH_PROCEDURE: Final = "wamp.error.no_such_procedure"
NOTHING: Final[Mapping[str, Any]] = {}


class Serving:
    """The callee's side of a session."""

    def __init__(self, say: Callable[..., None]) -> None:
        """``say`` sends a message: its elements, and as ``payload`` its arguments. It raises `CannotSay`."""
        self.procedures: dict[int, tuple[str, Procedure]] = {}
        """URI and handler of each registration."""
        self._say = say
        self._running: dict[int, asyncio.Task[None]] = {}

    def invoked(self, message: list[Any]) -> None:
        """Take an INVOCATION. Raise `Unintelligible` if it is under way already."""
        number, details = message[1], message[3]
        if number in self._running:
            raise Unintelligible(NONSENSE)
        found = self.procedures.get(message[2])
        if found is None:
            self._refuse(number, NO_SUCH_PROCEDURE)
            return
        invocation = Invocation(number, found[0], payload_of(message, 4, details), self._answer_in_part)
        self._running[number] = task = asyncio.ensure_future(self._serve(found[1], invocation))
        task.add_done_callback(lambda _: self._ended_early(number))

    def interrupted(self, message: list[Any]) -> None:
        """Take an INTERRUPT."""
        task = self._running.get(message[1])
        if task is not None:
            task.cancel()

    def cancel(self) -> None:
        """End all that is under way."""
        for task in list(self._running.values()):
            task.cancel()

    async def stop(self, patience: float) -> None:
        """The same, and wait for it, for so many seconds at most."""
        running = list(self._running.values())
        self.cancel()
        if running:
            await asyncio.wait(running, timeout=patience)

    async def _serve(self, procedure: Procedure, invocation: Invocation) -> None:
        """Carry out one invocation, and answer it."""
        number = invocation.id
        try:
            value = await procedure(invocation)
            result = value if isinstance(value, Result) else Result([] if value is None else [value])
            self._say(m.YIELD, number, {}, payload=(result.args, result.kwargs))
        except asyncio.CancelledError:
            self._refuse(number, CANCELED)
        except WampError as error:
            self._refuse(number, error.uri, error.arguments, error.kwargs)
        except CannotSay as why:
            self._refuse(number, RUNTIME_ERROR, [str(why)])
        except Exception:
            self._refuse(number, RUNTIME_ERROR, ["internal error"])
            raise
        finally:
            self._running.pop(number, None)

    def _answer_in_part(self, number: int, part: Result) -> None:
        self._say(m.YIELD, number, {"progress": True}, payload=(part.args, part.kwargs))

    def _refuse(self, number: int, uri: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] = NOTHING) -> None:
        """Answer with an ERROR; without its arguments if these cannot be said."""
        try:
            self._say(m.ERROR, m.INVOCATION, number, {}, uri, payload=(args, kwargs))
        except CannotSay:
            self._say(m.ERROR, m.INVOCATION, number, {}, uri)

    def _ended_early(self, number: int) -> None:
        """Answer an invocation that was cancelled before its task had run at all, and so did not do it itself."""
        if self._running.pop(number, None) is not None:
            self._refuse(number, CANCELED)
