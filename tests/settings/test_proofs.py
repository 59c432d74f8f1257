"""What proves principals: passwords, secrets and derived keys in the configuration."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.settings.conftest import LISTENER, REALM
from wampd.router.settings.auth import (
    AnonymousAuth,
    Auth,
    CraProof,
    Principal,
    ScramAuth,
    ScramProof,
    TicketAuth,
    WampcraAuth,
)
from wampd.router.settings.secret import Secret
from wampd.router.wiring.proofs import Proofs

GOOD = REALM + LISTENER
KEY = b64encode(b"hunter2" + bytes(25)).decode()
SALT = b64encode(b"hunter2 hunter2 ").decode()
AUTH = "auth: {ticket: {}, wampcra: {}, scram: {}, principals: [{authid: joe, role: anonymous, %s}]}"


def with_proof(proof: str) -> str:
    return GOOD.replace("auth: {anonymous: {}}", AUTH % proof)


@pytest.mark.parametrize(
    "proof",
    [
        "password: hunter2",
        "password: pässwörd hunter2",
        "wampcra: {secret: hunter2}",
        f"wampcra: {{key: {KEY}, salt: hunter2, iterations: 1000}}",
        f"wampcra: {{key: {b64encode(b'hunter2 ' * 2).decode()}, salt: hunter2, iterations: 1, keylen: 16}}",
        f"scram: {{kdf: pbkdf2, salt: {SALT}, iterations: 4096, stored_key: {KEY}, server_key: {KEY}}}",
        f"scram: {{kdf: argon2id13, salt: {SALT}, iterations: 1, memory: 8, stored_key: {KEY}, server_key: {KEY}}}",
        f"scram: {{kdf: argon2id-13, salt: {SALT}, iterations: 1, memory: 8, stored_key: {KEY}, server_key: {KEY}}}",
        'password: "\U0001f525 hunter2", '
        f"scram: {{kdf: pbkdf2, salt: {SALT}, iterations: 1, stored_key: {KEY}, server_key: {KEY}}}",
    ],
)
def test_what_proves_a_principal(config, proof):
    assert config.load(with_proof(proof)).realms[0].auth.principals[0].authid == "joe"


@pytest.mark.parametrize(
    ("proof", "problem"),
    [
        ("wampcra: {}", "wampcra: nothing proves who this is: give it secret, or key, salt and iterations"),
        ("wampcra: {secrt: hunter2}", 'wampcra.secrt: unknown key; did you mean "secret"?'),
        ("wampcra: {secret: hunter2, salt: hunter2}", "wampcra.salt: this belongs to key, which is missing"),
        ("wampcra: {secret: hunter2, iterations: 9}", "wampcra.iterations: this belongs to key, which is missing"),
        (
            f"wampcra: {{secret: hunter2, key: {KEY}, salt: hunter2, iterations: 9}}",
            "wampcra.key: there is a secret already; give one of the two",
        ),
        (f"wampcra: {{key: {KEY}, iterations: 9}}", "wampcra.salt: this key is missing, which belongs to key"),
        (
            "wampcra: {key: '', salt: hunter2, iterations: 9}",
            "wampcra.key: expected a secret: text that is not empty (in quotes, or ${NAME}), or {file: PATH}",
        ),
        (f"wampcra: {{key: {KEY}, salt: hunter2}}", "wampcra.iterations: this key is missing, which belongs to key"),
        (f"wampcra: {{key: {KEY}, salt: hunter2, iterations: 0}}", "wampcra.iterations: must be at least 1"),
        (f"wampcra: {{key: {KEY}, salt: hunter2, iterations: 9, keylen: 8}}", "wampcra.keylen: must be at least 16"),
        (
            f"wampcra: {{key: {KEY}, salt: hunter2, iterations: 9, keylen: 16}}",
            "wampcra.key: expected 16 octets in base64",
        ),
        ("wampcra: {key: hunter2, salt: hunter2, iterations: 9}", "wampcra.key: expected 32 octets in base64"),
        (
            f"scram: {{kdf: scrypt, salt: {SALT}, iterations: 9, stored_key: {KEY}, server_key: {KEY}}}",
            'scram.kdf: expected one of argon2id-13, argon2id13, pbkdf2, not "scrypt"',
        ),
        (
            f"scram: {{kdf: pbkdf2, salt: hunter2, iterations: 9, stored_key: {KEY}, server_key: {KEY}}}",
            "scram.salt: expected 8 to 64 octets in base64",
        ),
        (
            f"scram: {{kdf: pbkdf2, salt: {SALT}, iterations: 9, stored_key: hunter2, server_key: {KEY}}}",
            "scram.stored_key: expected 32 octets in base64",
        ),
        (
            f"scram: {{kdf: pbkdf2, salt: {SALT}, iterations: 9, stored_key: {KEY}, server_key: hunter2}}",
            "scram.server_key: expected 32 octets in base64",
        ),
        (
            f"scram: {{kdf: pbkdf2, salt: {SALT}, iterations: 9, stored_key: {'68756e7465723200' * 4}, server_key: {KEY}}}",
            "scram.stored_key: expected 32 octets in base64, not in hexadecimal",
        ),
        (
            f"scram: {{kdf: pbkdf2, salt: {SALT}, iterations: 9, memory: 8, stored_key: {KEY}, server_key: {KEY}}}",
            "scram.memory: this belongs to Argon2",
        ),
        (
            f"scram: {{kdf: argon2id13, salt: {SALT}, iterations: 9, stored_key: {KEY}, server_key: {KEY}}}",
            "scram.memory: this key is missing, which belongs to Argon2",
        ),
        (
            f"scram: {{kdf: argon2id13, salt: {SALT}, iterations: 9, memory: 7, stored_key: {KEY}, server_key: {KEY}}}",
            "scram.memory: must be at least 8",
        ),
        (
            'password: "\U0001f525 hunter2"',
            "password: the method scram cannot take this: SASLprep (RFC 4013) prohibits a character in it",
        ),
        (
            'password: "hunter2\\u0007"',
            "password: the method scram cannot take this: SASLprep (RFC 4013) prohibits a character in it",
        ),
    ],
)
def test_what_does_not_prove_a_principal_is_reported_and_not_shown(config, proof, problem):
    found = config.problem(with_proof(proof))
    assert found == f"realms[0].auth.principals[0].{problem}"


def test_a_name_that_scram_cannot_take_is_reported(config):
    text = with_proof("password: hunter2").replace("authid: joe", 'authid: "joe\\u0007"')
    assert config.problem(text).startswith("realms[0].auth.principals[0].authid: the method scram cannot take this")
    config.load(text.replace(" scram: {},", ""))


@pytest.mark.parametrize(
    ("auth", "proof", "problem"),
    [
        (
            "ticket: {}",
            "wampcra: {secret: hunter2}",
            "wampcra: no method uses this: the realm's auth does not name wampcra",
        ),
        (
            "anonymous: {}",
            "password: hunter2",
            "password: no method uses this: the realm's auth does not name ticket or wampcra or scram",
        ),
    ],
)
def test_a_proof_is_for_a_method_of_the_realm(config, auth, proof, problem):
    text = with_proof(proof).replace("ticket: {}, wampcra: {}, scram: {}", auth)
    assert config.problem(text) == f"realms[0].auth.principals[0].{problem}"


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("wampcra: {iterations: 0}", "wampcra.iterations: must be at least 1"),
        (
            "scram: {kdf: argon2}",
            'scram.kdf: expected one of argon2id13, pbkdf2, not "argon2"; did you mean "argon2id13"?',
        ),
        ("scram: {memory: 7}", "scram.memory: must be at least 8"),
        ("scram: {iterations: 0}", "scram.iterations: must be at least 1"),
        ("scram: {channel_binding: yes}", 'scram.channel_binding: expected one of optional, required, not "yes"'),
        ("mock_secret: hunter2", "mock_secret: too short: at least 16 characters"),
    ],
)
def test_what_is_wrong_with_a_method_is_reported(config, setting, problem):
    text = GOOD.replace("auth: {anonymous: {}}", f"auth: {{anonymous: {{}}, {setting}}}")
    assert config.problem(text) == f"realms[0].auth.{problem}"


# --- what becomes of it ---


def proofs(**auth: object) -> Proofs:
    return Proofs(Auth(**auth), "realm1", ["member"], b"hunter2")


JOE = Principal(authid="joe", role="member", password=Secret("hunter2"))


def test_a_password_is_derived_for_the_methods_that_are_offered_and_no_others():
    nothing = proofs().account(JOE)
    assert (nothing.ticket, nothing.wampcra, nothing.scram) == (None, None, ())
    ticket = proofs(ticket=TicketAuth()).account(JOE)
    assert ticket.ticket is not None
    assert (ticket.wampcra, ticket.scram) == (None, ())
    cra = proofs(wampcra=WampcraAuth(iterations=7)).account(JOE)
    assert (cra.ticket, cra.scram) == (None, ())
    assert (cra.wampcra.iterations, cra.wampcra.keylen, len(cra.wampcra.salt)) == (7, 32, 24)
    scram = proofs(scram=ScramAuth(iterations=1, memory=8)).account(JOE)
    assert (scram.ticket, scram.wampcra) == (None, None)
    assert [(keys.kdf, keys.iterations, keys.memory) for keys in scram.scram] == [
        ("argon2id13", 1, 8),
        ("argon2id-13", 1, 8),
    ]


def test_costs_are_those_that_are_recommended_unless_others_are_configured():
    assert [(k.kdf, k.iterations, k.memory) for k in proofs(scram=ScramAuth()).usual[0].scram] == [
        ("argon2id13", 2, 19456),
        ("argon2id-13", 2, 19456),
    ]
    assert [(k.kdf, k.iterations, k.memory) for k in proofs(scram=ScramAuth(kdf="pbkdf2")).usual[0].scram] == [
        ("pbkdf2", 600_000, None)
    ]
    assert proofs(wampcra=WampcraAuth()).usual[0].wampcra.iterations == 100_000


@pytest.mark.spec("SCR-06")
def test_salts_differ_by_principal_realm_and_secret():
    auth = Auth(wampcra=WampcraAuth(iterations=1), scram=ScramAuth(iterations=1, memory=8))
    ann = Principal(authid="ann", role="member", password=Secret("hunter2"))
    accounts = [
        Proofs(auth, realm, ["member"], secret).account(principal)
        for realm, secret, principal in (
            ("realm1", b"hunter2", JOE),
            ("realm1", b"hunter2", ann),
            ("realm2", b"hunter2", JOE),
            ("realm1", b"hunter3", JOE),
        )
    ]
    assert len({account.wampcra.salt for account in accounts}) == 4
    assert len({account.scram[0].salt for account in accounts}) == 4
    assert Proofs(auth, "realm1", ["member"], b"hunter2").account(JOE) == accounts[0]


def test_what_is_derived_already_is_taken_before_the_password():
    text = b64encode(b"hunter2 " * 4).decode()
    principal = Principal(
        authid="joe",
        role="member",
        password=Secret("hunter2"),
        ticket=Secret("hunter2 on a ticket"),
        wampcra=CraProof(key=Secret(text), salt="s", iterations=3),
        scram=ScramProof(kdf="pbkdf2", salt=SALT, iterations=4, stored_key=Secret(text), server_key=Secret(text)),
    )
    everything = {"ticket": TicketAuth(), "wampcra": WampcraAuth(), "scram": ScramAuth()}
    account = proofs(**everything).account(principal)
    assert (
        account.ticket
        == proofs(ticket=TicketAuth())
        .account(Principal(authid="joe", role="member", ticket=Secret("hunter2 on a ticket")))
        .ticket
    )
    assert (account.wampcra.key, account.wampcra.salt, account.wampcra.iterations) == (text.encode(), "s", 3)
    assert [(keys.kdf, keys.salt, keys.iterations, keys.stored_key) for keys in account.scram] == [
        ("pbkdf2", b"hunter2 hunter2 ", 4, b"hunter2 " * 4)
    ]


def test_who_is_unknown_is_never_given_the_role_of_strangers():
    some = Proofs(Auth(anonymous=AnonymousAuth(role="visitor")), "realm1", ["visitor", "member", "staff"], b"hunter2")
    assert [account.role for account in some.usual] == ["member", "staff"]
