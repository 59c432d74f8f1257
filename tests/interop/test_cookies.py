"""autobahn-python comes back by the cookie that it was given, until it logs out. For browsers see tests/e2e/test_cookies.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import environment, running_wampd

CONFIGURATION = """
realms:
  - name: realm1
    roles: [{name: user}]
    auth: {ticket: {}, cookie: {}, principals: [{authid: joe, role: user, ticket: the hunter2 of joe}]}
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp, cookie: {}}}
"""


@pytest.mark.spec("TLA-01")
def test_a_client_that_keeps_its_cookie_is_asked_once_and_again_after_a_logout(tmp_path: Path) -> None:
    config = tmp_path / "wampd.yaml"
    config.write_text(CONFIGURATION)
    reasons = ["wamp.close.normal", "wamp.close.normal", "wamp.close.logout", "wamp.close.normal"]
    with running_wampd(config, tmp_path / "wampd.log") as (wampd, port):
        done = subprocess.run(
            [
                sys.executable,
                Path(__file__).parent / "python" / "returning.py",
                f"ws://127.0.0.1:{port}/ws",
                "the hunter2 of joe",
                *reasons,
            ],
            env=environment(PYTHONWARNINGS="ignore"),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        said = wampd.log()
    heard = json.loads(done.stdout.splitlines()[-1])
    assert heard == [["joe", "ticket", 1], ["joe", "cookie", 0], ["joe", "cookie", 0], ["joe", "ticket", 1]]
    assert "hunter2" not in said
    assert "Traceback" not in said
