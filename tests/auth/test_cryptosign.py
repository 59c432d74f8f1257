"""Cryptosign: who comes in, and that nobody else does."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.auth.door import ABORT, AUTHENTICATE, CHALLENGE, WELCOME, Client, hello, wamp_error
from wampd.auth.accounts import Account
from wampd.auth.cryptosign import Cryptosign
from wampd.auth.door import RealmAuth
from wampd.auth.handshake import Accept
from wampd.auth.keys import SigningKey, is_signed
from wampd.auth.roles import Role
from wampd.realms.session import ProtocolViolation
from wampd.router.stores.accounts import FixedAccounts


def seed_of(name: str) -> bytes:
    return f"hunter2 of {name}".encode().ljust(32, b".")


JOE, JOES_OTHER, ANN, STRANGER, ROUTER = (
    SigningKey(seed_of(name)) for name in ("joe", "joe at home", "ann", "nobody", "the router")
)
DENIED = [ABORT, {"message": "authentication failed"}, wamp_error("authentication_denied")]
NONCE = bytes(range(32))
"""The first challenge that is drawn; the next ones are made of it."""


class Channel:
    """TLS, as far as the method sees it."""

    certificate = None

    def __init__(self, **ids: bytes) -> None:
        self.ids = {name.replace("_", "-"): value for name, value in ids.items()}

    def binding(self, kind: str) -> bytes | None:
        return self.ids.get(kind)


UNIQUE, EXPORTED = b"finished 12.", b"exported keying material, 32 oct"
TLS_1_2 = Channel(tls_unique=UNIQUE, tls_server_end_point=b"e" * 32)
TLS_1_3 = Channel(tls_exporter=EXPORTED, tls_server_end_point=b"e" * 32)


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def draws():
    """Challenges, each of them new."""
    return (bytes([n]) + NONCE[1:] for n in itertools.count()).__next__


def door(**options: Any) -> dict[str, RealmAuth]:
    accounts = FixedAccounts(
        [
            Account(authid="joe", role="member", keys=(JOE.public, JOES_OTHER.public)),
            Account(authid="ann", role="member", keys=(ANN.public,)),
            Account(authid="bob", role="member", ticket=b"t" * 32),
        ]
    )
    return {"realm1": RealmAuth([Cryptosign(accounts, draws(), **options)], [Role("member")])}


def client(channel: Channel | None = None, **options: Any) -> Client:
    return Client(door(**options), {"channel": channel} if channel else {})


def signing(key: SigningKey, authid: str | None = None, **extra: Any) -> list[Any]:
    """HELLO of the owner of a key."""
    details = {} if authid is None else {"authid": authid}
    return hello(authmethods=["cryptosign"], authextra={"pubkey": key.public.hex(), **extra}, **details)


def signed(key: SigningKey, message: bytes) -> list[Any]:
    """AUTHENTICATE with a signed message."""
    return [AUTHENTICATE, (key.sign(message) + message).hex(), {}]


# --------------------------------------------------------------------------------------------- vectors of the text

VECTORS = [
    (
        None,
        "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "b32675b221f08593213737bef8240e7c15228b07028e19595294678c90d11c0c"
        "ae80a357331bfc5cc9fb71081464e6e75013517c2cf067ad566a6b7b728e5d03"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    (
        None,
        "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
        "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        "d4209ad10d5aff6bfbc009d7e924795de138a63515efc7afc6b01b7fe5201372"
        "190374886a70207b042294af5bd64ce725cd8dceb344e6d11c09d1aaaf4d660f"
        "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
    ),
    (
        None,
        "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
        "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        "7beb282184baadd08f166f16dd683b39cab53816ed81e6955def951cb2ddad1e"
        "c184e206746fd82bda075af03711d3d5658fc84a76196b0fa8d1ebc92ef9f30b"
        "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
    ),
    (
        "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff",
        "4d57d97a68f555696620a6d849c0ce582568518d729eb753dc7c732de2804510",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "9b6f41540c9b95b4b7b281c3042fa9c54cef43c842d62ea3fd6030fcb66e70b3"
        "e80d49d44c29d1635da9348d02ec93f3ed1ef227dfb59a07b580095c2b82f80f"
        "9d16ca518aa0c2b707f2b2a609edeca73bca8dd59817a633f35574ac6fd80d00",
    ),
    (
        "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff",
        "d511fe78e23934b3dadb52fcd022974b80bd92bccc7c5cf404e46cc0a8a2f5cd",
        "b26c1f87c13fc1da14997f1b5a71995dff8fbe0a62fae8473c7bdbd05bfb607d",
        "305aaa3ac25e98f651427688b3fc43fe7d8a68a7ec1d7d61c61517c519bd4a42"
        "7c3015599d83ca28b4c652333920223844ef0725eb5dc2febfd6af7677b73f01"
        "d0852a29b460fc92ec943242ac638a053bbacc200512b18b30d15083cbdc9282",
    ),
    (
        "62e935ae755f3d48f80d4d59f6121358c435722a67e859cc0caa8b539027f2ff",
        "6e1fde9cf9e2359a87420b65a87dc0c66136e66945196ba2475990d8a0c3a25b",
        "b05e6b8ad4d69abf74aa3be3c0ee40ae07d66e1895b9ab09285a2f1192d562d2",
        "ee3c7644fd8070532bc1fde3d70d742267da545d8c8f03e63bda63f1ad4214f4"
        "d2c4bfdb4eb9526def42deeb7e31602a6ff99eba893e0a4ad4d45892ca75e608"
        "d2b75e24a189a7f78ca776ba36fc53f6c3e31c32f251f2c524f0a44202f2902d",
    ),
]
"""Channel id, seed, challenge, and what the client answers: WAMP advanced profile, "Test Vectors"."""


@pytest.mark.spec("CSG-03", "CSG-04")
@pytest.mark.parametrize(("channel_id", "seed", "challenge", "signature"), VECTORS)
def test_the_vectors_of_the_specification_let_their_owner_in(channel_id, seed, challenge, signature):
    owner = SigningKey.from_text(seed)
    accounts = FixedAccounts([Account(authid="joe", role="member", keys=(owner.public,))])
    method = Cryptosign(accounts, lambda: bytes.fromhex(challenge))
    channel = Channel(tls_exporter=bytes.fromhex(channel_id)) if channel_id else None
    play = Client({"realm1": RealmAuth([method], [Role("member")])}, {"channel": channel})
    play > signing(owner, channel_binding="tls-exporter" if channel_id else None)
    extra = {"challenge": challenge, "channel_binding": "tls-exporter"} if channel_id else {"challenge": challenge}
    play < [CHALLENGE, "cryptosign", extra]
    play > [AUTHENTICATE, signature, {}]
    play < [WELCOME]
    assert play.accepted.authid == "joe"


@pytest.mark.spec("CSG-05")
@pytest.mark.parametrize(("channel_id", "seed", "challenge", "signature"), VECTORS)
def test_the_router_signs_the_vectors_of_the_specification(channel_id, seed, challenge, signature):
    router = SigningKey.from_text(seed)
    channel = Channel(tls_exporter=bytes.fromhex(channel_id)) if channel_id else None
    play = client(channel, router_key=router)
    play > signing(JOE, challenge=challenge, channel_binding="tls-exporter" if channel_id else None)
    extra = play.outcome.wire()[2]
    assert extra["signature"] == signature
    assert extra["pubkey"] == router.public.hex()


# ------------------------------------------------------------------------------------------------ who comes in


@pytest.mark.spec("CSG-01", "CSG-02", "CSG-03", "AUT-05")
@pytest.mark.parametrize("key", [JOE, JOES_OTHER])
@pytest.mark.parametrize("authid", [None, "joe"])
def test_the_owner_of_a_key_comes_in_whether_it_names_itself_or_not(key, authid):
    play = client()
    play > signing(key, authid)
    play < [CHALLENGE, "cryptosign", {"challenge": NONCE.hex()}]
    play > signed(key, NONCE)
    play < [WELCOME, 1001]
    details = play.accepted.details()
    assert (details["authid"], details["authrole"]) == ("joe", "member")
    assert (details["authmethod"], details["authprovider"]) == ("cryptosign", "static")


@pytest.mark.spec("CSG-01")
def test_hex_digits_may_be_capitals():
    play = client()
    play > hello(authmethods=["cryptosign"], authextra={"pubkey": JOE.public.hex().upper()})
    play > [AUTHENTICATE, (JOE.sign(NONCE) + NONCE).hex().upper(), {}]
    play < [WELCOME]


@pytest.mark.spec("CSG-01", "AMB-28")
def test_key_and_challenge_may_stand_in_details_but_authextra_comes_first():
    play = client(router_key=ROUTER)
    play > hello(authmethods=["cryptosign"], pubkey=JOE.public.hex(), challenge="ab" * 32)
    assert play.outcome.wire()[2]["signature"].endswith("ab" * 32)
    play > signed(JOE, NONCE)
    play < [WELCOME]
    play = client(router_key=ROUTER)
    play > hello(
        authmethods=["cryptosign"],
        pubkey=ANN.public.hex(),
        challenge="ab" * 32,
        authextra={"pubkey": JOE.public.hex(), "challenge": "cd" * 32},
    )
    assert play.outcome.wire()[2]["signature"].endswith("cd" * 32)
    play > signed(JOE, NONCE)
    play < [WELCOME]


def test_methods_that_have_no_use_for_them_do_not_mind_what_details_hold_of_others():
    play = client()
    play > hello(authmethods=["cryptosign"], pubkey=[1], challenge={"a": 1}, authextra={"pubkey": JOE.public.hex()})
    play < [ABORT, {"message": "the method 'cryptosign': the challenge in HELLO is not 64 hex digits"}]


# --------------------------------------------------------------------------------------------------- nobody else


@pytest.mark.spec("CSG-01", "AUT-04")
@pytest.mark.parametrize(
    ("key", "authid"), [(STRANGER, None), (STRANGER, "joe"), (ANN, "joe"), (JOE, "nobody"), (JOE, "bob"), (JOE, "")]
)
def test_a_key_that_is_not_of_the_principal_gets_the_same_challenge_and_no_more(key, authid):
    play = client()
    play > signing(key, authid)
    play < [CHALLENGE, "cryptosign", {"challenge": NONCE.hex()}]
    play > signed(key, NONCE)
    play < DENIED
    assert key.public.hex() in play.aborted.log


@pytest.mark.spec("CSG-01", "CSG-03")
def test_only_who_owns_a_key_learns_whether_it_is_known():
    asked = []
    for key in (JOE, STRANGER):
        play = client()
        play > signing(key)
        wrong = signed(ANN, NONCE)
        play.handshake._directory["realm1"].methods["cryptosign"].accounts.find = asked.append
        play > wrong
        play < DENIED
    assert asked == []


@pytest.mark.spec("CSG-01", "AUT-04")
@pytest.mark.parametrize(
    "extra",
    [
        None,
        {},
        {"pubkey": None},
        {"pubkey": ""},
        {"pubkey": 5},
        {"pubkey": JOE.public.hex()[:-1]},
        {"pubkey": JOE.public.hex() + "0"},
        {"pubkey": " " + JOE.public.hex()},
        {"pubkey": "0x" + JOE.public.hex()[2:]},
        {"pubkey": "zz" * 32},
        {"pubkey": [JOE.public.hex()]},
    ],
)
def test_hello_must_bring_a_public_key(extra):
    play = client()
    play > hello(authmethods=["cryptosign"], authid="joe", **({} if extra is None else {"authextra": extra}))
    play < [
        ABORT,
        {"message": "the method 'cryptosign': HELLO brings no pubkey of 64 hex digits"},
        wamp_error("authentication_failed"),
    ]


@pytest.mark.spec("CSG-03")
@pytest.mark.parametrize("position", [0, 31, 32, 63, 64, 95])
def test_any_changed_octet_is_denied(position):
    play = client()
    play > signing(JOE)
    answer = bytearray(JOE.sign(NONCE) + NONCE)
    answer[position] ^= 1
    play > [AUTHENTICATE, answer.hex(), {}]
    play < DENIED


@pytest.mark.spec("CSG-03")
@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0" * 192,
        JOE.sign(NONCE).hex(),
        (JOE.sign(NONCE) + NONCE).hex()[:-1],
        (JOE.sign(NONCE) + NONCE).hex() + "0",
        (JOE.sign(NONCE) + NONCE).hex() + "\n",
        " " + (JOE.sign(NONCE) + NONCE).hex(),
        (NONCE + JOE.sign(NONCE)).hex(),
        (JOE.sign(NONCE) + NONCE).hex()[:-2] + "zz",
        "x" * 100_000,
    ],
)
def test_what_is_not_signature_and_message_is_denied(signature):
    play = client()
    play > signing(JOE)
    play > [AUTHENTICATE, signature, {}]
    play < DENIED


@pytest.mark.spec("CSG-03", "AUT-08")
def test_an_answer_of_before_is_of_no_use():
    directory = door()
    first = Client(directory)
    first > signing(JOE)
    answer = signed(JOE, NONCE)
    first > answer
    first < [WELCOME]
    again = Client(directory)
    again > signing(JOE)
    again > answer  # a good signature, of a message that was a challenge once
    again < DENIED
    assert again.aborted.log == "cryptosign: what is signed is not this challenge on this channel"


@pytest.mark.spec("CSG-03")
def test_a_good_signature_of_another_message_is_denied_and_so_is_this_message_with_that_signature():
    for message in (bytes(32), NONCE[::-1], xor(NONCE, hashlib.sha256(UNIQUE).digest())):
        play = client()
        play > signing(JOE)
        play > signed(JOE, message)
        play < DENIED
        play = client()
        play > signing(JOE)
        play > [AUTHENTICATE, (JOE.sign(message) + NONCE).hex(), {}]
        play < DENIED


@pytest.mark.spec("AUT-08")
def test_there_is_one_answer_for_each_challenge():
    play = client()
    play > signing(JOE)
    play > signed(ANN, NONCE)
    with pytest.raises(ProtocolViolation):
        play > signed(JOE, NONCE)
    play = client()
    with pytest.raises(ProtocolViolation):
        play > signed(JOE, NONCE)


# --------------------------------------------------------------------------------------------- channel binding

FINISHED = b"finished message of TLS 1.3, 32 octets and more"
LENIENT = Channel(tls_exporter=EXPORTED, finished=FINISHED)
BOUND = [
    (TLS_1_2, "tls-unique", hashlib.sha256(UNIQUE).digest()),
    (TLS_1_3, "tls-exporter", EXPORTED),
]


@pytest.mark.spec("CSG-04")
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(("channel", "kind", "channel_id"), BOUND)
def test_a_signature_is_bound_to_the_channel(channel, kind, channel_id, required):
    play = client(channel, is_binding_required=required)
    play > signing(JOE, channel_binding=kind)
    play < [CHALLENGE, "cryptosign", {"challenge": NONCE.hex(), "channel_binding": kind}]
    play > signed(JOE, xor(NONCE, channel_id))
    play < [WELCOME]


@pytest.mark.spec("CSG-04")
@pytest.mark.parametrize(("channel", "kind", "channel_id"), BOUND)
def test_a_signature_for_another_channel_or_for_none_is_denied(channel, kind, channel_id):
    for other in (bytes(32), xor(channel_id, b"\x01" + bytes(31)), hashlib.sha256(b"theirs").digest()):
        play = client(channel)
        play > signing(JOE, channel_binding=kind)
        play > signed(JOE, xor(NONCE, other))
        play < DENIED


@pytest.mark.spec("CSG-04")
def test_a_bound_signature_is_denied_where_the_client_has_not_asked_for_binding():
    play = client(TLS_1_3)
    play > signing(JOE)
    play > signed(JOE, xor(NONCE, EXPORTED))
    play < DENIED


@pytest.mark.spec("CSG-04")
def test_a_realm_may_bind_by_tls_unique_on_tls_1_3_as_autobahn_does():
    channel_id = hashlib.sha256(FINISHED).digest()
    play = client(LENIENT, finds_unique_in_tls_1_3=True, is_binding_required=True)
    play > signing(JOE, channel_binding="tls-unique")
    play < [CHALLENGE, "cryptosign", {"challenge": NONCE.hex(), "channel_binding": "tls-unique"}]
    play > signed(JOE, xor(NONCE, channel_id))
    play < [WELCOME]
    for message in (NONCE, xor(NONCE, EXPORTED), xor(NONCE, FINISHED[:32])):
        play = client(LENIENT, finds_unique_in_tls_1_3=True)
        play > signing(JOE, channel_binding="tls-unique")
        play > signed(JOE, message)
        play < DENIED
    for kind, channel_id in (("tls-exporter", EXPORTED), ("finished", bytes(32))):
        play = client(LENIENT, finds_unique_in_tls_1_3=True)
        play > signing(JOE, channel_binding=kind)
        play > signed(JOE, xor(NONCE, channel_id))
        play < [WELCOME]


NOT_TO_BE_HAD = [
    (LENIENT, "tls-unique"),
    (LENIENT, "finished"),
    (None, "tls-unique"),
    (None, "tls-exporter"),
    (TLS_1_2, "tls-exporter"),
    (TLS_1_3, "tls-unique"),
    (TLS_1_3, "tls-server-end-point"),
    (TLS_1_3, "tls-nothing"),
    (TLS_1_3, ""),
]


@pytest.mark.spec("CSG-04")
@pytest.mark.parametrize(("channel", "kind"), NOT_TO_BE_HAD)
def test_a_binding_that_is_not_to_be_had_is_not_in_the_challenge(channel, kind):
    play = client(channel)
    play > signing(JOE, channel_binding=kind)
    play < [CHALLENGE, "cryptosign", {"challenge": NONCE.hex()}]
    play > signed(JOE, NONCE)
    play < [WELCOME]


@pytest.mark.spec("CSG-04")
@pytest.mark.parametrize(("channel", "kind"), [*NOT_TO_BE_HAD, (TLS_1_3, None), (None, None)])
def test_where_a_binding_is_required_nobody_comes_in_without(channel, kind):
    play = client(channel, is_binding_required=True)
    play > signing(JOE, channel_binding=kind)
    play < [ABORT]
    assert play.aborted.reason == wamp_error("authentication_failed")
    assert "this realm demands a channel_binding" in play.aborted.message


@pytest.mark.spec("CSG-04")
@pytest.mark.parametrize("kind", [0, True, ["tls-unique"], {}])
def test_a_kind_of_binding_is_a_string(kind):
    play = client(TLS_1_3)
    play > signing(JOE, channel_binding=kind)
    play < [ABORT]
    assert play.aborted.reason == wamp_error("authentication_failed")


# ---------------------------------------------------------------------------------------- the router proves itself


@pytest.mark.spec("CSG-05")
@pytest.mark.parametrize(("channel", "kind", "channel_id"), [(None, None, bytes(32)), *BOUND])
def test_a_router_that_is_challenged_signs_under_the_same_binding(channel, kind, channel_id):
    play = client(channel, router_key=ROUTER)
    theirs = b"challenge of the client, 32 octs"
    play > signing(JOE, challenge=theirs.hex(), channel_binding=kind)
    extra = play.outcome.wire()[2]
    assert extra["pubkey"] == ROUTER.public.hex()
    answer = bytes.fromhex(extra["signature"])
    assert answer[64:] == xor(theirs, channel_id)
    assert is_signed(ROUTER.public, answer[:64], answer[64:])
    play > signed(JOE, xor(NONCE, channel_id))
    play < [WELCOME]


@pytest.mark.spec("CSG-05")
def test_a_router_that_is_not_challenged_or_has_no_key_signs_nothing():
    for options, extra in (({"router_key": ROUTER}, {}), ({}, {"challenge": "ab" * 32})):
        play = client(**options)
        play > signing(JOE, **extra)
        play < [CHALLENGE, "cryptosign", {"challenge": NONCE.hex()}]


@pytest.mark.spec("CSG-05")
@pytest.mark.parametrize("options", [{}, {"router_key": ROUTER}])
@pytest.mark.parametrize("challenge", ["", "ab" * 31, "ab" * 33, "zz" * 32, 7, ["ab" * 32]])
def test_a_challenge_of_the_client_is_32_octets(challenge, options):
    play = client(**options)
    play > signing(JOE, challenge=challenge)
    play < [
        ABORT,
        {"message": "the method 'cryptosign': the challenge in HELLO is not 64 hex digits"},
        wamp_error("authentication_failed"),
    ]


def test_the_routers_own_key_lets_nobody_in():
    """It signs whatever clients bring, so anybody could have it sign the challenge of another connection."""
    accounts = FixedAccounts([Account(authid="joe", role="member", keys=(ROUTER.public,))])
    method = Cryptosign(accounts, draws(), router_key=ROUTER)
    play = Client({"realm1": RealmAuth([method], [Role("member")])})
    play > signing(ROUTER)
    play > signed(ROUTER, NONCE)
    play < DENIED


def test_a_key_has_one_owner():
    with pytest.raises(ValueError, match="two principals with the same key"):
        FixedAccounts([Account(authid=name, role="member", keys=(JOE.public,)) for name in ("a", "b")])


# --------------------------------------------------------------------------------------------- without the key


HELLOS = st.fixed_dictionaries(
    {"pubkey": st.sampled_from([key.public.hex() for key in (JOE, JOES_OTHER, ANN, STRANGER)])},
    optional={"channel_binding": st.sampled_from([None, "tls-unique", "tls-exporter", "tls-server-end-point"])},
)


class Thief(RuleBasedStateMachine):
    """Has overheard logins of joe, has a key of its own, and a router that signs for it; never gets in."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = door(router_key=ROUTER)
        self.overheard: list[str] = []
        self.client = Client(self.directory, {"channel": TLS_1_3})
        self.challenge: bytes | None = None
        self.is_over = False

    @rule(channel=st.sampled_from([None, TLS_1_2, TLS_1_3]), kind=st.sampled_from([None, "tls-unique", "tls-exporter"]))
    def overhear(self, channel, kind):
        victim = Client(self.directory, {"channel": channel} if channel else {})
        victim > signing(JOE, channel_binding=kind)
        extra = victim.outcome.wire()[2]
        message = bytes.fromhex(extra["challenge"])
        if "channel_binding" in extra:
            message = xor(message, EXPORTED if kind == "tls-exporter" else hashlib.sha256(UNIQUE).digest())
        answer = signed(JOE, message)
        victim > answer
        victim < [WELCOME]
        self.overheard.append(answer[1])

    @rule(extra=HELLOS, authid=st.sampled_from([None, "joe", "ann"]), asks=st.booleans())
    def knock(self, extra, authid, asks):
        self.client = Client(self.directory, {"channel": TLS_1_3})
        details = {} if authid is None else {"authid": authid}
        told = {**extra, "challenge": (self.challenge or NONCE).hex()} if asks else extra
        self.client > hello(authmethods=["cryptosign"], authextra=told, **details)
        said = self.client.outcome.wire()[2]
        self.challenge = bytes.fromhex(said["challenge"])
        self.is_over = False
        if asks:
            self.overheard.append(said["signature"])

    @precondition(lambda self: self.challenge is not None and not self.is_over)
    @rule(data=st.data())
    def answer(self, data):
        mine = [
            (STRANGER.sign(message) + message).hex()
            for message in (self.challenge, xor(self.challenge, EXPORTED), bytes(32))
        ]
        answer = data.draw(st.sampled_from([*mine, *self.overheard]))
        other = data.draw(st.sampled_from([answer, *mine, *self.overheard]))
        cut = data.draw(st.sampled_from([0, 64, 128, 192]))
        self.client > [AUTHENTICATE, answer[:cut] + other[cut:], {}]
        self.is_over = True

    @invariant()
    def nobody_came_in(self):
        assert not isinstance(self.client.outcome, Accept)


TestThief = pytest.mark.spec("CSG-03", "AUT-08")(Thief.TestCase)


@pytest.mark.spec("CSG-03")
@pytest.mark.parametrize("keys", [(), (ANN.public,)])
def test_an_account_that_does_not_have_the_key_is_not_let_in_whoever_found_it(keys):
    """A place that finds the wrong account, an authenticator say, opens no door with it."""
    joe = client()
    joe.answer = lambda _: Account(authid="joe", role="member", keys=keys)
    joe > signing(JOE, "joe")
    joe < [CHALLENGE]
    joe > signed(JOE, NONCE)
    joe < DENIED
