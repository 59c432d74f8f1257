"""The bridges of a running router, as programs use them: curl, the scripts of the example, a client made for Crossbar.io."""

from __future__ import annotations

import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import ROOT, Child, environment, free_port, running_wampd

EXAMPLE = ROOT / "examples" / "bridges"
TICKET = "hunter2-of-joe"
SECRETS = {
    "JOE_TICKET": TICKET,
    "CELLAR_SECRET": "hunter2 of the cellar",
    "ATTIC_SECRET": "hunter2 of the attic",
    "GITHUB_SECRET": "hunter2 of GitHub",
}
JOE = ("-u", f"joe:{TICKET}")
JSON = ("-H", "Content-Type: application/json")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, str]]:
    """The router of the example, and its URL."""
    log = tmp_path_factory.mktemp("bridges") / "wampd.log"
    with running_wampd(EXAMPLE / "config.yaml", log, env=SECRETS) as (wampd, port):
        yield wampd, f"http://127.0.0.1:{port}"


def curl(url: str, *arguments: str) -> tuple[int, str]:
    """Status and body of an answer."""
    done = subprocess.run(
        ["curl", "-s", "-m", "20", "-w", "\n%{http_code}", *arguments, url], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def run(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment(**SECRETS, **more), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.needs("curl")
def test_publishing_and_calling_with_a_password(router: tuple[Child, str]) -> None:
    _, url = router
    status, body = curl(f"{url}/publish/com.example.news", *JOE, *JSON, "-d", '{"args": ["hello"]}')
    assert (status, list(json.loads(body))) == (200, ["id"])
    status, body = curl(f"{url}/call/wamp.session.count", *JOE, *JSON, "-d", "[]")
    assert (status, json.loads(body)["kwargs"]) == (200, {})
    batch = '{"topic": "com.example.a"}\n{"topic": "com.example.b"}\n'
    status, body = curl(f"{url}/publish", *JOE, "-H", "Content-Type: application/x-ndjson", "--data-binary", batch)
    assert (status, len(json.loads(body)["batch"])) == (200, 2)


@pytest.mark.needs("curl")
@pytest.mark.parametrize(
    ("path", "arguments", "status"),
    [
        ("/publish", (*JSON, "-d", "{}"), 401),
        ("/publish", ("-u", "joe:wrong hunter2", *JSON, "-d", "{}"), 401),
        ("/publish", (*JOE, *JSON, "-d", "{}"), 400),
        ("/publish", (*JOE, "-d", '{"topic": "com.example.news"}'), 415),
        ("/publish", (*JOE, *JSON, "-d", '{"topic": "com.other"}'), 403),
        ("/publish", JOE, 405),
        ("/call", (*JOE, *JSON, "-d", '{"procedure": "com.example.nothing"}'), 404),
        ("/call", (*JOE, *JSON, "-d", '{"procedure": "com..example"}'), 400),
        ("/sensors", (*JSON, "-d", '{"topic": "com.example.reading.x"}'), 401),
        ("/github", (*JSON, "-d", "{}"), 403),
        ("/publish", (*JOE, *JSON, "-H", "Origin: https://evil.example", "-d", "{}"), 403),
    ],
)
def test_what_is_refused(router: tuple[Child, str], path: str, arguments: tuple[str, ...], status: int) -> None:
    assert curl(router[1] + path, *arguments)[0] == status


@pytest.mark.needs("curl")
def test_a_webhook_of_githubs(router: tuple[Child, str]) -> None:
    body = '{"zen": "Keep it logically awesome."}'
    signature = hmac.new(SECRETS["GITHUB_SECRET"].encode(), body.encode(), "sha256").hexdigest()
    lines = (*JSON, "-H", f"X-Hub-Signature-256: sha256={signature}", "-H", "X-GitHub-Delivery: 1")
    status, answer = curl(f"{router[1]}/github", *lines, "-H", "X-GitHub-Event: push", "-d", body)
    assert (status, list(json.loads(answer))) == (200, ["id"])
    assert curl(f"{router[1]}/github", *lines, "-H", "X-GitHub-Event: push", "-d", body) == (200, '{"duplicate":true}')
    assert curl(f"{router[1]}/github", *lines, "-H", "X-GitHub-Event: ping", "-d", body) == (200, '{"pong":true}')


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        pytest.param(("python", "signed.py"), "the request: 200, id\nthe same again: 401\n", id="python"),
        pytest.param(
            ("node", "signed.mjs"),
            "the request: 200, id\nthe same again: 401\n",
            id="node",
            marks=pytest.mark.needs("node"),
        ),
        pytest.param(
            ("sh", "signed.sh"),
            "the request: 200\nthe same again: 401\n",
            id="sh",
            marks=pytest.mark.needs("curl", "openssl"),
        ),
    ],
)
def test_the_scripts_print_what_their_page_shows(
    router: tuple[Child, str], command: tuple[str, str], shown: str
) -> None:
    program, script = command
    page = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    assert f"$ {program} examples/bridges/{script}\n{shown}" in page
    done = run(program, str(EXAMPLE / script), SENSORS_URL=f"{router[1]}/sensors")
    assert (done.returncode, done.stdout, done.stderr) == (0, shown, "")


def test_without_a_router_the_script_says_how_to_start_one() -> None:
    done = run(sys.executable, str(EXAMPLE / "signed.py"), SENSORS_URL=f"http://127.0.0.1:{free_port()}/sensors")
    assert (done.returncode, done.stderr) == (1, "no router; start one: wampd run examples/bridges/config.yaml\n")


CROSSBARS = """
import os, sys
from crossbarhttp import Client, ClientSignatureError
client = Client(sys.argv[1] + "/crossbar", key="attic", secret=os.environ["ATTIC_SECRET"])
print(client.publish("com.example.reading.attic", 1, unit="C") > 0)
print(client.publish("com.example.reading.attic", 2) > 0)
try:
    Client(sys.argv[1] + "/crossbar", key="attic", secret="hunter2 of nobody").publish("com.example.reading.attic")
except ClientSignatureError as refused:
    print(refused)
"""


def test_a_client_made_for_crossbars_bridge(router: tuple[Child, str], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(CROSSBARS)
    done = run(sys.executable, "-W", "ignore", str(script), router[1], PYTHONPATH=os.environ.get("PYTHONPATH", ""))
    assert done.stdout.splitlines()[:2] == ["True", "True"], done.stderr
    assert "401" in done.stdout.splitlines()[2]
