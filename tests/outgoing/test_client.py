"""Requests to servers on this machine: where they may go, what counts as an answer, and how they end."""

from __future__ import annotations

import errno
import gzip
import ssl

import pytest
from twisted.internet.ssl import Certificate, trustRootFromCertificates

from tests.support.certificates import make_certificate
from tests.support.octets import ok
from tests.support.process import free_port
from wampd.router.outgoing import connecting, pool
from wampd.router.outgoing.problems import OutgoingError

HERE = "127.0.0.1"


def moved(to: str, status: str = "302 Found") -> bytes:
    return f"HTTP/1.1 {status}\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()


# --- where requests may go ---


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "rebound.example"])
def test_this_machine_is_not_asked_unless_it_is_allowed(asking, names, serve, host):
    server = serve(ok())
    names.known = {"localhost": [["127.0.0.1"]], "rebound.example": [["127.0.0.1"]]}
    assert asking.refusal(f"http://{host}:{server.port}/") == "denied"
    assert server.asked == []


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "127.1", "0177.0.0.1", "127.0.0.1.", "localhost."])
def test_no_other_way_to_write_an_address_leads_there(asking, serve, host):
    server = serve(ok())
    assert asking.refusal(f"http://{host}:{server.port}/", HERE) == "url"
    assert server.asked == []


def test_a_name_with_one_address_that_is_not_public_is_not_asked(asking, names, serve):
    server = serve(ok())
    names.known = {"mixed.example": [["8.8.8.8", HERE]]}
    assert asking.refusal(f"http://mixed.example:{server.port}/") == "denied"
    assert server.asked == []


def test_the_connection_goes_to_the_address_that_was_checked(asking, names, serve):
    """DNS rebinding: whoever asks a second time gets another address."""
    server = serve(ok(b"x"))
    names.known = {"rebinding.example": [[HERE], ["127.0.0.2"]]}
    assert asking.get(f"http://rebinding.example:{server.port}/", HERE).body == b"x"
    assert names.asked == ["rebinding.example"]
    assert f"Host: rebinding.example:{server.port}".encode() in server.asked[0]


def test_an_address_of_ipv6_that_is_allowed_is_asked(asking, serve):
    """One of IPv4 in the form of IPv6, for not every machine has an IPv6 address."""
    server = serve(ok(b"x"))
    answer = asking.get(f"http://[::ffff:127.0.0.1]:{server.port}/a?b=%5B1%5D&c", HERE)
    assert answer.body == b"x"
    assert answer.url == f"http://[::ffff:7f00:1]:{server.port}/a?b=%5B1%5D&c"
    assert server.asked[0].startswith(b"GET /a?b=%5B1%5D&c HTTP/1.1\r\n")
    assert f"Host: [::ffff:7f00:1]:{server.port}\r\n".encode() in server.asked[0]


def test_every_connection_is_checked_anew(asking, names, serve):
    server = serve(ok(b"x"))
    names.known = {"rebinding.example": [[HERE], ["127.0.0.2"]]}
    client = asking.client(HERE)
    assert asking.answer(client.request("GET", f"http://rebinding.example:{server.port}/", timeout=5)).body == b"x"
    with pytest.raises(OutgoingError, match="not public"):
        asking.answer(client.request("GET", f"http://rebinding.example:{server.port}/", timeout=5))


def test_a_host_may_be_allowed_by_its_name(asking, names, serve):
    server = serve(ok(b"x"))
    names.known = {"intern.example": [[HERE]], "other.example": [[HERE]]}
    assert asking.get(f"http://intern.example:{server.port}/", "intern.example").body == b"x"
    assert asking.refusal(f"http://other.example:{server.port}/", "intern.example") == "denied"


def test_a_name_without_an_address(asking):
    assert asking.refusal("http://nobody.example/") == "dns"


def test_another_address_is_tried_if_nobody_answers(asking, names, serve):
    server = serve(ok(b"x"))
    names.known = {"two.example": [["127.0.0.2", HERE]]}
    assert asking.get(f"http://two.example:{server.port}/", "127.0.0.0/8").body == b"x"


