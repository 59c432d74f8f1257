"""How clients of others prove who they are, each by the methods that it knows."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

from tests.interop.conftest import Client, Field, node, python
from tests.interop.test_clients import by
from tests.interop.test_keys import needs_keys
from tests.support.needs import unavailable

TWISTED = python("twisted", "websocket", "json")
ASYNCIO = python("asyncio", "rawsocket", "cbor")
AUTOBAHN_JS = node("autobahn", "json")
WAMPY = node("wampy", "msgpack")
DENIED = {"refused": "wamp.error.authentication_denied"}


def entered(field: Field, client: Client, method: str, **given: str) -> dict[str, str]:
    """What a client tells when it wants into the realm ``proving``."""
    facts: dict[str, str] = field.hold(
        client, "authentication", WAMP_REALM="proving", WAMP_AUTHENTICATION=json.dumps({method: given})
    )
    return facts


@by(TWISTED, ASYNCIO, AUTOBAHN_JS, WAMPY)
@pytest.mark.parametrize("authid", ["joe", "ann"])  # one is salted, the other is not
@pytest.mark.spec("CRA-02", "CRA-04")
def test_wampcra(client: Client, field: Field, authid: str) -> None:
    assert entered(field, client, "wampcra", authid=authid, secret=f"hunter2-of-{authid}") == {
        "authid": authid,
        "authrole": "member",
        "authmethod": "wampcra",
    }


@by(TWISTED, ASYNCIO, AUTOBAHN_JS, WAMPY)
@pytest.mark.parametrize("authid", ["joe", "ann", "nobody"])
@pytest.mark.spec("CRA-02", "AUT-04")
def test_wampcra_with_another_secret(client: Client, field: Field, authid: str) -> None:
    assert entered(field, client, "wampcra", authid=authid, secret="hunter2") == DENIED


@by(TWISTED, ASYNCIO, AUTOBAHN_JS)
@pytest.mark.spec("CSG-01", "CSG-02", "CSG-03")
def test_cryptosign(client: Client, field: Field) -> None:
    if client.command[0] != "node":
        needs_keys()
    seed = "privkey" if client.command[0] != "node" else "secret"
    for given in ({}, {"authid": "eve"}):
        own = {seed: b"hunter2 of eve".ljust(32, b".").hex(), **given}
        assert entered(field, client, "cryptosign", **own) == {
            "authid": "eve",
            "authrole": "member",
            "authmethod": "cryptosign",
        }
        other = {seed: b"hunter2 of nobody".ljust(32, b".").hex(), **given}
        assert entered(field, client, "cryptosign", **other) == DENIED


@by(TWISTED, ASYNCIO)  # those in JavaScript do not know it; autobahn-python fails at pbkdf2 before it answers
@pytest.mark.spec("SCR-03", "SCR-04", "AMB-15")
def test_scram(client: Client, field: Field) -> None:
    if find_spec("passlib") is None:
        unavailable("autobahn needs passlib for scram; run: pip install autobahn[scram]")
    # It joins only if the router proves itself, too.
    assert entered(field, client, "scram", authid="joe", password="hunter2-of-joe") == {
        "authid": "joe",
        "authrole": "member",
        "authmethod": "scram",
    }
    assert entered(field, client, "scram", authid="joe", password="hunter2") == DENIED
    assert entered(field, client, "scram", authid="nobody", password="hunter2") == DENIED
