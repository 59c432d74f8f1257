"""Slow hashes of passwords: which are taken, what fits them, and that strangers cost what the known do."""

from __future__ import annotations

from collections import Counter
from typing import Any
from unittest.mock import ANY

import argon2
import bcrypt
import pytest

from tests.auth.door import ABORT, AUTHENTICATE, CHALLENGE, WELCOME, Client, hello, wamp_error, with_ticket
from wampd.auth.accounts import Account
from wampd.auth.handshake import RealmAuth
from wampd.auth.hashes import LONGEST_PASSWORD, Decoys, decoy, fault, fits
from wampd.auth.methods import Failed
from wampd.auth.questions import CheckPassword, FindAccount
from wampd.auth.roles import Role
from wampd.auth.ticket import Ticket
from wampd.router.stores.accounts import FixedAccounts

DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]


def bcrypt_of(password: str, form: str = "2b") -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", f"${form}$", 1)


def argon2_of(password: str, kind: argon2.Type = argon2.Type.ID, cost: int = 8) -> str:
    return argon2.PasswordHasher(time_cost=1, memory_cost=cost, parallelism=1, type=kind).hash(password)


HASHES = {
    **{f"bcrypt {form}": bcrypt_of("hunter2", form) for form in ("2a", "2b", "2y")},
    **{f"argon2{kind.name.lower()}": argon2_of("hunter2", kind) for kind in argon2.Type},
}


@pytest.mark.parametrize("hashed", HASHES.values(), ids=HASHES)
def test_the_password_fits_its_hash_and_no_other_does(hashed):
    assert fault(hashed) is None
    assert fits(hashed, "hunter2")
    for other in ("", "hunter", "hunter22", "Hunter2", "hunter2 ", "hunter2\x00", "hunter2\x00x", "ħunter2", "\ud800"):
        assert not fits(hashed, other)


@pytest.mark.parametrize("hashed", HASHES.values(), ids=HASHES)
def test_a_decoy_costs_the_same_and_fits_nothing(hashed):
    like = decoy(hashed)
    assert like != hashed
    assert fault(like) is None
    assert len(like) == len(hashed)
    assert like.rsplit("$", 2)[0] == hashed.rsplit("$", 2)[0] or like[:7] == hashed[:7]
    assert not fits(like, "hunter2")
    assert not fits(like, "")


def test_passwords_that_bcrypt_would_shorten_do_not_fit():
    longest = "hunter2" + "x" * 65
    hashed = bcrypt_of(longest)
    assert fits(hashed, longest)
    assert not fits(hashed, longest + "x")
    assert not fits(bcrypt_of("hunter2"), "hunter2\x00" + "x" * 8)
    assert fits(bcrypt_of("ü" * 36), "ü" * 36)
    assert not fits(bcrypt_of("ü" * 36), "ü" * 36 + "x"), "octets count, not characters"


def test_argon2_takes_the_whole_password_up_to_a_bound():
    assert fits(argon2_of("hunter2" * 20), "hunter2" * 20)
    assert not fits(argon2_of("hunter2" * 20), "hunter2" * 19)
    assert fits(argon2_of("hunter2\x00x"), "hunter2\x00x")
    assert fits(argon2_of("x" * LONGEST_PASSWORD), "x" * LONGEST_PASSWORD)
    assert not fits(argon2_of("x" * (LONGEST_PASSWORD + 1)), "x" * (LONGEST_PASSWORD + 1))


GOOD = "$2b$04$" + "a" * 53
ARGON = "$argon2id$v=19$m=8,t=1,p=1$" + "A" * 22 + "$" + "A" * 43


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "plain text, or of a form that is not known, neither bcrypt nor argon2"),
        ("hunter2", "plain text, or of a form that is not known"),
        ("rqXexS6ZhobKA", "plain text, or of a form that is not known"),
        ("$apr1$lZL6V/ci$eIMz/iKDkbtys/uU7LEK00", "MD5 (apr1)"),
        ("{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", "SHA-1"),
        ("$5$rounds=1000$x$y", "SHA-256 crypt"),
        ("$6$x$y", "SHA-512 crypt"),
        (GOOD[:-1], "cut short"),
        (GOOD + "a", "cut short"),
        (GOOD + "\n", "cut short"),
        (GOOD.replace("$2b", "$2x"), "cut short"),
        (GOOD.replace("04", "03"), "its cost must be from 4 to 18, not 3"),
        (GOOD.replace("04", "31"), "its cost must be from 4 to 18, not 31"),
        (ARGON.replace("m=8", "m=7"), "its memory must be at least 8 KiB"),
        (ARGON.replace("m=8", "m=2000000"), "its memory (KiB) must be from 1 to 1048576, not 2000000"),
        (ARGON.replace("t=1", "t=0"), "its iterations must be"),
        (ARGON.replace("p=1", "p=65"), "its parallelism must be"),
        (ARGON.replace("v=19", "v=18"), "cut short"),
        (ARGON[:-2], "it is cut short"),
    ],
)
def test_what_is_no_slow_hash_is_refused_with_the_reason_and_without_itself(text, why):
    said = fault(text)
    assert said is not None
    assert why in said
    assert not text or text not in said


