"""What TLS tells methods of authentication: channel ids that both ends know, and the client's certificate."""

import contextlib
import hashlib
import os
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from OpenSSL import SSL

from tests.support.authority import Authority, self_signed
from tests.support.certificates import make_certificate
from tests.transports.port import Port, request
from tests.transports.test_tls import TlsPort, trusting
from wampd.router.transports import tls
from wampd.router.transports.channels import TlsChannel

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
RAW = b"\x7f\xf1\x00\x00"


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("channels"))


def context(pem, version=None, client=None):
    """What a client trusts, speaks and shows."""
    made = trusting(pem)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    if client is not None:
        made.load_cert_chain(*client)
    return made


def channel_of(port, opening=RAW):
    port.client.handshake()
    port.ask(opening)
    return port.served[0].about["channel"]


# -------------------------------------------------------------------------------------------------- channel ids


@pytest.mark.spec("SCR-09", "CSG-04")
@pytest.mark.parametrize("opening", [RAW, request()])
def test_tls_unique_is_the_same_at_both_ends_of_tls_1_2(pem, opening):
    port = TlsPort(pem, context=context(pem, V12))
    channel = channel_of(port, opening)
    assert len(channel.binding("tls-unique")) == 12
    assert channel.binding("tls-unique") == port.client.end.get_channel_binding("tls-unique")


@pytest.mark.spec("SCR-09", "CSG-04")
def test_tls_unique_differs_from_connection_to_connection(pem):
    ports = [TlsPort(pem, context=context(pem, V12)) for _ in range(2)]
    one, another = [channel_of(port).binding("tls-unique") for port in ports]
    assert one != another


@pytest.mark.spec("SCR-09", "CSG-04")
def test_each_version_has_its_own_kind(pem):
    old = channel_of(TlsPort(pem, context=context(pem, V12)))
    new = channel_of(TlsPort(pem, context=context(pem, V13)))
    assert old.binding("tls-exporter") is None
    assert new.binding("tls-unique") is None
    assert len(new.binding("tls-exporter")) == 32
    assert old.binding("finished") is None
    for channel in (old, new):
        assert channel.binding("") is None
        assert channel.binding("tls-server-end-point ") is None


def converse(server, client):
    """Shake hands in memory."""
    client.set_connect_state()
    server.set_accept_state()
    done = set()
    for _ in range(12):
        for end, other in ((client, server), (server, client)):
            with contextlib.suppress(SSL.WantReadError):
                end.do_handshake()
                done.add(end)
            with contextlib.suppress(SSL.WantReadError):
                other.bio_write(end.bio_read(2**16))
    assert done == {client, server}


@pytest.mark.spec("CSG-04")
def test_tls_exporter_is_what_the_client_exports_under_the_label_of_rfc_9266(pem):
    server = tls.Certificates([pem]).serverConnectionForTLS(None)
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
    converse(server, client)
    assert client.get_protocol_version_name() == "TLSv1.3"
    expected = client.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
    assert TlsChannel(server).binding("tls-exporter") == expected


@pytest.mark.spec("CSG-04")
def test_the_finished_message_of_tls_1_3_is_the_clients(pem):
    server = tls.Certificates([pem]).serverConnectionForTLS(None)
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
    converse(server, client)
    assert TlsChannel(server).binding("finished") == client.get_finished()
    assert client.get_finished() != server.get_finished()


@pytest.mark.spec("SCR-09")
@pytest.mark.parametrize("version", [V12, V13])
def test_no_session_is_resumed(pem, version):
    made, files = context(pem, version), tls.Certificates([pem])
    first = TlsPort(pem, files=files, context=made)
    channel_of(first)
    second = TlsPort(pem, files=files, context=made)
    second.client.end.session = first.client.end.session
    channel_of(second)
    assert not second.client.end.session_reused


@pytest.mark.spec("SCR-09")
@pytest.mark.parametrize("version", [V12, V13])
def test_the_end_point_is_the_digest_of_the_certificate_that_was_served(tmp_path, version):
    pems = [make_certificate(tmp_path, name) for name in ("first.example", "second.example")]
    ends = []
    for pem in pems:
        made = context(pem, version)
        port = TlsPort(None, context=made, files=tls.Certificates(pems), host=pem.certificate.stem)
        channel = channel_of(port)
        assert channel.binding("tls-server-end-point") == hashlib.sha256(port.client.end.getpeercert(True)).digest()
        ends.append(channel.binding("tls-server-end-point"))
    assert ends[0] != ends[1]


@pytest.mark.spec("SCR-09")
def test_the_end_point_stays_that_of_the_connection_when_the_certificate_is_replaced(tmp_path):
    (tmp_path / "new").mkdir()
    pem, new = make_certificate(tmp_path), make_certificate(tmp_path / "new")
    files = tls.Certificates([pem])
    first = TlsPort(pem, files=files)
    channel = channel_of(first)
    before = channel.binding("tls-server-end-point")
    for path, other in zip(pem, new, strict=True):
        path.write_bytes(other.read_bytes())
        os.utime(path, ns=(1, path.stat().st_mtime_ns + 1_000_000_000))
    assert channel_of(TlsPort(pem, files=files)).binding("tls-server-end-point") != before
    assert channel.binding("tls-server-end-point") == before


