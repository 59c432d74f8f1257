"""An intruder at the doors of a realm that offers every method: says everything, in any order, and never comes in as another.

The intruder has an account of its own, ``ann``, and all her secrets. It hears all that ``joe`` says when he logs in, but for
the secrets that methods send as they are. It knows the first factor of ``careful``, not the second. It speaks on several
connections at once; what the outside says to questions comes at once, late, twice, or fails.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from jwt.api_jws import PyJWS
from jwt.utils import base64url_encode

from tests.auth.door import ROLES
from tests.support.proving import CrossbarProver, Prover, sign
from tests.support.tokens import NOW, SECRET
from wampd.auth.accounts import Account
from wampd.auth.certificates import fingerprint_name
from wampd.auth.cryptosign import Cryptosign
from wampd.auth.door import RealmAuth
from wampd.auth.handshake import Handshake
from wampd.auth.jwk import secret
from wampd.auth.jwt import Jwt, Rules
from wampd.auth.keys import SigningKey
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.methods import Challenge, Failed, Wait
from wampd.auth.outcomes import Accept, Outcome
from wampd.auth.passwords import CraCost, ScramCost, cra_key, cra_secret, scram_keys
from wampd.auth.questions import AwaitTurn, FindAccount, FindKeys
from wampd.auth.roles import Role
from wampd.auth.scram import Scram
from wampd.auth.throttle import Throttle, Tolerance
from wampd.auth.ticket import Ticket, digest_of
from wampd.auth.tls import Tls
from wampd.auth.wampcra import Wampcra
from wampd.realms.messages import Authenticate, Hello, json_decoder
from wampd.realms.session import ProtocolViolation
from wampd.router.keyrings import FixedKey
from wampd.router.stores.accounts import FixedAccounts

SECRETS = {name: f"hunter2 of {name}" for name in ("joe", "ann", "careful")}
KEYS = {name: SigningKey(f"hunter2 of {name}".encode().ljust(32, b".")) for name in ("joe", "ann", "nobody")}
CERTIFICATES = {name: f"certificate of {name}".encode() for name in ("joe", "ann", "nobody")}
SALT = b"salt of hunter2."
SCRAM = ScramCost("argon2id13", 1, 8)
METHODS = ("ticket", "wampcra", "wamp-scram", "scram", "cryptosign", "tls", "jwt")
SENT = ("ticket", "jwt")
"""Methods that send the secret as it is."""
NONCE = "rOprNGfwEbeRWgbNEkqO"
EXPORTED = {number: bytes([number]) * 32 for number in range(3)}
"""What TLS exports on a connection."""

TOKENS = Rules(algorithms=frozenset({"HS256"}), roles={}, default_role="member")
GUESSED = "hunter2, guessed " * 4

_decode = json_decoder().decode


def account(name: str, *factors: str, **proofs: Any) -> Account:
    return Account(authid=name, role="member", ticket=digest_of(SECRETS[name]), factors=factors, **proofs)


ACCOUNTS = [
    account(
        name,
        wampcra=cra_key(SECRETS[name], f"salt of {name}", CraCost(2)) if name == "joe" else cra_secret(SECRETS[name]),
        scram=scram_keys(SECRETS[name], SALT, SCRAM),
        keys=(KEYS[name].public,),
        certificates=(fingerprint_name(hashlib.sha256(CERTIFICATES[name]).hexdigest()) or "",),
    )
    for name in ("joe", "ann")
]
ACCOUNTS.append(account("careful", "ticket", "wampcra", wampcra=cra_secret("hunter2 that nobody heard")))


class Channel:
    """TLS, as far as methods see it."""

    def __init__(self, certificate: bytes | None, exported: bytes) -> None:
        self.certificate = certificate
        self.exported = exported

    def binding(self, kind: str) -> bytes | None:
        return self.exported if kind == "tls-exporter" else None


class House:
    """One realm that offers every method, on a clock that stands still or jumps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.accounts = FixedAccounts(ACCOUNTS)
        self.ids = itertools.count(1)
        alike = Lookalikes(b"of the mock challenges", "realm1", ACCOUNTS)
        nonces = map("nonce-{}".format, itertools.count(1)).__next__
        challenges = (number.to_bytes(32, "big") for number in itertools.count(1)).__next__
        methods = [
            Ticket(self.accounts),
            Wampcra(self.accounts, alike, nonces, lambda: int(self.now)),
            *(Scram(name, self.accounts, alike, nonces) for name in ("wamp-scram", "scram")),
            Cryptosign(self.accounts, challenges),
            Tls(self.accounts),
            Jwt(TOKENS, FixedKey(secret(SECRET)), lambda: NOW),
        ]
        self.doors = {"realm1": RealmAuth(methods, [Role("member")])}
        # Tolerant, so that there is something to be seen; the throttle has tests of its own.
        self.throttle = Throttle(Tolerance(of_pair=50, of_principal=None, of_address=None), lambda: self.now)

    def connect(self, certificate: bytes | None = None, channel: int = 0) -> Connection:
        return Connection(self, {"peer": "192.0.2.1", "channel": Channel(certificate, EXPORTED[channel])})


