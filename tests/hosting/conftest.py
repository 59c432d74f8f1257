"""Components in files of a test, and what runs them."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.hosting.outside import PATIENT, REALMS
from tests.router.conftest import Router, start  # noqa: F401 - a fixture
from tests.support.process import Child, wampd_command
from wampd.hosted import description

RUNNER = Path(description.RUNNER)
TICKET = "hunter2-of-a-component"
ROUTER = """
realms:
  - name: realm1
    roles:
      - name: backend
        permissions:
          - {uri: com.example., match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: wamp.session.kill_by_authid, allow: [call]}
    auth:
      ticket: {}
      principals:
        - {authid: comp, role: backend, ticket: %s}
listeners:
  - endpoint: unix:%s:mode=600
    websocket: {/ws: {type: wamp}}
"""


class Alone:
    """The runner without supervision, beside a router that has a Unix socket."""

    def __init__(self, directory: Path, running: ExitStack) -> None:
        self.directory = directory
        self.socket: Path | str = directory / "r.sock"
        self._running = running
        self._number = 0

    def write(self, name: str, source: str) -> None:
        """Write a module."""
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))

    def router(self) -> Child:
        """Start the router."""
        (self.directory / "router.yaml").write_text(ROUTER % (TICKET, self.socket))
        command = wampd_command("run", self.directory / "router.yaml")
        router = Child(command, self.directory / "router.log")
        self._running.callback(lambda: router.is_running and router.stop())
        router.wait_for_log("is ready")
        return router

    def variables(self, run: str, ticket: str = TICKET, **more: object) -> dict[str, str]:
        """The environment of a component, and nothing else."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONUNBUFFERED": "1",
            "WAMPD_SOCKET": str(self.socket),
            "WAMPD_REALM": "realm1",
            "WAMPD_AUTHID": "comp",
            "WAMPD_TICKET": ticket,
            "WAMPD_HOSTED": json.dumps({"run": run, **more}),
        }

    def start(self, run: str, *, python: Path | str = sys.executable, **more: object) -> Child:
        """Start a component; who starts it sees to its end."""
        self._number += 1
        log = self.directory / f"component-{self._number}.log"
        command = [python, RUNNER, "comp"]
        return Child(command, log, env=self.variables(run, **more), cwd=self.directory)

    def run(self, run: str, *, python: Path | str = sys.executable, **more: object) -> subprocess.CompletedProcess[str]:
        """Run a component that ends by itself."""
        return subprocess.run(
            [python, RUNNER, "comp"],
            env=self.variables(run, **more),
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    """The runner alone."""
    with ExitStack() as running:
        yield Alone(tmp_path, running)


@pytest.fixture
def host(start: Callable[..., Router]) -> Callable[..., Router]:  # noqa: F811 - the fixture
    """Starts a router with these components."""

    def run(*components: str, **more: object) -> Router:
        return start(PATIENT + "components:\n" + "".join(components), realms=REALMS, **more)

    return run