def test_nobody_is_there(asking):
    assert asking.refusal(f"http://{HERE}:{free_port()}/", HERE) == "connect"


def test_the_environments_proxy_is_not_asked(asking, serve, monkeypatch):
    proxy, server = serve(ok(b"proxy")), serve(ok(b"server"))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://{HERE}:{proxy.port}")
    assert asking.get(f"http://{HERE}:{server.port}/", HERE).body == b"server"
    assert proxy.asked == []


# --- redirections ---


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 Other", "307 Elsewhere", "308 For ever"])
def test_a_redirection_is_an_answer_unless_it_is_to_be_followed(asking, serve, status):
    other = serve(ok())
    server = serve(moved(f"http://{HERE}:{other.port}/", status))
    response = asking.get(f"http://{HERE}:{server.port}/", HERE)
    assert response.status == int(status[:3])
    assert other.asked == []


def test_a_redirection_is_checked_as_a_url_is(asking, names, serve):
    secret = serve(ok())
    names.known = {"open.example": [[HERE]], "rebound.example": [[HERE]]}
    for to in (f"http://{HERE}:{secret.port}/", f"http://rebound.example:{secret.port}/", f"//0.0.0.0:{secret.port}/"):
        server = serve(moved(to))
        assert asking.refusal(f"http://open.example:{server.port}/", "open.example", redirects=5) == "denied"
    server = serve(moved(f"http://0x7f.1:{secret.port}/"))
    assert asking.refusal(f"http://open.example:{server.port}/", "open.example", redirects=5) == "url"
    assert secret.asked == []


def test_a_redirection_that_is_followed(asking, serve):
    other = serve(ok(b"there"))
    server = serve(moved(f"http://{HERE}:{other.port}/there?x"))
    response = asking.get(
        f"http://{HERE}:{server.port}/",
        HERE,
        redirects=1,
        headers=[("Authorization", "Bearer hunter2"), ("X-Key", "hunter2"), ("Accept", "text/x")],
    )
    assert (response.body, response.url) == (b"there", f"http://{HERE}:{other.port}/there?x")
    assert b"hunter2" in server.asked[0]
    assert b"hunter2" not in other.asked[0], "it is another origin"
    assert b"Accept: text/x" in other.asked[0]


@pytest.mark.parametrize(
    ("status", "method"), [("301 Moved", "GET"), ("303 Other", "GET"), ("307 Same", "POST"), ("308 Same", "POST")]
)
def test_what_is_asked_after_a_redirection(asking, serve, status, method):
    other = serve(ok())
    server = serve(moved(f"http://{HERE}:{other.port}/", status))
    request = asking.client(HERE).request(
        "POST",
        f"http://{HERE}:{server.port}/",
        body=b"xyz",
        headers=[("content-type", "text/x")],
        timeout=5,
        redirects=1,
    )
    asking.answer(request)
    asking.until(lambda: other.asked)
    assert other.asked[0].startswith(f"{method} / ".encode())
    assert (b"content-length: 3" in other.asked[0].lower()) == (method == "POST")


def test_there_are_not_more_redirections_than_allowed(asking, serve):
    port = free_port()
    last = serve(ok())
    second = serve(moved(f"http://{HERE}:{last.port}/"))
    first = serve(moved(f"http://{HERE}:{second.port}/"))
    assert asking.get(f"http://{HERE}:{first.port}/", HERE, redirects=1).status == 302
    assert last.asked == []
    assert port


# --- answers ---


def test_headers_and_a_body(asking, serve):
    server = serve(ok(b"x" * 100_000, **{"X-One": "1", "Set-Cookie": "a=b"}))
    response = asking.get(f"http://{HERE}:{server.port}/", HERE, headers=[("x-mine", "mine")])
    assert (response.status, response.body, response.header("x-one")) == (200, b"x" * 100_000, "1")
    assert response.header("x-two") is None
    assert b"X-Mine: mine" in server.asked[0]
    assert b"User-Agent: wampd\r\n" in server.asked[0]


