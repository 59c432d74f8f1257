"""The universal port: what is spoken is found out, and nobody gets further than a right handshake.

Somewhat long, so that this file alone covers `wampd.router.transports.universal`.
"""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transports.port import ACCEPT, EVERYTHING, KEY, House, Port, headers, request, status
from tests.wire.frames import TEXT, close, frame, read_frames
from wampd.router.transports.universal import Speaks
from wampd.router.transports.upgrade import Deflate, WebSocketPath, target_path

RAW_JSON = b"\x7f\xf1\x00\x00"

# ------------------------------------------------------------------------------------------------------- sniffing


@pytest.mark.spec("RAW-01", "RAW-02")
def test_rawsocket_is_told_by_the_first_octet():
    port = Port()
    assert port.ask(RAW_JSON) == b"\x7f\xb1\x00\x00"
    assert port.served[0].serializer == "json"
    assert port.served[0].about == {"type": "rawsocket", "peer": "127.0.0.1"}
    port.client.send(b"\x00\x00\x00\x02[]")
    assert port.served[0].heard == [b"[]"]


def test_websocket_is_told_by_its_path():
    port = Port()
    answer = port.ask(request())
    assert status(answer) == 101
    assert headers(answer)["sec-websocket-accept"] == ACCEPT
    assert headers(answer)["sec-websocket-protocol"] == "wamp.2.json"
    assert port.served[0].about == {"type": "websocket", "peer": "127.0.0.1", "protocol": "wamp.2.json"}
    port.client.send(frame(TEXT, b"[]"))
    assert port.served[0].heard == [b"[]"]


@pytest.mark.spec("RAW-02")
def test_everything_else_is_for_the_web_server():
    port = Port()
    answer = port.ask(b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(answer) == 200
    assert answer.endswith(b"page /index.html")


def test_several_requests_in_one_piece_and_on_one_connection_are_answered_in_order():
    port = Port()
    requests = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(5))
    answer = port.ask(requests) + port.ask(requests)
    places = [answer.index(b"page /%d" % number) for number in range(5)]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 200") == 10


def test_http_1_0_is_answered_and_closed():
    port = Port()
    answer = port.ask(b"GET /old HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"page /old")
    assert port.client.is_cut_off()
    assert port.house.inside == 0


@pytest.mark.parametrize("first", [b"\x00", b"\x16\x03\x01", b"\x80", b"\r\n\r\n", b" GET / HTTP/1.1\r\n\r\n", b"\xff"])
def test_what_is_neither_is_dropped_without_a_word(first):
    port = Port()
    assert port.ask(first * 10) == b""
    assert port.client.is_cut_off()
    assert port.house.inside == 0


@pytest.mark.spec("RAW-02")
def test_where_rawsocket_is_not_spoken_its_octet_means_nothing():
    port = Port(msgspec.structs.replace(EVERYTHING, rawsocket=()))
    assert port.ask(RAW_JSON) == b""
    assert port.client.is_cut_off()


@pytest.mark.spec("RAW-02")
def test_where_only_rawsocket_is_spoken_http_is_dropped():
    port = Port(Speaks(rawsocket=("json",)), web=False)
    assert port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
    assert port.client.is_cut_off()


def test_without_a_web_server_other_paths_are_not_found():
    port = Port(web=False)
    assert status(port.ask(request("/other"))) == 404
    assert port.client.is_cut_off()


# -------------------------------------------------------------------------------- handshake and first message


def test_the_answer_to_a_first_message_that_came_with_the_handshake_does_not_overtake_it():
    for opening, message, both in (
        (request(), frame(TEXT, b"[1]"), b"\r\n\r\n\x81\x03[1]"),
        (RAW_JSON, b"\x00\x00\x00\x03[1]", b"\x7f\xb1\x00\x00\x00\x00\x00\x03[1]"),
    ):
        port = Port()
        serve = port.house.serve

        def serve_echoing(*args, serve=serve):
            listener = serve(*args)
            listener.answer = lambda payload: payload
            return listener

        port.house.serve = serve_echoing
        assert port.ask(opening + message).endswith(both)


@pytest.mark.parametrize("opening", [request(), RAW_JSON, request("/echo")])
def test_a_handshake_that_comes_octet_by_octet_is_as_good(opening):
    whole = Port().ask(opening)
    port = Port()
    for position in range(len(opening) - 1):
        assert port.ask(opening[position : position + 1]) == b""
    answer = port.ask(opening[-1:])
    assert answer.split(b"\r\n")[0] == whole.split(b"\r\n")[0]
    assert len(port.served) == 1


@settings(deadline=None, max_examples=40)
@given(cut=st.integers(min_value=1, max_value=len(request()) - 1))
def test_a_handshake_may_be_split_anywhere(cut):
    port = Port()
    answer = port.ask(request()[:cut])
    assert answer == b""
    assert status(port.ask(request()[cut:])) == 101


def test_the_time_of_the_handshake_counts_towards_joining():
    port = Port()
    port.loop.run(3)
    port.ask(request())
    assert port.served[0].since == 1000.0


# ----------------------------------------------------------------------------------------------- request targets


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/ws", "/ws"),
        ("/ws?token=a/b?c", "/ws"),
        ("/ws#x", "/ws"),
        ("http://router.example/ws", "/ws"),
        ("HTTPS://router.example:8080/ws?x", "/ws"),
        ("http://router.example", "/"),
        ("http://router.example?x", ""),
        ("*", "*"),
        ("//evil/ws", "//evil/ws"),
        ("/%77s", "/%77s"),
    ],
)
def test_the_path_of_a_request_target(target, path):
    assert target_path(f"GET {target} HTTP/1.1\r\nHost: /ws x\r\n\r\n".encode()) == path


