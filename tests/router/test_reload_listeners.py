"""What listeners serve, and what the router does beside routing, changed while it runs."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.router.client import ABORT, CALL, ERROR, GOODBYE, RESULT, WELCOME, Session
from tests.router.reloading import Router, a_router
from tests.support.certificates import make_certificate

CONFIG = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions:
          - {uri: com.app., match: prefix, allow: [call, register, publish, subscribe]}
          - {uri: wampd.monitor., match: prefix, allow: [call]}
    auth: {anonymous: {}}
    # of the realm
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    # tls
    websocket: {/ws: {type: wamp}}
    http:
      /value: {type: json, value: 1}
      /info: {type: json, value: "stays"}
# more
"""


@contextlib.contextmanager
def web(router: Router) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", router.port, timeout=60)
    yield connection
    connection.close()


def get(connection: http.client.HTTPConnection, path: str) -> Any:
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    return json.loads(body) if answer.status == 200 else answer.status


def certificate_of(router: Router) -> bytes:
    """What the router shows."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", router.port, context=context, timeout=60)
    connection.connect()
    shown: bytes = connection.sock.getpeercert(binary_form=True)  # type: ignore[union-attr]
    connection.close()
    return shown


def called(session: Session, procedure: str, *args: Any, request: int = 1) -> list[Any]:
    session.send(CALL, request, {}, procedure, list(args))
    heard: list[Any] = session.receive()
    return heard


def test_a_connection_that_is_open_gets_the_new_value_with_its_next_request(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router, web(router) as connection:
        assert get(connection, "/value") == 1
        socket = connection.sock
        router.reload(("value: 1", "value: 2"))
        assert get(connection, "/value") == 2
        router.reload(("value: 2", "value: 3"))
        assert get(connection, "/value") == 3
        assert get(connection, "/info") == "stays"
        router.reload(("      /value: {type: json, value: 3}\n", ""))
        assert get(connection, "/value") == 404
        assert connection.sock is socket


def test_when_nothing_is_served_by_http_any_more_connections_are_closed_after_an_answer(tmp_path: Path):
    text = CONFIG[: CONFIG.index("    http:")]
    with a_router(tmp_path, CONFIG) as router, web(router) as connection:
        assert get(connection, "/value") == 1
        router.write(text)
        router.reload()
        assert get(connection, "/value") == 1  # it was on its way, so to say
        assert connection.sock is None
        assert get(connection, "/value") == 404
        router.write(CONFIG)
        router.reload()
        assert get(connection, "/value") == 1


def test_tls_begins_and_gets_another_certificate_on_the_same_port_while_sessions_stay(tmp_path: Path):
    places = [tmp_path / "1", tmp_path / "2"]
    for place in places:
        place.mkdir()
    first, second = map(make_certificate, places)
    with a_router(tmp_path, CONFIG) as router, Session(router.port) as session:
        router.reload(("# tls", f"tls: {{certificate: {first[0]}, key: {first[1]}}}"))
        shown = certificate_of(router)
        for old, new in zip(first, second, strict=True):
            Path(old).write_bytes(Path(new).read_bytes())
        router.reload()
        assert certificate_of(router) != shown
        Path(first[0]).write_text("no certificate")
        assert "listeners[0].tls" in router.refuses()
        assert certificate_of(router) != shown
        assert called(session, "com.app.nobody")[0] == ERROR


def test_limits_of_a_listener_hold_for_connections_from_then_on(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router, Session(router.port) as before:
        router.reload(("    # tls", "    limits: {message_size: 1 KiB}"))
        text = "x" * 2000
        assert called(before, "com.app.nobody", text)[4] == "wamp.error.no_such_procedure"
        with Session(router.port) as after:
            after.call("com.app.nobody", text)
            assert after.closed_with()[0] == 1009


def test_proxies_are_believed_from_the_next_request_on(tmp_path: Path):
    config = CONFIG.replace("    # tls", "    # tls\n    access_log: {format: json, file: access.log}")
    with a_router(tmp_path, config) as router, web(router) as connection, Session(router.port) as session:
        expected, before = [], "# tls"
        for proxies, client in (
            ("# tls", "127.0.0.1"),
            ("proxies: {trusted: [127.0.0.1]}", "198.51.100.7"),
            ("proxies: {trusted: [127.0.0.1], header: forwarded}", "203.0.113.9"),
            ("proxies: {trusted: [127.0.0.2]}", "127.0.0.1"),
        ):
            if proxies != before:
                router.reload((before, proxies))
            before = proxies
            connection.request(
                "GET", "/value", headers={"X-Forwarded-For": "198.51.100.7", "Forwarded": "for=203.0.113.9"}
            )
            assert connection.getresponse().read() == b"1\n"
            expected.append(client)
        log = tmp_path / "access.log"
        router.process.wait_until(lambda: log.read_text().count("\n") == len(expected), "all are in the access log")
        assert [json.loads(line)["client"] for line in log.read_text().splitlines()] == expected
        assert called(session, "com.app.nobody")[0] == ERROR


def test_a_header_before_all_else_is_asked_of_connections_from_then_on(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router, web(router) as connection, Session(router.port) as session:
        assert get(connection, "/value") == 1
        router.reload(("# tls", "proxies: {trusted: [127.0.0.1], header: proxy-protocol}"))
        assert get(connection, "/value") == 1
        assert called(session, "com.app.nobody")[0] == ERROR
        with web(router) as another, pytest.raises((http.client.HTTPException, OSError)):
            get(another, "/value")
        with socket.create_connection(("127.0.0.1", router.port), timeout=60) as balanced:
            balanced.sendall(b"PROXY TCP4 198.51.100.7 127.0.0.1 40000 80\r\nGET /value HTTP/1.0\r\n\r\n")
            assert b"".join(iter(lambda: balanced.recv(4096), b"")).endswith(b"\r\n\r\n1\n")
        router.reload(("proxies: {trusted: [127.0.0.1], header: proxy-protocol}", "# tls"))
        with web(router) as another:
            assert get(another, "/value") == 1


def test_procedures_that_are_http_requests_change_with_the_configuration(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router, Session(router.port) as session:
        callee = f"    http_callees: [{{procedure: com.app.value, url: 'http://127.0.0.1:{router.port}/value'}}]"
        router.reload(("    # of the realm", callee))
        router.process.wait_until(lambda: called(session, "com.app.value")[0] == RESULT, "the procedure is there")
        assert called(session, "com.app.value", request=2)[3] == [1]
        router.reload((f"{router.port}/value", f"{router.port}/info"))
        router.process.wait_until(
            lambda: called(session, "com.app.value", request=3)[3:4] == [["stays"]], "the other is there"
        )
        router.reload((callee.replace("/value", "/info"), "    # of the realm"))
        router.process.wait_until(lambda: called(session, "com.app.value", request=4)[0] == ERROR, "it is gone")


def test_a_monitor_comes_and_goes(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router, Session(router.port) as session:
        assert called(session, "wampd.monitor.overview")[0] == ERROR
        router.reload(("    # of the realm", "    monitor: {}"))
        assert called(session, "wampd.monitor.overview", request=2)[0] == RESULT
        router.reload(("    monitor: {}", "    # of the realm"))
        assert called(session, "wampd.monitor.overview", request=3)[0] == ERROR


def test_sessions_that_stand_behind_paths_go_with_them(tmp_path: Path):
    paths = (
        "      /call: {type: call, realm: realm1, role: anonymous, insecure: true, timeout: 5}\n"
        f"      /up: {{type: upload, directory: {tmp_path}, insecure: true, size: 5,"
        " events: {realm: realm1, role: anonymous, topic: com.app.up}}\n"
    )
    config = CONFIG.replace("    http:\n", f"    http:\n{paths}").replace("    # of the realm", "    monitor: {}")
    with a_router(tmp_path, config) as router, Session(router.port) as session, web(router) as connection:

        def behind_paths() -> set[str]:
            told = called(session, "wampd.monitor.sessions")[3][0]["sessions"]
            return {each["authid"] for each in told} & {"http", "upload"}

        connection.request("POST", "/call/com.app.nothing", b"[]", {"Content-Type": "application/json"})
        assert connection.getresponse().read().startswith(b'{"error":')
        connection.request("PUT", "/up/file", b"hello")
        assert connection.getresponse().read().startswith(b'{"id":')
        assert behind_paths() == {"http", "upload"}
        router.reload((": 5", ": 6"))
        router.process.wait_until(lambda: not behind_paths(), "the sessions have left")


def test_the_log_says_more_when_it_is_to(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router:
        router.reload(("# more", "log: {level: debug}"))
        with web(router) as connection:
            get(connection, "/value")
        router.process.wait_for_log("GET /value: 200")


def test_limits_of_the_process_hold_at_once(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router, Session(router.port):
        router.reload(("# more", "limits: {connections: 1}"))
        with web(router) as connection:
            assert get(connection, "/value") == 503
        router.reload(("limits: {connections: 1}", "limits: {connections: 10}"))
        with web(router) as connection:
            assert get(connection, "/value") == 1


def test_components_come_change_and_go(tmp_path: Path):
    first = 'components: [{name: one, command: [sleep, "1000"]}]'
    with a_router(tmp_path, CONFIG) as router, router.operator() as operator:
        router.reload(("# more", first))
        router.process.wait_until(lambda: len(operator.call("wampd.component.list")) == 1, "it is there")
        [one] = operator.call("wampd.component.list")
        assert one["name"] == "one"
        router.reload((first, "# more"))
        router.process.wait_until(lambda: not operator.call("wampd.component.list"), "it is gone")


def test_open_realms_of_a_template_change_with_it_and_go_with_it(tmp_path: Path):
    template = (
        "realms:\n  - {name: t., match: prefix, auth: {anonymous: {}}, roles: [{name: anonymous, permissions:"
        " [{uri: com., match: prefix, allow: [publish]}]}]}"
    )
    with (
        a_router(tmp_path, CONFIG.replace("realms:", template)) as router,
        Session(router.port, realm="t.a") as session,
    ):
        session.send(16, 1, {"acknowledge": True}, "com.a")
        assert session.receive()[0] == 17
        router.reload(("allow: [publish]", "allow: [call]"))
        session.send(16, 2, {"acknowledge": True}, "com.a")
        assert session.receive()[0] == ERROR
        # The realm of that name is a realm of its own from now on, and its session stays in it.
        own = CONFIG.replace("realm1", "t.a")
        router.write(own)
        router.reload()
        session.send(16, 3, {"acknowledge": True}, "com.app.a")
        assert session.receive()[0] == 17
        router.write(CONFIG)
        router.reload()
        assert session.receive()[::2] == [GOODBYE, "wamp.close.close_realm"]
        with Session(router.port, join=False) as late:
            late.send(1, "t.a", {"roles": {"caller": {}}})
            assert late.receive()[0] == ABORT


@pytest.mark.parametrize("role", ["guest", "anonymous"])
def test_who_comes_in_after_a_change_comes_in_by_the_new_configuration(tmp_path: Path, role: str):
    with a_router(tmp_path, CONFIG) as router:
        router.reload(
            ("      - name: anonymous", f"      - name: {role}"), ("anonymous: {}}", f"anonymous: {{role: {role}}}}}")
        )
        with Session(router.port, join=False) as session:
            session.send(1, "realm1", {"roles": {"caller": {}}})
            kind, _, details = session.receive()
            assert (kind, details["authrole"]) == (WELCOME, role)


STREAM = "      /events: {type: events, realm: realm1, role: anonymous, insecure: true}\n"


def test_a_stream_of_events_goes_on_unless_its_path_changes(tmp_path: Path):
    with_stream = CONFIG.replace("    http:\n", f"    http:\n{STREAM}")
    with a_router(tmp_path, with_stream) as router, Session(router.port) as session, web(router) as connection:
        connection.request("GET", "/events?topic=com.app.news")
        stream = connection.getresponse()
        assert stream.status == 200

        def published(text: str, number: int) -> None:
            session.send(16, number, {"acknowledge": True}, "com.app.news", [text])
            assert session.receive()[0] == 17

        published("one", 1)
        router.reload(("value: 1", "value: 2"))
        published("two", 2)
        heard = b""
        while b"two" not in heard:
            heard += stream.readline()
        assert heard.index(b"one") < heard.index(b"two")
        router.reload((STREAM, ""))
        assert b"two" not in stream.read()  # to its end


def test_the_health_of_backends_is_looked_at_as_long_as_they_are_configured(tmp_path: Path):
    with a_router(tmp_path, CONFIG) as router:
        proxy = (
            f"      /proxied: {{type: proxy, strip_prefix: true, health: {{path: /value, interval: 100 ms}},"
            f" backends: [{{url: 'http://127.0.0.1:{router.port}/'}}]}}\n"
        )
        log = tmp_path / "access.log"
        router.reload(("    http:\n", f"    access_log: {{file: {log}}}\n    http:\n{proxy}"))

        def logged(request: str) -> int:
            return log.read_text().count(request) if log.exists() else 0

        router.process.wait_until(lambda: logged("GET /value") > 2, "its health is looked at")
        with web(router) as connection:
            assert get(connection, "/proxied/info") == "stays"
        router.reload((proxy, ""))
        with web(router) as connection:
            assert get(connection, "/proxied/info") == 404
            router.process.wait_until(lambda: logged("GET /proxied/info") == 2, "what was asked before is in the log")
            before = logged("GET /value")
            time.sleep(0.5)  # in which there would have been some more
        assert logged("GET /value") <= before + 1


def test_a_procedure_that_its_role_may_not_register_any_more_is_gone_and_comes_back_with_the_right(tmp_path: Path):
    rule = "          - {uri: com.app., match: prefix, allow: [call, register, publish, subscribe]}"
    with a_router(tmp_path, CONFIG) as router, Session(router.port) as session:
        callee = f"{{procedure: com.app.value, role: anonymous, url: 'http://127.0.0.1:{router.port}/value'}}"
        router.reload(("    # of the realm", f"    http_callees: [{callee}]"))
        router.process.wait_until(lambda: called(session, "com.app.value")[0] == RESULT, "the procedure is there")
        router.reload((rule, rule.replace("register, ", "")))
        assert called(session, "com.app.value", request=2)[0] == ERROR
        router.reload((rule.replace("register, ", ""), rule))
        router.process.wait_until(lambda: called(session, "com.app.value", request=3)[0] == RESULT, "it is there again")


def test_the_registry_of_webhooks_begins_anew_with_what_it_had_when_its_settings_change(tmp_path: Path):
    rules = (
        "          - {uri: wampd.hook., match: prefix, allow: [call]}\n          - {uri: wampd.monitor.",
        "          - {uri: wampd.monitor.",
    )
    text = CONFIG.replace(rules[1], rules[0]).replace("# more", f"store: {{file: {tmp_path / 'store.db'}}}")
    with (
        a_router(tmp_path, text.replace("    # of the realm", "    hooks: {}")) as router,
        Session(router.port) as session,
    ):
        router.process.wait_until(lambda: called(session, "wampd.hook.list")[0] == RESULT, "it is there")
        router.reload(("hooks: {}", "hooks: {logged: 5}"))
        router.process.wait_until(
            lambda: called(session, "wampd.hook.list", request=2)[0] == RESULT, "it is there again"
        )
        router.reload(("    hooks: {logged: 5}", "    # of the realm"))
        router.process.wait_until(lambda: called(session, "wampd.hook.list", request=3)[0] == ERROR, "it is gone")
        assert "bug in wampd" not in router.process.log()
