"""Accounts of several places as one: the first decides, all are asked."""

import pytest
from twisted.internet.defer import Deferred, fail

from tests.support.looking import looked_up, question
from wampd.auth.accounts import Account
from wampd.auth.methods import Failed
from wampd.router.stores.accounts import FixedAccounts
from wampd.router.stores.combined import CombinedAccounts

KEY = bytes(range(32))


def joe(role="user", **proofs):
    return Account(authid="joe", role=role, **proofs)


class Slow:
    """A place that answers when it is told to."""

    def __init__(self):
        self.asked = []

    def find(self, question):
        self.asked.append((question.by, question.value))
        self.answer = Deferred()
        return self.answer


class Broken:
    def __init__(self, later):
        self.later = later

    def find(self, question):
        if self.later:
            return fail(OSError("no"))
        raise OSError("no")


def test_places_that_know_at_once_are_answered_at_once():
    places = CombinedAccounts([FixedAccounts([]), FixedAccounts([joe("user")]), FixedAccounts([joe("admin")])])
    assert places.find(question("joe")) == joe("user")
    assert places.find(question("ann")) is None


def test_every_place_is_asked_whoever_knows():
    slow = Slow()
    found = looked_up(CombinedAccounts([FixedAccounts([joe()]), slow]), "joe")
    assert slow.asked == [("authid", "joe")]
    assert found == []
    slow.answer.callback(None)
    assert found == [joe()]


def test_a_later_place_does_not_decide_because_it_is_faster():
    first, second = Slow(), Slow()
    found = looked_up(CombinedAccounts([first, second]), "joe")
    second.answer.callback(joe("admin"))
    first.answer.callback(joe("user"))
    assert found == [joe("user")]


@pytest.mark.parametrize("later", [True, False])
def test_a_place_that_fails_lets_nobody_in_that_it_might_know(later, caught_log):
    places = CombinedAccounts(
        [FixedAccounts([joe()]), Broken(later), FixedAccounts([Account(authid="ann", role="user")])]
    )
    (ann,) = looked_up(places, "ann")
    assert isinstance(ann, Failed)
    assert looked_up(places, "joe") == [joe()]
    assert len(caught_log) == 2


@pytest.mark.parametrize("by", ["key", "certificate"])
def test_an_authid_is_of_the_first_place_also_for_who_is_found_otherwise(by):
    proofs = {"keys": (KEY,)} if by == "key" else {"certificates": ("sha256:00",)}
    value = KEY if by == "key" else b"sha256:00"
    elsewhere = FixedAccounts([joe("admin", **proofs), Account(authid="ann", role="user", keys=(bytes(32),))])
    assert looked_up(CombinedAccounts([FixedAccounts([]), elsewhere]), value, by) == [joe("admin", **proofs)]
    assert looked_up(CombinedAccounts([FixedAccounts([joe()]), elsewhere]), value, by) == [None]
    assert looked_up(CombinedAccounts([FixedAccounts([joe()]), elsewhere]), b"nobody's", by) == [None]


def test_nobody_comes_in_by_a_key_while_it_is_not_known_whose_the_authid_is():
    first = Slow()
    found = looked_up(CombinedAccounts([first, FixedAccounts([joe(keys=(KEY,))])]), KEY, "key")
    first.answer.callback(None)
    assert first.asked[-1] == ("authid", "joe")
    first.answer.callback(Failed("no answer"))
    assert found == [Failed("no answer")]
