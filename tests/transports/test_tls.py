"""TLS: everything on a port inside it, over Twisted's transports; certificates that are read again."""

import contextlib
import os
import ssl

import pytest
from OpenSSL import SSL
from twisted.internet.protocol import Factory

from tests.support.certificates import make_certificate
from tests.transports.port import EVERYTHING, Port, request, status
from tests.transports.wires import Client
from tests.wire.frames import CLOSE, TEXT, close, frame, read_frames
from wampd.router.transports import tls
from wampd.router.transports.connection import HIGH_WATER

MIB = 2**20


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


class TlsClient(Client):
    """A client's end inside TLS."""

    WAIT = (ssl.SSLWantReadError, ssl.SSLWantWriteError)
    OVER = (ConnectionError, ssl.SSLError)

    def __init__(self, loop, end, context, host):
        super().__init__(loop, end)
        self.socket = end
        self.end = context.wrap_socket(end, server_hostname=host, do_handshake_on_connect=False)

    def handshake(self):
        while True:
            self._loop.run()
            try:
                self.end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            self._loop.run()
            return


class TlsPort(Port):
    """One connection to a universal port inside TLS."""

    def __init__(self, pem, speaks=EVERYTHING, *, context=None, files=None, host="localhost", **kwargs):
        self.files = files or tls.Certificates([pem])
        super().__init__(speaks, **kwargs)
        self.client = TlsClient(self.loop, self.client.end, context or trusting(pem), host)

    def connect(self):
        factory = tls.wrap(Factory.forProtocol(lambda: self.protocol), self.files)
        factory._clock = self.loop
        self.wire.protocol = factory.buildProtocol(None)
        self.wire.protocol.makeConnection(self.wire)


def trusting(pem):
    return ssl.create_default_context(cafile=pem.certificate)


@pytest.fixture
def port(pem):
    port = TlsPort(pem)
    port.client.handshake()
    return port


@pytest.mark.spec("SEC-01", "TLA-03")
@pytest.mark.parametrize("opening", [request(), b"\x7f\xf1\x00\x00", request("/echo")])
def test_messages_go_both_ways_inside_tls_and_nothing_outside(port, opening):
    port.ask(opening)
    listener = port.served[0]
    is_raw = opening[:1] == b"\x7f"
    port.client.send(b"\x00\x00\x00\x02[]" if is_raw else frame(TEXT, b"[]"))
    assert listener.heard == [b"[]"]
    listener.connection.write(listener.connection.framing.frame(b"answer"))
    assert port.client.read().endswith(b"answer")


