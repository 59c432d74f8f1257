"""Sessions that wait for an authorizer which never answers: they cost little, and nobody else waits (trap 16)."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from tests.attack.client import Client, joined, memory, singing
from tests.attack.conftest import ALL, Attacked

MIB = 2**20
REALM = {
    "roles": [
        {
            "name": "anonymous",
            "permissions": [
                {"uri": "", "match": "prefix", "allow": ALL},
                {"uri": "wampd.", "match": "prefix", "allow": ALL},
            ],
        },
        {"name": "asking", "authorizer": {"procedure": "org.authorizer", "timeout": 3.0}},
    ],
    "auth": {
        "anonymous": {"role": "anonymous"},
        "ticket": {},
        "principals": [{"authid": "joe", "role": "asking", "ticket": "joe's hunter2"}],
    },
}


def asking(port: int, transport: str = "rawsocket") -> Client:
    """A client in a session whose role has the authorizer."""
    client = Client(port, transport)
    client.shake_hands()
    client.send([1, "realm1", {"roles": {"caller": {}, "publisher": {}}, "authmethods": ["ticket"], "authid": "joe"}])
    assert client.receive()[0] == 4
    client.send([5, "joe's hunter2", {}])
    assert client.receive()[0] == 2
    return client


def flood(client: Client, most: int) -> int:
    """Publish as long as the router takes it; how many bytes it took."""
    message = client.framed(client.encode([16, 2, {}, "com.flood", ["x" * 1000]])) * 50
    client.socket.settimeout(0.5)
    taken = 0
    try:
        while taken < most:
            taken += client.socket.send(message)
    except TimeoutError:
        pass
    client.socket.settimeout(20)
    return taken


@pytest.mark.trap(16)
@pytest.mark.parametrize("transport", ["rawsocket", "websocket"])
def test_a_flood_behind_a_question_is_not_read(start: Callable[..., Attacked], transport: str) -> None:
    router = start(realm=REALM)
    silent = joined(router.port)
    assert silent.ask(64, {}, "org.authorizer")[0] == 65
    with singing(router.port) as canary:
        client = asking(router.port, transport)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        client.send([48, 1, {}, "com.closed"])
        before = memory(router.pid)
        assert flood(client, 64 * MIB) < 16 * MIB  # the buffers of the system take some
        assert memory(router.pid) - before < 8 * MIB
        canary.check()
        error = client.receive()
        assert error[:3] == [8, 48, 1]
        assert error[4] == "wamp.error.authorization_failed"
        canary.check()


def test_each_session_waits_for_its_own_questions_alone(start: Callable[..., Attacked]) -> None:
    router = start(realm=REALM)
    silent = joined(router.port)
    assert silent.ask(64, {}, "org.authorizer")[0] == 65
    with singing(router.port) as canary:
        clients = [asking(router.port) for _ in range(20)]
        begun = time.monotonic()
        for client in clients:
            client.send([48, 1, {}, f"com.closed.x{client.session}"], [48, 2, {}, "com.closed"])
        for client in clients:
            for number in (1, 2):
                error = client.receive()
                assert (error[:3], error[4]) == ([8, 48, number], "wamp.error.authorization_failed")
        # One after the other for each, all sessions at once: else it would be 100 s.
        assert 5.0 < time.monotonic() - begun < 50.0
        canary.check()
