"""The example of pages shows what its page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, Child, environment, running_wampd

EXAMPLE = ROOT / "examples" / "pages"


def shown(command: str) -> list[tuple[str, str]]:
    """The commands of the page that begin so, with what they print."""
    blocks = re.findall(r"```console\n\$ ([^\n]*)\n(.*?)```", (EXAMPLE / "README.md").read_text(), re.DOTALL)
    return [(line, printed) for line, printed in blocks if line.startswith(command)]


@pytest.mark.needs("curl")
def test_the_pages_are_as_the_readme_shows_them(tmp_path: Path) -> None:
    asked = shown("curl")
    assert len(asked) == 4
    with running_wampd(EXAMPLE / "config.yaml", tmp_path / "wampd.log") as (_, port):
        variables = environment(WAMP_URL=f"ws://127.0.0.1:{port}/ws", PYTHONWARNINGS="ignore")
        component = Child([sys.executable, EXAMPLE / "people.py"], tmp_path / "people.log", env=variables)
        try:
            ((_, printed),) = shown("python examples/pages/people.py")
            component.wait_for_log(printed)
            for command, page in asked:
                curl = [word.replace(":8080", f":{port}") for word in shlex.split(command)]
                done = subprocess.run([*curl, "-sS", "--max-time", "20"], check=True, capture_output=True, text=True)
                assert done.stdout.rstrip("\n") == page.rstrip("\n")
        finally:
            component.kill()
