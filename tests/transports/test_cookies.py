"""Cookies on the wire: what requests show, what answers set, and whose pages may."""

from __future__ import annotations

import json
from functools import partial
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.auth.test_jar import Shell
from tests.http.proxying import Visitors
from tests.transports.port import ALL, EVERYTHING, Port, build_site, headers, request, status
from wampd.auth.jar import Visit
from wampd.router.cookies import Attributes, Cookies, digest_of, shown_in
from wampd.router.forwarded import Proxies, Trusted
from wampd.router.http.introduced import Introduced
from wampd.router.http.longpoll import LongPollResource
from wampd.router.transports.longpoll import LongPoll, LongPollPort
from wampd.router.transports.upgrade import WebSocketPath

GIVEN = "hunter2" + "-" * 25
"""A value that can be one of ours."""


class Drawn:
    """Draws values that can be told."""

    def __init__(self):
        self._numbers = count(1)

    def __call__(self):
        return f"{next(self._numbers):032}"


@pytest.fixture
def shell():
    return Shell()


def cookies(shell, **attributes):
    return Cookies(shell.jar, Attributes(**attributes), Drawn())


def port(shell, *, origins=("same-host",), given=None, **attributes):
    """A port whose path ``/ws`` gives cookies, as does the long-poll path ``/lp``."""
    given = given or cookies(shell, **attributes)
    path = WebSocketPath(serializers=ALL, cookies=given, origins=origins)
    port = Port(msgspec.structs.replace(EVERYTHING, websocket={"/ws": path, "/plain": WebSocketPath(serializers=ALL)}))
    transports = LongPollPort(LongPoll(serializers=ALL), port.house, port.wheel)
    site = build_site({}, {"/lp": LongPollResource(transports, origins=origins, cookies=given)})
    site.reactor = port.loop
    port.protocol._web = site.buildProtocol
    return port


def opening(*lines, body=b'{"protocols": ["wamp.2.json"]}'):
    """The request that opens a long-poll transport."""
    head = ["POST /lp/open HTTP/1.1", "Host: router.example:8080", f"Content-Length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


# ------------------------------------------------------------------------------------------------------------ answers


def test_the_answer_to_the_upgrade_sets_a_cookie(shell):
    wired = port(shell)
    answer = wired.ask(request())
    assert status(answer) == 101
    assert answer.lower().count(b"set-cookie:") == 1
    assert headers(answer)["set-cookie"] == f"wampd={1:032}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict"
    visit = wired.served[0].about["cookie"]
    assert visit.fresh == digest_of(f"{1:032}")
    assert visit.binding is None


def test_a_path_without_cookies_sets_none_and_takes_none(shell):
    wired = port(shell)
    answer = wired.ask(request("/plain", f"Cookie: wampd={GIVEN}"))
    assert status(answer) == 101
    assert "set-cookie" not in headers(answer)
    assert "cookie" not in wired.served[0].about


def test_a_secure_cookie_has_the_prefix_that_binds_it_to_this_host(shell):
    line, _ = cookies(shell, name="id", secure=True, same_site="none", max_age=60).visit([])
    assert line == f"__Host-id={1:032}; Path=/; Max-Age=60; HttpOnly; SameSite=None; Secure"


def test_where_the_cookie_is_secure_one_without_the_prefix_counts_for_nothing(shell):
    bound = shell.log_in()
    shell.jar._by_value[digest_of(GIVEN)] = bound.binding
    secure = cookies(shell, secure=True)
    assert secure.visit([f"wampd={GIVEN}"])[1].binding is None
    assert secure.visit([f"__Host-wampd={GIVEN}"])[1].binding is bound.binding


def test_values_are_drawn_at_random_and_are_long_enough(shell):
    given = Cookies(shell.jar, Attributes())
    values = {given.visit([])[0].split(";")[0].removeprefix("wampd=") for _ in range(1000)}
    assert len(values) == 1000
    assert {len(value) for value in values} == {32}  # 192 bits


@pytest.mark.trap(7)
def test_what_is_handed_on_shows_no_value(shell):
    wired = port(shell)
    wired.ask(request("/ws", f"Cookie: wampd={GIVEN}"))
    assert "hunter2" not in repr(wired.served[0].about)
    assert f"{1:032}" not in repr(wired.served[0].about)
    assert repr(cookies(shell)) == "<Cookies wampd>"


def test_the_answer_to_the_opening_of_a_long_poll_transport_sets_a_cookie(shell):
    wired = port(shell)
    value = headers(wired.ask(opening()))["set-cookie"].split(";")[0]
    shell.log_in(visit=wired.served[0].about["cookie"])
    wired.ask(opening(f"Cookie: {value}"))
    assert wired.served[1].about["cookie"].binding.authid == "joe"


def test_one_cookie_serves_websocket_and_long_poll(shell):
    given = cookies(shell)
    first, second = port(shell, given=given), port(shell, given=given)
    answer = first.ask(opening())
    shell.log_in(visit=first.served[0].about["cookie"])
    second.ask(request("/ws", f"Cookie: {headers(answer)['set-cookie'].split(';')[0]}"))
    assert second.served[0].about["cookie"].binding.authid == "joe"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"protocols": ["wamp.3.xml"]}'])
