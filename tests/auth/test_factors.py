"""Principals that have to prove themselves by several methods in one handshake."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from tests.auth.door import ABORT, AUTHENTICATE, CHALLENGE, WELCOME, Client, hello, wamp_error
from wampd.auth.anonymous import Anonymous
from wampd.auth.door import RealmAuth
from wampd.auth.factors import Factors
from wampd.auth.methods import Challenge, Decline, Deny, Principal, Request, Step
from wampd.auth.roles import Role
from wampd.realms.options import JsonDict
from wampd.realms.session import ProtocolViolation

DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]
UNSERVED = wamp_error("no_matching_auth_method")

pytestmark = pytest.mark.spec("AUT-06")


class Word:
    """A method that asks for its own name."""

    def __init__(self, name: str, people: dict[str, Principal], *, declines: bool = False) -> None:
        self.name = name
        self.people = people
        self.declines = declines
        self.requests: list[Request] = []

    def begin(self, request: Request) -> Word.Exchange:
        self.requests.append(request)
        return Word.Exchange(self, request)

    class Exchange:
        def __init__(self, method: Word, request: Request) -> None:
            self.method = method
            self.request = request

        def challenge(self) -> Step:
            return Decline("not today") if self.method.declines else Challenge(self.method.name, {})

        def authenticate(self, signature: str, extra: JsonDict) -> Step:
            del extra
            who = self.method.people.get(self.request.details.authid or "joe")
            return who if who is not None and signature == f"hunter2 {self.method.name}" else Deny("wrong")


def joe(*factors: str, role: str = "member", authid: str = "joe", **extra: Any) -> Principal:
    return Principal(authid, role, "static", extra or None, factors=factors)


def client_of(*methods: Any) -> Client:
    return Client({"realm1": RealmAuth(methods, [Role("member"), Role("owner"), Role("visitor")])})


def say(client: Client, word: str) -> None:
    client > [AUTHENTICATE, f"hunter2 {word}", {}]


def three(principal: Principal) -> Client:
    return client_of(*(Word(name, {"joe": principal}) for name in ("one", "two", "three")))


ONE_TWO = joe("one", "two")


@pytest.mark.parametrize("offered", [["one", "two"], ["one", "two", "three"], ["unheard of", "one", "two"]])
def test_every_factor_is_asked_for_and_then_the_principal_is_in(offered):
    client = three(ONE_TWO)
    client > hello(authmethods=offered, authid="joe")
    client < [CHALLENGE, "one", {}]
    say(client, "one")
    client < [CHALLENGE, "two", {}]
    say(client, "two")
    client < [WELCOME, 1001]
    details = client.accepted.details()
    assert (details["authid"], details["authmethod"]) == ("joe", "one")
    assert details["authextra"] == {"authfactors": ["one", "two"]}


def test_the_first_is_the_clients_choice_and_the_others_follow_in_the_order_of_the_principal():
    client = three(joe("one", "two", "three"))
    client > hello(authmethods=["two", "three", "one"], authid="joe")
    for word in ("two", "one", "three"):
        client < [CHALLENGE, word, {}]
        say(client, word)
    client < [WELCOME]
    assert client.accepted.authmethod == "two"
    assert client.accepted.authextra == {"authfactors": ["two", "one", "three"]}


def test_one_factor_alone_lets_nobody_in():
    client = three(ONE_TWO)
    client > hello(authmethods=["one"], authid="joe")
    say(client, "one")
    client < [ABORT, {"message": "none of the offered authentication methods is available here"}, UNSERVED]
    assert "the factor two" in client.aborted.log


@pytest.mark.parametrize("word", ["one", "three", "", "two "])
def test_a_wrong_second_factor_lets_nobody_in(word):
    client = three(ONE_TWO)
    client > hello(authmethods=["one", "two"], authid="joe")
    say(client, "one")
    say(client, word)
    client < DENIED
    with pytest.raises(ProtocolViolation):
        say(client, "two")


def test_a_wrong_first_factor_ends_it():
    client = three(ONE_TWO)
    client > hello(authmethods=["one", "two"], authid="joe")
    say(client, "two")
    client < DENIED


def test_a_method_that_is_no_factor_lets_nobody_in():
    client = three(ONE_TWO)
    client > hello(authmethods=["three", "one", "two"], authid="joe")
    say(client, "three")
    client < DENIED
    assert client.aborted.log == "three: is no factor of 'joe'"


@pytest.mark.parametrize(
    "other", [joe("one", "two", authid="ann"), joe("one", "two", role="owner"), joe(authid="ann"), joe(role="owner")]
)
def test_the_factors_must_prove_the_same_principal_in_the_same_role(other):
    client = client_of(Word("one", {"joe": ONE_TWO}), Word("two", {"joe": other}))
    client > hello(authmethods=["one", "two"], authid="joe")
    say(client, "one")
    say(client, "two")
    client < DENIED


def test_who_has_further_proofs_does_not_come_in_by_them_after_a_factor():
    """Neither is another proof of the same principal asked for instead, nor is the factor asked for again."""
    joe_by_three = Word("three", {"joe": ONE_TWO})
    stranger = Word("two", {"joe": joe("one", "two", authid="ann")})
    client = client_of(Word("one", {"joe": ONE_TWO}), stranger, joe_by_three)
    client > hello(authmethods=["one", "two", "three"], authid="joe")
    say(client, "one")
    client < [CHALLENGE, "two", {}]
    say(client, "two")
    client < DENIED
    assert client.aborted.log == "two: proves 'ann', but one 'joe'"
    with pytest.raises(ProtocolViolation):
        say(client, "two")


def test_a_factor_counts_once():
    factors = Factors("one", ONE_TWO)
    assert factors.passed("one", ONE_TWO) is None
    denied = factors.passed("one", ONE_TWO)
    assert isinstance(denied, Deny)
    assert (denied.log, factors.next) == ("one: is no factor of 'joe'", "two")


def test_a_later_factor_is_asked_for_the_principal_that_the_first_one_found():
    second = Word("two", {"joe": ONE_TWO})
    client = client_of(Word("one", {"joe": ONE_TWO}), second)
    client > hello(authmethods=["one", "two"])
    say(client, "one")
    client < [CHALLENGE, "two", {}]
    assert second.requests[0].details.authid == "joe"
    say(client, "two")
    client < [WELCOME]


def test_what_the_factors_have_to_say_comes_together():
    client = client_of(
        Word("one", {"joe": joe("one", "two", a=1, b=1)}), Word("two", {"joe": joe("one", "two", b=2, c=3)})
    )
    client > hello(authmethods=["one", "two"], authid="joe")
    say(client, "one")
    say(client, "two")
    assert client.accepted.authextra == {"a": 1, "b": 2, "c": 3, "authfactors": ["one", "two"]}


@pytest.mark.parametrize(
    ("first", "second", "both"), [(None, None, None), (5.0, None, 5.0), (None, 7.0, 7.0), (9.0, 7.0, 7.0)]
)
def test_the_session_lasts_no_longer_than_any_of_the_proofs(first, second, both):
    lasting = [structs.replace(ONE_TWO, lasts=each) for each in (first, second)]
    client = client_of(Word("one", {"joe": lasting[0]}), Word("two", {"joe": lasting[1]}))
    client > hello(authmethods=["one", "two"], authid="joe")
    say(client, "one")
    say(client, "two")
    assert client.accepted.lasts == both


def test_a_factor_that_cannot_serve_the_client_does_not_make_way_for_less():
    visitors = Anonymous("visitor", lambda: "somebody")
    client = client_of(Word("one", {"joe": ONE_TWO}), Word("two", {"joe": ONE_TWO}, declines=True), visitors)
    client > hello(authmethods=["one", "two", "anonymous"], authid="joe")
    say(client, "one")
    client < [ABORT, {"message": "none of the offered authentication methods is available here"}, UNSERVED]


def test_without_factors_one_method_is_enough():
    client = three(joe())
    client > hello(authmethods=["two", "one"], authid="joe")
    say(client, "two")
    client < [WELCOME]
    assert client.accepted.authextra is None


def test_scram_is_one_factor_under_both_of_its_names():
    both = joe("scram", "two")
    client = client_of(Word("wamp-scram", {"joe": both}), Word("two", {"joe": both}))
    client > hello(authmethods=["two", "wamp-scram"], authid="joe")
    say(client, "two")
    client < [CHALLENGE, "wamp-scram", {}]
    say(client, "wamp-scram")
    client < [WELCOME]
    assert client.accepted.authextra == {"authfactors": ["two", "scram"]}
