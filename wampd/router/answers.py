"""Who answers the questions that authentication and authorization have to the outside.

Rules
-----
* Each kind of question has one who answers it. An answer is there at once, or a Deferred brings it.
* Whatever goes wrong is answered, too: with `Failed`. An exception is a bug of ours or trouble of the machine's: it is logged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.methods import Failed

log = Logger()


class Answers:
    """Those who answer, by kind of question."""

    def __init__(self) -> None:
        self._by_kind: dict[type, Callable[[Any], Any]] = {}

    def add(self, kind: type, answer: Callable[[Any], Any]) -> None:
        """Name who answers one kind of question: with the answer, or with a Deferred of it."""
        self._by_kind[kind] = answer

    def ask(self, question: Any) -> Any:
        """The answer, or a Deferred of it, which never fails."""
        try:
            answer = self._by_kind[type(question)](question)
        except Exception:  # noqa: BLE001 - logged; and nobody is let in
            return _failed(Failure(), question)
        if not isinstance(answer, Deferred):
            return answer
        answer.addErrback(_failed, question)
        if answer.called and not isinstance(answer.result, Deferred) and not answer.paused:
            return answer.result
        return answer

    def tell(self, question: Any, told: Callable[..., object], *args: Any) -> None:
        """Ask, and call ``told`` with the answer and these arguments, at once or later."""
        answer = self.ask(question)
        if isinstance(answer, Deferred):
            answer.addCallback(told, *args)
        else:
            told(answer, *args)


def _failed(failure: Failure, question: Any) -> Failed:
    if failure.check(CancelledError):  # whoever asked wants it no more
        return Failed(f"{question!r} was taken back")
    log.failure("no answer to {question}", failure, question=repr(question))
    return Failed(f"{question!r} failed: {type(failure.value).__name__}")
