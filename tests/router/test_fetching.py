"""Fetching over HTTP and HTTPS from servers on this machine: what counts as an answer, and what does not."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.certificates import make_certificate
from tests.support.octets import PATIENCE, ok, serving, turned_reactor
from tests.support.process import free_port
from wampd.router.fetching import LARGEST, Fetcher, FetchError


@pytest.fixture(scope="module")
def reactor() -> Iterator[Any]:
    with turned_reactor() as reactor:
        yield reactor


@pytest.fixture
def serve() -> Iterator[Any]:
    with serving() as serve:
        yield serve


def fetch(reactor: Any, url: str, timeout: float = 5.0, authorities: bytes | None = None) -> bytes | str:
    """The document, or why there is none."""
    results: list[Any] = []
    Fetcher(reactor, timeout, authorities).get(url).addBoth(results.append)
    deadline = time.monotonic() + PATIENCE
    while not results:
        assert time.monotonic() < deadline
        reactor.iterate(0.02)
    (result,) = results
    if isinstance(result, bytes):
        return result
    assert isinstance(result.value, FetchError), result
    return str(result.value)


def test_a_document_is_fetched(reactor, serve):
    server = serve(ok(b'{"keys": []}'))
    assert fetch(reactor, f"http://127.0.0.1:{server.port}/keys?a=b") == b'{"keys": []}'
    (asked,) = server.asked
    assert asked.startswith(b"GET /keys?a=b HTTP/1.1\r\n")
    assert f"Host: 127.0.0.1:{server.port}".encode() in asked
    assert b"Accept: application/json" in asked


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Elsewhere", "308 For ever"])
def test_redirections_are_not_followed(reactor, serve, status):
    other = serve(ok())
    moved = f"HTTP/1.1 {status}\r\nLocation: http://127.0.0.1:{other.port}/\r\nContent-Length: 2\r\n\r\n{{}}"
    server = serve(moved.encode())
    said = fetch(reactor, f"http://127.0.0.1:{server.port}/")
    assert said == f"http://127.0.0.1:{server.port}/: the answer has the status {status.split()[0]}"
    assert other.asked == []


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 None\r\nContent-Length: 2\r\n\r\n{}", "the answer has the status 404"),
        (b"HTTP/1.1 204 None\r\n\r\n", "the answer has the status 204"),
        (b"HTTP/1.1 500 Broken\r\n\r\n", "the answer has the status 500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", "the answer was cut short"),
        (ok(b"x" * (LARGEST + 1)), f"the answer is longer than {LARGEST} bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n", "the answer was cut short"),
        (b"hunter2\r\n\r\n", ""),
        (b"", ""),
    ],
    ids=["404", "204", "500", "cut", "long", "chunks", "no HTTP", "nothing"],
)
def test_what_is_no_good_answer_is_no_answer(reactor, serve, answer, why):
    server = serve(answer)
    said = fetch(reactor, f"http://127.0.0.1:{server.port}/")
    assert isinstance(said, str)
    assert why in said


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", b"HTTP/1.1 404 None\r\n\r\n{}"],
    ids=["silent", "in the head", "in the body", "404 without end"],
)
def test_a_server_that_stalls_is_left(reactor, serve, answer):
    server = serve(answer, stays=True)
    said = fetch(reactor, f"http://127.0.0.1:{server.port}/", timeout=0.3)
    assert "it took too long" in str(said) or "404" in str(said)
    assert not [each for each in reactor.getReaders() if getattr(each, "addr", ("",))[-1] == server.port], "left open"


def test_a_server_that_is_not_there(reactor):
    assert "refused" in str(fetch(reactor, f"http://127.0.0.1:{free_port()}/"))


@pytest.fixture
def pem(tmp_path):
    return make_certificate(tmp_path)


@pytest.fixture
def context(pem):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem.certificate, pem.key)
    return context


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_server_whose_certificate_an_authority_vouches_for(reactor, serve, pem, context, host):
    server = serve(ok(), context=context)
    trusted = pem.certificate.read_bytes()
    assert fetch(reactor, f"https://{host}:{server.port}/", authorities=trusted) == b"{}"


def test_a_server_that_nobody_vouches_for_is_not_asked(reactor, serve, context):
    server = serve(ok(), context=context)
    said = fetch(reactor, f"https://localhost:{server.port}/")
    assert "certificate verify failed" in str(said)
    assert server.asked == []


def test_a_certificate_for_another_name_is_not_taken(reactor, serve, tmp_path):
    other = make_certificate(tmp_path, "other.example.com")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(other.certificate, other.key)
    server = serve(ok(), context=context)
    said = fetch(reactor, f"https://localhost:{server.port}/", authorities=other.certificate.read_bytes())
    assert isinstance(said, str)
    assert server.asked == []


def test_a_server_that_speaks_no_tls(reactor, serve):
    server = serve(ok())
    assert isinstance(fetch(reactor, f"https://localhost:{server.port}/", timeout=1.0), str)