@pytest.mark.spec("SCR-09")
@pytest.mark.parametrize(("algorithm", "size"), [(hashes.SHA384(), 48), (hashes.SHA512(), 64), (None, None)])
def test_the_end_point_follows_the_hash_of_the_certificate_and_ed25519_has_none(pem, algorithm, size):
    certificate = signed_with(pem, algorithm)
    server = SSL.Context(SSL.TLS_SERVER_METHOD)
    server.use_certificate(certificate)
    end = TlsChannel(SSL.Connection(server)).binding("tls-server-end-point")
    assert end == (certificate.fingerprint(algorithm) if size else None)
    assert size is None or len(end) == size


def signed_with(pem, algorithm):
    """A certificate that is signed by means of this hash; `None`: with Ed25519."""
    template = x509.load_pem_x509_certificate(pem.certificate.read_bytes())
    key = ed25519.Ed25519PrivateKey.generate()
    if algorithm is not None:
        key = load_pem_private_key(pem.key.read_bytes(), None)
    return (
        x509.CertificateBuilder()
        .subject_name(template.subject)
        .issuer_name(template.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(template.not_valid_before_utc)
        .not_valid_after(template.not_valid_after_utc)
        .sign(key, algorithm)
    )


def test_without_tls_there_is_no_channel():
    for opening in (RAW, request()):
        port = Port()
        port.ask(opening)
        assert port.served[0].about.keys() <= {"type", "peer", "protocol"}


# -------------------------------------------------------------------------------------- certificates of clients


@pytest.fixture(scope="module")
def clients(tmp_path_factory):
    """Clients' certificates: of the authority that the router trusts, and others."""
    directory = tmp_path_factory.mktemp("clients")
    (directory / "foreign").mkdir()
    ours, foreign = Authority(directory), Authority(directory / "foreign")
    return {
        "authority": ours.certificate,
        "good": ours.client("joe"),
        "expired": ours.client("late", days=-1),
        "server": ours.client("server", server=True),
        "foreign": foreign.client("joe"),
        "self-signed": self_signed(directory, "mallory"),
    }


def port_for(pem, clients, shown, *, required=True, version=None, **kwargs):
    asked = tls.ClientCertificates(clients["authority"], required)
    certificates = tls.Certificates([pem], asked)
    client = clients[shown] if shown else None
    return TlsPort(pem, files=certificates, context=context(pem, version, client), **kwargs)


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize("opening", [RAW, request()])
def test_a_certificate_that_an_authority_vouches_for_is_known(pem, clients, version, required, opening):
    channel = channel_of(port_for(pem, clients, "good", required=required, version=version), opening)
    shown = x509.load_pem_x509_certificate(clients["good"].certificate.read_bytes())
    assert channel.certificate == shown.public_bytes(Encoding.DER)


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("required", [True, False])
@pytest.mark.parametrize(
    ("shown", "alert"),
    [
        ("expired", "CERTIFICATE_EXPIRED"),
        ("foreign", "UNKNOWN_CA|BAD_CERTIFICATE|DECRYPT_ERROR"),
        ("self-signed", "UNKNOWN_CA"),
        ("server", "UNSUPPORTED_CERTIFICATE|BAD_CERTIFICATE"),
    ],
)
def test_a_bad_certificate_ends_the_handshake_even_where_none_would_have_done(
    pem, clients, version, required, shown, alert
):
    port = port_for(pem, clients, shown, required=required, version=version)
    with pytest.raises(ssl.SSLError, match=alert):
        speak(port)
    assert port.served == []
    assert port.house.refusals == 1
    assert port.house.inside == 0


def speak(port):
    """Shake hands, and read: in TLS 1.3 it is by reading that a client learns what became of its certificate."""
    port.client.handshake()
    port.client.end.recv(100)


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("version", [V12, V13])
def test_without_a_certificate_nobody_gets_in_where_one_is_required(pem, clients, version):
    port = port_for(pem, clients, None, version=version)
    with pytest.raises(ssl.SSLError, match=r"CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE"):
        speak(port)
    assert port.served == []


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("version", [V12, V13])
def test_without_a_certificate_one_gets_in_where_it_is_optional_but_has_none(pem, clients, version):
    channel = channel_of(port_for(pem, clients, None, required=False, version=version))
    assert channel.certificate is None


@pytest.mark.spec("TLA-02")
def test_a_certificate_that_nobody_asked_for_is_not_known(pem, clients):
    port = TlsPort(pem, context=context(pem, None, clients["good"]))
    assert channel_of(port).certificate is None


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("shown", ["good", "foreign", None])
@pytest.mark.parametrize("host", ["first.example", "second.example", "other.example"])
def test_all_names_of_a_listener_ask_for_the_same_certificates(tmp_path, clients, host, shown):
    pems = [make_certificate(tmp_path, name) for name in ("first.example", "second.example")]
    files = tls.Certificates(pems, tls.ClientCertificates(clients["authority"], True))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if shown:
        made.load_cert_chain(*clients[shown])
    port = TlsPort(None, files=files, context=made, host=host)
    if shown == "good":
        assert channel_of(port).certificate is not None
    else:
        with pytest.raises(ssl.SSLError):
            speak(port)
        assert port.served == []


@pytest.mark.spec("TLA-02")
def test_authorities_are_read_again_when_they_change(tmp_path, pem):
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    joe, ann = authority.client("joe"), other.client("ann")
    files = tls.Certificates([pem], tls.ClientCertificates(authority.certificate, True))
    assert channel_of(TlsPort(pem, files=files, context=context(pem, None, joe))).certificate
    authority.certificate.write_bytes(other.certificate.read_bytes())
    os.utime(authority.certificate, ns=(1, authority.certificate.stat().st_mtime_ns + 1_000_000_000))
    assert channel_of(TlsPort(pem, files=files, context=context(pem, None, ann))).certificate
    with pytest.raises(ssl.SSLError):
        speak(TlsPort(pem, files=files, context=context(pem, None, joe)))
    authority.certificate.write_text("nothing of the sort")  # then those of before stay
    assert channel_of(TlsPort(pem, files=files, context=context(pem, None, ann))).certificate


def test_a_file_without_authorities_is_refused(tmp_path, pem):
    (tmp_path / "empty").write_text("")
    with pytest.raises(ValueError, match="no certificates of authorities"):
        tls.Certificates([pem], tls.ClientCertificates(tmp_path / "empty", True))


@pytest.mark.spec("TLA-02")
def test_a_self_signed_certificate_is_good_if_it_stands_among_the_authorities(tmp_path, pem):
    mallory = self_signed(tmp_path, "known")
    files = tls.Certificates([pem], tls.ClientCertificates(mallory.certificate, True))
    assert channel_of(TlsPort(pem, files=files, context=context(pem, None, mallory))).certificate


@pytest.fixture
def revoking(tmp_path):
    """An authority, two clients, and the file of its revocations."""
    authority = Authority(tmp_path)
    (tmp_path / "others").mkdir()
    return authority, authority.client("joe"), authority.client("ann"), tmp_path / "revoked.pem"


def shows(pem, authority, revocations, shown):
    asked = tls.ClientCertificates(authority.certificate, False, revocations)
    return TlsPort(pem, files=tls.Certificates([pem], asked), context=context(pem, None, shown))


@pytest.mark.spec("TLA-02")
def test_a_certificate_that_is_revoked_is_bad(pem, tmp_path, revoking):
    authority, joe, ann, file = revoking
    other = Authority(tmp_path / "others", "other")
    file.write_bytes(other.revocations() + authority.revocations(joe))
    assert channel_of(shows(pem, authority, file, ann)).certificate
    port = shows(pem, authority, file, joe)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
        speak(port)
    assert port.served == []


@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("which", ["out of date", "of another", "forged"])
def test_without_a_good_list_of_its_authority_no_certificate_is_good(pem, tmp_path, revoking, which):
    authority, joe, _, file = revoking
    namesake = Authority(tmp_path / "others")
    lists = {
        "out of date": authority.revocations(days=-1),
        "of another": Authority(tmp_path / "others", "other").revocations(),
        "forged": namesake.revocations(),
    }
    file.write_bytes(lists[which])
    with pytest.raises(ssl.SSLError, match=r"alert|ALERT"):
        speak(shows(pem, authority, file, joe))


@pytest.mark.spec("TLA-02")
def test_revocations_are_read_again_when_they_change(pem, revoking):
    authority, joe, _, file = revoking
    file.write_bytes(authority.revocations())
    files = tls.Certificates([pem], tls.ClientCertificates(authority.certificate, True, file))
    assert channel_of(TlsPort(pem, files=files, context=context(pem, None, joe))).certificate
    file.write_bytes(authority.revocations(joe))
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000_000))
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_REVOKED"):
        speak(TlsPort(pem, files=files, context=context(pem, None, joe)))


@pytest.mark.parametrize("content", ["", "-----BEGIN X509 CRL-----\nxx\n-----END X509 CRL-----\n"])
def test_a_file_without_revocations_is_refused(tmp_path, pem, content):
    authority = Authority(tmp_path)
    (tmp_path / "revoked.pem").write_text(content)
    with pytest.raises(ValueError, match="revocation lists"):
        tls.Certificates([pem], tls.ClientCertificates(authority.certificate, True, tmp_path / "revoked.pem"))
