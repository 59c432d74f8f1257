"""A component of autobahn-python says who may come in: the example, with clients of others."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from tests.interop.conftest import Client, Field, node, python
from tests.interop.test_clients import by
from tests.router.client import Session
from tests.support.needs import unavailable
from tests.support.process import ROOT, Child, environment, running_wampd
from wampd.auth.keys import SigningKey

EXAMPLE = ROOT / "examples" / "authenticators"
TWISTED = python("twisted", "websocket", "json")
ASYNCIO = python("asyncio", "rawsocket", "cbor")
AUTOBAHN_JS = node("autobahn", "json")
SEED = b"hunter2 of joe".ljust(32, b".")
DENIED = {"refused": "wamp.error.authentication_denied"}
FAILED = {"refused": "wamp.error.authentication_failed"}
SECRETS = {
    "AUTHENTICATOR_TICKET": "hunter2 of the authenticator",
    "JOE_TICKET": "hunter2-ticket",
    "JOE_PASSWORD": "hunter2-password",
    "JOE_KEY": SigningKey(SEED).public.hex(),
}

pytestmark = pytest.mark.spec("AUT-10")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """The router of the example, and nobody in it."""
    log = tmp_path_factory.mktemp("authenticators") / "wampd.log"
    with running_wampd(EXAMPLE / "config.yaml", log, env=SECRETS) as (wampd, port):
        yield Field(port, wampd)
        said = wampd.log()
    assert "Traceback" not in said, said
    assert "a bug in wampd" not in said, said


@pytest.fixture(scope="module")
def asked(house: Field, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """The same with the authenticator."""
    log = tmp_path_factory.mktemp("authenticator") / "authenticator.log"
    variables = environment(WAMP_URL=f"ws://127.0.0.1:{house.port}/ws", PYTHONWARNINGS="ignore", **SECRETS)
    child = Child([sys.executable, EXAMPLE / "authenticator.py"], log, env=variables)
    try:
        child.wait_for_log("ready")
        yield house
    finally:
        child.kill()


def entered(house: Field, client: Client, method: str, **given: object) -> dict[str, str]:
    facts: dict[str, str] = house.hold(
        client, "authentication", WAMP_REALM="realm1", WAMP_AUTHENTICATION=json.dumps({method: given})
    )
    return facts


def test_without_the_authenticator_nobody_comes_in(house: Field) -> None:
    assert entered(house, TWISTED, "ticket", authid="joe", ticket="hunter2-ticket") == FAILED


@by(TWISTED, ASYNCIO, AUTOBAHN_JS)
def test_it_judges_tickets(client: Client, asked: Field) -> None:
    expected = {"authid": "joe", "authrole": "user", "authmethod": "ticket"}
    assert entered(asked, client, "ticket", authid="joe", ticket="hunter2-ticket") == expected
    assert entered(asked, client, "ticket", authid="joe", ticket="hunter2-guessed") == DENIED
    assert entered(asked, client, "ticket", authid="ann", ticket="hunter2-ticket") == DENIED


@by(TWISTED, ASYNCIO, AUTOBAHN_JS)
def test_it_tells_the_key_of_a_salted_password(client: Client, asked: Field) -> None:
    expected = {"authid": "joe", "authrole": "user", "authmethod": "wampcra"}
    assert entered(asked, client, "wampcra", authid="joe", secret="hunter2-password") == expected
    assert entered(asked, client, "wampcra", authid="joe", secret="hunter2-guessed") == DENIED
    assert entered(asked, client, "wampcra", authid="nobody", secret="hunter2-password") == DENIED


def test_whom_it_does_not_know_is_asked_for_as_much_as_whom_it_knows(asked: Field) -> None:
    costs = []
    for authid in ("joe", "nobody"):
        with Session(asked.port, join=False) as session:
            session.send(1, "realm1", {"roles": {"caller": {}}, "authmethods": ["wampcra"], "authid": authid})
            _, _, extra = session.receive()
            costs.append((extra["iterations"], extra["keylen"]))
    assert costs[0] == costs[1]


@by(TWISTED, ASYNCIO)
def test_it_finds_the_user_of_a_key(client: Client, asked: Field) -> None:
    if find_spec("base58") is None:
        unavailable("autobahn needs base58 for cryptosign; run: pip install autobahn[encryption]")
    expected = {"authid": "joe", "authrole": "user", "authmethod": "cryptosign"}
    assert entered(asked, client, "cryptosign", privkey=SEED.hex()) == expected
    stranger = b"hunter2 of nobody".ljust(32, b".")
    assert entered(asked, client, "cryptosign", privkey=stranger.hex()) == DENIED
