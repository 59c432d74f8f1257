"""The method ``cookie``: conversations of browsers that come back."""

from __future__ import annotations

from unittest.mock import ANY

import pytest
from msgspec import structs

from tests.auth.door import (
    ABORT,
    AUTHENTICATE,
    CHALLENGE,
    TICKETS,
    WELCOME,
    Client,
    directory,
    hello,
    wamp_error,
    with_ticket,
)
from tests.auth.test_jar import SALT, Shell
from wampd.auth.accounts import Account
from wampd.auth.cookie import Cookie
from wampd.auth.handshake import RealmAuth
from wampd.auth.jar import Bound, Terms
from wampd.auth.methods import Failed
from wampd.auth.roles import Role
from wampd.auth.ticket import Ticket
from wampd.realms.session import ProtocolViolation
from wampd.router.returning import Judges, bound_by

pytestmark = pytest.mark.spec("TLA-01")


class Accounts:
    """Accounts that change under the feet of those who ask."""

    def __init__(self, *accounts):
        self.by_authid = {account.authid: account for account in accounts}
        self.asked = []

    def find(self, question):
        self.asked.append((question.by, question.value, question.method))
        return self.by_authid.get(question.value)


class House:
    """The doors of `directory`, with cookies at ``realm1`` and ``realm2``."""

    def __init__(self):
        self.shell = Shell()
        self.accounts = Accounts(*(with_ticket(authid, "member", ticket) for authid, ticket in TICKETS.items()))
        self.doors = directory()
        self.offered = {"anonymous", "ticket"}
        methods = [self.doors["public"].methods["anonymous"], Ticket(self.accounts)]
        roles = [Role("visitor"), Role("member"), Role("boss")]
        for name in ("realm1", "realm2"):
            cookie = Cookie(name, self.shell.jar, lambda by: self.accounts if by in self.offered else None)
            self.doors[name] = RealmAuth([*methods, cookie], roles)

    def client(self, shown=None):
        """A client whose connection showed a value."""
        client = Client(self.doors, {"cookie": self.shell.connect(shown)})
        client.visit = client.handshake._transport["cookie"]
        return client

    def bind(self, client, realm="realm1", lasts=None):
        """Let the cookie of a connection stand for who was let in on it."""
        bound = structs.replace(bound_by(client.accepted, realm), lasts=lasts)
        self.shell.jar.bind(client.visit, bound, Terms(), SALT)

    def log_in(self, authid="joe"):
        """Come in by the ticket; the value that the browser has then."""
        client = self.client()
        client > hello(authmethods=["cookie", "ticket"], authid=authid)
        client < [CHALLENGE, "ticket", {}]
        client > [AUTHENTICATE, TICKETS[authid], {}]
        client < [WELCOME]
        self.bind(client)
        return client.visit.fresh


@pytest.fixture
def house():
    return House()


def test_who_has_come_in_by_a_ticket_comes_back_without_being_asked(house):
    value = house.log_in()
    client = house.client(value)
    client > hello(authmethods=["cookie", "ticket"])
    client < [WELCOME, ANY, ANY]
    details = client.accepted.details()
    assert (details["authid"], details["authrole"]) == ("joe", "member")
    assert (details["authmethod"], details["authprovider"]) == ("cookie", "static")
    assert house.accounts.asked[1:] == [("authid", "joe", "cookie")]


def test_who_came_in_by_a_method_that_is_not_offered_any_more_does_not_come_back(house):
    value = house.log_in()
    house.offered.clear()
    client = house.client(value)
    client > hello(authmethods=["cookie", "ticket"], authid="joe")
    client < [CHALLENGE, "ticket", {}]
    assert len(house.shell.jar) == 0


@pytest.mark.parametrize("shown", [None, b"made up"])
def test_who_shows_nothing_that_stands_for_somebody_is_served_by_the_next_method(house, shown):
    house.log_in()
    client = house.client(shown)
    client > hello(authmethods=["cookie", "ticket"], authid="joe")
    client < [CHALLENGE, "ticket", {}]


