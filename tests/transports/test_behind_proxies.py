"""Behind proxies: the client is whom a trusted proxy speaks for, in headers or by the PROXY protocol, and counts as that.

The connections of these tests come from 127.0.0.1.
"""

import msgspec
import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.auth.test_jar import Shell
from tests.support.certificates import make_certificate
from tests.support.sites import build_site
from tests.transports.port import ACCEPT, ALL, EVERYTHING, House, Port, headers, request, status
from tests.transports.test_tls import TlsClient, trusting
from tests.wire.frames import TEXT, frame
from tests.wire.test_proxy_header import binary
from tests.wire.test_proxy_header import tls as by_tls
from wampd.router.cookies import Attributes, Cookies
from wampd.router.forwarded import Proxies, Trusted
from wampd.router.http.accesslog import AccessLog, combined
from wampd.router.http.introduced import Introduced
from wampd.router.line import Patience
from wampd.router.realms import Realms
from wampd.router.reception import MOST_WAITING, Door, Lobby, Reception
from wampd.router.transports import tls
from wampd.router.transports.greeting import Greetings
from wampd.router.transports.universal import UniversalPort
from wampd.router.transports.upgrade import WebSocketPath
from wampd.router.wire.proxy_header import V2

RAW = b"\x7f\xf1\x00\x00"
LINE = b"PROXY TCP4 198.51.100.7 192.0.2.1 56324 443\r\n"
CLIENT, OTHER = "198.51.100.7", "203.0.113.9"
TRUSTED = Trusted(["127.0.0.1", "10.0.0.0/8"])


class Counting(House):
    """A house whose connections are counted as those of the daemon."""

    def __init__(self, *, most=100, of_one=None, trusted=TRUSTED, **more):
        super().__init__()
        clock = Clock()
        self.lobby = Lobby(most, clock.seconds)
        self.reception = Reception(
            self.lobby, Realms(clock, "wampd-test"), {}, Patience(), most_per_address=of_one, proxies=trusted, **more
        )
        counts = ("admit", "release", "moves", "enters", "leaves", "turn_away", "turned_away", "arrives")
        for name in counts:
            setattr(self, name, getattr(self.reception, name))

    @property
    def counted(self):
        """How many connections each address has."""
        return dict(self.reception._by_address)

    @property
    def is_empty(self):
        return not self.counted and self.lobby.open == self.lobby.waiting == self.lobby.arriving == 0


@pytest.fixture
def said():
    """The lines of the log, and no failure of ours among them."""
    events = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)
    assert [event for event in events if "log_failure" in event] == []


@pytest.fixture
def shell():
    return Shell()


# --------------------------------------------------------------------------------------------- headers: WebSocket


def port(house=None, *, header="x-forwarded-for", trusted=TRUSTED, paths=None, **more):
    """A port that believes a header."""
    speaks = msgspec.structs.replace(EVERYTHING, proxies=Proxies(trusted, header))
    if paths is not None:
        speaks = msgspec.structs.replace(speaks, websocket=paths)
    return Port(speaks, house=house or Counting(), **more)


def test_a_session_is_that_of_the_client():
    for header, value in (("x-forwarded-for", f"192.0.2.1, {CLIENT}"), ("forwarded", f"for=192.0.2.1, for={CLIENT}")):
        wired = port(header=header)
        assert status(wired.ask(request("/ws", f"{header}: {value}"))) == 101
        assert wired.served[0].about["peer"] == CLIENT
        assert wired.house.counted == {CLIENT: 1}
        wired.client.close()
        wired.loop.run()
        assert wired.house.is_empty


def test_headers_of_others_and_other_headers_are_not_believed():
    wired = port(trusted=Trusted(["192.0.2.0/24"]))
    assert status(wired.ask(request("/ws", f"X-Forwarded-For: {CLIENT}"))) == 101
    assert wired.served[0].about["peer"] == "127.0.0.1"
    wired = port(header="forwarded")
    assert status(wired.ask(request("/ws", f"X-Forwarded-For: {CLIENT}"))) == 101
    assert wired.served[0].about["peer"] == "127.0.0.1"


