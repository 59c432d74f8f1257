"""A router in a terminal that is closed: SIGHUP then means that nobody is there any more."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

from tests.support.process import environment, free_port, is_open, wampd_command

CONFIG = """
realms: [{name: realm1, roles: [{name: anonymous}], auth: {anonymous: {}}}]
listeners: [{endpoint: "tcp:${WAMPD_PORT}:interface=127.0.0.1", rawsocket: {}}]
"""


def test_the_router_ends_with_the_terminal_that_it_was_started_in(tmp_path: Path):
    config, port = tmp_path / "config.yaml", free_port()
    config.write_text(CONFIG)
    leader, terminal = pty.openpty()
    with (tmp_path / "log").open("wb") as log:
        router = subprocess.Popen(
            ["setsid", "--ctty", *map(str, wampd_command("run", config))],
            stdin=terminal,
            stdout=log,
            stderr=log,
            env=environment(WAMPD_PORT=str(port), XDG_RUNTIME_DIR=str(tmp_path)),
        )
    os.close(terminal)
    try:
        while not is_open(port):
            assert router.poll() is None, (tmp_path / "log").read_text()
        os.close(leader)
        assert router.wait(timeout=35) == 0
    finally:
        router.kill()
        router.wait()
    assert "SIGHUP: stopping" in (tmp_path / "log").read_text()
