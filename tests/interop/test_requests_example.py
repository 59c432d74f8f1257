"""The example of requests prints what its page says, and its page in the browser shows what is published."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.process import ROOT, running_wampd

EXAMPLE = ROOT / "examples" / "requests"
README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n\$ (curl [^\n]*)\n(.*?)```", README, re.DOTALL)
SHOWN = [(line, printed) for line, printed in BLOCKS if printed]
TRIED = [line for line, printed in BLOCKS if not printed]


def curl(command: str, port: int, *more: str) -> str:
    words = [word.replace(":8080", f":{port}") for word in shlex.split(command)]
    done = subprocess.run(
        [*words, "-sS", "--max-time", "20", *more], check=True, capture_output=True, text=True, timeout=60
    )
    return done.stdout


def followed(command: str, port: int, last: str) -> str:
    """What a stream tells, up to a line that holds ``last``."""
    words = [word.replace(":8080", f":{port}") for word in shlex.split(command)]
    told: list[str] = []
    with subprocess.Popen([*words, "-sSN", "--max-time", "60"], stdout=subprocess.PIPE, text=True) as curl:
        assert curl.stdout is not None
        for line in curl.stdout:
            told.append(line)
            if last in line:
                curl.kill()
                return "".join(told)
    raise AssertionError(f"not told: {last!r} in {''.join(told)!r}")


@pytest.mark.needs("curl")
def test_the_example_prints_what_its_page_shows(tmp_path: Path) -> None:
    assert (len(SHOWN), len(TRIED)) == (2, 2)
    with running_wampd(EXAMPLE / "config.yaml", tmp_path / "wampd.log") as (_, port):
        for command, printed in SHOWN:
            assert curl(command, port).rstrip("\n") == printed.rstrip("\n")
        publish, follow = TRIED
        begun = curl(follow, port, "--head")
        assert "text/event-stream" in begun
        assert json.loads(curl(publish, port))["id"] > 0
        told = followed(f"{follow} -H 'Last-Event-ID: 7'", port, '"args":["It rains."]')
        assert "event: wampd.lost" in told
        assert list(json.loads(curl(f"curl http://127.0.0.1:{port}/openapi", port))["paths"]) == [
            "/call/com.example.rate"
        ]
        assert "EventSource" in curl(f"curl http://127.0.0.1:{port}/", port)
