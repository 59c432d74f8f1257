"""The books of a running router: lines of the JSON log with fields of their own, at every level without a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.attack.client import Client, joined
from tests.support.leaks import MARKER
from tests.support.process import running_wampd

CONFIGURATION = """\
log: {level: debug, format: %s}
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions: [{uri: com., match: prefix, allow: [call]}]
    auth:
      anonymous: {}
      ticket: {}
      principals: [{authid: joe, role: anonymous, ticket: hunter2-of-joe}]
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    rawsocket: {}
"""


def visit(port: int) -> int:
    """Join, be denied something, fail to join; the session's id."""
    client = joined(port)
    assert client.ask(48, {}, "org.closed", ["hunter2"], {"password": "hunter2"})[0] == 8
    client.send([16, 4711, {"exclude_me": False}, "org.closed", ["hunter2"]])
    for number, kind in ((4712, 32), (4713, 64)):
        client.send([kind, number, {"match": "prefix"}, "org.closed"])
        assert client.receive()[:3] == [8, kind, number]
    client.close()
    for ticket in ("hunter2-of-ann", "hunter2-of-joe"):
        guest = Client(port)
        guest.shake_hands()
        guest.send([1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": "joe"}])
        assert guest.receive()[0] == 4
        guest.send([5, ticket, {"password": "hunter2"}])
        assert guest.receive()[0] == (2 if ticket == "hunter2-of-joe" else 3)
        guest.close()
    assert client.session is not None
    return client.session


def test_the_json_log_has_a_line_with_fields_for_each_entry(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIGURATION % "json")
    with running_wampd(config, tmp_path / "log") as (router, port):
        session = visit(port)
        router.wait_for_log('"audit":"denied"')
    entries = [line for line in map(json.loads, router.log().splitlines()) if "audit" in line]
    mine = [entry for entry in entries if entry.get("session") == session]
    assert [entry["audit"] for entry in mine] == ["joined", *["denied"] * 4, "left"]
    who: dict[str, Any] = {"realm": "realm1", "role": "anonymous", "method": "anonymous", "address": "127.0.0.1"}
    assert all(entry.items() >= who.items() for entry in mine)
    assert mine[1].items() >= {"action": "call", "uri": "org.closed", "reason": "wamp.error.not_authorized"}.items()
    asked = [(entry["action"], entry["request"]) for entry in mine if entry["audit"] == "denied"]
    assert asked == [("call", 1), ("publish", 4711), ("subscribe", 4712), ("register", 4713)]
    (failed,) = [entry for entry in entries if entry["audit"] == "failed"]
    claims = {"realm": "realm1", "authid": "joe", "method": "ticket", "address": "127.0.0.1"}
    assert failed.items() >= {**claims, "reason": "wamp.error.authentication_denied"}.items()


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_proves_who_somebody_is_stands_in_no_log_at_any_level(tmp_path: Path, form: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(CONFIGURATION % form)
    with running_wampd(config, tmp_path / "log") as (router, port):
        visit(port)
    assert "denied" in router.log()
    assert MARKER not in router.log()
