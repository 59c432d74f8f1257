"""Whoever hears what others say to the router, and says everything in any order, does not get in by wampcra or scram."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.auth.door import AUTHENTICATE, Client, hello
from tests.support.proving import CrossbarProver, Prover, sign
from wampd.auth.accounts import Account, CraKey, ScramKeys
from wampd.auth.door import RealmAuth
from wampd.auth.lookalikes import Lookalikes
from wampd.auth.methods import Challenge
from wampd.auth.outcomes import Accept
from wampd.auth.passwords import CraCost, ScramCost, cra_key, cra_secret, scram_keys
from wampd.auth.roles import Role
from wampd.auth.scram import NAMES, Scram
from wampd.auth.wampcra import Wampcra
from wampd.realms.session import ProtocolViolation
from wampd.router.stores.accounts import FixedAccounts

PASSWORDS = {"joe": "hunter2 of joe", "ann": "hunter2 of ann"}
COST = ScramCost("argon2id13", 1, 8)
JOE = Account(
    authid="joe",
    role="member",
    wampcra=cra_key(PASSWORDS["joe"], "salt of joe", CraCost(2)),
    scram=scram_keys(PASSWORDS["joe"], b"salt of joe", COST),
)
ANN = Account(
    authid="ann",
    role="member",
    wampcra=cra_secret(PASSWORDS["ann"]),
    scram=scram_keys(PASSWORDS["ann"], b"salt of ann", ScramCost("pbkdf2", 2)),
)
USUAL = Account(
    authid="",
    role="member",
    wampcra=CraKey(key=b"", salt="." * 24, iterations=2, keylen=32),
    scram=tuple(
        ScramKeys(kdf=kdf, salt=bytes(16), iterations=1, memory=8, stored_key=b"", server_key=b"")
        for kdf in ("argon2id13", "argon2id-13")
    ),
)
METHODS = ("wampcra", "wamp-scram", "scram")
BINDINGS = (None, "tls-exporter")


class Channel:
    """TLS to one client."""

    certificate = None

    def __init__(self, number: int) -> None:
        self.id = b"channel %d" % number

    def binding(self, kind: str) -> bytes | None:
        return self.id if kind == "tls-exporter" else None


def the_door() -> dict[str, RealmAuth]:
    known = FixedAccounts([JOE, ANN])
    lookalikes = Lookalikes(b"of the mock challenges", "realm1", [USUAL])
    lookalikes.imitate([JOE, ANN])
    draw = map("bm9uY2Ug{:04}".format, itertools.count()).__next__
    methods: list[Any] = [Wampcra(known, lookalikes, draw, lambda: 0)]
    methods += [Scram(name, known, lookalikes, draw) for name in NAMES]
    return {"realm1": RealmAuth(methods, [Role("member")])}


def prover(method: str, authid: str, password: str, nonce: str, binding: str | None, channel: Channel) -> Prover | None:
    if method == "wampcra":
        return None
    kind = CrossbarProver if method == "scram" and binding is None else Prover
    made = kind(authid, password, nonce)
    return made if binding is None else made.bound(binding, channel.id)


class Eavesdropper(RuleBasedStateMachine):
    """Has heard every word of joe and ann, and knows where the keys of scram are kept, but no password."""

    @initialize()
    def arrive(self) -> None:
        self.doors = the_door()
        self.numbers = itertools.count()
        self.heard: list[tuple[str, dict[str, Any]]] = [("", {})]
        self.asked: tuple[Any, ...] = ()
        self.connect()

    @rule()
    def connect(self) -> None:
        self.channel = Channel(next(self.numbers))
        self.client = Client(self.doors, {"channel": self.channel})

    @rule(method=st.sampled_from(METHODS), authid=st.sampled_from(list(PASSWORDS)), binding=st.sampled_from(BINDINGS))
    def somebody_comes_in(self, method: str, authid: str, binding: str | None) -> None:
        """Who knows the password gets in, always, and is overheard."""
        number = next(self.numbers)
        channel = Channel(number)
        client = Client(self.doors, {"channel": channel})
        own = prover(method, authid, PASSWORDS[authid], f"Y2xpZW50{number:04}", binding, channel)
        assert client > hello(authmethods=[method], authid=authid, authextra=own.authextra if own else {})
        assert isinstance(client.outcome, Challenge)
        extra = client.outcome.extra
        signature = sign(extra, PASSWORDS[authid]) if own is None else own.prove(extra)
        answer = {} if own is None else own.answer(extra)
        assert client > [AUTHENTICATE, signature, answer]
        assert client.accepted.authid == authid
        self.heard.append((signature, answer))

    @rule(
        method=st.sampled_from(METHODS),
        authid=st.sampled_from([*PASSWORDS, "nobody"]),
        nonce=st.sampled_from(["bWluZQ==", "Y2xpZW50MDAwMQ==", "Y2xpZW50", ""]),
        binding=st.sampled_from(BINDINGS),
    )
    def say_hello(self, method: str, authid: str, nonce: str, binding: str | None) -> None:
        self.asked = (method, authid, nonce, binding)
        extra: dict[str, Any] = {"nonce": nonce} if binding is None and method == "scram" else {}
        extra = extra or {"nonce": nonce, "channel_binding": binding}
        self.say(hello(authmethods=[method], authid=authid, authextra=extra))

    @rule(data=st.data(), as_asked=st.booleans())
    def repeat_what_was_heard(self, data: Any, as_asked: bool) -> None:
        signature, extra = data.draw(st.sampled_from(self.heard))
        if as_asked and isinstance(self.client.outcome, Challenge):
            extra = extra | {"nonce": self.client.outcome.extra.get("nonce")}
        self.say([AUTHENTICATE, signature, extra])

    @precondition(lambda self: isinstance(self.client.outcome, Challenge))
    @rule(password=st.sampled_from(["", "hunter2", "hunter2 of", "hunter2 of nobody"]), crossed=st.booleans())
    def answer_with_a_guess(self, password: str, crossed: bool) -> None:
        """Or with the password of somebody else, which the eavesdropper may have."""
        method, authid, nonce, binding = self.asked
        if crossed:
            password = PASSWORDS["ann" if authid != "ann" else "joe"]
        self.answer(prover(method, authid, password, nonce, binding, self.channel), password)

    @precondition(lambda self: isinstance(self.client.outcome, Challenge) and self.asked[0] != "wampcra")
    @rule(which=st.sampled_from(["stored_key", "server_key"]))
    def answer_with_what_is_stored(self, which: str) -> None:
        method, authid, nonce, binding = self.asked
        assume(authid in PASSWORDS)
        own = prover(method, authid, "", nonce, binding, self.channel)
        assert own is not None
        stolen = getattr({"joe": JOE, "ann": ANN}[authid].scram[0], which)
        own.derive = lambda extra: stolen  # type: ignore[method-assign]
        self.answer(own, "")

    @precondition(lambda self: isinstance(self.client.outcome, Challenge) and self.asked[3] is not None)
    @rule()
    def pass_the_challenge_on_to_who_knows_the_password(self) -> None:
        """Who is bound to the channel to the eavesdropper, not to this one."""
        method, authid, nonce, binding = self.asked
        assume(method != "wampcra" and authid in PASSWORDS)
        other = Channel(next(self.numbers))
        self.answer(prover(method, authid, PASSWORDS[authid], nonce, binding, other), "")

    @rule(signature=st.text(max_size=60), extra=st.dictionaries(st.sampled_from(["nonce", "cbind_data"]), st.text()))
    def say_anything(self, signature: str, extra: dict[str, Any]) -> None:
        self.say([AUTHENTICATE, signature, extra])

    def answer(self, own: Prover | None, password: str) -> None:
        assert isinstance(self.client.outcome, Challenge)
        extra = self.client.outcome.extra
        signature = sign(extra, password) if own is None else own.prove(extra)
        self.say([AUTHENTICATE, signature, {} if own is None else own.answer(extra)])

    def say(self, message: list[Any]) -> None:
        try:
            assert self.client > message
        except ProtocolViolation:
            self.client.outcome = None

    @invariant()
    def is_outside(self) -> None:
        assert not isinstance(self.client.outcome, Accept)


TestEavesdropper = Eavesdropper.TestCase
TestEavesdropper.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