@pytest.mark.parametrize("target", ["/ws?session=1", "http://router.example:8080/ws"])
def test_websocket_is_found_at_targets_of_every_form(target):
    assert status(Port().ask(request(target))) == 101


@pytest.mark.parametrize("target", ["/WS", "/ws/", "/wsx", "//ws"])
def test_paths_match_exactly(target):
    assert status(Port(web=False).ask(request(target))) == 404


# ------------------------------------------------------------------------------------- what a request must be


def test_a_request_that_does_not_upgrade_is_told_to():
    answer = Port().ask(request(without=("Upgrade", "Connection")))
    assert status(answer) == 426
    assert headers(answer)["upgrade"] == "websocket"


@pytest.mark.parametrize("body", ["", "Content-Length: 2", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("method", ["POST", "PUT", "OPTIONS", "HEAD", "BREW", "get"])
def test_another_method_than_get_is_told_so_whatever_it_brings(method, body):
    head = f"{method} /ws HTTP/1.1\r\nHost: router.example\r\n{body}\r\n".encode() + (b"\r\n" if body else b"")
    answer = Port().ask(head)
    assert status(answer) == 405
    assert headers(answer)["allow"] == "GET"
    text = answer.partition(b"\r\n\r\n")[2]
    assert text == (b"" if method == "HEAD" else b"WebSocket begins with GET\n")


def test_another_version_of_websocket_is_told_which_one_is_spoken():
    answer = Port().ask(request(Sec_WebSocket_Version="8"))
    assert status(answer) == 426
    assert headers(answer)["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    "head",
    [
        request(without=("Sec-WebSocket-Key",)),
        request(Sec_WebSocket_Key="short"),
        request("/ws", f"Sec-WebSocket-Key: {KEY}"),
        request(without=("Sec-WebSocket-Version",)),
        request(without=("Host",)),
        request("/ws", "Host: other"),
        request("/ws", "Content-Length: 5"),
        request("/ws", "Transfer-Encoding: chunked"),
        request("/ws", "no colon"),
        request("/ws", "Spaced : x"),
        request(version="HTTP/2.0"),
        b"GET /ws\r\n\r\n",
    ],
    ids=lambda head: head[-40:].decode().strip(),
)
def test_a_malformed_request_to_a_websocket_path_is_a_bad_request(head):
    port = Port(web=False)
    assert status(port.ask(head)) in (400, 404)
    assert port.client.is_cut_off()
    assert port.served == []


@pytest.mark.parametrize("octet", [b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x85", b"\r", b"\n", b"\x00"])
def test_no_octet_but_crlf_splits_or_joins_headers(octet):
    """Trap 10: a proxy that reads one header where the router reads two lets a client speak for another."""
    head = request("/ws", "X-One: 1{}Origin: https://evil.example").replace(b"{}", octet)
    port = Port()
    answer = port.ask(head)
    if octet == b"\x85":  # an octet of a value like any other
        assert status(answer) == 101
    else:
        assert status(answer) == 400
        assert port.served == []


def test_lines_that_end_in_lf_alone_are_refused_at_once():
    assert status(Port().ask(b"GET /ws HTTP/1.1\nHost: x\n\n")) == 400


@pytest.mark.parametrize("path", ["/ws", "/page"])
def test_a_request_head_over_its_limits_is_refused_however_it_comes(path):
    long = request(path, *["X-Long: " + "x" * 4_000] * 5)
    lines = request(path, *[f"X-{number}: x" for number in range(101)])
    for head, code in ((long, 431), (lines, 431), (long[:-4], 431), (b"GET /" + b"x" * 20_000, 414)):
        port = Port()
        assert status(port.ask(head)) == code
        assert port.client.is_cut_off()


def test_a_line_of_more_than_8_kb_is_refused():
    assert status(Port().ask(request("/ws", "X-Long: " + "x" * 8_200))) == 431


def test_what_is_sent_is_not_held_back_for_more():
    assert Port().wire.is_prompt


def test_a_request_head_within_its_limits_is_taken():
    assert status(Port().ask(request("/ws", "X-Long: " + "x" * 8_000, "X-Longer: " + "x" * 8_000))) == 101
    assert status(Port().ask(request("/ws", *[f"X-{number}: x" for number in range(90)]))) == 101


def test_a_refusal_reaches_a_client_that_goes_on_sending():
    port = Port()
    port.client.end.send(b"GET /" + b"x" * 3_000)
    port.loop.run()
    for _ in range(30):
        port.client.send(b"x" * 1000)
    assert status(port.client.read()) == 414


# -------------------------------------------------------------------------------------------------- subprotocols


@pytest.mark.spec("WS-01")
@pytest.mark.parametrize(
    ("offered", "path", "chosen"),
    [
        ("wamp.2.cbor,wamp.2.json", "/ws", "wamp.2.cbor"),
        ("wamp.2.json, wamp.2.cbor", "/ws", "wamp.2.json"),
        ("foo, wamp.2.msgpack", "/ws", "wamp.2.msgpack"),
        ("wamp.2.cbor, wamp.2.json", "/json", "wamp.2.json"),
        ("wamp.2.cbor.batched, wamp.2.json.batched, wamp.2.json", "/json", "wamp.2.json.batched"),
        ("wamp.2.json.batched, wamp.2.cbor", "/single", "wamp.2.cbor"),
    ],
)
def test_the_first_of_the_clients_subprotocols_that_is_spoken_is_chosen(offered, path, chosen):
    port = Port()
    assert headers(port.ask(request(path, Sec_WebSocket_Protocol=offered)))["sec-websocket-protocol"] == chosen
    assert port.served[0].serializer == chosen.split(".")[2]


@pytest.mark.spec("WS-01")
def test_subprotocols_may_come_in_several_headers():
    port = Port()
    answer = port.ask(request("/json", "Sec-WebSocket-Protocol: wamp.2.json", Sec_WebSocket_Protocol="wamp.2.cbor"))
    assert headers(answer)["sec-websocket-protocol"] == "wamp.2.json"


@pytest.mark.spec("WS-02")
@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/ws", {"Sec_WebSocket_Protocol": "foo.bar"}),
        ("/ws", {"without": ("Sec-WebSocket-Protocol",)}),
        ("/json", {"Sec_WebSocket_Protocol": "wamp.2.cbor"}),
        ("/json", {"Sec_WebSocket_Protocol": "wamp.2.cbor.batched"}),
        ("/single", {"Sec_WebSocket_Protocol": "wamp.2.json.batched"}),
    ],
)
def test_without_a_common_subprotocol_the_handshake_fails(path, change):
    port = Port()
    assert status(port.ask(request(path, **change))) == 400
    assert port.served == []


def test_an_echo_path_takes_any_client():
    port = Port()
    answer = port.ask(request("/echo", Sec_WebSocket_Protocol="anything"))
    assert status(answer) == 101
    assert "sec-websocket-protocol" not in headers(answer)


# -------------------------------------------------------------------------------------------------------- Origin


@pytest.mark.spec("WS-06")
@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        ("http://router.example:8080", "router.example:8080", True),
        ("http://ROUTER.example:8080", "router.EXAMPLE:8080", True),
        ("http://router.example", "router.example:80", True),
        ("https://router.example", "router.example:443", True),
        ("https://router.example", "router.example", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("http://[::1]", "[::1]", True),
        ("http://router.example", "router.example:8080", False),
        ("http://evil.example:8080", "router.example:8080", False),
        ("http://router.example:8080.evil.example", "router.example:8080", False),
        ("http://router.example@evil.example", "router.example", False),
        ("null", "router.example:8080", False),
        ("null", "", False),
        ("file://", "", False),
        ("http://", "", False),
        ("http://[", "router.example:8080", False),
        ("", "router.example:8080", False),
    ],
)
def test_pages_of_the_same_host_and_port_may_connect_and_others_may_not(origin, host, allowed):
    answer = Port().ask(request("/ws", f"Origin: {origin}", Host=host))
    assert status(answer) == (101 if allowed else 403)


def test_two_origins_are_none():
    origin = "Origin: http://router.example:8080"
    assert status(Port().ask(request("/ws", origin, origin))) == 403


def test_programs_send_no_origin_and_may_connect():
    assert status(Port().ask(request())) == 101


@pytest.mark.spec("WS-06")
@pytest.mark.parametrize(
    ("allowed", "origin", "expected"),
    [
        (("*",), "https://anything.example", 101),
        (("*",), "null", 101),
        (("https://a.example",), "https://a.example", 101),
        (("https://a.example",), "https://A.example", 101),
        (("https://a.example",), "http://a.example", 403),
        (("https://a.example",), "http://router.example:8080", 403),
        (("https://a.example", "same-host"), "http://router.example:8080", 101),
        (("http://[::1]:9000",), "http://[::1]:9000", 101),
        (("https://a.example",), "https://axexample", 403),
    ],
)
def test_a_path_may_name_its_origins(allowed, origin, expected):
    speaks = Speaks(websocket={"/ws": WebSocketPath(serializers=("json",), origins=allowed)})
    assert status(Port(speaks).ask(request("/ws", f"Origin: {origin}"))) == expected


# --------------------------------------------------------------------------------------------------- compression

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


@pytest.mark.spec("WS-06")
def test_compression_is_off_unless_it_is_set():
    assert "sec-websocket-extensions" not in headers(Port().ask(request("/ws", OFFER)))


@pytest.mark.spec("WS-06")
def test_compression_is_as_it_is_set():
    path = WebSocketPath(serializers=("json",), deflate=Deflate(window_bits=10))
    answer = Port(Speaks(websocket={"/ws": path})).ask(request("/ws", OFFER))
    extension = headers(answer)["sec-websocket-extensions"]
    assert {part.strip() for part in extension.split(";")} == {
        "permessage-deflate",
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits=10",
    }


def test_a_client_that_offers_no_compression_gets_none():
    path = WebSocketPath(serializers=("json",), deflate=Deflate())
    assert "sec-websocket-extensions" not in headers(Port(Speaks(websocket={"/ws": path})).ask(request()))


# ------------------------------------------------------------------------------------------ deadlines and limits


@pytest.mark.spec("RAW-14", "SES-14")
@pytest.mark.parametrize("beginning", [b"", b"\x7f", RAW_JSON[:3], b"G", request()[:-1]])
def test_who_does_not_finish_a_handshake_in_time_is_cut_off(beginning):
    port = Port()
    port.client.send(beginning)
    port.loop.run(4.9)
    assert port.house.inside == 1
    port.loop.run(0.6)
    assert port.client.is_cut_off()
    assert port.house.inside == 0


def test_a_trickle_of_octets_does_not_extend_the_time():
    port = Port()
    for octet in request()[:24]:
        port.client.send(bytes((octet,)))
        port.loop.run(0.2)
    assert port.house.inside == 1
    port.loop.run(0.6)
    assert port.client.is_cut_off()


def test_a_freeze_of_the_routers_own_gives_the_handshake_its_time_again():
    port = Port()
    port.loop.run(1)
    port.loop.advance(20)
    port.loop.run(4)
    assert port.house.inside == 1
    port.loop.run(2)
    assert port.house.inside == 0


def test_after_the_handshake_its_deadline_is_gone():
    port = Port()
    port.ask(request())
    port.loop.run(9)
    assert not port.house.gone


def test_who_leaves_during_the_handshake_is_counted_out():
    port = Port()
    port.client.send(b"GET ")
    port.client.close()
    port.loop.run(1)
    assert port.house.inside == 0
    assert port.loop.getDelayedCalls() == []


@pytest.mark.parametrize("opening", [request(), RAW_JSON, b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n", request(Host="")])
def test_everybody_who_was_counted_in_is_counted_out_once(opening):
    port = Port()
    port.ask(opening)
    port.client.close()
    port.loop.run(10)
    assert port.house.inside == 0


@pytest.mark.spec("RAW-07")
def test_over_the_limit_rawsocket_gets_error_4_and_http_503():
    house = House(room=0)
    assert Port(house=house).ask(RAW_JSON) == b"\x7f\x40\x00\x00"
    assert status(Port(house=house).ask(request())) == 503
    assert house.served == []


def test_when_even_those_who_wait_for_a_refusal_are_too_many_they_are_dropped():
    house = House(room=0, told=2)
    ports = [Port(house=house) for _ in range(4)]
    assert [port.client.is_cut_off() for port in ports] == [False, False, True, True]
    assert house.waiting == 2
    for port in ports:
        port.client.close()
        port.loop.run(1)
    assert (house.waiting, house.inside) == (0, 0)


# --------------------------------------------------------------------------------------------- RawSocket refusals


@pytest.mark.spec("RAW-03", "RAW-04", "RAW-06")
@pytest.mark.parametrize(
    ("opening", "answer"),
    [
        (b"\x7f\xf9\x00\x00", b"\x7f\x10\x00\x00"),
        (b"\x7f\xf0\x00\x00", b"\x7f\x10\x00\x00"),
        (b"\x7f\xf1\x00\x01", b"\x7f\x30\x00\x00"),
    ],
)
def test_a_refused_rawsocket_handshake_is_answered_with_its_error_and_closed(opening, answer):
    port = Port()
    assert port.ask(opening) == answer
    assert port.client.is_cut_off()


def test_a_listener_announces_its_own_limit():
    port = Port(
        msgspec.structs.replace(EVERYTHING, frames=msgspec.structs.replace(EVERYTHING.frames, message_size=512))
    )
    assert port.ask(RAW_JSON) == b"\x7f\x01\x00\x00"
    port.client.send(b"\x00\x00\x02\x01" + b"x" * 513)
    assert port.served[0].log[0].startswith("failed")


# -------------------------------------------------------------------------------------------------- conversations


def test_a_whole_websocket_conversation():
    port = Port()
    port.ask(request())
    listener = port.served[0]
    listener.answer = lambda payload: payload[::-1]
    assert read_frames(port.ask(frame(TEXT, b"abc")))[0].payload == b"cba"
    assert read_frames(port.ask(close(1000)))[0].code == 1000
    assert listener.log == ["lost: closed by the peer"]
    port.client.close()
    port.loop.run()
    assert port.house.gone == [listener.connection]
    assert port.house.inside == 0