def test_the_web_server_is_inside_tls_too(port):
    assert port.ask(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n").endswith(b"page /page")


def test_refusals_arrive_inside_tls(port):
    assert status(port.ask(request("/ws", "Host: other"))) == 400
    assert port.client.is_cut_off()
    port.loop.run(6)
    assert port.house.inside == 0


@pytest.mark.spec("WS-07")
def test_closing_is_said_inside_tls_and_never_waits_for_ever(port):
    port.ask(request())
    connection = port.served[0].connection
    connection.close(1001, "stopping")
    [goodbye] = read_frames(port.client.read())
    assert (goodbye.opcode, goodbye.code) == (CLOSE, 1001)
    port.loop.run(5.5)
    assert port.house.gone == [connection]
    assert port.house.inside == 0


def test_a_close_that_is_answered_ends_at_once(port):
    port.ask(request())
    assert read_frames(port.ask(close(1000)))[0].code == 1000
    assert port.client.is_cut_off()


def test_a_big_message_arrives_whole_in_order_and_is_not_all_held_below(port):
    port.ask(request())
    connection = port.served[0].connection
    payloads = [bytes([number]) * 300_000 for number in range(8)]
    for payload in payloads:
        connection.write(connection.framing.frame(payload))
        port.loop.run()
    assert port.wire not in port.loop.readers
    assert connection._queue.size > HIGH_WATER
    assert len(port.wire.dataBuffer) + port.wire._tempDataLen < MIB
    frames = read_frames(port.client.read())
    assert [sent.payload for sent in frames] == payloads
    assert connection._queue is None
    port.client.send(frame(TEXT, b"heard again"))
    assert port.served[0].heard == [b"heard again"]


def test_who_reads_nothing_inside_tls_is_cut_off_after_ten_seconds(port):
    port.ask(request())
    listener = port.served[0]
    listener.connection.write(b"x" * 200_000)
    port.loop.run(9)
    assert not port.house.gone
    port.loop.run(4)
    assert port.house.gone == [listener.connection]
    assert listener.log[-1] == "lost: wamp.close.slow_consumer"


def test_who_reads_too_slowly_inside_tls_is_told_so(port):
    port.ask(request())
    listener = port.served[0]
    while not listener.log:
        listener.connection.write(listener.connection.framing.frame(b"s" * 300_000))
        port.loop.run()
    received = read_frames(port.client.read())
    assert sum(len(each.payload) for each in received) < 3 * MIB
    assert (received[-1].opcode, received[-1].code) == (CLOSE, 1008)


@pytest.mark.spec("RAW-14")
def test_a_tls_handshake_that_is_not_finished_is_cut_off(pem):
    port = TlsPort(pem)
    port.loop.run(4.9)
    assert port.house.inside == 1
    port.loop.run(0.6)
    assert port.house.inside == 0


@pytest.mark.parametrize("opening", [request(), b"\x7f\xf1\x00\x00" * 9, b"\x16\x03\x01\x00\x05hello"])
def test_what_is_not_tls_gets_no_further(pem, opening):
    port = TlsPort(pem)
    port.wire.protocol.dataReceived(opening)
    port.loop.run(6)
    assert port.served == []
    assert port.house.inside == 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_1_2_and_1_3_are_spoken_with_authenticated_ciphers(pem, version):
    context = trusting(pem)
    context.minimum_version = context.maximum_version = version
    port = TlsPort(pem, context=context)
    port.client.handshake()
    assert port.client.end.version() == version.name.replace("TLSv1_", "TLSv1.")
    name = port.client.end.cipher()[0]
    assert "GCM" in name or "POLY1305" in name


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_older_versions_are_not_spoken(pem):
    context = trusting(pem)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    port = TlsPort(pem, context=context)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        port.client.handshake()


def test_a_cipher_without_authentication_of_its_data_is_not_spoken(pem):
    context = trusting(pem)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256")
    port = TlsPort(pem, context=context)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        port.client.handshake()


# ---------------------------------------------------------------------------------------------- the files


def serial(pem, files):
    port = TlsPort(pem, files=files)
    port.client.handshake()
    return port.client.end.getpeercert()["serialNumber"]


def replace(pem, other):
    for path, new in zip(pem, other, strict=True):
        path.write_bytes(new.read_bytes())
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000_000))


def test_certificates_that_change_are_used_for_the_next_connection(tmp_path):
    (tmp_path / "new").mkdir()
    pem, new = make_certificate(tmp_path), make_certificate(tmp_path / "new")
    files = tls.Certificates([pem])
    before = serial(pem, files)
    replace(pem, new)
    assert serial(pem, files) != before


def test_bad_files_leave_the_old_certificate_in_use(tmp_path):
    pem = make_certificate(tmp_path)
    copy = tmp_path / "copy.crt"
    copy.write_bytes(pem.certificate.read_bytes())
    files = tls.Certificates([pem])
    before = serial(pem, files)
    pem.certificate.write_text("nonsense")
    assert serial(pem._replace(certificate=copy), files) == before
    pem.certificate.unlink()
    assert serial(pem._replace(certificate=copy), files) == before


def test_a_key_that_belongs_to_another_certificate_is_refused(tmp_path):
    (tmp_path / "other").mkdir()
    pem, other = make_certificate(tmp_path), make_certificate(tmp_path / "other")
    with pytest.raises(ValueError, match="are no certificate and key"):
        tls.Certificates([(pem.certificate, other.key)])