def test_a_transport_that_is_not_opened_sets_no_cookie(shell, body):
    answer = port(shell).ask(opening(body=body))
    assert status(answer) == 400
    assert "set-cookie" not in headers(answer)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"Sec_WebSocket_Key": "short"}, 400),
        ({"Sec_WebSocket_Version": "12"}, 426),
        ({"Sec_WebSocket_Protocol": "wamp.3.xml"}, 400),
    ],
)
def test_an_upgrade_that_fails_sets_no_cookie_and_what_was_shown_counts_for_nothing(shell, wrong, expected):
    bound = shell.log_in()
    shell.jar._by_value[digest_of(GIVEN)] = bound.binding
    answer = port(shell).ask(request("/ws", f"Cookie: wampd={GIVEN}", **wrong))
    assert status(answer) == expected
    assert "set-cookie" not in headers(answer)
    assert not bound.binding.pending


# ------------------------------------------------------------------------------------------------------------- origins


@pytest.mark.spec("WS-06")
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "", "file://", "http://router.example", "http://router.example:8080.evil"]
)
@pytest.mark.parametrize("what", [partial(request, "/ws"), opening], ids=["websocket", "longpoll"])
def test_pages_of_other_origins_are_refused_before_the_cookie_counts(shell, origin, what):
    bound = shell.log_in()
    shell.jar._by_value[digest_of(GIVEN)] = bound.binding
    answer = port(shell).ask(what(f"Cookie: wampd={GIVEN}", f"Origin: {origin}"))
    assert status(answer) == 403
    assert "set-cookie" not in headers(answer)
    assert not bound.binding.pending


@pytest.mark.parametrize("what", [partial(request, "/ws"), opening], ids=["websocket", "longpoll"])
def test_where_the_cookie_is_secure_pages_without_tls_are_of_another_origin(shell, what):
    given = cookies(shell, secure=True)
    refused = port(shell, given=given).ask(what("Origin: http://router.example:8080"))
    assert status(refused) == 403
    assert "set-cookie" in headers(port(shell, given=given).ask(what("Origin: https://router.example:8080")))
    named = port(shell, given=given, origins=("http://router.example:8080",))
    assert "set-cookie" in headers(named.ask(what("Origin: http://router.example:8080")))


@pytest.mark.trap(12)
@pytest.mark.parametrize("lines", [["Origin: https://app.example"], ["Origin: http://router.example:8080"], []])
def test_pages_of_the_named_origins_and_programs_may_show_cookies(shell, lines):
    bound = shell.log_in()
    shell.jar._by_value[digest_of(GIVEN)] = bound.binding
    wired = port(shell, origins=("same-host", "https://app.example"))
    answer = wired.ask(opening(f"Cookie: wampd={GIVEN}", *lines))
    assert status(answer) == 200
    allowed = headers(answer).get("access-control-allow-origin")
    assert allowed == ("https://app.example" if lines and "app" in lines[0] else None)
    assert wired.served[0].about["cookie"].binding is bound.binding


# ------------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    "lines",
    [
        [f"wampd={GIVEN}"],
        [f"a=b; wampd={GIVEN}; c=d"],
        [f"a=b;wampd={GIVEN};c"],
        [f"\twampd={GIVEN} "],
        ["a=b", f"wampd={GIVEN}"],
        [f"wampd={GIVEN}", f"wampd={GIVEN}; wampd={GIVEN}"],
        [f"wampd=short; wampd={GIVEN}"],
        [f'wampd="quoted"; =; ;;; wampd; wampd={GIVEN}'],
        [";" * 5000 + f"wampd={GIVEN}"],
    ],
    ids=str,
)
def test_a_cookie_is_found_among_others(lines):
    assert shown_in(lines, "wampd") == GIVEN


