"""Looking for accounts, as methods do."""

from twisted.internet.defer import Deferred

from wampd.auth.methods import Request
from wampd.auth.questions import FindAccount
from wampd.realms.options import ClientRoles, HelloDetails


def question(value, by="authid"):
    return FindAccount(None, by, value, "ticket", Request("realm1", 1, HelloDetails(ClientRoles()), {}))


def looked_up(accounts, value, by="authid"):
    """A list that holds the answer, as soon as there is one."""
    answer = accounts.find(question(value, by))
    if not isinstance(answer, Deferred):
        return [answer]
    found = []
    answer.addBoth(found.append)
    return found
