"""Accounts of several places as one.

Rules
-----
* Every place is asked, always: the time that it takes does not tell where somebody is kept.
* The places have an order, and the first that has the account decides. A place that does not know because it failed stands for
  its accounts: then nobody knows, unless an earlier place has the account.
* An account that is found otherwise than by its authid counts only if it would be found by that, too: an earlier place may
  have another account of the same authid, which decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import structs
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.auth.accounts import Account
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
        found = self._first_of_all(question)
        if question.by == "authid":
            return found
        if isinstance(found, Deferred):
            return found.addCallback(self._unless_hidden, question)
        return self._unless_hidden(found, question)

    def _unless_hidden(self, found: Found, question: FindAccount) -> Found | Deferred[Found]:
        """What was found, unless its authid is somebody else's."""
        if not isinstance(found, Account):
            return found

        def compare(visible: Found) -> Found:
            return visible if visible == found or isinstance(visible, Failed) else None

        visible = self._first_of_all(structs.replace(question, by="authid", value=found.authid))
        return visible.addCallback(compare) if isinstance(visible, Deferred) else compare(visible)

    def _first_of_all(self, question: FindAccount) -> Found | Deferred[Found]:
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