def test_a_client_behind_a_proxy_may_have_only_so_many_connections(said):
    house = Counting(of_one=2)
    opening = request("/ws", f"X-Forwarded-For: {CLIENT}")
    inside = [port(house) for _ in range(2)]
    assert [status(each.ask(opening)) for each in inside] == [101, 101]
    third = port(house)
    assert status(third.ask(opening)) == 503
    assert (house.counted, house.lobby.refused) == ({CLIENT: 2, "127.0.0.1": 1}, 1)
    third.client.close()
    third.loop.run()
    assert house.counted == {CLIENT: 2}
    assert status(port(house).ask(request("/ws", f"X-Forwarded-For: {OTHER}"))) == 101
    inside[0].client.close()
    inside[0].loop.run()
    assert status(port(house).ask(opening)) == 101


def test_a_handshake_that_fails_is_counted_out_for_the_client():
    house = Counting(of_one=1)
    for _ in range(3):
        refused = port(house)
        assert status(refused.ask(request("/ws", f"X-Forwarded-For: {CLIENT}", "Host: twice"))) == 400
        refused.client.close()
        refused.loop.run()
        assert house.is_empty


def test_a_proxy_may_have_as_many_connections_as_there_are():
    house = Counting(of_one=1)
    ports = [port(house) for _ in range(5)]
    assert [each.ask(RAW)[:2] for each in ports] == [b"\x7f\xb1"] * 5
    assert house.counted == {"127.0.0.1": 5}


def test_the_log_names_the_client(said):
    port().ask(request("/ws", f"X-Forwarded-For: {CLIENT}", Origin="https://evil.example"))
    assert [event["address"] for event in said if "pages from" in event.get("why", "")] == [CLIENT]


def test_who_came_by_tls_gets_a_cookie_for_that_and_others_the_other(shell):
    cookies = Cookies(shell.jar, Attributes(), by_tls=Cookies(shell.jar, Attributes(secure=True)))
    paths = {"/ws": WebSocketPath(serializers=ALL, cookies=cookies)}
    said = ["", "X-Forwarded-Proto: http", "X-Forwarded-Proto: https"]
    set_cookies = []
    for line in said:
        answer = port(paths=paths).ask(request("/ws", f"X-Forwarded-For: {CLIENT}", *filter(None, [line])))
        set_cookies.append(headers(answer)["set-cookie"])
    assert [("; Secure" in each, each.partition("=")[0]) for each in set_cookies] == [
        (False, "wampd"),
        (False, "wampd"),
        (True, "__Host-wampd"),
    ]


@pytest.mark.parametrize(
    ("proto", "origin", "code"), [("https", "https", 101), ("https", "http", 403), ("http", "http", 101)]
)
def test_with_a_cookie_pages_of_this_host_come_by_tls_if_they_can(shell, proto, origin, code):
    cookies = Cookies(shell.jar, Attributes(), by_tls=Cookies(shell.jar, Attributes(secure=True)))
    wired = port(paths={"/ws": WebSocketPath(serializers=ALL, cookies=cookies)})
    lines = f"X-Forwarded-For: {CLIENT}", f"X-Forwarded-Proto: {proto}"
    assert status(wired.ask(request("/ws", *lines, Origin=f"{origin}://router.example:8080"))) == code


# -------------------------------------------------------------------------------------------------- headers: HTTP


class Later(Resource):
    """Answers when it is told to."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self):
        super().__init__()
        self.requests = []

    def render(self, request):
        self.requests.append(request)
        return NOT_DONE_YET


class Who(Resource):
    """Says who asks."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request):
        address = request.getClientAddress()
        return f"{address.host} {address.port} {request.isSecure()}".encode()


class Web:
    """A web server behind proxies."""

    def __init__(self, *, of_one=None, header="x-forwarded-for", **more):
        self.house = Counting(of_one=of_one)
        self.later = Later()
        self.lines = []
        self.site = build_site(
            {"/who": Who(), "/later": self.later},
            introduced=Introduced(Proxies(TRUSTED, header), self.house),
            access_log=AccessLog(combined, self.lines.append),
            **more,
        )

    def connect(self):
        return port(self.house, site=self.site)


def get(path, *lines):
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode("latin-1")


def by(client):
    return f"X-Forwarded-For: 192.0.2.1, {client}"


def test_each_request_on_a_connection_has_its_own_client():
    web = Web()
    wired = web.connect()
    asked = [(by(CLIENT), "X-Forwarded-Proto: https"), (by("[2001:db8::7]:80"),), (), ("X-Forwarded-For: unknown",)]
    answers = wired.ask(b"".join(get("/who", *lines) for lines in asked))
    expected = [f"{CLIENT} 0 True", "2001:db8::7 80 False", "127.0.0.1 40000 False", "127.0.0.1 40000 False"]
    assert [answer.rpartition(b"\r\n\r\n")[2].decode() for answer in answers.split(b"HTTP/1.1 ")[1:]] == expected
    assert [line.split()[0].decode() for line in web.lines] == [CLIENT, "2001:db8::7", "127.0.0.1", "127.0.0.1"]
    assert web.house.counted == {"127.0.0.1": 1}


