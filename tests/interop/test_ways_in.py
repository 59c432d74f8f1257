"""The examples of authentication print what their page shows, with what its first step has made."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.needs import unavailable
from tests.support.process import ROOT, environment, free_port, running_wampd

FOLDER = ROOT / "examples" / "authentication"
PAGE = (FOLDER / "README.md").read_text(encoding="utf-8")
SHOWN = dict(re.findall(r"```console\n\$ python examples/authentication/(\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
"""What each script prints, by its name."""
SECRET = {"EXAMPLE_SECRET": "hunter2-of-the-example"}


@dataclass(frozen=True)
class Place:
    """A copy of the example, which may write beside its configuration, and the router of it."""

    folder: Path
    port: int

    def run(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Carry out a command there as its page says; a script of the example is named by its name."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment(
                **SECRET,
                WAMP_URL=f"ws://127.0.0.1:{self.port}/ws",
                PYTHONWARNINGS="ignore",  # those of the library
            ),
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    for needed in ("base58", "passlib"):
        if find_spec(needed) is None:
            unavailable(f"autobahn needs {needed}; run: pip install autobahn[encryption,scram]")
    folder = tmp_path_factory.mktemp("example") / "authentication"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("private", "__pycache__"))
    place = Place(folder, free_port())
    # `wampd` may not be on the PATH where the tests run: this is the one that they test.
    (folder.parent / "wampd").write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m wampd "$@"\n', encoding="utf-8")
    (folder.parent / "wampd").chmod(0o755)
    made = place.run("env", f"PATH={folder.parent}:{environment()['PATH']}", "sh", "prepare")
    assert made.returncode == 0, made.stderr
    assert re.search(r"^realm1  eve +user +enabled  ticket,wampcra,scram ", made.stdout, re.MULTILINE)
    with running_wampd(folder / "config.yaml", folder.parent / "wampd.log", port=place.port, env=SECRET) as (wampd, _):
        yield place
        said = wampd.log()
    assert "Traceback" not in said, said


def test_the_page_shows_every_script() -> None:
    assert sorted([*SHOWN, "joining.py"]) == sorted(path.name for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("script", SHOWN)
@pytest.mark.spec("AUT-05", "AUT-06", "AUT-10", "CRA-04")
def test_an_example_prints_what_its_page_shows(script: str, place: Place) -> None:
    done = place.run(sys.executable, script)
    assert (done.returncode, done.stdout, done.stderr) == (0, SHOWN[script], "")


def test_nobody_else_reads_what_the_first_step_makes(place: Place) -> None:
    private = place.folder / "private"
    assert {path.stat().st_mode & 0o077 for path in (private, *private.iterdir())} == {0}


def test_without_a_router_an_example_says_how_to_start_one(place: Place) -> None:
    done = Place(place.folder, free_port()).run(sys.executable, "passwords.py")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("wampd run examples/authentication/config.yaml")