def test_the_decoys_of_strangers_are_spread_as_the_hashes_of_the_known():
    cheap, dear = argon2_of("hunter2", cost=8), argon2_of("hunter2", cost=64)
    decoys = Decoys([cheap, cheap, dear], b"k" * 32)
    met = Counter(decoys.of(f"stranger {number}") for number in range(3000))
    assert set(met) == {decoy(cheap), decoy(dear)}
    assert 800 < met[decoy(dear)] < 1200
    assert [decoys.of("eve") for _ in range(3)] == [decoys.of("eve")] * 3
    assert Decoys([], b"k").of("eve") is None


# --- the method ticket


class Checking(Client):
    """A client whose passwords are checked at once, and the checks that were asked for."""

    def __init__(self, *accounts: Account) -> None:
        decoys = Decoys([account.password for account in accounts if account.password], b"k")
        door = RealmAuth([Ticket(FixedAccounts(accounts), decoys.of)], [Role("member")])
        super().__init__({"realm1": door})
        self.asked: list[str] = []
        self.fails = False

    def answer(self, question: Any) -> Any:
        if isinstance(question, FindAccount):
            return question.accounts.find(question)
        assert isinstance(question, CheckPassword)
        self.asked.append(question.hash)
        return Failed("too many") if self.fails else fits(question.hash, question.password)

    def try_in(self, authid: str, password: str) -> None:
        self.handshake = Client(self.doors).handshake
        self > hello(authmethods=["ticket"], authid=authid)
        self < [CHALLENGE, "ticket", {}]
        self > [AUTHENTICATE, password, {}]


JOE = Account(authid="joe", role="member", password=bcrypt_of("hunter2 of joe"))
ANN = Account(authid="ann", role="member", password=argon2_of("hunter2 of ann"))
KIT = with_ticket("kit", "member", "hunter2 of kit")
NIX = Account(authid="nix", role="member")


@pytest.mark.spec("TIC-01", "AUT-05")
@pytest.mark.parametrize("authid", ["joe", "ann", "kit"])
def test_a_password_is_sent_as_a_ticket(authid):
    client = Checking(JOE, ANN, KIT)
    client.try_in(authid, f"hunter2 of {authid}")
    client < [WELCOME, ANY]
    assert client.accepted.authid == authid


@pytest.mark.spec("AUT-04")
@pytest.mark.parametrize("authid", ["joe", "ann", "kit", "nix", "eve", ""])
@pytest.mark.parametrize("sent", ["hunter2", "", "hunter2 of bob"])
def test_whoever_is_wrong_costs_one_slow_hash_and_gets_the_same_answer(authid, sent):
    client = Checking(JOE, ANN, KIT, NIX)
    client.try_in(authid, sent)
    client < DENIED
    assert len(client.asked) == 1
    known = [JOE.password, ANN.password]
    assert client.asked[0] in [*known, *map(decoy, known)]


def test_where_nobody_has_a_password_nothing_slow_is_done():
    client = Checking(KIT)
    for authid in ("kit", "eve"):
        client.try_in(authid, "hunter2")
        client < DENIED
    assert client.asked == []


def test_a_hash_is_no_password():
    client = Checking(JOE, ANN)
    client.try_in("joe", JOE.password)
    client < DENIED
    client.try_in("eve", decoy(ANN.password))
    client < DENIED


@pytest.mark.spec("AUT-04")
def test_a_check_that_fails_lets_nobody_in():
    client = Checking(JOE)
    client.fails = True
    client.try_in("joe", "hunter2 of joe")
    client < [ABORT, {"message": "authentication failed"}, wamp_error("authentication_failed")]
    assert client.aborted.log == "ticket: too many"


def test_no_password_is_seen_in_a_question():
    assert "hunter2" not in repr(CheckPassword(JOE.password, "hunter2"))
    assert JOE.password not in repr(CheckPassword(JOE.password, "hunter2"))
    assert JOE.password not in repr(JOE)
