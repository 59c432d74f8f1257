"""Who may use paths of a running router: browsers that come back by their cookies, tokens, and who was logged out."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tests.http.bridging import basic
from tests.support.process import Child, running_wampd
from tests.support.tokens import SECRET, signed

CONFIG = f"""\
realms:
  - name: realm1
    roles:
      - name: user
        permissions: [{{uri: com.example., match: prefix, allow: [call, publish]}}]
    auth:
      ticket: {{}}
      cookie: {{}}
      jwt: {{secret: {SECRET!r}, role: {{claim: [role], default: user}}}}
      principals: [{{authid: joe, role: user, ticket: hunter2}}]
listeners:
  - endpoint: tcp:${{WAMPD_PORT}}:interface=127.0.0.1
    http:
      /publish: {{type: publish, realm: realm1, access: {{basic: true, bearer: true, cookie: {{}}}}}}
      /own: {{type: publish, realm: realm1, access: {{cookie: {{}}}}}}
"""
EVENT = json.dumps({"topic": "com.example.news"})


class Web:
    def __init__(self, port: int) -> None:
        self.port = port

    def post(self, path: str, *lines: str) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = dict(line.split(": ", 1) for line in ("Content-Type: application/json", *lines))
        connection.request("POST", path, EVENT, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    @property
    def origin(self) -> str:
        return f"Origin: http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, Web]]:
    directory: Path = tmp_path_factory.mktemp("access")
    (directory / "config.yaml").write_text(CONFIG)
    (directory / "config.yaml").chmod(0o600)
    with running_wampd(directory / "config.yaml", directory / "log") as (wampd, port):
        yield wampd, Web(port)


def cookie(answer: HTTPResponse) -> str:
    said = answer.headers["Set-Cookie"]
    assert re.search(r"; HttpOnly; SameSite=Strict$", said)
    return f"Cookie: {said.partition(';')[0]}"


def test_a_browser_that_came_in_by_a_password_comes_back_by_its_cookie(router: tuple[Child, Web]) -> None:
    web = router[1]
    came = web.post("/publish", basic("joe", "hunter2"), web.origin)
    assert came.status == 200
    shown = cookie(came)
    for lines in ((shown,), (shown, basic("joe", "hunter2"))):
        again = web.post("/publish", *lines, web.origin)
        assert (again.status, again.headers["Set-Cookie"]) == (200, None)  # the session is there yet
    elsewhere = web.post("/own", shown, web.origin)
    assert elsewhere.status == 200
    assert cookie(elsewhere) != shown
    assert web.post("/own", cookie(elsewhere), web.origin).status == 200


def test_a_cookie_is_good_for_pages_of_this_site_alone(router: tuple[Child, Web]) -> None:
    web = router[1]
    shown = cookie(web.post("/publish", basic("joe", "hunter2"), web.origin))
    assert web.post("/publish", shown, "Origin: https://evil.example").status == 403
    assert web.post("/own", "Cookie: wampd=" + "x" * 32, web.origin).status == 403
    assert web.post("/own").status == 403


def test_programs_get_no_cookie(router: tuple[Child, Web]) -> None:
    assert router[1].post("/publish", basic("joe", "hunter2"), "X-Another: one").headers["Set-Cookie"] is None


def test_a_token_lets_in(router: tuple[Child, Web]) -> None:
    web = router[1]
    token = signed({"sub": "ann", "exp": int(time.time()) + 60})
    assert web.post("/publish", f"Authorization: Bearer {token}").status == 200
    bad = web.post("/publish", f"Authorization: Bearer {token}x")
    assert bad.status == 401
    assert 'error="invalid_token"' in ", ".join(bad.headers.get_all("WWW-Authenticate"))
