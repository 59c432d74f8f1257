"""The reverse proxy of a running router before real servers: nginx, Python's own, other listeners of the router; by curl."""

import hashlib
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.support.certificates import make_certificate
from tests.support.process import Child, environment, free_port, running_wampd, wampd_command

pytestmark = pytest.mark.needs("curl")

REALM = "realms: [{name: realm1, roles: [{name: anonymous}], auth: {anonymous: {}}}]\n"
LISTENER = "listeners:\n  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1\n"
NGINX = """\
{user}
daemon off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;
  server {{
    listen 127.0.0.1:{port};
    root {root};
    location /slow/ {{ limit_rate 10k; alias {root}/; }}
    location /moved {{ return 302 /new/place; }}
  }}
}}
"""


def curl(*arguments):
    """Exit status of curl, status code of the answer, its head and its body."""
    done = subprocess.run(
        ["curl", "-sS", "-i", "--max-time", "20", *arguments], check=False, capture_output=True, timeout=30
    )
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        head, _, content = content.partition(b"\r\n\r\n")
    return done.returncode, int(head.split()[1]) if head else 0, head.decode("latin-1"), content


@pytest.fixture
def files(tmp_path):
    root = tmp_path / "files"
    root.mkdir()
    (root / "small.txt").write_text("small")
    (root / "big.bin").write_bytes(hashlib.sha256(b"").digest() * 100_000)
    return root


@pytest.fixture
def nginx(files, tmp_path):
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not read what is here
    (tmp_path / "nginx.conf").write_text(NGINX.format(port=port, root=files, user=user))
    server = Child(["nginx", "-p", tmp_path, "-c", "nginx.conf"], tmp_path / "nginx.log")
    server.wait_for_port(port)
    yield server, port
    server.stop()  # and with it its workers


def configured(tmp_path, lines, *, more=""):
    """A configuration whose listener has these lines."""
    (tmp_path / "wampd.yaml").write_text(REALM + LISTENER + lines + more)
    return tmp_path / "wampd.yaml"


@pytest.mark.needs("nginx")
def test_nginx_behind_the_proxy_serves_all_that_it_serves(files, nginx, tmp_path):
    _, backend = nginx
    config = configured(
        tmp_path,
        f"    http: {{/n: {{type: proxy, strip_prefix: true, rewrite: true, backends: [{{url: 'http://127.0.0.1:{backend}'}}]}}}}\n",
    )
    big = (files / "big.bin").read_bytes()
    with running_wampd(config, tmp_path / "wampd.log") as (_, port):
        base = f"http://127.0.0.1:{port}/n"
        _, code, head, content = curl(f"{base}/big.bin")
        assert (code, content == big) == (200, True)
        assert "Content-Length: 3200000" in head
        assert "Server: nginx" in head
        _, code, head, content = curl(f"{base}/big.bin", "--compressed")
        assert (code, content == big) == (200, True)
        assert "Transfer-Encoding: chunked" in head
        _, code, _, content = curl(f"{base}/big.bin", "-r", "10-19")
        assert (code, content) == (206, big[10:20])
        _, code, head, content = curl("-I", f"{base}/small.txt")
        assert (code, content) == (200, b"")
        etag = next(line for line in head.split("\r\n") if line.startswith("ETag: ")).removeprefix("ETag: ")
        assert curl(f"{base}/small.txt", "-H", f"If-None-Match: {etag}")[1] == 304
        assert curl(f"{base}/nothing")[1] == 404
        _, code, head, _ = curl(f"{base}/moved")
        assert (code, "Location: /n/new/place" in head) == (302, True)
        assert curl("-d", "x", f"{base}/small.txt")[1] == 405
        assert curl("--path-as-is", f"{base}/../small.txt")[1] == 400
        assert curl("--path-as-is", f"{base}/x/../small.txt")[1] == 400