@pytest.mark.parametrize("content", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n"])
def test_a_file_without_a_certificate_is_refused(tmp_path, content):
    pem = make_certificate(tmp_path)
    pem.certificate.write_text(content)
    with pytest.raises(ValueError, match="certificate"):
        tls.Certificates([pem])


@pytest.fixture(scope="module")
def pems(tmp_path_factory):
    """Certificates for three hosts."""
    directory = tmp_path_factory.mktemp("names")
    return {name: make_certificate(directory, name) for name in ("first.example", "second.example", "*.third.example")}


@pytest.mark.spec("SEC-02")
@pytest.mark.parametrize(
    ("host", "used"),
    [
        ("first.example", "first.example"),
        ("second.example", "second.example"),
        ("SECOND.example", "second.example"),
        ("a.third.example", "*.third.example"),
        ("a.b.third.example", "first.example"),
        ("third.example", "first.example"),
        ("other.example", "first.example"),
        (None, "first.example"),
    ],
)
def test_the_certificate_is_the_one_for_the_host_that_is_asked_for(pems, host, used):
    context = ssl.create_default_context(cafile=pems[used].certificate)
    context.check_hostname = False
    port = TlsPort(None, context=context, files=tls.Certificates(list(pems.values())), host=host)
    port.client.handshake()
    assert port.client.end.getpeercert()["subjectAltName"][0] == ("DNS", used)
    assert port.ask(b"\x7f\xf1\x00\x00") == b"\x7f\xb1\x00\x00"


def test_other_certificates_are_read_again_too(tmp_path):
    (tmp_path / "new").mkdir()
    pem, other = make_certificate(tmp_path), make_certificate(tmp_path, "other.example")
    files = tls.Certificates([pem, other])

    def serial():
        port = TlsPort(None, context=trusting(other), files=files, host="other.example")
        port.client.handshake()
        return port.client.end.getpeercert()["serialNumber"]

    before = serial()
    replace(other, make_certificate(tmp_path / "new", "other.example"))
    assert serial() != before


@pytest.mark.spec("SEC-02")
def test_a_chain_is_sent_whole(tmp_path):
    (tmp_path / "other").mkdir()
    pem, other = make_certificate(tmp_path), make_certificate(tmp_path / "other")
    pem.certificate.write_bytes(pem.certificate.read_bytes() + other.certificate.read_bytes())
    files = tls.Certificates([pem])
    client = SSL.Connection(SSL.Context(SSL.TLS_METHOD))
    client.set_connect_state()
    server = files.serverConnectionForTLS(None)
    server.set_accept_state()
    for _ in range(6):
        for one, another in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                one.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                another.bio_write(one.bio_read(2**16))
    assert len(client.get_peer_cert_chain()) == 2


def test_a_connection_fits_a_host_with_the_same_certificate(pem, tmp_path):
    other = make_certificate(tmp_path, "*.example.com")
    files = tls.Certificates([pem, other])
    port = TlsPort(other, files=files, host="www.example.com")
    port.client.handshake()
    fits = tls.fitting(files)
    transport = port.protocol.transport
    assert fits(transport, "www.example.com")
    assert fits(transport, "shop.example.com")
    assert not fits(transport, "localhost")
    assert not fits(transport, "unknown.example")
    assert tls.fitting(tls.Certificates([pem]))(transport, "unknown.example")


@pytest.mark.parametrize(
    ("offered", "chosen"), [(["h2", "http/1.1"], "http/1.1"), (["h2"], None), (["x", "http/1.1"], "http/1.1")]
)
def test_a_client_that_offers_protocols_is_let_in_and_told_http(pem, tmp_path, offered, chosen):
    other = make_certificate(tmp_path, "other.example")
    for host, certificate in (("localhost", pem), ("other.example", other)):
        context = trusting(certificate)
        context.set_alpn_protocols(offered)
        port = TlsPort(certificate, context=context, files=tls.Certificates([pem, other]), host=host)
        port.client.handshake()
        assert port.client.end.selected_alpn_protocol() == chosen
        assert status(port.ask(request())) == 101
