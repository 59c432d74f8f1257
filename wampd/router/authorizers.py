"""Asks authorizers: procedures of components that decide about what the rules of a role leave undecided.

Rules
-----
* Every question is answered: by the authorizer, or, if it is missing, slow, broken or says nothing that makes sense, by a
  refusal (see `wampd.auth.authorizer`). Nothing is ever allowed for want of an answer.
* Of each realm's questions so many may be open at once, and of each principal's; what goes beyond is refused at once, and
  asked of nobody. Sessions that ask and leave do not shut the others out.
* What goes wrong with one question harms no other: it is a failure, as all that is no answer.
* A failure is logged; of very many in a short time, one in a while.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.authorizer import FAILED, Malformed, Verdict, arguments, refusal, verdict
from wampd.realms.asking import Question
from wampd.realms.principals import PrincipalGrants
from wampd.router.audit import fields_of
from wampd.router.envoy import Answer, CallFailed
from wampd.router.tally import AUTHORIZERS_FAILED, Tally

log = Logger()

MOST_QUESTIONS: Final = 1_000
"""Of one realm, at once."""
MOST_OF_ONE: Final = 100
"""Of one principal, at once."""
QUIET: Final = 1.0
"""Seconds between two log lines about failures in one realm."""


class Authorizers:
    """Asks the authorizers of all realms."""

    def __init__(
        self, call: Callable[[str, str, tuple[Any, ...], float], Deferred[Answer]], clock: Any, tally: Tally
    ) -> None:
        """``call`` is `wampd.router.realms.Realms.call`; ``clock`` an ``IReactorTime``."""
        self._call = call
        self._clock = clock
        self._tally = tally
        self._open: Counter[str | PrincipalGrants] = Counter()
        """How many questions are, by realm and by principal."""
        self._quiet_until: dict[str, float] = {}

    def ask(self, question: Question, end_of_turn: Callable[[], None]) -> None:
        """See that a question is answered, at once or later; ``end_of_turn`` is called if later."""
        realm, authorizer = question.room.realm, question.authorizer
        for whose, most in ((realm, MOST_QUESTIONS), (question.grants, MOST_OF_ONE)):
            if self._open[whose] >= most:
                _decide(question, self._failed(question, f"{most} questions are open"))
                return
        try:
            answer = self._call(
                authorizer.realm or realm, authorizer.procedure, arguments(question), authorizer.timeout
            )
        except Exception:  # noqa: BLE001 - logged, and no answer
            log.failure(
                "asking {question} failed: a bug in wampd", question=repr(question), log_fields=_fields(question)
            )
            _decide(question, FAILED)
            return
        self._open.update((realm, question.grants))
        later = False

        def done(said: Verdict) -> None:
            for whose in (realm, question.grants):
                self._open[whose] -= 1
                if not self._open[whose]:
                    del self._open[whose]
            _decide(question, said)
            if later:
                end_of_turn()

        understood = answer.addCallbacks(partial(self._understand, question), partial(self._not_answered, question))
        understood.addCallback(done).addErrback(_our_bug, question)
        later = True

    def _understand(self, question: Question, answer: Answer) -> Verdict:
        if len(answer.args) != 1 or answer.kwargs:
            return self._failed(question, f"it returned {len(answer.args) + len(answer.kwargs)} values, not one")
        try:
            return verdict(answer.args[0])
        except Malformed as why:
            return self._failed(question, f"its answer makes no sense: {why}")

    def _not_answered(self, question: Question, failure: Failure) -> Verdict:
        if not isinstance(failure.value, CallFailed):
            log.failure(
                "asking {question} failed: a bug in wampd",
                failure,
                question=repr(question),
                log_fields=_fields(question),
            )
            return FAILED
        return refusal(failure.value.uri) or self._failed(question, failure.value.uri)

    def _failed(self, question: Question, why: str) -> Verdict:
        self._tally.strike(AUTHORIZERS_FAILED)
        realm, now = question.room.realm, self._clock.seconds()
        if now >= self._quiet_until.get(realm, now):
            self._quiet_until = {each: until for each, until in self._quiet_until.items() if until > now}
            self._quiet_until[realm] = now + QUIET
            log.warn(
                "the authorizer {procedure} of {realm} failed: {why}",
                procedure=question.authorizer.procedure,
                realm=realm,
                why=why,
                uri=question.key[1],
                log_fields=_fields(question),
            )
        return FAILED


def _fields(question: Question) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Of whom the log tells."""
    return fields_of(question.session, question.room.realm)


def _our_bug(failure: Failure, question: Question) -> None:
    log.failure("what was to follow the answer to {question} failed: a bug in wampd", failure, question=repr(question))


def _decide(question: Question, said: Verdict) -> None:
    question.room.decided(question, said.grant, remember=said.remember)