class Connection:
    """One connection, and what its client has heard."""

    def __init__(self, house: House, transport: dict[str, Any]) -> None:
        self.house = house
        self.handshake = Handshake(
            house.doors, lambda: next(house.ids), "wampd-test", transport, throttle=house.throttle
        )
        self.heard: Outcome | None = None
        self.questions: list[Any] = []
        self.said: list[list[Any]] = []

    def say(self, message: list[Any]) -> None:
        self.said.append(message)
        decoded = _decode(msgspec.json.encode(message))
        try:
            if isinstance(decoded, Hello):
                self.hear(self.handshake.hello(decoded))
            else:
                assert isinstance(decoded, Authenticate)
                self.hear(self.handshake.authenticate(decoded))
        except ProtocolViolation:
            self.heard = None
            self.handshake.abandon()  # as the shell does

    def hear(self, outcome: Outcome | None) -> None:
        if isinstance(outcome, Wait):
            self.questions.append(outcome.question)
            if isinstance(outcome.question, AwaitTurn):
                outcome.question.attempt.turn = lambda: None
        elif outcome is not None:
            self.heard = outcome

    def answer(self, how: str = "truly") -> None:
        """Let the outside answer the last question."""
        question = self.questions[-1]
        answer: Any = None
        if how == "failed":
            answer = Failed("broken")
        elif isinstance(question, FindKeys):
            answer = () if how == "nobody" else question.keys.find(question)
        elif how != "nobody" and isinstance(question, FindAccount):
            answer = question.accounts.find(question)
        for _ in range(2 if how == "twice" else 1):
            self.hear(self.handshake.answer(answer))

    @property
    def is_waiting(self) -> bool:
        return bool(self.questions) and self.handshake._state.value == "waiting"

    def settle(self) -> None:
        """Let the outside answer all questions."""
        while self.is_waiting:
            before = len(self.questions)
            self.answer()
            if len(self.questions) == before:
                return


def token(name: str, key: str) -> str:
    return PyJWS().encode(msgspec.json.encode({"sub": name, "exp": NOW + 3600}), key, "HS256")


def forged(name: str, how: str) -> str:
    """A token of somebody else, made of ann's."""
    header, _, signature = token("ann", SECRET).split(".")
    other = token(name, GUESSED)
    if how == "payload":
        return ".".join([header, other.split(".")[1], signature])
    if how == "none":
        return ".".join([base64url_encode(b'{"alg":"none","typ":"JWT"}').decode(), other.split(".")[1], ""])
    return other


class Client:
    """What a client with secrets has to say."""

    def __init__(self, name: str, nonce: str = NONCE) -> None:
        self.name = name
        self.nonce = nonce

    def hello(self, method: str) -> list[Any]:
        extra: dict[str, Any] = {}
        if method in ("scram", "wamp-scram"):
            kind = Prover if method == "wamp-scram" else CrossbarProver
            extra = kind(self.name, SECRETS[self.name], self.nonce).authextra
        elif method == "cryptosign":
            extra = {"pubkey": KEYS.get(self.name, KEYS["ann"]).public.hex()}
        return [1, "realm1", {"roles": ROLES, "authmethods": [method], "authid": self.name, "authextra": extra}]

    def answer(self, challenge: Challenge) -> list[Any]:
        extra = challenge.extra
        if challenge.method == "ticket":
            return [5, SECRETS[self.name], {}]
        if challenge.method == "jwt":  # nobody has given one to careful
            return [5, token(self.name, SECRET if self.name != "careful" else GUESSED), {}]
        if challenge.method == "wampcra":
            return [5, sign(extra, SECRETS[self.name]), {}]
        if challenge.method == "cryptosign":
            message = bytes.fromhex(extra["challenge"])
            return [5, (KEYS.get(self.name, KEYS["ann"]).sign(message) + message).hex(), {}]
        kind = CrossbarProver if extra["kdf"] == "argon2id-13" else Prover
        nonce = self.nonce if extra["nonce"].startswith(self.nonce) else extra["nonce"][:-1]
        prover = kind(self.name, SECRETS[self.name], nonce)
        return [5, prover.prove(extra), prover.answer(extra)]


