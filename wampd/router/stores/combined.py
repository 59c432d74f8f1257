"""Accounts of several places as one.

Rules
-----
* Every place is asked, always: the time that it takes does not tell where somebody is kept.
* The places have an order, and the first that has the account decides. A place that does not know because it failed stands for
  its accounts: then nobody knows, unless an earlier place has the account.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.methods import Failed
from wampd.auth.questions import FindAccount
from wampd.router.stores.accounts import Accounts, Found

log = Logger()


class CombinedAccounts:
    """The accounts of ``places``, the first of which decides."""

    def __init__(self, places: Sequence[Accounts]) -> None:
        self._places = places

    def find(self, question: FindAccount) -> Found | Deferred[Found]:
        """The account that is asked for, at once if all places know at once."""
        answers = [_ask(place, question) for place in self._places]
        here = [answer for answer in answers if not isinstance(answer, Deferred)]
        if len(here) == len(answers):
            return _first(here)
        waiting = [answer if isinstance(answer, Deferred) else succeed(answer) for answer in answers]
        return DeferredList(waiting).addCallback(lambda results: _first([found for _, found in results]))


def _ask(place: Accounts, question: FindAccount) -> Found | Deferred[Found]:
    try:
        answer = place.find(question)
    except Exception:  # noqa: BLE001 - logged; and nobody is let in
        return _failed(Failure())
    return answer.addErrback(_failed) if isinstance(answer, Deferred) else answer


def _failed(failure: Failure) -> Failed:
    log.failure("looking for an account failed", failure)
    return Failed(f"looking for an account failed: {type(failure.value).__name__}")


def _first(answers: Iterable[Found]) -> Found:
    return next((answer for answer in answers if answer is not None), None)
