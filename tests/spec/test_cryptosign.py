"""Clients that prove themselves by a key (advanced profile, "Cryptosign-based Authentication")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.play import ANY, Actor, Play, closed, nothing
from wampd.auth.keys import SigningKey, is_signed
from wampd.realms.messages import ABORT, AUTHENTICATE, CHALLENGE, INVOCATION, REGISTER, REGISTERED, YIELD

JOE, STRANGER, ROUTER = (
    SigningKey(f"hunter2 of {name}".encode().ljust(32, b".")) for name in ("joe", "nobody", "the router")
)
DENIED = "wamp.error.authentication_denied"
FAILED = "wamp.error.authentication_failed"


def challenged(play: Play, name: str, key: SigningKey, realm: str = "keyed", **details: Any) -> Actor:
    """Somebody who has shown a key; ``play.<name>'s challenge`` is what it gets."""
    actor = play.newcomer(name)
    actor.hello(realm, authmethods=["cryptosign"], authextra={"pubkey": key.public.hex()}, **details)
    actor < [CHALLENGE, "cryptosign", {"challenge": ANY.as_(f"{name}'s challenge")}]
    return actor


def answer(play: Play, actor: Actor, key: SigningKey) -> str:
    """Sign the challenge; return the answer."""
    message = bytes.fromhex(play.names[f"{actor.name}'s challenge"])
    assert len(message) == 32
    signature = (key.sign(message) + message).hex()
    actor > [AUTHENTICATE, signature, {}]
    return signature


def is_refused(actor: Actor, uri: str) -> None:
    actor < [ABORT, {"message": "authentication failed"}, uri]
    actor < closed


@pytest.mark.spec("CSG-01", "CSG-02", "CSG-03", "AUT-05")
@pytest.mark.parametrize("details", [{}, {"authid": "joe"}])
def test_the_owner_of_a_key_comes_in(play, details):
    joe = challenged(play, "joe", JOE, **details)
    answer(play, joe, JOE)
    joe.welcome()
    told = [joe.details[key] for key in ("authid", "authrole", "authmethod", "authprovider")]
    assert told == ["joe", "member", "cryptosign", "static"]
    joe > [REGISTER, 1, {}, "com.app.mine"]
    joe < [REGISTERED, 1, int]


@pytest.mark.spec("CSG-05")
def test_the_router_proves_itself_to_who_asks(play):
    joe = play.newcomer("joe")
    theirs = "5a" * 32
    joe.hello("keyed", authmethods=["cryptosign"], authextra={"pubkey": JOE.public.hex(), "challenge": theirs})
    joe < [CHALLENGE, "cryptosign", ANY.as_("extra")]
    extra = play.extra
    assert extra.keys() == {"challenge", "pubkey", "signature"}
    assert extra["pubkey"] == ROUTER.public.hex()
    proof = bytes.fromhex(extra["signature"])
    assert proof[64:].hex() == theirs
    assert is_signed(ROUTER.public, proof[:64], proof[64:])
    joe.drop()


@pytest.mark.spec("CSG-03", "AUT-04")
@pytest.mark.parametrize(("shown", "used"), [(JOE, STRANGER), (STRANGER, STRANGER), (STRANGER, JOE)])
def test_nobody_else_comes_in(play, shown, used):
    mallory = challenged(play, "mallory", shown)
    answer(play, mallory, used)
    is_refused(mallory, DENIED)


@pytest.mark.spec("CSG-03", "AUT-08")
def test_an_answer_is_good_for_one_connection(play):
    joe = challenged(play, "joe", JOE)
    used = answer(play, joe, JOE)
    joe.welcome()
    mallory = challenged(play, "mallory", JOE)
    assert play.names["mallory's challenge"] != play.names["joe's challenge"]
    mallory > [AUTHENTICATE, used, {}]
    is_refused(mallory, DENIED)


@pytest.mark.spec("CSG-02")
def test_challenges_are_never_the_same(play):
    for number in range(4):
        challenged(play, f"client {number}", JOE).drop()
    challenges = [value for name, value in play.names.items() if name.endswith("'s challenge")]
    assert len(set(challenges)) == 4


@pytest.mark.spec("CSG-04")
@pytest.mark.parametrize("kind", ["tls-unique", "tls-exporter", "whatever"])
def test_without_tls_there_is_nothing_to_be_bound_to(play, kind):
    joe = play.newcomer("joe")
    joe.hello("keyed", authmethods=["cryptosign"], authextra={"pubkey": JOE.public.hex(), "channel_binding": kind})
    joe < [CHALLENGE, "cryptosign", {"challenge": ANY.as_("joe's challenge")}]
    answer(play, joe, JOE)
    joe.welcome()


# --------------------------------------------------------------------------------------- keys that a component knows


def authenticator(play: Play) -> Actor:
    """The component that knows the keys."""
    actor = play.session("authenticator", "asking")
    actor > [REGISTER, 1, {}, "com.auth.key"]
    actor < [REGISTERED, 1, int]
    return actor


@pytest.mark.spec("AUT-10", "CSG-01")
@pytest.mark.parametrize(
    ("said", "authid"),
    [
        ({"role": "member", "pubkey": JOE.public.hex()}, "joe"),
        ({"role": "member", "authid": "joseph", "pubkey": [STRANGER.public.hex(), JOE.public.hex()]}, "joseph"),
    ],
)
def test_a_component_says_whose_a_key_is(play, said, authid):
    oracle = authenticator(play)
    joe = challenged(play, "joe", JOE, "asked", authid=authid)
    answer(play, joe, JOE)
    heard = oracle.hear()
    assert heard[0] == INVOCATION
    assert heard[4][:2] == ["asked", authid]
    assert heard[4][2]["pubkey"] == JOE.public.hex()
    assert heard[4][2]["authmethod"] == "cryptosign"
    oracle > [YIELD, heard[1], {}, [said]]
    joe.welcome()
    assert (joe.details["authid"], joe.details["authrole"]) == (authid, "member")


@pytest.mark.spec("AUT-10")
@pytest.mark.parametrize(
    ("said", "uri"),
    [
        ({"role": "member", "authid": "joe", "pubkey": STRANGER.public.hex()}, DENIED),
        ({"role": "member", "authid": "joe", "pubkey": []}, DENIED),
        ({"role": "member", "authid": "joe", "pubkey": "hunter2"}, FAILED),
        ({"role": "member", "authid": "joe", "pubkey": 7}, FAILED),
        ({"role": "member"}, FAILED),
        ("member", FAILED),
        ({"role": "member", "authid": "joe"}, FAILED),
    ],
)
def test_a_component_that_knows_another_key_or_names_nobody_lets_nobody_in(play, said, uri):
    oracle = authenticator(play)
    joe = challenged(play, "joe", JOE, "asked")
    answer(play, joe, JOE)
    heard = oracle.hear()
    assert heard[4][:2] == ["asked", None]
    oracle > [YIELD, heard[1], {}, [said]]
    is_refused(joe, uri)


@pytest.mark.spec("AUT-10", "CSG-03")
def test_a_component_is_not_asked_about_a_key_that_its_owner_did_not_use(play):
    oracle = authenticator(play)
    mallory = challenged(play, "mallory", JOE, "asked", authid="joe")
    answer(play, mallory, STRANGER)
    is_refused(mallory, DENIED)
    oracle < nothing
