"""A law: whatever is said with tokens, in whatever order, a whole token that is good lets its owner in, once; nothing else."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.auth.door import AUTHENTICATE, Client, hello
from tests.auth.test_jwt import USER
from tests.support.tokens import NOW, SECRET, signed
from wampd.auth.handshake import Accept, RealmAuth
from wampd.auth.jwk import secret
from wampd.auth.jwt import Jwt, Rules
from wampd.auth.roles import Role
from wampd.realms.session import ProtocolViolation
from wampd.router.keyrings import FixedKey

OWNERS = {
    signed({"sub": "joe", "jti": "1", "exp": NOW + 100}): ("joe", NOW + 100),
    signed({"sub": "joe", "jti": "2", "exp": NOW + 200}): ("joe", NOW + 200),
    signed({"sub": "ann", "jti": "3", "exp": NOW + 300}, kid="a"): ("ann", NOW + 300),
}
"""Good tokens: whose they are, and until when."""
TOKENS = [
    *OWNERS,
    signed({"jti": "4", "exp": NOW - 1}),
    signed({"jti": "5", "role": "boss"}),
    signed({"jti": "6"}, alg="HS512"),
    signed(),
]
PARTS = [token.split(".") for token in TOKENS]
NUMBERS = st.sampled_from([0, 0, 0, 1, 2, *range(len(PARTS))])
MIXED = st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda n: ".".join(PARTS[number][i] for i, number in enumerate(n)))
WHOLE = st.sampled_from([*OWNERS, *TOKENS])
AUTHIDS = st.sampled_from([None, None, "joe", "ann", "eve"])


class TokenIntruder(RuleBasedStateMachine):
    """Shows whole tokens and parts of several, in HELLO and when asked, again and again, while time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        rules = Rules(algorithms=frozenset({"HS256"}), role=("role",), roles=USER, leeway=0.0, single_use=True)
        method = Jwt(rules, FixedKey(secret(SECRET)), lambda: self.now)
        self.doors = {"realm1": RealmAuth([method], [Role("user"), Role("admin")])}
        self.used: set[str] = set()
        self.connect()

    @rule()
    def connect(self):
        self.client = Asking(self.doors)
        self.state = "new"
        self.is_in = self.should_be_in = False

    @rule(token=MIXED | WHOLE, authid=AUTHIDS)
    def show(self, token, authid):
        self.say(hello(authmethods=["jwt"], authextra={"token": token}, **_named(authid)), "new", "over", token, authid)

    @rule(token=WHOLE, authid=AUTHIDS)
    def come_with(self, token, authid):
        self.connect()
        self.show(token, authid)

    @rule(token=WHOLE, authid=AUTHIDS)
    def come_and_answer(self, token, authid):
        self.connect()
        self.come(authid)
        self.answer(token)

    @rule(authid=AUTHIDS)
    def come(self, authid):
        self.authid = authid
        self.say(hello(authmethods=["jwt"], **_named(authid)), "new", "asked")

    @rule(token=MIXED | WHOLE)
    def answer(self, token):
        authid = self.authid if self.state == "asked" else None
        self.say([AUTHENTICATE, token, {}], "asked", "over", token, authid)

    @rule(seconds=st.sampled_from([1, 50, 99, 100]))
    def wait(self, seconds):
        self.now += seconds

    def say(self, message, before, after, token=None, authid=None):
        legal, self.state = self.state == before, after if self.state == before else "over"
        self.should_be_in = legal and token is not None and self.entitled(token, authid)
        try:
            assert self.client > message
        except ProtocolViolation:
            assert not legal
            self.client.outcome = None
        self.is_in = isinstance(self.client.outcome, Accept)
        if self.is_in:
            assert self.client.accepted.authid == OWNERS[token][0]
            assert self.client.accepted.lasts == OWNERS[token][1] - self.now

    def entitled(self, token, authid):
        owner, end = OWNERS.get(token, (None, 0.0))
        if owner is None or self.now >= end or authid not in (None, owner) or token in self.used:
            return False
        self.used.add(token)
        return True

    @invariant()
    def is_in_by_a_good_token_alone(self):
        assert self.is_in == self.should_be_in


class Asking(Client):
    def answer(self, question):
        return question.keys.find(question)


def _named(authid):
    return {} if authid is None else {"authid": authid}


TestTokenIntruder = TokenIntruder.TestCase
