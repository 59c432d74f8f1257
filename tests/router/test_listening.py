"""A real router's listeners: TCP, TLS, IPv6 and Unix sockets, their limits and deadlines, clients that do not behave.

Somewhat long: each of these needs a router of its own, and all share the few words for talking to one.
"""

import contextlib
import json
import os
import select
import signal
import socket
import ssl
import stat
import time
from itertools import count

import pytest
from websockets.exceptions import InvalidMessage, InvalidStatus

from tests.router.client import GOODBYE, RESULT, Session, trusting
from tests.router.conftest import REALMS
from tests.support.certificates import make_certificate
from tests.support.process import START_TIMEOUT
from tests.wire.frames import TEXT, frame

HELLO = b'[1,"realm1",{"roles":{"caller":{},"callee":{},"publisher":{},"subscriber":{}}}]'
EVERYWHERE = """
listeners:
  - endpoint: {endpoint}
    websocket: {{/ws: {{type: wamp}}}}
    rawsocket: {{}}
    {more}
"""


def has_ipv6():
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        return True
    return False


@contextlib.contextmanager
def tls(port, context):
    """A socket inside TLS."""
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as end,
    ):
        yield end


def raw(end, exponent=15):
    """A RawSocket session over this socket, JSON; the socket."""
    end.settimeout(START_TIMEOUT)
    end.sendall(bytes((0x7F, exponent << 4 | 1, 0, 0)))
    assert end.recv(4)[:1] == b"\x7f"
    say(end, HELLO)
    assert hear(end).startswith(b"[2,")
    return end


def say(end, payload):
    end.sendall(len(payload).to_bytes(4, "big") + payload)


def hear(end):
    """The next message."""
    head = exactly(end, 4)
    return exactly(end, int.from_bytes(head, "big") & 0xFFFFFF)


def exactly(end, size):
    data = b""
    while len(data) < size:
        piece = end.recv(size - len(data))
        assert piece, "the connection has ended"
        data += piece
    return data