def test_forwarded_is_read_where_that_is_believed():
    wired = Web(header="forwarded").connect()
    assert wired.ask(get("/who", f"Forwarded: for={CLIENT};proto=https", by(OTHER))).endswith(
        f"{CLIENT} 0 True".encode()
    )


def test_requests_under_way_count_for_their_client():
    web = Web(of_one=2)
    ports = [web.connect() for _ in range(3)]
    for each in ports[:2]:
        assert each.ask(get("/later", by(CLIENT))) == b""
    assert web.house.counted == {"127.0.0.1": 3, CLIENT: 2}
    assert status(ports[2].ask(get("/later", by(CLIENT)))) == 503
    assert ports[2].client.is_cut_off()
    assert status(web.connect().ask(get("/who", by(OTHER)))) == 200
    web.later.requests[0].write(b"done")
    web.later.requests[0].finish()
    assert web.house.counted[CLIENT] == 1
    assert status(web.connect().ask(get("/who", by(CLIENT)))) == 200
    ports[1].client.close()
    ports[1].loop.run()
    assert CLIENT not in web.house.counted


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 99999999999",),
        ("Host: another",),
        ("Expect: 100-continue", "Content-Length: 10"),
    ],
)
def test_whatever_ends_a_request_its_client_is_counted_out(lines):
    web = Web(of_one=1)
    for _ in range(3):
        wired = web.connect()
        wired.ask(get("/who", by(CLIENT), *lines).replace(b"GET", b"POST"))
        wired.client.close()
        wired.loop.run(40)
        assert web.house.is_empty


def test_a_request_of_one_that_was_refused_counts_for_nobody(said):
    web = Web(of_one=1)
    holding = web.connect()
    holding.ask(get("/later", by(CLIENT)))
    for _ in range(3):
        refused = web.connect()
        assert status(refused.ask(get("/later", by(CLIENT)))) == 503
        refused.client.close()
        refused.loop.run(5)
    assert web.house.counted == {"127.0.0.1": 1, CLIENT: 1}
    assert {event["client"] for event in said if event.get("status") == 503} == {CLIENT}


def test_browsers_that_came_by_tls_are_told_to_do_so_again():
    web = Web(headers_by_tls=((b"Strict-Transport-Security", b"max-age=1"),))
    wired = web.connect()
    told = [
        b"Strict-Transport-Security" in wired.ask(get("/who", by(CLIENT), f"X-Forwarded-Proto: {proto}"))
        for proto in ("http", "https", "http")
    ]
    assert told == [False, True, False]


# ------------------------------------------------------------------------- WebSocket on a connection that was HTTP's


@pytest.fixture
def kept():
    """A connection that a proxy keeps, and has sent a request on."""
    web = Web(of_one=1)
    web.site.beside = msgspec.structs.replace(EVERYTHING, proxies=Proxies(TRUSTED, "x-forwarded-for"))
    wired = web.connect()
    assert status(wired.ask(get("/who", by(OTHER)))) == 200
    return wired


def test_a_session_may_begin_on_a_connection_that_had_requests(kept):
    answer = kept.ask(request("/ws", by(CLIENT)) + frame(TEXT, b"[1]"))
    assert (status(answer), headers(answer)["sec-websocket-accept"]) == (101, ACCEPT)
    (session,) = kept.served
    assert session.about == {"type": "websocket", "peer": CLIENT, "protocol": "wamp.2.json"}
    kept.client.send(frame(TEXT, b"[2]"))
    assert session.heard == [b"[1]", b"[2]"]
    kept.loop.run(25)
    assert not kept.client.is_cut_off()
    assert kept.house.counted == {CLIENT: 1}
    assert kept.house.lobby.arriving == 0
    kept.client.close()
    kept.loop.run()
    assert kept.house.gone == [session.connection]
    assert kept.house.is_empty


def test_it_may_join_as_late_as_on_a_connection_of_its_own(kept):
    kept.loop.run(20)
    kept.ask(request("/ws", by(CLIENT)))
    assert kept.served[0].since == 1020.0


