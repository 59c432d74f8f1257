"""The examples of rules and of an authorizer print what their page shows; explanations are as they stand on pages."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, environment, free_port, running_wampd, wampd_command

ACCESS = ROOT / "examples" / "access"
SCRIPTS = {"spaces.py": "config.yaml", "library.py": "library.yaml"}
"""Each with the configuration of its router."""
TICKETS = {f"{name}_TICKET": f"hunter2-of-{name.lower()}" for name in ("JOE", "ANN", "EVE", "LIBRARY")}


def shown(page: Path, command: str) -> list[tuple[str, str]]:
    """The commands on a page that begin so, with what they print."""
    blocks = re.findall(r"```console\n\$ ([^\n]*)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [(line, printed) for line, printed in blocks if line.startswith(command)]


EXPLAINED = [
    *((ROOT, *block) for block in shown(ACCESS / "README.md", "wampd auth explain")),
    *((None, *block) for block in shown(ROOT / "docs" / "authorization.md", "wampd auth explain")),
]


def run_script(script: str, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ACCESS / script],
        env=environment(WAMP_URL=f"ws://127.0.0.1:{port}/ws", PYTHONWARNINGS="ignore", **TICKETS),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.spec("AZ-01", "AZ-02", "AZ-07", "META-S-12")
@pytest.mark.parametrize("script", SCRIPTS)
def test_an_example_prints_what_its_page_shows(script: str, tmp_path: Path) -> None:
    ((_, printed),) = shown(ACCESS / "README.md", f"python examples/access/{script}")
    with running_wampd(ACCESS / SCRIPTS[script], tmp_path / "wampd.log", env=TICKETS) as (_, port):
        done = run_script(script, port)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed, "")


@pytest.mark.parametrize("script", SCRIPTS)
def test_without_a_router_an_example_says_how_to_start_one(script: str) -> None:
    done = run_script(script, free_port())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith(f"wampd run examples/access/{SCRIPTS[script]}")


def test_the_pages_explain_something() -> None:
    assert len(EXPLAINED) == 3


@pytest.mark.parametrize(("directory", "command", "printed"), EXPLAINED, ids=str)
def test_an_explanation_is_as_its_page_shows(
    directory: Path | None, command: str, printed: str, tmp_path: Path
) -> None:
    """The page about authorization has its configuration on it, without listeners."""
    if directory is None:
        page = (ROOT / "docs" / "authorization.md").read_text(encoding="utf-8")
        (configuration,) = re.findall(r"```yaml\n(realms:.*?)```", page, re.DOTALL)
        (tmp_path / "config.yaml").write_text(f"{configuration}listeners: [{{endpoint: 'tcp:1', rawsocket: {{}}}}]\n")
    done = subprocess.run(
        wampd_command(*shlex.split(command)[1:]),
        cwd=directory or tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == (printed, "")
    assert done.returncode == 1
