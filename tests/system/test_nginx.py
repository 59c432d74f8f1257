"""The router behind nginx, configured as docs/operation.md shows."""

import os
import re
import subprocess

import pytest

from tests.router.client import RESULT, YIELD, Session
from tests.support.process import ROOT, Child, environment, free_port

PAGE = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
    http:
      /health: {type: health}
      /events: {type: events, realm: realm1, role: anonymous, insecure: true}
limits:
  failed_joins: {shared_addresses: [127.0.0.1]}
"""


def shown(language: str) -> str:
    """The block of the page in this language."""
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return block


@pytest.fixture
def nginx(start, tmp_path):
    """A router, and nginx before it; yields the port of nginx."""
    router, port = start(listeners=LISTENERS), free_port()
    server = (
        shown("nginx")
        .replace("127.0.0.1:8080", f"127.0.0.1:{router.port}")
        .replace("listen 80;", f"listen 127.0.0.1:{port};")
    )
    assert str(port) in server
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = " ".join(f"{kind}_temp_path {kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (tmp_path / "nginx.conf").write_text(
        f"{user} daemon off; pid nginx.pid; error_log stderr; events {{}}\nhttp {{ access_log off; {temporary}\n{server}}}\n"
    )
    command = ["nginx", "-p", tmp_path, "-c", tmp_path / "nginx.conf"]
    with Child(command, tmp_path / "nginx.log", env=environment()) as before:
        before.wait_for_port(port)
        yield port


pytestmark = pytest.mark.needs("nginx", "curl")


def test_sessions_come_through(nginx):
    with Session(nginx) as callee, Session(nginx) as caller:
        callee.register("com.echo")
        request = caller.call("com.echo", "through nginx")
        invocation = callee.receive()
        callee.send(YIELD, invocation[1], {}, invocation[4])
        assert caller.receive() == [RESULT, request, {}, ["through nginx"]]


def test_requests_and_streams_come_through(nginx):
    done = subprocess.run(
        ["curl", "-fsS", f"http://127.0.0.1:{nginx}/health/ready"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    assert '"status":"ready"' in done.stdout
