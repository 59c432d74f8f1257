"""Browsers that come back by a cookie, to a running router."""

import base64
import json
import os
import re
import socket
import time

import pytest
from msgspec import structs

from tests.router.client import ABORT, GOODBYE, WELCOME, trusting
from tests.support.certificates import make_certificate
from tests.support.longpoll import Http
from wampd.auth.accounts import Account
from wampd.auth.ticket import digest_of
from wampd.router.stores import principals
from wampd.router.stores.sqlite import carry_out, open_store

CHALLENGE, AUTHENTICATE = 4, 5
TICKET = "joe's hunter2"

REALMS = f"""
realms:
  - name: realm1
    roles: [{{name: member, permissions: [{{uri: com., match: prefix, allow: [call]}}]}}, {{name: guest}}]
    auth:
      principals:
        - {{authid: joe, role: member, ticket: "{TICKET}"}}
        - {{authid: ann, role: member, ticket: "ann's hunter2"}}
      anonymous: {{role: guest}}
      ticket: {{}}
      cookie: {{}}
"""
LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp, cookie: {}}, /plain: {type: wamp}}
    http: {/lp: {type: longpoll, cookie: {}}}
    limits: {close_timeout: 1 s}
"""


class Browser:
    """What a browser keeps of a host, and its connections."""

    def __init__(self, port):
        self.port = port
        self.cookie = None
        self.connections = []

    def connect(self, path="/ws", *, origin=True, tls=None, **more):
        if origin is True:
            origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        return Connection(self, path, origin=origin, tls=tls, **more)


class Connection:
    """A WebSocket connection, headers and frames written out."""

    def __init__(self, browser, path, *, origin=None, cookie=None, expect=101, tls=None):
        self.socket = socket.create_connection(("127.0.0.1", browser.port), timeout=60)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        browser.connections.append(self)
        self._file = self.socket.makefile("rb")
        cookie = cookie or browser.cookie
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: 127.0.0.1:{browser.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: wamp.2.json",
            *([f"Origin: {origin}"] if origin else []),
            *([f"Cookie: other=1; {cookie}"] if cookie else []),
            "",
            "",
        ]
        self.socket.sendall("\r\n".join(lines).encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._file.readline()
        self.status = int(head.split(b" ")[1])
        assert self.status == expect, head
        self.set_cookie = None
        found = re.search(rb"(?i)\r\nset-cookie: ([^\r]*)", head)
        if found:
            self.set_cookie = found[1].decode()
            browser.cookie = self.set_cookie.split(";")[0]

    def send(self, *message):
        data = json.dumps(message).encode()
        assert len(data) < 2**16
        self.socket.sendall(b"\x81\xfe" + len(data).to_bytes(2, "big") + bytes(4) + data)

    def receive(self):
        while True:
            first, length = self._file.read(2)
            if length == 126:
                length = int.from_bytes(self._file.read(2), "big")
            data = self._file.read(length)
            if first == 0x81:
                return json.loads(data)

    def hello(self, *methods, authid=None):
        details = {"roles": {"caller": {}}, "authmethods": list(methods), **({"authid": authid} if authid else {})}
        self.send(1, "realm1", details)
        return self.receive()

    def log_in(self, authid="joe", ticket=TICKET, methods=("cookie", "ticket")):
        """Be asked for the ticket, and be welcome."""
        assert self.hello(*methods, authid=authid) == [CHALLENGE, "ticket", {}]
        self.send(AUTHENTICATE, ticket, {})
        return self.welcomed()

    def come_back(self, authid="joe"):
        """Be welcome without being asked."""
        self.send(1, "realm1", {"roles": {"caller": {}}, "authmethods": ["cookie", "ticket"]})
        details = self.welcomed()
        assert (details["authid"], details["authmethod"]) == (authid, "cookie")
        return details

    def welcomed(self):
        kind, _, details = self.receive()
        assert kind == WELCOME, details
        return details

    def close(self):
        self._file.close()
        self.socket.close()


@pytest.fixture
def router(start):
    return start(listeners=LISTENERS, realms=REALMS)


@pytest.fixture
def browser(new_browser):
    return new_browser()


@pytest.fixture
def new_browser(router, new_browser_of):
    return lambda: new_browser_of(router)


@pytest.fixture
def new_browser_of():
    """Makes browsers, whose connections are closed in the end."""
    browsers = []

    def make(router):
        browsers.append(Browser(router.port))
        return browsers[-1]

    yield make
    for browser in browsers:
        for connection in browser.connections:
            connection.close()


@pytest.mark.spec("TLA-01")
def test_a_browser_that_has_authenticated_comes_back_without_being_asked(start, new_browser_of):
    router = start("log: {level: debug}", listeners=LISTENERS, realms=REALMS)
    browser = new_browser_of(router)
    first = browser.connect()
    assert re.fullmatch(
        r"wampd=[A-Za-z0-9_-]{32}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict", first.set_cookie
    )
    assert first.log_in()["authmethod"] == "ticket"
    first.close()
    given = []
    for _ in range(3):
        before = browser.cookie
        given.append(before.partition("=")[2])
        again = browser.connect()
        assert browser.cookie != before
        details = again.come_back()
        assert (details["authrole"], details["authprovider"]) == ("member", "static")
        again.close()
    assert [secret for secret in ("hunter2", *given) if secret in router.log()] == []


@pytest.mark.spec("TLA-01")
def test_a_logout_forgets_the_cookie_and_ends_the_other_sessions_that_came_by_it(browser, new_browser):
    first = browser.connect()
    first.log_in()
    second, other = browser.connect(), new_browser().connect()
    second.come_back()
    other.log_in()
    second.send(GOODBYE, {}, "wamp.close.logout")
    assert second.receive() == [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    assert first.receive() == [GOODBYE, {"message": "logged out"}, "wamp.close.logout"]
    assert second.hello("cookie")[2] == "wamp.error.no_matching_auth_method"
    third = browser.connect()
    assert third.hello("cookie", "ticket", authid="joe") == [CHALLENGE, "ticket", {}]
    other.send(GOODBYE, {}, "wamp.close.normal")
    assert other.receive() == [GOODBYE, {}, "wamp.close.goodbye_and_out"]


@pytest.mark.spec("TLA-01")
def test_pages_of_other_origins_get_403_and_no_cookie(browser):
    browser.connect().log_in()
    for origin in ("http://evil.example", "null", "https://127.0.0.1:1"):
        refused = Connection(browser, "/ws", origin=origin, expect=403)
        assert refused.set_cookie is None
    browser.connect(origin=None).come_back()  # a program


def test_anonymous_sessions_leave_nothing_to_come_back_by(browser):
    assert browser.connect().hello("anonymous")[0] == WELCOME
    kind, _, reason = browser.connect().hello("cookie")
    assert (kind, reason) == (ABORT, "wamp.error.no_matching_auth_method")


def with_store(more="    auth:\n      store: true"):
    return REALMS.replace("    auth:", more) + "store: {file: wampd.sqlite}\n"


@pytest.mark.spec("TLA-01")
def test_where_a_store_is_configured_cookies_outlive_the_router(start, tmp_path, new_browser_of):
    first = start(listeners=LISTENERS, realms=with_store())
    browser = new_browser_of(first)
    browser.connect().log_in()
    browser.connect().come_back()
    first.stop()
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("wampd.sqlite*"))
    assert b"joe" in kept
    assert browser.cookie.partition("=")[2].encode() not in kept
    second = start(listeners=LISTENERS, realms=with_store())
    browser.port = second.port
    browser.connect().come_back()
    second.stop()


@pytest.mark.spec("TLA-01")
def test_a_logout_is_not_undone_by_a_restart(start, new_browser_of):
    first = start(listeners=LISTENERS, realms=with_store())
    browser = new_browser_of(first)
    browser.connect().log_in()
    leaving = browser.connect()
    before = browser.cookie
    leaving.come_back()
    leaving.send(GOODBYE, {}, "wamp.close.logout")
    assert leaving.receive() == [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    first.stop()
    second = start(listeners=LISTENERS, realms=with_store())
    browser.port = second.port
    browser.cookie = before
    assert browser.connect().hello("cookie")[2] == "wamp.error.no_matching_auth_method"


@pytest.mark.spec("TLA-01")
@pytest.mark.parametrize("change", ["another ticket", "removed"])
def test_whose_proof_changes_or_who_is_removed_does_not_come_back(start, tmp_path, new_browser_of, change):
    file = tmp_path / "principals.yaml"

    def write(*tickets):
        lines = [f'- {{authid: user{n}, role: member, ticket: "{ticket}"}}' for n, ticket in enumerate(tickets)]
        (tmp_path / "new").write_text("\n".join(lines) + "\n")
        (tmp_path / "new").chmod(0o600)
        (tmp_path / "new").rename(file)

    write("hunter2", "hunter2 too")
    router = start(listeners=LISTENERS, realms=with_store("    auth:\n      files: [principals.yaml]"))
    concerned, other = new_browser_of(router), new_browser_of(router)
    concerned.connect().log_in("user1", "hunter2 too")
    other.connect().log_in("user0", "hunter2")
    write("hunter2", *(["hunter2 anew"] if change == "another ticket" else []))

    def asked():
        return concerned.connect().hello("cookie", "ticket", authid="user1") == [CHALLENGE, "ticket", {}]

    router.wait_until(asked, "the cookie stands for nobody")
    other.connect().come_back("user0")


@pytest.mark.spec("TLA-01")
def test_a_copy_of_a_cookie_ends_all_that_came_of_it_and_is_warned_of(start, new_browser_of):
    router = start(listeners=LISTENERS, realms=REALMS.replace("cookie: {}", "cookie: {grace: 10 ms}"))
    browser, other = new_browser_of(router), new_browser_of(router)
    browser.connect().log_in()
    other.connect().log_in()
    copied = browser.cookie
    here = browser.connect()
    here.come_back()
    browser.connect().come_back()  # so the copied value is superseded
    time.sleep(0.1)
    thief = new_browser_of(router)
    assert thief.connect(cookie=copied).hello("cookie")[2] == "wamp.error.no_matching_auth_method"
    assert here.receive() == [GOODBYE, {"message": "the cookie was copied"}, "wamp.close.logout"]
    assert browser.connect().hello("cookie")[2] == "wamp.error.no_matching_auth_method"
    other.connect().come_back()
    assert "a cookie of joe in realm1 was shown again after its successor" in router.log()
    assert copied.partition("=")[2] not in router.log()


@pytest.mark.spec("TLA-01")
@pytest.mark.parametrize("change", ["logout", "disable", "another ticket"])
def test_what_is_done_to_a_principal_in_the_store_is_done_to_its_cookies(start, tmp_path, new_browser_of, change):
    connection = open_store(tmp_path / "wampd.sqlite")
    mia = Account(authid="mia", role="member", ticket=digest_of("hunter2 of mia"))
    carry_out(connection, lambda connection: principals.add(connection, "realm1", mia))
    router = start(listeners=LISTENERS, realms=with_store())
    browser = new_browser_of(router)
    here = browser.connect()
    here.log_in("mia", "hunter2 of mia")
    browser.connect().come_back("mia")

    def work(connection):
        if change == "logout":
            principals.logout(connection, "realm1", "mia")
        elif change == "disable":
            principals.replace(connection, "realm1", mia, disabled=True)
        else:
            other = structs.replace(mia, ticket=digest_of("another hunter2 of mia"))
            principals.replace(connection, "realm1", other, disabled=False)

    carry_out(connection, work)
    if change == "another ticket":
        router.wait_until(lambda: len(stored_cookies(connection)) == 0, "the cookie is taken out")
    else:
        assert here.receive()[0] == GOODBYE
    if change == "disable":  # and enabled again: that brings no cookie back
        carry_out(connection, lambda connection: principals.replace(connection, "realm1", mia, disabled=False))
    assert browser.connect().hello("cookie")[2] == "wamp.error.no_matching_auth_method"
    connection.close()


def stored_cookies(connection):
    return connection.execute("SELECT id FROM cookies").fetchall()


@pytest.mark.spec("TLA-01")
def test_a_killed_router_knows_the_cookies_that_it_had(start, tmp_path, new_browser_of):
    first = start(listeners=LISTENERS, realms=with_store())
    connection = open_store(tmp_path / "wampd.sqlite")
    browser = new_browser_of(first)
    browser.connect().log_in()
    first.wait_until(lambda: stored_cookies(connection), "the cookie is kept")
    first.kill()
    second = start(listeners=LISTENERS, realms=with_store())
    browser.port = second.port
    browser.connect().come_back()
    connection.close()


@pytest.mark.spec("TLA-01", "LP-01")
def test_a_long_poll_client_comes_back(router):
    def joined(http, cookie, *methods):
        headers = {"Cookie": cookie} if cookie else {}
        answer = http.ask("/lp/open", json.dumps({"protocols": ["wamp.2.json"]}).encode(), **headers)
        path = f"/lp/{answer.json()['transport']}"
        details = {"roles": {"caller": {}}, "authmethods": list(methods), "authid": "joe"}
        assert http.ask(f"{path}/send", json.dumps([1, "realm1", details]).encode()).status == 202
        heard = http.ask(f"{path}/receive").json()
        if heard[0] == CHALLENGE:
            assert http.ask(f"{path}/send", json.dumps([AUTHENTICATE, TICKET, {}]).encode()).status == 202
            heard = http.ask(f"{path}/receive").json()
        return heard[2]["authmethod"], answer.headers["set-cookie"].split(";")[0]

    with Http(router.port) as http:
        method, cookie = joined(http, None, "cookie", "ticket")
        assert method == "ticket"
        for _ in range(2):
            method, cookie = joined(http, cookie, "cookie", "ticket")
            assert method == "cookie"


@pytest.mark.trap(7)
def test_the_meta_api_shows_nothing_of_cookies(start, new_browser_of):
    rule = "{uri: wamp.session., match: prefix, allow: [call]}"
    realms = REALMS.replace("{uri: com., match: prefix, allow: [call]}", rule)
    browser = new_browser_of(start(listeners=LISTENERS, realms=realms))
    browser.connect().log_in()
    here = browser.connect()
    here.come_back()
    here.send(48, 1, {}, "wamp.session.list")
    for number, session in enumerate(here.receive()[3][0], 2):
        here.send(48, number, {}, "wamp.session.get", [session])
        kind, _, _, (details,) = here.receive()
        assert kind == 50
        assert details["transport"] == {"type": "websocket", "protocol": "wamp.2.json"}
        assert "cookie" not in {key for key in details if key != "authmethod"}


@pytest.mark.spec("TLA-01")
def test_over_tls_the_cookie_is_bound_to_this_host(start, tmp_path, new_browser_of):
    certificate, key = make_certificate(tmp_path)
    listeners = LISTENERS.replace(
        "    websocket", f"    tls: {{certificate: {certificate}, key: {key}}}\n    websocket"
    )
    browser = new_browser_of(start(listeners=listeners, realms=REALMS))
    context = trusting(certificate)
    first = browser.connect(tls=context)
    assert re.fullmatch(
        r"__Host-wampd=[A-Za-z0-9_-]{32}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure", first.set_cookie
    )
    first.log_in()
    browser.connect(tls=context).come_back()
    page = f"http://127.0.0.1:{browser.port}"
    assert Connection(browser, "/ws", origin=page, tls=context, expect=403).set_cookie is None
