"""Guesses at a running router: they are slowed down, the log says so once, and nobody else is kept out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.process import running_wampd
from tests.support.values import DUMP, LOAD
from tests.support.wires import socket_wire

CONFIGURATION = """
realms:
  - name: realm1
    roles: [{name: user}]
    auth:
      ticket: {}
      principals: [{authid: joe, role: user, ticket: hunter2}, {authid: ann, role: user, ticket: hunter2-too}]
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    rawsocket: {}
limits:
  failed_joins: {delay: 20 s}
"""
HELLO, ABORT, CHALLENGE, AUTHENTICATE, WELCOME = 1, 3, 4, 5, 2


def guess(port: int, authid: str, ticket: str) -> tuple[int, str]:
    """What comes of it: the message, and the reason of an ABORT."""
    wire = socket_wire("rawsocket", port, "json")

    def heard() -> list[object]:
        payload = wire.receive()
        assert payload is not None
        message: list[object] = LOAD["json"](payload)
        return message

    try:
        wire.send(
            [DUMP["json"]([HELLO, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": authid}])]
        )
        message = heard()
        if message[0] == CHALLENGE:
            wire.send([DUMP["json"]([AUTHENTICATE, ticket, {}])])
            message = heard()
        if message[0] == ABORT:
            assert wire.wait_closed() is not None
            return ABORT, f"{message[2]}: {message[1]['message']}"  # type: ignore[index]
        return int(str(message[0])), ""
    finally:
        wire.drop()


@pytest.mark.spec("AUT-08")
def test_guesses_are_slowed_down_and_the_log_says_so_once(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIGURATION, encoding="utf-8")
    config.chmod(0o600)
    with running_wampd(config, tmp_path / "wampd.log") as (wampd, port):
        for number in range(5):
            assert guess(port, "joe", f"hunter2-{number}") == (
                ABORT,
                "wamp.error.authentication_denied: authentication failed",
            )
        for _ in range(20):
            kind, reason = guess(port, "joe", "hunter2")
            assert kind == ABORT
            assert re.fullmatch(
                r"wamp\.error\.authentication_failed: too many failures; try again in (1\d|20) s", reason
            )
        assert guess(port, "ann", "hunter2-too") == (WELCOME, "")
        said = wampd.log()
    assert said.count("5 failures of this principal from this address") == 1
    assert "20 joins refused after too many failures" in wampd.log()
    assert "hunter2" not in wampd.log()