def test_cookies_are_not_kept(asking, serve):
    server = serve(ok(b"x", **{"Set-Cookie": "a=b"}))
    client = asking.client(HERE)
    for _ in range(2):
        asking.answer(client.request("GET", f"http://{HERE}:{server.port}/", timeout=5))
    assert b"ookie" not in server.asked[1]


def test_every_status_is_an_answer(asking, serve):
    for status in (204, 404, 410, 500):
        server = serve(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        assert asking.get(f"http://{HERE}:{server.port}/", HERE).status == status


def test_an_answer_is_bounded(asking, serve):
    server = serve(ok(b"x" * 1001))
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE, limit=1000) == "too_large"
    assert asking.get(f"http://{HERE}:{server.port}/", HERE, limit=1001).status == 200


def test_a_compressed_answer_is_bounded_by_what_it_becomes(asking, serve):
    bomb = gzip.compress(b"\0" * 50_000_000)
    server = serve(ok(bomb, **{"Content-Encoding": "gzip"}))
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE, limit=1_000_000) == "too_large"
    small = serve(ok(gzip.compress(b"hello"), **{"Content-Encoding": "gzip"}))
    assert asking.get(f"http://{HERE}:{small.port}/", HERE).body == b"hello"
    broken = serve(ok(b"no gzip at all", **{"Content-Encoding": "gzip"}))
    assert asking.refusal(f"http://{HERE}:{broken.port}/", HERE) == "broken"


@pytest.mark.parametrize("coding", [None, "gzip"])
def test_what_is_not_compressed_any_more_does_not_say_that_it_is(asking, serve, coding):
    server = serve(ok(gzip.compress(b"x"), **{"Content-Encoding": "gzip"}) if coding else ok(b"x"))
    answer = asking.get(f"http://{HERE}:{server.port}/", HERE)
    assert answer.body == b"x"
    assert "content-encoding" not in dict(answer.headers)


def test_an_answer_that_is_compressed_twice_is_none(asking, serve):
    server = serve(ok(gzip.compress(gzip.compress(b"x")), **{"Content-Encoding": "gzip, gzip"}))
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE) == "broken"


def test_a_head_without_end_is_left(asking, serve):
    server = serve(b"HTTP/1.1 200 OK\r\n" + b"X-Fill: yes\r\n" * 2_000_000)
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE, timeout=20.0) == "too_large"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n",
    ],
)
def test_what_is_no_answer(asking, serve, answer):
    assert asking.refusal(f"http://{HERE}:{serve(answer).port}/", HERE) == "broken"


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"],
    ids=["all", "head", "body"],
)
def test_a_server_that_stalls_is_left(asking, reactor, serve, answer):
    server = serve(answer, stays=True)
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE, timeout=0.3) == "timeout"
    asking.until(lambda: not [each for each in reactor.getReaders() if getattr(each, "addr", ("",))[-1] == server.port])


def test_looking_for_an_address_takes_its_time_at_most(asking, names):
    from twisted.internet.defer import Deferred

    names.resolve = lambda _: Deferred()
    assert asking.refusal("http://slow.example/", timeout=0.2) == "timeout"


def test_a_request_can_be_given_up(asking, serve):
    server = serve(b"", stays=True)
    client = asking.client(HERE)
    request = client.request("GET", f"http://{HERE}:{server.port}/", timeout=20)
    asking.until(lambda: server.asked)
    request.cancel()
    with pytest.raises(OutgoingError) as failed:
        asking.answer(request)
    assert failed.value.reason == "cancelled"
    assert client.under_way == 0


def test_requests_at_once_are_bounded(asking, serve):
    server = serve(b"", stays=True)
    client = asking.client(HERE, most=1)
    first = client.request("GET", f"http://{HERE}:{server.port}/", timeout=20)
    with pytest.raises(OutgoingError) as failed:
        asking.answer(client.request("GET", f"http://{HERE}:{server.port}/", timeout=20))
    assert failed.value.reason == "busy"
    first.cancel()
    with pytest.raises(OutgoingError):
        asking.answer(first)


