"""The example of webhooks prints what its page shows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, environment, free_port, running_wampd

WEBHOOKS = ROOT / "examples" / "webhooks"
TICKETS = {"PARTNER_TICKET": "hunter2-of-partner", "SHOP_TICKET": "hunter2-of-shop"}


def run_example(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, WEBHOOKS / "webhooks.py"],
        env=environment(WAMP_URL=f"ws://127.0.0.1:{port}/ws", PYTHONWARNINGS="ignore", **TICKETS),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask(port: int, key: str, *more: str) -> tuple[int, str]:
    """What curl is answered: status and body."""
    done = subprocess.run(
        ["curl", "-s", "-w", "\n%{http_code}", *more, f"http://127.0.0.1:{port}/hook/{key}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    answer, status = done.stdout.rsplit("\n", 1)
    return int(status), answer


def test_the_example_prints_what_its_page_shows(tmp_path: Path) -> None:
    page = (WEBHOOKS / "README.md").read_text(encoding="utf-8")
    printed = re.findall(r"\$ python examples/webhooks/webhooks\.py\n(.*?)```", page, re.DOTALL)
    env = {**TICKETS, "WAMPD_STORE": str(tmp_path / "webhooks.sqlite")}
    with running_wampd(WEBHOOKS / "config.yaml", tmp_path / "wampd.log", env=env) as (wampd, port):
        wampd.wait_for_log("webhooks of realm1: ")
        done = run_example(port)
    assert ([done.stdout], done.stderr, done.returncode) == (printed, "", 0)


def test_without_a_router_it_says_how_to_start_one() -> None:
    done = run_example(free_port())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("wampd run examples/webhooks/config.yaml")


@pytest.mark.needs("curl")
def test_posting_with_curl(tmp_path: Path) -> None:
    env = {**TICKETS, "WAMPD_STORE": str(tmp_path / "webhooks.sqlite")}
    kind, body = ("-H", "Content-Type: application/json"), ("-d", '{"order": 8}')
    shop, partner = ("-u", "shop:hunter2-of-shop"), ("-u", "partner:hunter2-of-partner")
    with running_wampd(WEBHOOKS / "config.yaml", tmp_path / "wampd.log", env=env) as (wampd, port):
        wampd.wait_for_log("webhooks of realm1: ")
        status, answer = ask(port, "orders", *shop, *kind, *body)
        assert (status, json.loads(answer)["deliveries"]) == (202, 0)
        assert ask(port, "orders", *kind, *body)[0] == 401
        assert ask(port, "orders", "-u", "shop:hunter2", *kind, *body)[0] == 401
        assert ask(port, "orders", *partner, *kind, *body)[0] == 403
        assert ask(port, "or%20ders", *shop, *kind, *body)[0] == 400
        assert ask(port, "orders", *shop, *body)[0] == 415
        assert ask(port, "orders", *shop, *kind, "-d", "{")[0] == 400
        assert ask(port, "orders", *shop)[0] == 405
        assert ask(port, "", *shop, *kind, *body)[0] == 404
        large = tmp_path / "large.json"
        large.write_text(json.dumps("x" * 300_000))
        assert ask(port, "orders", *shop, *kind, "-d", f"@{large}")[0] == 413
