"""The router behind nginx, configured as docs/operation.md shows."""

import json
import os
import re
import subprocess

import pytest
from websockets.exceptions import InvalidStatus

from tests.router.client import RESULT, YIELD, Session
from tests.support.process import ROOT, Child, environment, free_port

PAGE = (ROOT / "docs" / "operation.md").read_text(encoding="utf-8")
LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    proxies: {trusted: [127.0.0.1]}
    limits: {connections_per_address: 2}
    access_log: {format: json, file: access.log}
    websocket: {/ws: {type: wamp}}
    http:
      /health: {type: health}
      /events: {type: events, realm: realm1, role: anonymous, insecure: true}
"""
CLIENT, OTHER, SPOOFED = "127.0.0.5", "127.0.0.6", "203.0.113.9"
"""The addresses that clients connect from, and one that they only say to have."""


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
        yield Behind(port, router)


class Behind:
    """A router behind nginx."""

    def __init__(self, port, router):
        self.port = port
        self.router = router

    def get(self, path, *options, source=CLIENT):
        """Ask nginx; the body of the answer."""
        command = ["curl", "-fsS", "--interface", source, *options, f"http://127.0.0.1:{self.port}{path}"]
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout

    def comes_in(self, source):
        """Whether a session of this address is let in."""
        try:
            Session(self.port, source=source).close()
        except InvalidStatus:
            return False
        return True

    def seen(self, requests):
        """The clients of so many requests, as the access log has them."""
        file = self.router.directory / "access.log"
        self.router.wait_until(
            lambda: file.exists() and file.read_text().count("\n") >= requests, "the requests are in the access log"
        )
        return [json.loads(line)["client"] for line in file.read_text().splitlines()]


pytestmark = pytest.mark.needs("nginx", "curl")


def test_sessions_come_through(nginx):
    with Session(nginx.port) as callee, Session(nginx.port) as caller:
        callee.register("com.echo")
        request = caller.call("com.echo", "through nginx")
        invocation = callee.receive()
        callee.send(YIELD, invocation[1], {}, invocation[4])
        assert caller.receive() == [RESULT, request, {}, ["through nginx"]]


def test_requests_and_sessions_come_through_on_the_same_connections(nginx):
    for _ in range(3):
        assert '"status":"ready"' in nginx.get("/health/ready")
        Session(nginx.port).close()


def test_each_request_is_its_clients_whatever_clients_say(nginx):
    for source in (CLIENT, OTHER, CLIENT):
        nginx.get("/health/ready", source=source)
    nginx.get("/health/ready", "-H", f"X-Forwarded-For: {SPOOFED}", "-H", f"Forwarded: for={SPOOFED}")
    nginx.get("/health/ready", "-H", "X-Forwarded-For: garbage, ,,", "-H", "X-Forwarded-For: 127.0.0.1")
    assert nginx.seen(5) == [CLIENT, OTHER, CLIENT, CLIENT, CLIENT]


def test_who_comes_beside_nginx_is_who_it_is(nginx):
    command = ["curl", "-fsS", "--interface", OTHER, "-H", f"X-Forwarded-For: {SPOOFED}"]
    subprocess.run([*command, f"http://127.0.0.1:{nginx.router.port}/health/ready"], capture_output=True, check=True)
    assert nginx.seen(1) == [OTHER]


def test_sessions_have_their_clients_addresses_and_limits(nginx):
    with Session(nginx.port, source=CLIENT), Session(nginx.port, source=CLIENT, headers={"X-Forwarded-For": SPOOFED}):
        joined = rf"{CLIENT}\) joined realm1"
        nginx.router.wait_until(lambda: len(re.findall(joined, nginx.router.log())) == 2, "the log has both")
        with pytest.raises(InvalidStatus) as refused:
            Session(nginx.port, source=CLIENT, headers={"X-Forwarded-For": OTHER})
        assert refused.value.response.status_code == 503
        with Session(nginx.port, source=OTHER):
            pass
    nginx.router.wait_for_log(f"{CLIENT}: refused: no more than 2 connections of one address")
    nginx.router.wait_until(lambda: nginx.comes_in(CLIENT), "there is room again")