TEXTS = st.one_of(st.text(max_size=20), st.sampled_from(["", "AAAA", "00" * 96, "joe", "hunter2"]))


WHICH = st.integers(0, 1)
"""Connections of the intruder."""
OUTSIDE = st.sampled_from(["truly"] * 6 + ["later", "failed", "nobody", "twice"])
"""What becomes of a question."""


class Intruder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.connections = [self.house.connect() for _ in range(2)]
        self.overheard: dict[str, list[list[list[Any]]]] = {}
        """What joe said when he logged in, by method."""

    def say(self, which: int, message: list[Any], outside: str = "truly") -> Any:
        connection = self.connections[which]
        connection.say(message)
        if outside != "later" and connection.is_waiting:
            connection.answer(outside)
            connection.settle()
        self.comes_in_as_nobody_but_itself()
        return connection.heard

    @invariant()
    def comes_in_as_nobody_but_itself(self) -> None:
        for connection in self.connections:
            if isinstance(connection.heard, Accept):
                assert connection.heard.authid == "ann"

    # ------------------------------------------------------------------------------------------------- honest people

    @rule(method=st.sampled_from(METHODS))
    def joe_logs_in(self, method: str) -> None:
        joe = Client("joe", nonce=f"{NONCE}{len(self.overheard.get(method, []))}")
        connection = self.house.connect(CERTIFICATES["joe"])
        connection.say(joe.hello(method))
        connection.settle()
        if isinstance(connection.heard, Challenge):
            connection.say(joe.answer(connection.heard))
            connection.settle()
        assert isinstance(connection.heard, Accept), connection.heard
        assert connection.heard.authid == "joe"
        if method not in SENT:
            self.overheard.setdefault(method, []).append(connection.said)

    # --------------------------------------------------------------------------------------------------- the intruder

    @rule(
        which=WHICH,
        channel=st.sampled_from(list(EXPORTED)),
        certificate=st.sampled_from([None, CERTIFICATES["ann"], CERTIFICATES["nobody"]]),
    )
    def connect(self, which: int, channel: int, certificate: bytes | None) -> None:
        self.connections[which] = self.house.connect(certificate, channel)

    @rule(
        which=WHICH,
        method=st.sampled_from(METHODS),
        name=st.sampled_from(["joe", "joe", "careful"]),
        how=st.sampled_from(["ann", "careful", "guess", "record", "forge"]),
        outside=OUTSIDE,
        data=st.data(),
    )
    def pretend(self, which: int, method: str, name: str, how: str, outside: str, data: st.DataObject) -> None:
        """Say HELLO as somebody else, and whatever there is to be said then, twice."""
        self.connections[which] = self.house.connect(CERTIFICATES["ann"])
        hello = {**Client(name).hello(method)[2], "authmethods": [method, *METHODS]}
        heard = self.say(which, [1, "realm1", hello])
        for _ in range(2):
            if not isinstance(heard, Challenge):
                return
            records = self.overheard.get(heard.method, [])
            if how == "record" and records:
                answer = data.draw(st.sampled_from(records))[-1]
            elif how == "forge":
                answer = [5, forged(name, data.draw(st.sampled_from(["payload", "none", "key"]))), {}]
            elif how == "guess":
                answer = [5, data.draw(TEXTS), {}]
            else:
                answer = Client("careful" if how == "careful" else "ann").answer(heard)
            heard = self.say(which, answer, outside)

    @precondition(lambda self: self.overheard)
    @rule(which=WHICH, outside=OUTSIDE, data=st.data())
    def repeat_a_conversation(self, which: int, outside: str, data: st.DataObject) -> None:
        """Say what joe said, word for word or with a change."""
        self.connections[which] = self.house.connect(CERTIFICATES["ann"])
        said = data.draw(st.sampled_from([each for records in self.overheard.values() for each in records]))
        changed = data.draw(st.integers(0, len(said)))
        for number, message in enumerate(said):
            self.say(which, self.changed(message, data) if number == changed else message, outside)

    def changed(self, message: list[Any], data: st.DataObject) -> list[Any]:
        kind, first, extra = message
        text = data.draw(TEXTS)
        field = data.draw(st.sampled_from(["first", "character", *extra]))
        if field == "first":
            first = text
        elif field == "character" and first:
            at = data.draw(st.integers(0, len(first) - 1))
            first = first[:at] + ("0" if first[at] != "0" else "1") + first[at + 1 :]
        elif field == "authextra":
            extra = {**extra, "authextra": dict.fromkeys(extra["authextra"], text)}
        elif field == "authid":
            extra = {**extra, "authid": data.draw(st.sampled_from(["ann", "careful", "joe"]))}
        elif kind == 5 and field in extra:
            extra = {**extra, field: text}
        return [kind, first, extra]

    @rule(
        which=WHICH,
        authid=st.sampled_from(["joe", "careful", "ann", "nobody", "", "Joe", None]),
        offered=st.lists(st.sampled_from([*METHODS, "anonymous", "foobar", "cookie"]), min_size=1, max_size=4),
        key=st.sampled_from(["joe", "ann", "nobody"]),
        more=st.dictionaries(
            st.sampled_from(["nonce", "channel_binding", "challenge", "pubkey"]),
            st.sampled_from([NONCE, None, "tls-exporter", "tls-unique", "00" * 32, "", KEYS["joe"].public.hex()]),
            max_size=2,
        ),
        outside=OUTSIDE,
    )
    def hello(
        self, which: int, authid: str | None, offered: list[str], key: str, more: dict[str, Any], outside: str
    ) -> None:
        extra = {"nonce": NONCE, "pubkey": KEYS[key].public.hex(), **more}
        details = {"roles": ROLES, "authmethods": offered, "authextra": extra}
        if authid is not None:
            details["authid"] = authid
        self.say(which, [1, "realm1", details], outside)

    @rule(which=WHICH, name=st.sampled_from(["ann", "careful"]), other=WHICH, outside=OUTSIDE)
    def answer_a_challenge_here_or_there(self, which: int, name: str, other: int, outside: str) -> None:
        heard = self.connections[other].heard
        if isinstance(heard, Challenge):
            self.say(which, Client(name).answer(heard), outside)

    @rule(which=WHICH, text=TEXTS, outside=OUTSIDE)
    def guess(self, which: int, text: str, outside: str) -> None:
        self.say(which, [5, text, {}], outside)

    @rule(which=WHICH, outside=OUTSIDE)
    def repeat(self, which: int, outside: str) -> None:
        if self.connections[which].said:
            self.say(which, self.connections[which].said[-1], outside)

    @precondition(lambda self: "scram" in self.overheard or "wampcra" in self.overheard)
    @rule(which=WHICH, data=st.data())
    def say_a_record(self, which: int, data: st.DataObject) -> None:
        records = [message for each in self.overheard.values() for said in each for message in said]
        self.say(which, data.draw(st.sampled_from(records)))

    # ----------------------------------------------------------------------------------------------- the outside, time

    @rule(which=WHICH, how=OUTSIDE)
    def answer(self, which: int, how: str) -> None:
        if self.connections[which].questions:
            self.connections[which].answer(how)

    @rule(which=WHICH, end=st.sampled_from(["expire", "abandon"]), answered=st.booleans())
    def end(self, which: int, end: str, answered: bool) -> None:
        connection = self.connections[which]
        act: Callable[[], Any] = getattr(connection.handshake, end)
        act()
        connection.heard = None
        if answered and connection.questions:
            connection.answer()
            assert connection.heard is None

    @rule()
    def wait(self) -> None:
        self.house.now += 120

    def teardown(self) -> None:
        """However the intruder leaves, nothing of its attempts is under way."""
        for connection in self.connections:
            connection.handshake.abandon()
        self.house.now += 10_000
        attempt = self.house.throttle.attempt(self.house.doors["realm1"], "joe", "192.0.2.1")
        assert attempt.begin() is None
        assert not attempt.waits


TestIntruder = Intruder.TestCase


def test_the_intruder_has_what_it_takes_to_come_in_as_itself() -> None:
    """So the law is not kept by nobody's ever coming in."""
    for method in METHODS:
        connection = House().connect(CERTIFICATES["ann"])
        ann = Client("ann")
        connection.say(ann.hello(method))
        connection.settle()
        if isinstance(connection.heard, Challenge):
            connection.say(ann.answer(connection.heard))
            connection.settle()
        assert isinstance(connection.heard, Accept), method
        assert connection.heard.authid == "ann"