def websocket(end):
    """A WebSocket session over this socket, spoken by hand: nothing reads on its own, and TLS is used by one thread alone."""
    end.settimeout(START_TIMEOUT)
    end.sendall(
        b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Protocol: wamp.2.json\r\n\r\n"
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(end, 1)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert ask_websocket(end, HELLO).startswith(b"[2,")
    return end


def ask_websocket(end, message):
    """Send a message, and give the next that comes."""
    end.sendall(frame(TEXT, message))
    first, length = exactly(end, 2)
    assert first == 0x81
    if length >= 126:
        length = int.from_bytes(exactly(end, 2 if length == 126 else 8), "big")
    return exactly(end, length)


def ended(end, timeout=START_TIMEOUT):
    """Whether the router closes the connection in time."""
    end.settimeout(timeout)
    try:
        while end.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def call_works(session):
    """Whether this session is served: it calls itself."""
    session.register(f"com.{id(session)}")
    request = session.call(f"com.{id(session)}")
    invocation = session.receive()
    session.send(70, invocation[1], {}, ["yes"])
    return session.receive() == [RESULT, request, {}, ["yes"]]


# ---------------------------------------------------------------------------------------------------- where


@pytest.mark.spec("RAW-12", "SEC-01", "TLA-03")
def test_tls_carries_websocket_and_rawsocket(start, tmp_path):
    pem = make_certificate(tmp_path)
    listeners = EVERYWHERE.format(
        endpoint="tcp:${WAMPD_PORT}:interface=127.0.0.1",
        more=f"tls: {{certificate: {pem.certificate}, key: {pem.key}}}",
    )
    router = start(listeners=listeners)
    context = trusting(pem.certificate)
    big = b'"' + b"x" * 900_000 + b'"'
    with tls(router.port, context) as end:
        websocket(end)
        assert ask_websocket(end, b'[64,1,{},"com.big"]').startswith(b"[65,")
        invocation = json.loads(ask_websocket(end, b'[48,2,{},"com.big",[%s]]' % big))
        assert invocation[4] == [json.loads(big)]
        assert ask_websocket(end, b"[70,%d,{},[%s]]" % (invocation[1], big)) == b"[50,2,{},[%s]]" % big
    with tls(router.port, context) as end:
        raw(end)
    with socket.create_connection(("127.0.0.1", router.port)) as plain:
        plain.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ended(plain)
    assert router.stop() == 0
    assert "Traceback" not in router.log()


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6(start):
    router = start(listeners=EVERYWHERE.format(endpoint=r"tcp6:${WAMPD_PORT}:interface=\:\:1", more=""))
    with Session(url=f"ws://[::1]:{router.port}/ws") as session:
        assert call_works(session)
    assert router.stop() == 0
    assert "::1) joined" in router.log()


@pytest.mark.spec("RAW-12", "SEC-03")
def test_unix_sockets_and_one_that_a_killed_router_left_behind(start, tmp_path):
    path = tmp_path / "wampd.sock"
    listeners = EVERYWHERE.format(endpoint=f"unix:{path}:mode=600", more="limits: {connections_per_address: 1}")
    start(listeners=listeners).kill()
    assert path.exists()
    router = start(listeners=listeners)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Session(unix=path) as session, socket.socket(socket.AF_UNIX) as end:
        assert call_works(session)
        end.connect(str(path))
        raw(end)  # clients on a Unix socket have no address that could be limited
    assert router.stop() == 0
    assert not path.exists()


# --------------------------------------------------------------------------------------------------- limits


@pytest.mark.spec("RAW-07")
def test_over_the_limit_of_the_process_nobody_is_let_in_until_somebody_leaves(start):
    router = start("limits: {connections: 2}")
    with Session(router.port) as one:
        with Session(router.port):
            with socket.create_connection(("127.0.0.1", router.port)) as third:
                third.sendall(b"\x7f\xf1\x00\x00")
                assert third.recv(4) == b"\x7f\x40\x00\x00"
                assert ended(third)
            with pytest.raises(InvalidStatus) as refused:
                Session(router.port)
            assert refused.value.response.status_code == 503
            assert call_works(one)
        router.wait_until(lambda: lets_in(router), "there is room again")
    assert "refused: no more than 2 connections" in router.log()


def lets_in(router):
    # It says why not; where very many are told that already, it drops who comes.
    with contextlib.suppress(InvalidStatus, InvalidMessage, ConnectionError), Session(router.port):
        return True
    return False


def test_over_the_limit_of_an_address_it_alone_is_not_let_in(start):
    more = "limits: {connections_per_address: 1}"
    router = start(listeners=EVERYWHERE.format(endpoint="tcp:${WAMPD_PORT}:interface=127.0.0.1", more=more))
    with Session(router.port) as one:
        with pytest.raises(InvalidStatus):
            Session(router.port)
        with socket.create_connection(("127.0.0.1", router.port), source_address=("127.0.0.2", 0)) as other:
            raw(other)
        assert call_works(one)


def test_descriptors_are_kept_spare_whatever_comes(start):
    router = start(under=["sh", "-c", 'ulimit -n 80; exec "$0" "$@"'])
    router.wait_for_log("at most 48 connections: the limit of file descriptors is 80")
    flood = []
    with Session(router.port) as session:
        for _ in range(150):
            flood.append(socket.create_connection(("127.0.0.1", router.port)))
        assert call_works(session)
        assert len(os.listdir(f"/proc/{router.pid}/fd")) < 80
        for end in flood:
            end.close()
        router.wait_until(lambda: lets_in(router), "there is room again")
        assert len([line for line in router.log().splitlines() if "refused:" in line]) <= 3
    assert router.stop() == 0
    assert "Traceback" not in router.log()


# ------------------------------------------------------------------------------------------------- deadlines

QUICK = EVERYWHERE.format(
    endpoint="tcp:${WAMPD_PORT}:interface=127.0.0.1",
    more="limits: {handshake_timeout: 1 s, join_timeout: 2 s, idle_timeout: 1 s, ping_interval: 1 s, ping_timeout: 1 s,"
    " send_stall: 2 s, close_timeout: 1 s}",
)


@pytest.mark.spec("RAW-14", "SES-14")
def test_silence_is_cut_off_whatever_stage_it_comes_at(start):
    router = start(listeners=QUICK)
    begun = time.monotonic()
    connections = [socket.create_connection(("127.0.0.1", router.port)) for _ in range(4)]
    connections[1].sendall(b"GET /ws HTTP/1.1\r\n")
    connections[2].sendall(b"\x7f")
    connections[3].sendall(b"\x7f\xf1\x00\x00")
    for end in connections[:3]:
        assert ended(end)
    assert 0.8 < time.monotonic() - begun < 5  # without `limits`, 5 s and 10 s
    assert ended(connections[3])
    assert 1.8 < time.monotonic() - begun < 10
    for end in connections:
        end.close()


@pytest.mark.spec("SES-14")
def test_who_does_not_say_hello_is_cut_off_when_the_time_to_join_is_over(start):
    router = start(listeners=QUICK)
    with socket.create_connection(("127.0.0.1", router.port)) as end:
        begun = time.monotonic()
        time.sleep(0.7)
        end.sendall(b"\x7f\xf1\x00\x00")
        assert end.recv(4)
        assert ended(end)
        assert time.monotonic() - begun < 10  # two seconds; what it would be without `limits`


@pytest.mark.spec("WS-08")
def test_after_goodbye_a_session_may_join_again_but_not_wait_for_ever(start):
    router = start(listeners=QUICK)
    with socket.create_connection(("127.0.0.1", router.port)) as end:
        raw(end)
        say(end, b'[6,{},"wamp.close.close_realm"]')
        assert hear(end).startswith(b"[6,")
        say(end, HELLO)
        assert hear(end).startswith(b"[2,")
        say(end, b'[6,{},"wamp.close.close_realm"]')
        assert hear(end).startswith(b"[6,")
        assert ended(end)


def test_half_open_connections_are_found_by_pings_and_answering_ones_kept(start):
    router = start(listeners=QUICK)
    with Session(router.port) as alive, socket.create_connection(("127.0.0.1", router.port)) as dead:
        raw(dead)
        assert exactly(dead, 9) == b"\x01\x00\x00\x05wampd"
        assert ended(dead)
        assert call_works(alive)  # its client answers pings
    assert "no answer to a ping" in router.log()


def test_a_freeze_of_the_router_costs_nobody_the_connection(start):
    router = start(listeners=QUICK)
    with Session(router.port) as session, socket.create_connection(("127.0.0.1", router.port)) as slow:
        raw(slow)
        router.signal(signal.SIGSTOP)
        time.sleep(4)
        router.signal(signal.SIGCONT)
        assert exactly(slow, 4)[0] == 1
        slow.sendall(b"\x02\x00\x00\x05wampd")
        assert call_works(session)
    assert "no answer" not in router.log()


# -------------------------------------------------------------------------------------------- slow consumers


def flood(publisher, topic, megabytes):
    """Publish this much; the publisher's own answers are not asked for."""
    payload = "x" * 250_000
    for number in range(megabytes * 4):
        publisher.send(16, 10_000 + number, {}, topic, [payload])


@pytest.mark.parametrize("is_raw", [False, True])
def test_a_subscriber_that_does_not_read_is_disconnected_and_nobody_else_suffers(start, is_raw):
    more = "limits: {close_timeout: 60 s}"  # in which it reads what was said last
    router = start(listeners=EVERYWHERE.format(endpoint="tcp:${WAMPD_PORT}:interface=127.0.0.1", more=more))
    with (
        socket.create_connection(("127.0.0.1", router.port)) as deaf,
        Session(router.port) as publisher,
        Session(router.port) as bystander,
    ):
        if is_raw:
            raw(deaf)
            say(deaf, b'[32,1,{},"com.flood"]')
            assert hear(deaf).startswith(b"[33,")
        else:
            websocket(deaf)
            assert ask_websocket(deaf, b'[32,1,{},"com.flood"]').startswith(b"[33,")
        flood(publisher, "com.flood", 40)
        assert call_works(bystander)
        router.wait_for_log("slow consumer: more than 16777216 bytes")
        assert call_works(publisher)
        received, goodbye = b"", b"\x03\xf0wamp.close.slow_consumer"
        while not received.endswith(goodbye) and (data := deaf.recv(2**20)):
            received += data
        if not is_raw:
            assert received.endswith(goodbye)
        assert len(received) < 16_000_000
    assert router.stop() == 0
    assert "Traceback" not in router.log()


AHEAD = 8
"""Calls that the deaf caller is ahead of its callee: few enough for a callee that reads and writes by turns, and to be read
by the library while that waits to write (16 messages)."""


def test_a_caller_that_does_not_read_its_results_is_not_read_from_and_then_cut_off(start):
    more = "limits: {send_queue: 2 MiB, send_stall: 2 s, close_timeout: 1 s}"
    router = start(listeners=EVERYWHERE.format(endpoint="tcp:${WAMPD_PORT}:interface=127.0.0.1", more=more))
    with socket.create_connection(("127.0.0.1", router.port)) as caller, Session(router.port) as callee:
        callee.register("com.echo")
        raw(caller)
        for number in count(1):
            say(caller, b'[48,%d,{},"com.echo",["%s"]]' % (number, b"x" * 100_000))
            invocation = next_unless_reset(callee, caller)
            if invocation is None:
                break
            callee.send(70, invocation[1], {}, invocation[4])
        assert call_works(callee)
    # Had the router gone on reading, the queue would have been full before that. It may be late itself: 2 s or more.
    assert "slow consumer: nothing was read for" in router.log()


def next_unless_reset(session, end):
    """What the session receives next; nothing if the router cuts off the other connection instead."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(TimeoutError):
            return session.receive(timeout=0.1)
        if was_reset(end):
            return None
    raise AssertionError("neither came")


def was_reset(end):
    """Whether the other side has ended the connection, without reading what it sent."""
    poll = select.poll()
    poll.register(end, 0)
    return bool(poll.poll(0))


def test_by_policy_a_subscriber_that_does_not_read_loses_events_and_not_its_connection(start):
    router = start(realms=REALMS.replace("    auth:", "    slow_consumer: drop\n    auth:"))
    with socket.create_connection(("127.0.0.1", router.port)) as deaf, Session(router.port) as publisher:
        raw(deaf)
        say(deaf, b'[32,1,{},"com.flood"]')
        assert hear(deaf).startswith(b"[33,")
        flood(publisher, "com.flood", 40)
        router.wait_for_log("reads too slowly: events are dropped")
        assert call_works(publisher)
        router.wait_until(lambda: took_all(deaf) and "events were dropped" in router.log(), "it reads again")
        publisher.send(16, 1_000_000, {}, "com.flood", ["after"])
        end = b""
        while not end.endswith(b'["after"]]'):  # what was sent last before may still be on its way
            data = deaf.recv(2**20)
            assert data
            end = (end + data)[-20:]
    assert router.stop() == 0


def took_all(end):
    """Read what has come."""
    end.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            assert end.recv(2**20)
    end.settimeout(START_TIMEOUT)
    return True


# --------------------------------------------------------------------------------------------------- the log


def test_a_log_reader_that_stops_reading_stops_nobody(start, tmp_path):
    """The log goes to a pipe that nobody reads; sessions come, work and go all the same."""
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    router = start(under=["sh", "-c", f'exec "$0" "$@" 2>{fifo}'], ready=False)
    router.wait_for_port(router.port)
    try:
        ends = [socket.create_connection(("127.0.0.1", router.port)) for _ in range(1500)]
        for end in ends:
            end.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        for end in ends:
            end.close()
        with Session(router.port) as session:
            assert call_works(session)
            router.signal(signal.SIGTERM)
            assert session.receive()[0] == GOODBYE
        assert router.wait() == 0
    finally:
        os.close(reader)


def test_without_a_standard_error_the_router_runs_all_the_same(start):
    router = start(under=["sh", "-c", 'exec "$0" "$@" 2>&-'], ready=False)
    router.wait_for_port(router.port)
    with Session(router.port) as session:
        assert call_works(session)
    assert router.stop() == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_log_of_a_life_is_one_line_an_event_without_twisteds_own(start, log_format):
    router = start(f"log: {{format: {log_format}}}")
    with Session(router.port):
        pass
    assert router.stop() == 0
    lines = router.log().splitlines()
    assert not any("log_legacy" in line or "twisted." in line for line in lines)
    if log_format == "json":
        assert all(set(json.loads(line)) >= {"time", "level", "logger", "message"} for line in lines)
    else:
        assert all(line[:2] == "20" for line in lines)


def test_a_client_that_speaks_no_tls_to_tls_or_leaves_during_it_leaves_no_trace_but_a_line(start, tmp_path):
    pem = make_certificate(tmp_path)
    more = f"tls: {{certificate: {pem.certificate}, key: {pem.key}}}"
    router = start(listeners=EVERYWHERE.format(endpoint="tcp:${WAMPD_PORT}:interface=127.0.0.1", more=more))
    for opening in (b"", b"\x16\x03\x01", b"\x00" * 100, b"\x7f\xf1\x00\x00"):
        with socket.create_connection(("127.0.0.1", router.port)) as end:
            end.sendall(opening)
    with socket.create_connection(("127.0.0.1", router.port)) as plain, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")  # it does not trust us
    with tls(router.port, trusting(pem.certificate)) as end:
        websocket(end)
    assert router.stop() == 0
    assert "Traceback" not in router.log()
    assert "0 connections were left" in router.log()
