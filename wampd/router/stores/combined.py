"""Accounts of several places as one.

Rules
-----
* Every place is asked, always: the time that it takes does not tell where somebody is kept.
* The places have an order, and the first that has the account decides. A place that does not know because it failed stands for
  its accounts: then nobody knows, unless an earlier place has the account.
* An authid is the principal of the first place that has it, also where the account is found by a key or a certificate: then no
  earlier place may have its authid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

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
        answers = _ask_all(self._places, question)
        decide = _first if question.by == "authid" else partial(self._unless_another_has_it, question)
        return answers.addCallback(decide) if isinstance(answers, Deferred) else decide(answers)

    def _unless_another_has_it(self, question: FindAccount, answers: Sequence[Found]) -> Found | Deferred[Found]:
        """The first of the answers; nobody, if the authid is another's."""
        found = _first(answers)
        earlier = self._places[: answers.index(found)]
        if not isinstance(found, Account) or not earlier:
            return found
        by_authid = structs.replace(question, by="authid", value=found.authid)

        def decide(answers: Sequence[Found]) -> Found:
            another = _first(answers)
            return found if another is None else None if isinstance(another, Account) else another

        others = _ask_all(earlier, by_authid)
        return others.addCallback(decide) if isinstance(others, Deferred) else decide(others)


def _ask_all(places: Sequence[Accounts], question: FindAccount) -> Sequence[Found] | Deferred[Sequence[Found]]:
    answers = [_ask(place, question) for place in places]
    here = [answer for answer in answers if not isinstance(answer, Deferred)]
    if len(here) == len(answers):
        return here
    waiting = [answer if isinstance(answer, Deferred) else succeed(answer) for answer in answers]
    return DeferredList(waiting).addCallback(lambda results: [found for _, found in results])


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
