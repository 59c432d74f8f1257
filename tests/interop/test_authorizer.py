"""The example of a component that decides prints what its page shows, and the page about authorization what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, environment, free_port, running_wampd

FOLDER = ROOT / "examples" / "authorizer"
TICKETS = {f"{name}_TICKET": f"hunter2-of-{name.lower()}" for name in ("LIBRARY", "JOE", "ANN")}


def run(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, FOLDER / "library.py"],
        env=environment(WAMP_URL=f"ws://127.0.0.1:{port}/ws", PYTHONWARNINGS="ignore", **TICKETS),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.spec("AZ-07")
def test_the_example_prints_what_its_page_shows(tmp_path: Path) -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```console\n\$ python examples/authorizer/library.py\n(.*?)```", page, re.DOTALL)
    with running_wampd(FOLDER / "config.yaml", tmp_path / "wampd.log", env=TICKETS) as (_, port):
        done = run(port)
    assert (done.returncode, done.stdout, done.stderr) == (0, shown, "")


def test_without_a_router_the_example_says_how_to_start_one() -> None:
    done = run(free_port())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("wampd run examples/authorizer/config.yaml")
