"""autobahn joins by tokens, and sees its session end with them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.needs import unavailable
from tests.support.process import ROOT, START_TIMEOUT, Child, environment, free_port, running_wampd, wampd_command
from tests.support.tokens import SECRET, signed

HERE = Path(__file__).parent
CONFIGURATION = f"""
realms:
  - name: realm1
    roles: [{{name: user}}, {{name: admin}}]
    auth: {{jwt: {{secret: {SECRET!r}, leeway: 0 s, audience: [wampd], extra: [email], role: {{claim: [role]}}}}}}
listeners:
  - endpoint: tcp:${{WAMPD_PORT}}:interface=127.0.0.1
    websocket: {{/ws: {{type: wamp}}}}
    rawsocket: {{}}
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A router that takes tokens, and does not say what was in them."""
    directory = tmp_path_factory.mktemp("tokens")
    config = directory / "wampd.yaml"
    config.write_text(CONFIGURATION)
    port = free_port()
    with Child(wampd_command("run", config), directory / "log", env=environment(WAMPD_PORT=str(port))) as router:
        router.wait_for_log("is ready")
        yield port
        said = router.log()
    assert "Traceback" not in said
    assert "hunter2" not in said


CLIENTS = [
    pytest.param("twisted", "ws", id="autobahn-python-twisted"),
    pytest.param("asyncio", "rs", id="autobahn-python-asyncio"),
    pytest.param("node", "ws", id="autobahn-js", marks=pytest.mark.needs("node")),
]


def hold(
    kind: str, scheme: str, port: int, token: str | Callable[[], str], *, in_hello: bool, stay: bool = False
) -> dict[str, Any]:
    """What a client tells of its visit; ``token`` may be made no sooner than the client is asked for it."""
    url = f"ws://127.0.0.1:{port}/ws" if scheme == "ws" else f"rs://127.0.0.1:{port}"
    given = None if callable(token) else token
    wishes = json.dumps({"url": url, "token": given, "in_hello": in_hello, "stay": stay})
    if kind == "node":
        if not (HERE / "node" / "node_modules" / "autobahn").is_dir():
            unavailable("the npm packages of tests/interop/node are missing; run: tools/setup node")
        command = ["node", str(HERE / "node" / "token_client.js"), wishes]
    else:
        command = [sys.executable, str(HERE / "python" / "tokens.py"), kind, wishes]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment(), cwd=ROOT
    ) as client:
        asked = callable(token) and client.stderr is not None and "asked\n" in client.stderr
        out, err = client.communicate(token() if callable(token) and asked else None, timeout=START_TIMEOUT)
    assert client.returncode == 0, f"{out}\n{err}"
    heard: dict[str, Any] = json.loads(out)
    return heard


def token(lasts: float = 600.0, **claims: Any) -> str:
    return signed({"exp": time.time() + lasts, "aud": "wampd", **claims})


@pytest.mark.parametrize(("kind", "scheme"), CLIENTS)
@pytest.mark.parametrize("in_hello", [True, False], ids=["in HELLO", "asked for"])
def test_a_token_lets_its_owner_in(kind: str, scheme: str, in_hello: bool, port: int) -> None:
    heard = hold(kind, scheme, port, token(role=["x", "admin"], email="joe@example.com"), in_hello=in_hello)
    assert heard["joined"] == ["joe", "admin", "jwt", {"email": "joe@example.com"}]
    assert heard.get("asked") == (None if in_hello else "jwt")


@pytest.mark.parametrize(("kind", "scheme"), CLIENTS)
@pytest.mark.parametrize("in_hello", [True, False], ids=["in HELLO", "asked for"])
def test_a_token_for_others_lets_nobody_in(kind: str, scheme: str, in_hello: bool, port: int) -> None:
    heard = hold(kind, scheme, port, token(aud="others"), in_hello=in_hello)
    assert "joined" not in heard
    assert heard["left"] == "wamp.error.authentication_denied"


@pytest.mark.parametrize(("kind", "scheme"), CLIENTS)
def test_a_session_sees_its_token_expire(kind: str, scheme: str, port: int) -> None:
    heard = hold(kind, scheme, port, lambda: token(4.0), in_hello=False, stay=True)
    assert heard["joined"][0] == "joe"
    assert (heard["left"], heard["message"]) == ("wamp.close.killed", "the authentication has expired")


# --- the example

EXAMPLE = ROOT / "examples" / "tokens"
SITE = {"SITE_SECRET": SECRET}


def run_example(port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE / "newsroom.py"],
        env=environment(WAMP_URL=f"ws://127.0.0.1:{port}/ws", PYTHONWARNINGS="ignore", **SITE),  # those of the library
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_example_prints_what_its_page_shows(tmp_path: Path) -> None:
    page = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"```console\n\$ python examples/tokens/newsroom.py\n(.*?)```", page, re.DOTALL)
    with running_wampd(EXAMPLE / "config.yaml", tmp_path / "wampd.log", env=SITE) as (_, port):
        done = run_example(port)
    assert (done.returncode, done.stdout, done.stderr) == (0, shown, "")


def test_without_a_router_the_example_says_how_to_start_one() -> None:
    done = run_example(free_port())
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.endswith("wampd run examples/tokens/config.yaml")
