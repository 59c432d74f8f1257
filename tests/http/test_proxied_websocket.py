"""WebSocket through the reverse proxy: the handshake is passed on, and after 101 a raw pipe is all there is."""

import pytest

from tests.http.house import logged
from tests.http.proxying import OK, Stage, body_of, head, lines_of, named
from tests.inside.house import House
from tests.transports.port import ACCEPT, KEY, request, status
from wampd.router.http import channel
from wampd.router.http.proxy.exchange import Patience
from wampd.router.http.proxy.heads import Mapped
from wampd.router.http.proxy.resource import Rights

__all__ = ["logged"]  # a fixture

HANDSHAKE = request("/chat")
SWITCHED = (
    f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {ACCEPT}\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
).encode()


def opened(stage, *, said=SWITCHED, sent=HANDSHAKE):
    """A client whose WebSocket is open; the answer that it has read."""
    port = stage.port()
    port.client.send(sent)
    stage.server.heard()
    stage.server.says(said)
    return port, port.client.read()


# ------------------------------------------------------------------------------------------------------------ refused


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://router.example:8081"])
def test_pages_of_other_origins_may_not_connect(origin):
    stage = Stage()
    port = stage.port()
    port.client.send(request("/chat", f"Origin: {origin}"))
    assert status(port.client.read()) == 403
    assert stage.server.accepted == []


@pytest.mark.parametrize("origins", [("https://app.example",), ("*",)])
def test_pages_of_origins_that_are_named_may(origins):
    stage = Stage(rights=Rights(origins=origins))
    stage.port().client.send(request("/chat", "Origin: https://app.example"))
    assert named(stage.server.heard(), "Origin") == ["https://app.example"]


@pytest.mark.parametrize(
    "sent",
    [
        request("/chat", method="POST"),
        request("/chat", Upgrade="h2c"),
        request("/chat", Upgrade="websocket, h2c"),
        request("/chat", Connection="keep-alive"),
        request("/chat", version="HTTP/1.0"),
        request("/chat", "Content-Length: 5") + b"hello",
    ],
)
def test_what_is_no_such_request_is_passed_on_without_the_wish(sent):
    stage = Stage()
    port = stage.port()
    port.client.send(sent)
    heard = stage.server.heard()
    assert named(heard, "Upgrade") == []
    assert named(heard, "Connection") == []
    stage.server.says(SWITCHED)
    assert b" 502 " in port.client.read()


def test_a_path_may_do_without_websocket():
    stage = Stage(rights=Rights(websocket=False))
    port = stage.port()
    port.client.send(request("/chat", "Origin: https://elsewhere.example"))
    assert named(stage.server.heard(), "Upgrade") == []
    stage.server.says(OK)
    assert status(port.client.read()) == 200


