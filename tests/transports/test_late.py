"""WebSocket on a connection that the web server has, and at paths where there is a page, too."""

import msgspec
import pytest

from tests.transports.port import ALL, EVERYTHING, Page, Port, build_site, request, status
from wampd.router.hostnames import ByHost
from wampd.router.http.channel import PATIENCE
from wampd.router.transports.upgrade import WebSocketPath

GET = b"GET /page HTTP/1.1\r\nHost: router.example\r\n\r\n"
HELLO = b"\x81\x85\x00\x00\x00\x00hello"


def site_of(page, speaks=EVERYTHING):
    """A site of one page, beside which this is spoken."""
    site = build_site({}, {"/": page})
    site.beside = speaks
    return site


def port(speaks=EVERYTHING, **more):
    """A connection that the web server has answered a request of."""
    made = Port(speaks, site=site_of(Page(), speaks), **more)
    assert b"page /page" in made.ask(GET)
    return made


def test_a_later_request_of_a_connection_may_ask_for_websocket():
    late = port()
    late.house.served.clear()
    assert status(late.ask(request("/ws"))) == 101
    (listener,) = late.served
    assert (listener.serializer, listener.about["type"]) == ("json", "websocket")
    listener.answer = bytes.upper
    assert late.ask(HELLO) == b"\x81\x05HELLO"


def test_what_comes_with_the_handshake_is_not_lost():
    late = port()
    answer = late.ask(request("/echo") + HELLO)
    assert status(answer) == 101
    assert late.served[0].heard == [b"hello"]


def test_one_that_comes_with_the_request_before_it_waits_for_its_turn():
    late = Port(site=site_of(Page()))
    answer = late.ask(GET + request("/ws"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 101 " in answer
    assert len(late.served) == 1


def big(size):
    """A connection to a site that has a long page."""

    class Long(Page):
        def render_GET(self, request):
            return b"x" * size

    return Port(site=site_of(Long()))


@pytest.mark.parametrize("size", [30_000, 300_000])
def test_it_waits_until_the_client_has_read_what_was_said_before(size):
    late = big(size)
    late.client.send(GET + request("/echo") + HELLO)
    assert late.served == []
    answer = late.client.read()
    before, _, after = answer.partition(b"HTTP/1.1 101 ")
    assert before.endswith(b"x" * size)
    assert b"echo" not in after
    assert late.served[0].heard == [b"hello"]


@pytest.mark.parametrize("size", [30_000, 300_000])
def test_who_does_not_read_that_is_cut_off(size):
    late = big(size)
    late.client.send(GET + request("/echo"))
    late.loop.run(PATIENCE + EVERYTHING.handshake_timeout)
    assert late.client.is_cut_off()
    assert (late.served, late.house.inside, late.house.arriving) == ([], 0, 0)


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (request("/ws", Sec_WebSocket_Version="8"), 426),
        (request("/ws", Sec_WebSocket_Key="short"), 400),
        (request("/ws", Sec_WebSocket_Protocol="other"), 400),
        (request("/ws", "Origin: https://evil.example"), 403),
        (request("/ws", method="POST"), 405),
    ],
)
def test_a_handshake_that_fails_is_answered_as_the_first_of_a_connection_is_and_ends_it(head, code):
    late = port()
    assert status(late.ask(head)) == code
    assert status(Port().ask(head)) == code
    assert late.ask(GET) == b""
    late.loop.run(EVERYTHING.handshake_timeout + 1)
    assert late.client.is_cut_off()
    assert (late.house.inside, late.house.arriving, late.house.refusals) == (0, 0, 1)


def test_there_may_be_too_little_memory_by_then():
    late = port()
    late.house.is_starving = True
    assert status(late.ask(request("/ws"))) == 503


def test_other_hosts_have_other_paths():
    hosts = ByHost({"chat.example": {"/chat": WebSocketPath(serializers=ALL)}}, EVERYTHING.websocket)
    late = port(msgspec.structs.replace(EVERYTHING, hosts=hosts))
    assert b"page /chat" in late.ask(request("/chat"))
    assert status(late.ask(request("/chat", Host="chat.example"))) == 101


def test_one_that_was_made_for_another_host_is_sent_away():
    hosts = ByHost({"chat.example": {"/chat": WebSocketPath(serializers=ALL)}}, {})
    late = port(msgspec.structs.replace(EVERYTHING, hosts=hosts, fits=lambda _, host: host != "chat.example"))
    assert status(late.ask(request("/chat", Host="chat.example"))) == 421


@pytest.mark.parametrize("head", [request("/other"), request("/ws", without=("Upgrade",))])
def test_all_others_are_the_web_servers(head):
    late = port()
    assert status(late.ask(head)) == 200
    assert status(late.ask(request("/ws"))) == 101


def test_it_is_counted_once_and_has_the_time_of_any_other_connection():
    late = port()
    assert status(late.ask(request("/ws"))) == 101
    assert (late.house.inside, late.house.arriving) == (1, 0)
    late.loop.run(PATIENCE + 5)
    assert not late.client.is_cut_off()
    late.client.close()
    late.loop.run(1)
    assert (late.house.inside, late.house.arriving) == (0, 0)
    assert len(late.house.gone) == 1


def test_a_path_may_have_a_page_for_those_who_do_not_ask_for_websocket():
    speaks = msgspec.structs.replace(EVERYTHING, websocket={"/": WebSocketPath(serializers=ALL, has_page=True)})
    site = build_site({}, {"/": Page()})
    assert status(Port(speaks, site=site).ask(request("/"))) == 101
    answer = Port(speaks, site=site).ask(b"GET / HTTP/1.1\r\nHost: router.example\r\n\r\n")
    assert (status(answer), answer.endswith(b"page /")) == (200, True)
    assert status(Port(speaks, site=site).ask(request("/", Sec_WebSocket_Version="8"))) == 426