def test_a_connection_that_is_given_no_cookies_is_served_by_the_next_method(house):
    client = Client(house.doors)
    client > hello(authmethods=["cookie", "anonymous"])
    client < [WELCOME]
    assert client.accepted.authmethod == "anonymous"


def test_the_order_of_the_client_counts(house):
    client = house.client(house.log_in())
    client > hello(authmethods=["ticket", "cookie"], authid="joe")
    client < [CHALLENGE, "ticket", {}]


def test_a_client_that_does_not_offer_the_method_does_not_come_back_by_it(house):
    client = house.client(house.log_in())
    client > hello()
    client < [WELCOME]
    assert client.accepted.authmethod == "anonymous"
    assert client.accepted.authid != "joe"


def test_where_nothing_else_is_offered_there_is_no_method(house):
    client = house.client()
    client > hello(authmethods=["cookie"])
    client < [ABORT, {"message": ANY}, wamp_error("no_matching_auth_method")]


def test_who_names_another_authid_than_the_cookie_stands_for_has_to_prove_it(house):
    client = house.client(house.log_in("joe"))
    client > hello(authmethods=["cookie", "ticket"], authid="ann")
    client < [CHALLENGE, "ticket", {}]
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    client < [ABORT, ANY, wamp_error("authentication_denied")]


def test_who_names_the_very_authid_comes_back(house):
    client = house.client(house.log_in("ann"))
    client > hello(authmethods=["cookie"], authid="ann")
    client < [WELCOME]


def test_a_cookie_is_for_one_realm(house):
    client = house.client(house.log_in())
    client > hello("realm2", authmethods=["cookie", "anonymous"])
    client < [WELCOME]
    assert client.accepted.authmethod == "anonymous"


def test_who_comes_back_has_the_role_that_it_has_now(house):
    value = house.log_in()
    house.accounts.by_authid["joe"] = with_ticket("joe", "boss", TICKETS["joe"])
    client = house.client(value)
    client > hello(authmethods=["cookie"])
    assert client.accepted.authrole == "boss"


@pytest.mark.parametrize("change", ["removed", "another ticket", "one more proof", "no proof"])
def test_who_is_gone_or_is_proved_otherwise_now_is_asked_again_and_the_cookie_is_forgotten(house, change):
    value = house.log_in()
    accounts = house.accounts.by_authid
    joe = accounts.pop("joe")
    if change != "removed":
        ticket = {"another ticket": b"?" * 32, "one more proof": joe.ticket, "no proof": None}[change]
        password = "$2y$hunter2" if change == "one more proof" else None
        accounts["joe"] = Account(authid="joe", role="member", ticket=ticket, password=password)
    client = house.client(value)
    client > hello(authmethods=["cookie", "ticket"], authid="joe")
    client < [CHALLENGE, "ticket", {}]
    accounts["joe"] = joe
    again = house.client(value)
    again > hello(authmethods=["cookie"])
    again < [ABORT, {"message": ANY}, wamp_error("no_matching_auth_method")]
    assert len(house.shell.jar) == 0


def test_if_nobody_knows_the_account_nobody_is_let_in_and_the_cookie_stays(house):
    value = house.log_in()
    find, house.accounts.find = house.accounts.find, lambda _: Failed("the store: the disk is full")
    client = house.client(value)
    client > hello(authmethods=["cookie", "anonymous"])
    client < [ABORT, {"message": "authentication failed"}, wamp_error("authentication_failed")]
    house.accounts.find = find
    again = house.client(value)
    again > hello(authmethods=["cookie"])
    again < [WELCOME]


def test_a_cookie_that_is_forgotten_while_the_account_is_looked_for_lets_nobody_in(house):
    value = house.log_in()
    client = house.client(value)
    joe = house.accounts.by_authid["joe"]

    def find(_):
        house.shell.jar.forget(client.visit.binding)
        return joe

    house.accounts.find = find
    client > hello(authmethods=["cookie", "anonymous"])
    assert client.accepted.authmethod == "anonymous"