@pytest.mark.needs("nginx")
def test_a_backend_that_is_killed_in_the_middle_of_an_answer_never_leaves_one_that_looks_whole(nginx, tmp_path):
    server, backend = nginx
    config = configured(
        tmp_path, f"    http: {{/: {{type: proxy, backends: [{{url: 'http://127.0.0.1:{backend}'}}]}}}}\n"
    )
    with running_wampd(config, tmp_path / "wampd.log") as (wampd, port):
        for arguments in ((), ("--compressed",), ("--http1.0",)):
            fetching = subprocess.Popen(
                ["curl", "-sS", "-N", *arguments, f"http://127.0.0.1:{port}/slow/big.bin"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert fetching.stdout.read(100)
            children = subprocess.run(["pgrep", "-P", str(server.pid)], capture_output=True, text=True, check=True)
            for worker in children.stdout.split():  # the master makes a new one
                subprocess.run(["kill", "-9", worker], check=True)
            fetching.stdout.read()
            assert fetching.wait(20) in (18, 56)  # partial file, or failure in receiving
            fetching.stdout.close()
        wampd.wait_for_log("it closed the connection")
        server.stop()
        assert curl(f"http://127.0.0.1:{port}/small.txt")[1] == 502


class Told(BaseHTTPRequestHandler):
    """A server that says what it was told."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._say(repr(sorted(self.headers.items())).encode())

    def do_PUT(self):
        digest, length = hashlib.sha256(), 0
        for part in self._parts():
            digest.update(part)
            length += len(part)
        self._say(f"{length} {digest.hexdigest()}".encode())

    def do_POST(self):
        """Want nothing of the body, and close."""
        self.send_response(401)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"no")
        self.close_connection = True

    def _parts(self):
        left = int(self.headers.get("Content-Length", 0))
        while left:
            part = self.rfile.read(min(left, 65536))
            left -= len(part)
            yield part
        while self.headers.get("Transfer-Encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            part = self.rfile.read(size)
            self.rfile.readline()
            if not size:
                return
            yield part

    def _say(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing."""


@pytest.fixture
def told():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


ACCESS = """\
    http:
      /:
        type: proxy
        backends: [{{url: 'http://127.0.0.1:{port}'}}]
        access: {{realm: realm1, basic: true}}
        forward_credentials: {forward}
"""
MEMBERS = """\
realms:
  - name: realm1
    roles: [{name: member}]
    auth: {ticket: {}, principals: [{authid: joe, role: member, ticket: hunter2}]}
"""


@pytest.mark.parametrize("forward", ["false", "true"])
def test_what_lets_a_client_in_is_for_a_backend_only_if_it_is_to_be(told, tmp_path, forward):
    lines = ACCESS.format(port=told, forward=forward)
    config = tmp_path / "config.yaml"
    config.write_text(MEMBERS + LISTENER + lines)
    with running_wampd(config, tmp_path / "wampd.log") as (_, port):
        assert curl(f"http://127.0.0.1:{port}/head")[1] == 401
        _, code, _, content = curl("-u", "joe:hunter2", f"http://127.0.0.1:{port}/head")
    assert code == 200
    assert (b"'Authorization', 'Basic " in content) == (forward == "true")


@pytest.mark.parametrize("how", [[], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]])
def test_big_uploads_arrive_whole_and_are_not_kept(told, tmp_path, how):
    lines = f"    http: {{/: {{type: proxy, body_size: 64 MiB, backends: [{{url: 'http://127.0.0.1:{told}'}}]}}}}\n"
    data = tmp_path / "data"
    data.write_bytes(hashlib.sha256(b"").digest() * 1_000_000)
    with running_wampd(configured(tmp_path, lines), tmp_path / "wampd.log") as (wampd, port):
        before = memory(wampd.pid)
        _, code, _, content = curl("-T", data, *how, f"http://127.0.0.1:{port}/x")
        assert (code, content.decode()) == (200, f"32000000 {hashlib.sha256(data.read_bytes()).hexdigest()}")
        assert memory(wampd.pid) - before < 16_000


def test_an_answer_before_the_end_of_a_big_upload_arrives(told, tmp_path):
    lines = f"    http: {{/: {{type: proxy, body_size: 64 MiB, backends: [{{url: 'http://127.0.0.1:{told}'}}]}}}}\n"
    data = tmp_path / "data"
    data.write_bytes(bytes(20_000_000))
    with running_wampd(configured(tmp_path, lines), tmp_path / "wampd.log") as (_, port):
        for _ in range(10):
            _, code, head, content = curl("-X", "POST", "-T", data, "-H", "Expect:", f"http://127.0.0.1:{port}/x")
            assert (code, content, "Connection: close" in head) == (401, b"no", True)


def memory(pid):
    """The peak of a process's memory, in kB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


CHAIN = """\
    http:
      /plain: {{type: proxy, trusted_proxies: [127.0.0.1], backends: [{{url: "http://127.0.0.1:{told}"}}]}}
      /unix: {{type: proxy, preserve_host: false, backends: [{{url: "unix:{folder}/inner.sock"}}]}}
      /tls: {{type: proxy, preserve_host: false, authorities: localhost.crt, backends: [{{url: "https://localhost:{secure}"}}]}}
      /wrong: {{type: proxy, backends: [{{url: "https://localhost:{secure}"}}]}}
  - endpoint: unix:{folder}/inner.sock
    http: {{/unix: {{type: json, value: by socket}}}}
    websocket: {{/unix/ws: {{type: echo, origins: ["*"]}}}}
  - endpoint: tcp:{secure}:interface=127.0.0.1
    tls: {{certificate: localhost.crt, key: localhost.key}}
    http: {{/tls: {{type: json, value: by TLS}}}}
    websocket: {{/tls/ws: {{type: echo, origins: ["*"]}}}}
"""


def test_backends_are_reached_by_sockets_and_by_tls_and_are_told_of_the_client(told, tmp_path):
    make_certificate(tmp_path)
    lines = CHAIN.format(told=told, folder=tmp_path, secure=free_port())
    with running_wampd(configured(tmp_path, lines), tmp_path / "wampd.log") as (wampd, port):
        base = f"127.0.0.1:{port}"
        assert curl(f"http://{base}/unix")[3] == b'"by socket"\n'
        assert curl(f"http://{base}/tls")[3] == b'"by TLS"\n'
        assert curl(f"http://{base}/wrong")[1] == 502  # nobody vouches for it
        wampd.wait_for_log("certificate verify failed")
        headers = curl(
            f"http://{base}/plain", "-H", "X-Forwarded-For: 10.1.1.1", "-H", "Connection: X-A", "-H", "X-A: 1"
        )
        assert b"('X-Forwarded-For', '10.1.1.1, 127.0.0.1')" in headers[3]
        assert f"('Host', '{base}')".encode() in headers[3]
        assert b"X-A" not in headers[3]
        for path in ("unix", "tls"):
            with connect(f"ws://{base}/{path}/ws") as socket:
                socket.send("hello ☃")
                assert socket.recv(timeout=60) == "hello ☃"
                socket.send(b"x" * 500_000)
                assert socket.recv(timeout=60) == b"x" * 500_000
        for path, code in (("unix/nothing", 404), ("plain", 200)):
            with pytest.raises(InvalidStatus) as refused:
                connect(f"ws://{base}/{path}")
            assert refused.value.response.status_code == code
        with pytest.raises(InvalidStatus) as refused:
            connect(f"ws://{base}/unix/ws", origin="https://evil.example")
        assert refused.value.response.status_code == 403
        assert "Traceback" not in wampd.log()


def test_checks_take_a_backend_out_and_bring_it_back(tmp_path):
    port = free_port()
    lines = (
        "    http: {/: {type: proxy, health: {path: /health, interval: 100 ms}, backends: "
        f"[{{url: 'http://127.0.0.1:{port}'}}]}}}}\n"
    )
    inner = tmp_path / "inner.yaml"
    inner.write_text(
        REALM + LISTENER + "    http: {/health: {type: json, value: well}, /: {type: json, value: hello}}\n"
    )
    with running_wampd(configured(tmp_path, lines), tmp_path / "wampd.log") as (wampd, outer):
        wampd.wait_for_log(f"http://127.0.0.1:{port}: ill")
        code, head = curl(f"http://127.0.0.1:{outer}/")[1:3]
        assert (code, "Retry-After: " in head) == (503, True)
        with running_wampd(inner, tmp_path / "inner.log", port=port):
            wampd.wait_for_log(f"http://127.0.0.1:{port}: well again")
            assert curl(f"http://127.0.0.1:{outer}/")[3] == b'"hello"\n'
        assert wampd.log().count(": ill") in (1, 2)


def test_a_websocket_ends_when_its_backend_does(tmp_path):
    inner = tmp_path / "inner.yaml"
    inner.write_text(REALM + LISTENER + '    websocket: {/ws: {type: echo, origins: ["*"]}}\n')
    backend = free_port()
    server = Child(wampd_command("run", inner), tmp_path / "inner.log", env=environment(WAMPD_PORT=str(backend)))
    try:
        server.wait_for_port(backend)
        lines = f"    http: {{/ws: {{type: proxy, backends: [{{url: 'http://127.0.0.1:{backend}'}}]}}}}\n"
        config = configured(tmp_path, lines)
        with running_wampd(config, tmp_path / "wampd.log") as (_, port), connect(f"ws://127.0.0.1:{port}/ws") as socket:
            socket.send("still here")
            assert socket.recv(timeout=60) == "still here"
            server.kill()
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=60)
    finally:
        server.kill()