def test_another_answer_than_101_is_passed_on_and_the_connection_goes_on_with_http():
    stage = Stage()
    port, answer = opened(stage, said=b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
    assert (status(answer), body_of(answer)) == (426, b"no")
    port.client.send(head("/next"))
    assert lines_of(stage.server.heard())[0] == "GET /next HTTP/1.1"
    stage.server.says(OK)
    assert body_of(port.client.read()) == b"ok"
    assert stage.busy == [0]


def test_a_backend_that_refuses_gives_502():
    stage = Stage()
    stage.server.refuses = True
    port = stage.port()
    port.client.send(request("/chat"))
    assert status(port.client.read()) == 502
    assert stage.busy == [0]


# --------------------------------------------------------------------------------------------------------- the handshake


def test_the_handshake_is_passed_on_as_it_came():
    stage = Stage(path="/app", mapped=Mapped(strip=True))
    port = stage.port()
    port.client.send(request("/app/chat?room=1", Cookie="a=1"))
    heard = stage.server.heard()
    assert lines_of(heard)[0] == "GET /chat?room=1 HTTP/1.1"
    assert named(heard, "Connection") == ["Upgrade"]
    assert named(heard, "Upgrade") == ["websocket"]
    assert named(heard, "Sec-WebSocket-Key") == [KEY]
    assert named(heard, "Sec-WebSocket-Version") == ["13"]
    assert named(heard, "Sec-WebSocket-Protocol") == ["wamp.2.json"]
    assert named(heard, "Cookie") == ["a=1"]
    assert named(heard, "X-Forwarded-For") == ["127.0.0.1"]


def test_the_handshake_is_the_first_request_of_its_connection():
    stage = Stage()
    port = stage.port()
    port.client.send(head("/"))
    stage.server.says(OK)
    assert body_of(port.client.read()) == b"ok"
    port.client.send(request("/chat"))
    assert len(stage.server.accepted) == 2


def test_the_answer_101_comes_back():
    stage = Stage()
    _, answer = opened(stage)
    assert lines_of(answer)[0] == "HTTP/1.1 101 Switching Protocols"
    assert named(answer, "Upgrade") == ["websocket"]
    assert named(answer, "Connection") == ["Upgrade"]
    assert named(answer, "Sec-WebSocket-Accept") == [ACCEPT]
    assert named(answer, "Sec-WebSocket-Protocol") == ["wamp.2.json"]
    assert named(answer, "Transfer-Encoding") == []
    assert stage.busy == [1]


# -------------------------------------------------------------------------------------------------------------- the pipe


def test_octets_go_both_ways_as_they_come():
    stage = Stage()
    port, _ = opened(stage)
    port.client.send(b"\x81\x85abcdhello")
    assert stage.server.heard() == b"\x81\x85abcdhello"
    stage.server.says(b"\x81\x05hello")
    assert port.client.read() == b"\x81\x05hello"
    port.client.send(b"GET / HTTP/1.1\r\n\r\n")
    assert stage.server.heard() == b"GET / HTTP/1.1\r\n\r\n"


def test_what_came_together_with_the_handshake_on_either_side_is_not_lost():
    stage = Stage()
    port, answer = opened(stage, said=SWITCHED + b"first words", sent=request("/chat") + b"eager")
    assert body_of(answer) == b"first words"
    assert stage.server.heard() == b"eager"
    port.client.send(b"more")
    assert stage.server.heard() == b"more"


def test_what_a_client_sends_before_101_waits_for_it_within_bounds():
    stage = Stage()
    port = stage.port()
    port.client.send(request("/chat"))
    left = port.client.send(b"x" * 1_000_000)
    assert left > 500_000
    stage.server.heard()
    stage.server.says(SWITCHED)
    received = b""
    while left:
        left = port.client.send(b"x" * left)
        received += stage.server.heard()
    received += stage.server.heard()
    assert received == b"x" * 1_000_000


@pytest.mark.parametrize("side", ["client", "backend"])
def test_who_ends_ends_the_other(side):
    stage = Stage()
    port, _ = opened(stage)
    (port.client if side == "client" else stage.server.end).close()
    stage.loop.run()
    assert (stage.server.end if side == "client" else port.client).is_cut_off()
    stage.loop.run(6)
    assert stage.busy == [0]
    assert port.house.inside == 0


def test_last_words_still_arrive():
    stage = Stage()
    port, _ = opened(stage)
    stage.server.says(b"y" * 50_000 + b"bye")
    stage.server.hangs_up()
    assert port.client.read() == b"y" * 50_000 + b"bye"
    assert port.client.is_cut_off()


def test_who_does_not_read_last_words_is_cut_off():
    stage = Stage()
    port, _ = opened(stage)
    stage.server.says(b"y" * 50_000)
    stage.server.hangs_up()
    stage.loop.run(4)
    assert port.house.inside == 1
    stage.loop.run(2)
    assert port.house.inside == 0
    assert stage.busy == [0]


def test_who_does_not_read_makes_the_other_wait():
    stage = Stage()
    port, _ = opened(stage)
    assert stage.server.end.send(b"y" * 3_000_000) > 2_000_000
    assert len(port.wire.dataBuffer) + port.wire._tempDataLen < 300_000
    assert port.client.send(b"z" * 3_000_000) > 2_000_000
    wire = stage.server.wires[-1]
    assert len(wire.dataBuffer) + wire._tempDataLen < 300_000
    assert set(port.client.read()) == {ord("y")}
    assert set(stage.server.heard()) == {ord("z")}


def test_silence_ends_both():
    stage = Stage(patience=Patience(tunnel=100))
    port, _ = opened(stage)
    for _ in range(3):
        stage.loop.run(60)
        port.client.send(b"ping")
    assert stage.server.heard() == b"pingpingping"
    assert port.house.inside == 1
    stage.loop.run(105)
    assert port.house.inside == 0
    assert stage.server.end.is_cut_off()
    assert stage.busy == [0]


@pytest.mark.parametrize("who", ["client", "session", "other session"])
def test_what_was_let_in_by_a_session_ends_with_it_and_is_forgotten_with_its_end(who):
    stage, house = Stage(), House()
    insider, other = house.enter(), house.enter()
    stage.guard(insider)
    before = list(insider.on_over)
    port, said = opened(stage)
    assert status(said) == 101
    assert len(insider.on_over) == len(before) + 1
    if who == "client":
        port.client.take_up()
        stage.loop.run(1)
    else:
        (insider if who == "session" else other).lost("wamp.close.killed")
        stage.loop.run(1)
    still = who == "other session"
    assert who == "client" or port.client.is_cut_off() is not still
    assert stage.busy == [1 if still else 0]
    assert (insider.on_over == before) is not still


@pytest.mark.parametrize(("kind", "is_cut_off"), [("text/event-stream; charset=utf-8", True), ("text/plain", False)])
def test_an_answer_without_an_end_is_cut_off_with_the_session_and_others_are_not(kind, is_cut_off):
    stage = Stage()
    insider = House().enter()
    stage.guard(insider)
    port = stage.ask("/")
    stage.server.heard()
    stage.server.says(
        f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n".encode()
    )
    assert status(port.client.read()) == 200
    insider.lost("wamp.close.killed")
    assert port.client.is_cut_off() is is_cut_off


def test_nothing_of_the_http_server_cuts_a_pipe_off():
    stage = Stage()
    port, _ = opened(stage)
    for _ in range(4):
        stage.loop.run(channel.PATIENCE)
        port.client.send(b"x")
    assert port.house.inside == 1
    assert stage.server.heard() == b"xxxx"


def test_behind_proxies_of_the_listener_one_counts_for_its_client_until_it_is_over():
    stage = Stage()
    visitors = stage.behind("127.0.0.1")
    for ends in ("client", "backend"):
        port, answer = opened(stage, sent=request("/chat", "X-Forwarded-For: 198.51.100.7"))
        assert status(answer) == 101
        assert visitors.inside == ["198.51.100.7"]
        if ends == "client":
            port.client.close()
            port.loop.run()
        else:
            stage.server.resets()
            stage.loop.run(5)
        assert visitors.inside == []
