"""The examples of single features print what their page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, environment, free_port, running_wampd

FEATURES = ROOT / "examples" / "features"
PAGE = (FEATURES / "README.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"```console\n\$ python examples/features/(\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
"""What each script prints, by its name."""


def run(script: str, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, FEATURES / script],
        env=environment(WAMP_URL=f"ws://127.0.0.1:{port}/ws", PYTHONWARNINGS="ignore"),  # those of the library
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_page_shows_every_script() -> None:
    assert sorted([*SHOWN, "joining.py"]) == sorted(path.name for path in FEATURES.glob("*.py"))


@pytest.mark.parametrize("script", SHOWN)
def test_an_example_prints_what_its_page_shows(script: str, tmp_path: Path) -> None:
    with running_wampd(FEATURES / "config.yaml", tmp_path / "wampd.log") as (_, port):
        done = run(script, port)
    assert (done.returncode, done.stdout, done.stderr) == (0, SHOWN[script], "")


def test_without_a_router_an_example_says_how_to_start_one() -> None:
    done = run("testament.py", free_port())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("wampd run examples/features/config.yaml")