def test_requests_before_it_are_answered_first():
    web = Web()
    web.site.beside = EVERYTHING
    wired = web.connect()
    answers = wired.ask(get("/who") * 3 + request("/ws"))
    assert [answer[:3] for answer in answers.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 3 + [b"101"]


@pytest.mark.parametrize("reads", [True, False])
def test_an_answer_that_is_read_slowly_is_sent_before_it_or_ends_it(reads):
    web = Web()
    web.site.beside = EVERYTHING
    wired = web.connect()
    wired.client.send(get("/later") + request("/ws"))
    (later,) = web.later.requests
    later.write(b"x" * 300_000)
    later.finish()
    wired.loop.run(1)
    assert wired.served == []
    if reads:
        answers = wired.client.read()
        assert answers.count(b"x" * 1000) == 300
        assert b"HTTP/1.1 101" in answers[300_000:]
    else:
        wired.loop.run(60)
        assert wired.house.is_empty


def test_what_is_refused_on_its_own_connection_is_refused_there(kept):
    assert status(kept.ask(request("/ws", by(CLIENT), Origin="https://evil.example"))) == 403
    assert kept.client.is_cut_off()
    kept.client.close()
    kept.loop.run()
    assert kept.house.is_empty


def test_limits_of_the_client_hold_there_too(kept):
    assert status(port(kept.house).ask(request("/ws", by(CLIENT)))) == 101
    assert status(kept.ask(request("/ws", by(CLIENT)))) == 503
    kept.client.close()
    kept.loop.run()
    assert kept.house.counted == {CLIENT: 1}


@pytest.mark.parametrize("lines", [("Upgrade: websocket",), ("Upgrade: h2c", "Connection: Upgrade"), ()])
def test_what_is_for_no_websocket_path_stays_with_the_web_server(kept, lines):
    for _ in range(2):
        assert status(kept.ask(get("/who", by(CLIENT), *lines))) == 200
    assert status(kept.ask(get("/ws"))) == 404


def test_a_connection_that_falls_silent_in_the_handshake_is_cut_off(kept):
    kept.client.send(request("/ws", by(CLIENT))[:-2])
    kept.loop.run(40)
    assert kept.client.is_cut_off()
    assert kept.house.is_empty


def test_paths_are_those_of_the_present_configuration(kept):
    site = kept.wire.protocol._protocol.site
    assert status(kept.ask(get("/new"))) == 404
    fresh = Web().site
    fresh.beside = msgspec.structs.replace(EVERYTHING, websocket={"/new": WebSocketPath(serializers=ALL)})
    site.become(fresh)
    assert status(kept.ask(request("/ws"))) == 404
    assert status(kept.ask(request("/new"))) == 101


# ------------------------------------------------------------------------------------------------- PROXY protocol


class Behind:
    """What is behind the header."""

    def __init__(self, port, site):
        self._port = port
        self._site = site

    def doStart(self):
        pass

    doStop = doStart  # noqa: N815 - Twisted's name

    def buildProtocol(self, addr):
        return UniversalPort(EVERYTHING, self._port.house, self._port.wheel, self._site.buildProtocol, addr)


class Greeted(Port):
    """One connection to a port where the PROXY protocol is spoken."""

    def __init__(self, *, house=None, certificates=None):
        self._certificates = certificates
        self.site = Web().site
        super().__init__(house=house or Counting(), site=self.site)

    def connect(self):
        factory = Behind(self, self.site)
        if self._certificates is not None:
            factory = tls.wrap(factory, self._certificates)
            factory._clock = self.loop
        self.protocol = Greetings(factory, self.house, self.wheel, 5).buildProtocol(None)
        self.wire.protocol = self.protocol
        self.protocol.makeConnection(self.wire)


@pytest.mark.parametrize("header", [LINE, binary()])
def test_all_that_is_spoken_is_spoken_after_the_header(header):
    raw, websocket, http = Greeted(), Greeted(), Greeted()
    assert raw.ask(header + RAW + b"\x00\x00\x00\x02[]") == b"\x7f\xb1\x00\x00"
    assert raw.served[0].about == {"type": "rawsocket", "peer": CLIENT}
    assert raw.served[0].heard == [b"[]"]
    assert status(websocket.ask(header + request() + frame(TEXT, b"[]"))) == 101
    assert websocket.served[0].about["peer"] == CLIENT
    assert websocket.served[0].heard == [b"[]"]
    assert http.ask(header + get("/who")).endswith(f"{CLIENT} 56324 False".encode())
    assert http.ask(get("/who", by(OTHER))).endswith(f"{CLIENT} 56324 False".encode())
    for each in (raw, websocket, http):
        assert each.house.counted == {CLIENT: 1}
        each.client.close()
        each.loop.run()
        assert each.house.is_empty


@pytest.mark.parametrize("header", [LINE, binary(more=by_tls(1))])
def test_the_header_may_come_octet_by_octet(header):
    wired = Greeted()
    for octet in header + RAW:
        assert wired.served == []
        wired.client.send(bytes([octet]))
    assert wired.client.read() == b"\x7f\xb1\x00\x00"
    assert wired.served[0].about["peer"] == CLIENT


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", binary(command=0x20), V2 + b"\x20\x00\x00\x00"])
def test_a_proxy_that_speaks_for_itself_keeps_its_address(header):
    wired = Greeted()
    wired.ask(header + RAW)
    assert wired.served[0].about["peer"] == "127.0.0.1"
    assert Greeted().ask(header + get("/who")).endswith(b"127.0.0.1 40000 False")


def test_version_2_may_say_that_the_client_came_by_tls():
    assert Greeted().ask(binary(more=by_tls(1)) + get("/who")).endswith(f"{CLIENT} 56324 True".encode())
    assert Greeted().ask(binary(more=by_tls(0)) + get("/who")).endswith(f"{CLIENT} 56324 False".encode())


@pytest.mark.parametrize(
    "first",
    [
        RAW,
        request(),
        b"\x16\x03\x01\x02\x00",
        b"PROXY TCP4 1.2.3.4\r\n" + RAW,
        b"PROXY TCP4 " + b"1" * 200,
        LINE[1:],
        V2 + b"\xff" * 9,
    ],
)
def test_what_does_not_begin_with_a_header_is_closed_without_a_word(first, said):
    wired = Greeted()
    assert wired.ask(first) == b""
    assert wired.client.is_cut_off()
    assert wired.served == []
    assert wired.house.is_empty
    assert wired.house.refusals == 1
    assert [event["address"] for event in said if "PROXY" in event.get("why", "")] == ["127.0.0.1"]


@pytest.mark.parametrize("beginning", [b"", b"P", LINE[:-1], binary()[:-1], binary()[:13]])
def test_a_header_that_never_ends_is_waited_for_no_longer_than_a_handshake(beginning, said):
    wired = Greeted()
    wired.client.send(beginning)
    wired.loop.run(4)
    wired.client.send(b"")
    assert wired.house.counted == {"127.0.0.1": 1}
    wired.loop.run(2)
    assert wired.client.is_cut_off()
    assert wired.house.is_empty
    assert wired.house.refusals == 1
    assert len([event for event in said if "in time" in event.get("log_format", "")]) == 1


def test_after_the_header_the_handshake_has_its_own_time():
    wired = Greeted()
    wired.loop.run(4)
    wired.client.send(LINE)
    assert wired.house.counted == {CLIENT: 1}
    wired.loop.run(4)
    assert wired.ask(RAW) == b"\x7f\xb1\x00\x00"
    late = Greeted()
    late.client.send(LINE)
    late.loop.run(6)
    assert late.client.is_cut_off()
    assert late.house.is_empty


def test_who_leaves_before_the_header_is_whole_is_counted_out():
    wired = Greeted()
    wired.client.send(LINE[:20])
    wired.client.close()
    wired.loop.run()
    assert wired.house.is_empty


def test_a_client_with_too_many_connections_is_told_so():
    house = Counting(of_one=1)
    assert Greeted(house=house).ask(LINE + RAW) == b"\x7f\xb1\x00\x00"
    raw, http = Greeted(house=house), Greeted(house=house)
    assert raw.ask(LINE + RAW) == b"\x7f\x40\x00\x00"
    assert status(http.ask(LINE + get("/who"))) == 503
    assert Greeted(house=house).ask(binary("203.0.113.9") + RAW) == b"\x7f\xb1\x00\x00"
    for each in (raw, http):
        each.client.close()
        each.loop.run()
    assert house.counted == {CLIENT: 1, OTHER: 1}


def test_when_there_is_no_room_at_all_clients_are_told_so_or_dropped():
    house = Counting(most=1)
    assert Greeted(house=house).ask(LINE + RAW) == b"\x7f\xb1\x00\x00"
    told = [Greeted(house=house) for _ in range(MOST_WAITING)]
    assert house.lobby.waiting == MOST_WAITING
    assert Greeted(house=house).client.is_cut_off()
    assert told[0].ask(binary("203.0.113.9") + RAW) == b"\x7f\x40\x00\x00"
    for each in told:
        each.client.close()
        each.loop.run()
    assert (house.lobby.waiting, house.lobby.open) == (0, 1)


def test_who_is_refused_is_refused_once():
    house = Counting(of_one=1)
    assert Greeted(house=house).ask(LINE + RAW) == b"\x7f\xb1\x00\x00"
    for _ in range(MOST_WAITING):
        assert Greeted(house=house).ask(LINE) == b""
    assert (house.lobby.waiting, house.lobby.open, house.lobby.arriving) == (MOST_WAITING, 1, 0)
    assert Greeted(house=house).ask(LINE) == b""
    assert (house.lobby.waiting, house.lobby.open, house.lobby.arriving) == (MOST_WAITING, 1, 0)
    assert house.lobby.refused == MOST_WAITING + 1


def test_who_had_connected_before_the_router_was_told_to_stop_is_heard_out():
    wired = Greeted()
    wired.client.send(LINE[:10])
    wired.house.lobby.closing = True
    wired.client.send(LINE[10:])
    assert wired.house.lobby.arriving == 1
    assert wired.ask(RAW) == b"\x7f\xb1\x00\x00"
    assert wired.house.lobby.arriving == 0


def test_only_proxies_are_received():
    house = Counting(only_proxies=True)
    made = []

    class Factory:
        doStart = doStop = lambda self: None  # noqa: N815

        def buildProtocol(self, addr):
            made.append(addr.host)
            return object()

    door = Door(Factory(), house.reception.receives)
    for host in ("127.0.0.1", "10.9.9.9", CLIENT):
        door.buildProtocol(IPv4Address("TCP", host, 1))
    assert made == ["127.0.0.1", "10.9.9.9"]
    assert house.lobby.refused == 1


# -------------------------------------------------------------------------------------------------- below TLS


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


def greeted_by_tls(pem, header, **more):
    """A connection whose header was sent before its TLS handshake."""
    wired = Greeted(certificates=tls.Certificates([pem]), **more)
    wired.client.send(header)
    wired.client = TlsClient(wired.loop, wired.client.end, trusting(pem), "localhost")
    return wired


def test_the_header_comes_before_tls(pem):
    raw, http = (greeted_by_tls(pem, LINE) for _ in range(2))
    for each in (raw, http):
        each.client.handshake()
    assert raw.ask(RAW) == b"\x7f\xb1\x00\x00"
    assert raw.served[0].about["peer"] == CLIENT
    assert "channel" in raw.served[0].about
    assert http.ask(get("/who")).endswith(f"{CLIENT} 56324 True".encode())
    for each in (raw, http):
        each.client.end.close()
        each.loop.run()
        assert each.house.is_empty


def test_inside_tls_it_is_none(pem):
    wired = Greeted(certificates=tls.Certificates([pem]))
    wired.client = TlsClient(wired.loop, wired.client.end, trusting(pem), "localhost")
    with pytest.raises(OSError, match=r".*"):
        wired.client.handshake()
    assert wired.house.is_empty
    assert wired.house.refusals == 1


def test_when_there_is_no_room_at_all_tls_is_not_begun(pem):
    house = Counting(of_one=1)
    assert Greeted(house=house).ask(LINE + RAW) == b"\x7f\xb1\x00\x00"
    for _ in range(MOST_WAITING):
        assert house.turn_away()
    wired = greeted_by_tls(pem, LINE, house=house)
    with pytest.raises(OSError, match=r".*"):
        wired.client.handshake()
    assert (house.counted, house.lobby.waiting) == ({CLIENT: 1}, MOST_WAITING)


def test_inside_tls_a_session_may_begin_on_a_connection_that_had_requests(pem):
    wired = greeted_by_tls(pem, LINE)
    wired.site.beside = EVERYTHING
    wired.client.handshake()
    assert wired.ask(get("/who")).endswith(f"{CLIENT} 56324 True".encode())
    assert status(wired.ask(request())) == 101
    assert wired.served[0].about["peer"] == CLIENT
    wired.client.send(frame(TEXT, b"[]"))
    assert wired.served[0].heard == [b"[]"]
    wired.client.end.close()
    wired.loop.run()
    assert wired.house.is_empty
