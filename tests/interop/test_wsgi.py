"""The examples with Flask and Django answer as their pages show, beside WAMP on the same port."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.interop.test_access import shown
from tests.support.process import ROOT, START_TIMEOUT, environment, running_wampd, wampd_command

EXAMPLES = ROOT / "examples"


@pytest.mark.needs("curl")
@pytest.mark.parametrize("name", ["flask", "django"])
def test_an_application_answers_as_its_page_shows(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    commands = shown(EXAMPLES / name / "README.md", "curl")
    assert len(commands) == 3
    with running_wampd(EXAMPLES / name / "config.yaml", log) as (_, port):
        for command, printed in commands:
            asked = command.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
            done = subprocess.run(shlex.split(asked), capture_output=True, text=True, timeout=60, check=True)
            assert done.stdout.replace(f":{port}", ":8080") == printed, command
        with connect(f"ws://127.0.0.1:{port}/ws", subprotocols=["wamp.2.json"]) as session:  # type: ignore[list-item]
            session.send(json.dumps([1, "realm1", {"roles": {"caller": {}}}]))
            assert json.loads(session.recv(timeout=START_TIMEOUT))[0] == 2
    assert not re.search("Traceback|Warning", log.read_text())


@pytest.mark.parametrize(
    ("application", "said"),
    [
        ("nothing:application", "cannot import nothing: there is no module nothing"),
        ("broken:application", "cannot import broken: ZeroDivisionError: division by zero"),
        ("quits:application", "cannot import quits: SystemExit: 3"),
        ("dies:application", "importing dies ends the interpreter, with status 4"),
        ("empty:application", "empty has nothing of the name application"),
        ("empty:value", "empty has no callable of the name value"),
        ("needs:application", "cannot import needs: there is no module nowhere"),
        ("wsgi", '"wsgi" is not like "module:callable"'),
        ("a b:c", '"a b:c" is not like "module:callable"'),
    ],
)
def test_what_cannot_be_served_is_said_before_anything_is_started(application: str, said: str, tmp_path: Path) -> None:
    for module, text in {
        "broken": "1 / 0",
        "quits": "raise SystemExit(3)",
        "dies": "import os; os._exit(4)",
        "empty": "print('hello'); value = 1",
        "needs": "import nowhere",
    }.items():
        (tmp_path / f"{module}.py").write_text(text)
    config = tmp_path / "config.yaml"
    config.write_text(
        (EXAMPLES / "flask" / "config.yaml").read_text().replace('"notes:application"', json.dumps(application))
    )
    done = subprocess.run(
        wampd_command("check", config), env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines() or done.stdout.splitlines()
    assert line.endswith(f'listeners[0].http["/notes"].application: {said}')