def test_who_came_in_by_what_no_account_vouches_for_comes_back_as_who_it_was(house):
    client = house.client()
    client > hello()
    house.bind(client)  # as by a token: a method with no accounts
    again = house.client(client.visit.fresh)
    again > hello(authmethods=["cookie"])
    again < [WELCOME]
    assert again.accepted.authid == client.accepted.authid
    assert again.accepted.authrole == "visitor"
    assert not house.accounts.asked


def test_a_cookie_that_is_forgotten_between_the_connection_and_hello_lets_nobody_in(house):
    """Also where no account vouches for who it was."""
    client = house.client()
    client > hello()
    house.bind(client)
    again = house.client(client.visit.fresh)
    house.shell.jar.forget(again.visit.binding)
    again > hello(authmethods=["cookie", "anonymous"])
    assert again.accepted.authmethod == "anonymous"


def test_who_came_in_by_what_has_an_end_comes_back_until_then_and_no_session_lasts_longer(house):
    client = house.client()
    client > hello()
    house.bind(client, lasts=600.0)  # as by a token that expires
    value = client.visit.fresh
    house.shell.pass_time(599)
    again = house.client(value)
    again > hello(authmethods=["cookie"])
    assert again.accepted.lasts == 1.0
    house.shell.pass_time(1)
    again = house.client(value)
    again > hello(authmethods=["cookie"])
    again < [ABORT]


def test_a_cookie_does_not_last_longer_for_what_it_was_bound_by(house):
    client = house.client()
    client > hello()
    house.bind(client, lasts=60 * 86_400.0)
    house.shell.jar.get(client.visit.fresh).idle = 90 * 86_400.0
    house.shell.pass_time(31 * 86_400)
    again = house.client(client.visit.fresh)
    again > hello(authmethods=["cookie", "anonymous"])
    assert again.accepted.authmethod == "anonymous"


def test_an_expired_cookie_is_served_by_the_next_method(house):
    value = house.log_in()
    client = house.client(value)
    house.shell.pass_time(31 * 86_400)
    client > hello(authmethods=["cookie", "anonymous"])
    assert client.accepted.authmethod == "anonymous"


def test_a_role_that_does_not_exist_any_more_is_told_so(house):
    value = house.log_in()
    house.accounts.by_authid["joe"] = with_ticket("joe", "lost", TICKETS["joe"])
    client = house.client(value)
    client > hello(authmethods=["cookie"])
    client < [ABORT, {"message": ANY}, wamp_error("no_such_role")]


def test_nothing_is_to_be_answered(house):
    client = house.client(house.log_in())
    client > hello(authmethods=["cookie"])
    client < [WELCOME]
    with pytest.raises(ProtocolViolation):
        client > [AUTHENTICATE, "", {}]


def test_what_is_logged_and_told_holds_no_value(house):
    value = house.log_in()
    house.accounts.by_authid.clear()
    client = house.client(value)
    client > hello(authmethods=["cookie"])
    assert client.aborted.log.endswith("; cookie: 'joe' is gone or disabled")
    assert "joe" not in client.aborted.message


@pytest.mark.spec("AUT-06")
def test_a_cookie_stands_for_all_factors(house):
    both = Account(authid="joe", role="member", ticket=b"?" * 32, factors=("cryptosign", "ticket"), extra={"a": 1})
    house.accounts.by_authid["joe"] = both
    client = house.client()
    client > hello()
    extra = {"verifier": "of that handshake", "authfactors": ["ticket", "cryptosign"]}
    bound = Bound(
        template="realm1",
        realm="realm1",
        authid="joe",
        role="member",
        method="ticket",
        provider="static",
        extra=extra,
        account=both,
    )
    house.shell.jar.bind(client.visit, bound, Terms(), SALT)
    again = house.client(client.visit.fresh)
    again > hello(authmethods=["cookie", "ticket"])
    assert again.accepted.authmethod == "cookie"
    assert again.accepted.authextra == {"a": 1, "authfactors": ["ticket", "cryptosign"]}