def test_connections_that_wait_for_requests_make_room_for_others(asking, serve):
    servers = [serve(ok(b"x"), stays=True) for _ in range(3)]
    client = asking.client(HERE, most=2)
    for server in servers:
        asking.answer(client.request("GET", f"http://{HERE}:{server.port}/", timeout=5))
    asking.until(lambda: client._guard.open <= 1)


def test_a_connection_is_used_again(asking, serve):
    server = serve(ok(b"x"), stays=True)
    client = asking.client(HERE)
    asking.answer(client.request("GET", f"http://{HERE}:{server.port}/", timeout=5))
    assert client._guard.open == 1
    request = client.request("GET", f"http://{HERE}:{server.port}/", timeout=0.3)
    with pytest.raises(OutgoingError, match="too long"):  # the server answers once; nobody opens another connection
        asking.answer(request)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: foo, close\r\nContent-Length: 1\r\n\r\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_connection_that_the_server_will_close_is_not_used_again(asking, serve, head, method):
    """RFC 9112, section 9.3; the server takes its time with closing."""
    server = serve(head + b"x", stays=True)
    client = asking.client(HERE)
    for _ in range(3):
        assert asking.answer(client.request(method, f"http://{HERE}:{server.port}/", timeout=5)).body == b"x"
    assert len(server.asked) == 3
    asking.until(lambda: client._guard.open == 0)


def test_twisteds_pool_has_what_we_touch_of_it(asking, serve, monkeypatch):
    kept = []
    monkeypatch.setattr(pool.Pool, "_putConnection", lambda _, key, connection: kept.append((key, connection)))
    server = serve(ok(b"x"), stays=True)
    client = asking.client(HERE)
    request = client.request("GET", f"http://{HERE}:{server.port}/", timeout=5)
    assert asking.answer(request).body == b"x"
    ((_, connection),) = kept
    connection.transport.loseConnection()
    asking.until(lambda: client._guard.open == 0)


def test_no_connection_lives_for_ever(asking, serve, monkeypatch):
    monkeypatch.setattr(connecting, "LIFETIME", 0.2)
    server = serve(b"", stays=True)
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE, timeout=15.0) == "broken"


def test_no_socket_can_be_opened(asking, reactor, serve, monkeypatch):
    server = serve(ok())

    def connect(*_, **__):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(reactor, "connectTCP", connect)
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE) == "busy"


# --- TLS ---


@pytest.fixture
def pem(tmp_path):
    return make_certificate(tmp_path, "good.example")


@pytest.fixture
def context(pem):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.certificate, pem.key)
    return context


def test_the_certificate_must_be_good_for_the_name(asking, names, serve, pem, context):
    server = serve(ok(b"x"), context=context)
    names.known = {"good.example": [[HERE]], "bad.example": [[HERE]]}
    trusted = trustRootFromCertificates([Certificate.loadPEM(pem.certificate.read_bytes())])
    client = asking.client(HERE, trust_root=trusted)
    assert asking.answer(client.request("GET", f"https://good.example:{server.port}/", timeout=5)).body == b"x"
    with pytest.raises(OutgoingError) as failed:
        asking.answer(client.request("GET", f"https://bad.example:{server.port}/", timeout=5))
    assert failed.value.reason == "tls"
    assert len(server.asked) == 1


def test_a_certificate_that_nobody_vouches_for(asking, names, serve, context):
    server = serve(ok(), context=context)
    names.known = {"good.example": [[HERE]]}
    assert asking.refusal(f"https://good.example:{server.port}/", HERE) == "tls"


def test_no_redirection_leaves_tls(asking, names, serve, pem, context):
    plain = serve(ok())
    server = serve(moved(f"http://{HERE}:{plain.port}/"), context=context)
    names.known = {"good.example": [[HERE]]}
    trusted = trustRootFromCertificates([Certificate.loadPEM(pem.certificate.read_bytes())])
    client = asking.client(HERE, trust_root=trusted)
    with pytest.raises(OutgoingError) as failed:
        asking.answer(client.request("GET", f"https://good.example:{server.port}/", timeout=5, redirects=5))
    assert failed.value.reason == "redirect"
    assert plain.asked == []