@pytest.mark.trap(10)
@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["wampd"],
        ["wampd="],
        [f"wampd={GIVEN}x"],
        [f"wampd={GIVEN[1:]}"],
        [f"Wampd={GIVEN}"],
        [f"xwampd={GIVEN}"],
        [f"wampd ={GIVEN}"],
        [f"wampd= {GIVEN}"],
        [f'wampd="{GIVEN}"'],
        [f"wampd={GIVEN}\n"],
        [f"wampd={GIVEN[1:]}é"],
        [f"wampd={GIVEN[1:]}\udcff"],
        [f"wampd={GIVEN[1:]}٣"],
        [f"a=b\x0bwampd={GIVEN}"],
        [f"a=b\x0cwampd={GIVEN}"],
        [f"a=b\x1c;\x1cwampd={GIVEN}"],
        [f"\x85wampd={GIVEN}"],
        [f"a=b,wampd={GIVEN}"],
        [f"wampd={GIVEN}=", f"wampd={GIVEN}={GIVEN}"],
    ],
    ids=ascii,
)
def test_what_only_looks_like_it_is_none(lines):
    assert shown_in(lines, "wampd") is None


def test_of_two_different_ones_none_counts():
    other = "other-" + GIVEN[6:]
    assert shown_in([f"wampd={GIVEN}; wampd={other}"], "wampd") is None
    assert shown_in([f"wampd={other}", f"wampd={GIVEN}"], "wampd") is None


@pytest.mark.spec("TLA-01")
@pytest.mark.parametrize("place", range(32))
def test_a_value_of_which_any_character_was_changed_stands_for_nobody(shell, place):
    given = Cookies(shell.jar, Attributes())
    line, visit = given.visit([])
    shell.log_in(visit=visit)
    name, _, value = line.split(";")[0].partition("=")
    changed = value[:place] + ("A" if value[place] != "A" else "B") + value[place + 1 :]
    assert given.visit([f"{name}={changed}"])[1].binding is None
    assert given.visit([f"{name}={value}"])[1].binding is visit.binding


@given(st.lists(st.text(), max_size=5))
def test_any_headers_are_read_without_trouble(lines):
    shown = shown_in(lines, "wampd")
    assert shown is None or len(shown) == 32


@given(st.binary(max_size=200).filter(lambda line: not set(line) & set(b"\r\n\0")))
def test_any_cookie_line_on_the_wire_is_answered(line):
    answer = port(Shell()).ask(request("/ws", "Cookie: " + line.decode("latin-1")))
    assert status(answer) in (101, 400)
    assert ("set-cookie" in headers(answer)) == (status(answer) == 101)


def test_a_cookie_line_that_is_too_long_is_refused_as_any_other(shell):
    answer = port(shell).ask(request("/ws", "Cookie: " + "a" * 9000))
    assert status(answer) == 431
    assert "set-cookie" not in headers(answer)


def test_behind_proxies_long_poll_gives_who_came_by_tls_a_cookie_for_that(shell):
    given = Cookies(shell.jar, Attributes(), by_tls=Cookies(shell.jar, Attributes(secure=True)))
    wired = port(shell, given=given)
    site = wired.protocol._web.__self__
    site.introduced = Introduced(Proxies(Trusted(["127.0.0.1"]), "x-forwarded-for"), Visitors())
    lines = "X-Forwarded-For: 198.51.100.7", "X-Forwarded-Proto: https"
    answer = wired.ask(opening(*lines, "Origin: https://router.example:8080"))
    assert headers(answer)["set-cookie"].startswith("__Host-wampd=")
    assert wired.served[0].about["peer"] == "198.51.100.7"
    assert status(wired.ask(opening(*lines, "Origin: http://router.example:8080"))) == 403
    assert headers(wired.ask(opening()))["set-cookie"].startswith("wampd=")


def test_a_visit_is_no_part_of_what_a_client_is_told(shell):
    wired = port(shell)
    answer = wired.ask(opening())
    assert set(json.loads(answer.split(b"\r\n\r\n", 1)[1])) == {"protocol", "transport"}
    assert isinstance(wired.served[0].about["cookie"], Visit)