def test_who_is_to_pass_one_factor_more_by_now_is_asked_again(house):
    value = house.log_in()
    joe = house.accounts.by_authid["joe"]
    house.accounts.by_authid["joe"] = structs.replace(joe, factors=("ticket", "cryptosign"))
    client = house.client(value)
    client > hello(authmethods=["cookie", "ticket"], authid="joe")
    client < [CHALLENGE, "ticket", {}]


def test_a_cookie_is_no_factor(house):
    joe = house.accounts.by_authid["joe"]
    house.accounts.by_authid["joe"] = structs.replace(joe, factors=("ticket", "cryptosign"))
    value = house.log_in("ann")
    client = house.client(value)
    client > hello(authmethods=["ticket", "cookie"], authid="joe")
    client < [CHALLENGE, "ticket", {}]
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    client < [ABORT, {"message": ANY}, wamp_error("no_matching_auth_method")]


@pytest.mark.parametrize(("judgement", "comes_back"), [("boss", True), (None, False), ("denied", False)])
def test_whom_an_authenticator_judged_it_judges_again(house, judgement, comes_back):
    client = house.client()
    client > hello()
    ann = Account(authid="ann", role="member", provider="dynamic", ticket=b"1" * 32)
    bound = Bound(
        template="realm1", realm="realm1", authid="ann", role="member", method="ticket", provider="dynamic", account=ann
    )
    house.shell.jar.bind(client.visit, bound, Terms(), SALT)
    found = {
        "boss": Account(authid="ann", role="boss", provider="dynamic", ticket=b"2" * 32),
        "denied": Failed("says no", guess=True),
    }
    house.accounts.find = lambda question: found.get(judgement)
    house.accounts = Judges(house.accounts)
    again = house.client(client.visit.fresh)
    again > hello(authmethods=["cookie", "anonymous"])
    assert again.accepted.authmethod == ("cookie" if comes_back else "anonymous")
    assert again.accepted.authrole == ("boss" if comes_back else "visitor")


@pytest.mark.spec("AUT-06")
@pytest.mark.parametrize(
    ("method", "passed", "asked_for", "comes_back"),
    [
        ("ticket", ["ticket", "scram"], ("scram", "ticket"), True),
        ("ticket", ["ticket", "scram"], (), True),
        ("ticket", None, ("ticket", "scram"), False),
        ("ticket", ["ticket", "scram"], ("ticket", "cryptosign"), False),
        ("wamp-scram", None, ("scram",), True),
    ],
)
def test_who_is_to_pass_more_factors_now_does_not_come_back(house, method, passed, asked_for, comes_back):
    """The authenticator that judged says what it takes, as `Account.digest` does for others."""
    house.offered |= {"ticket", "wamp-scram"}
    client = house.client()
    client > hello()
    ann = Account(authid="ann", role="member", provider="dynamic")
    bound = Bound(
        template="realm1",
        realm="realm1",
        authid="ann",
        role="member",
        method=method,
        provider="dynamic",
        account=ann,
        extra=None if passed is None else {"authfactors": passed},
    )
    house.shell.jar.bind(client.visit, bound, Terms(), SALT)
    house.accounts.by_authid["ann"] = structs.replace(ann, factors=asked_for)
    again = house.client(client.visit.fresh)
    again > hello(authmethods=["cookie", "anonymous"])
    assert again.accepted.authmethod == ("cookie" if comes_back else "anonymous")
    assert len(house.shell.jar) == comes_back


def test_two_clients_come_back_independently():
    house = House()
    values = [house.log_in(authid) for authid in ("joe", "ann")]
    clients = [house.client(value) for value in values]
    for client in clients:
        client > hello(authmethods=["cookie"])
    assert [client.accepted.authid for client in clients] == ["joe", "ann"]
