"""The web site: static files behind the universal port, closed by default, bounded in size and time.

Somewhat long, so that this file alone covers `wampd.router.http.static.resource`.
"""

import os
import re

import pytest
from twisted.web.resource import Resource

from tests.support.overheard import failure, overheard
from tests.transports.port import EVERYTHING, Port, build_site, headers, request, status
from tests.transports.wires import Loop
from wampd.router.http.channel import MAX_BODY, PATIENCE, STALL
from wampd.router.http.request import SmallRequest
from wampd.router.http.site import BoundedSite


@pytest.fixture
def root(tmp_path):
    """A site with an outside around it."""
    root = tmp_path / "site"
    (root / "docs").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / ".git").mkdir()
    (root / "index.html").write_text("<p>home")
    (root / "app.js").write_text("let x")
    (root / "data.bin").write_bytes(bytes(range(256)) * 4)
    (root / "unknown.qqq").write_text("<script>")
    (root / "docs" / "index.html").write_text("<p>docs")
    (root / "docs" / "größe.txt").write_text("big")
    (root / ".secret").write_text("secret")
    (root / ".git" / "config").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "site-backup").mkdir()
    (tmp_path / "site-backup" / "secret.txt").write_text("secret")
    (root / "out").symlink_to(tmp_path)
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "backup").symlink_to(tmp_path / "site-backup")
    (root / "hidden.txt").symlink_to(root / ".secret")
    (root / "inside.txt").symlink_to(root / "docs" / "größe.txt")
    (root / "dangling").symlink_to(root / "nothing")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture
def get(root):
    """Asks a fresh connection."""
    return lambda target, *lines, **kwargs: ask(build_site({"/": root}), target, *lines, **kwargs)


@pytest.fixture(autouse=True)
def _no_failures(request):
    with overheard(failure) as failures:
        yield
    if "failure_of_ours" not in request.node.name:
        assert failures == []


def ask(site, target, *lines, method="GET", host=True):
    port = Port(site=site)
    head = [f"{method} {target} HTTP/1.1", *(["Host: router.example"] if host else []), *lines, "", ""]
    return port.ask("\r\n".join(head).encode("latin-1"))


def body(answer):
    return answer.split(b"\r\n\r\n", 1)[1]


# ----------------------------------------------------------------------------------------------------- what is served


@pytest.mark.parametrize(
    ("target", "kind", "content"),
    [
        ("/", "text/html; charset=utf-8", b"<p>home"),
        ("/index.html", "text/html; charset=utf-8", b"<p>home"),
        ("/?x=/../y", "text/html; charset=utf-8", b"<p>home"),
        ("/docs/", "text/html; charset=utf-8", b"<p>docs"),
        ("/docs/gr%C3%B6%C3%9Fe.txt", "text/plain; charset=utf-8", b"big"),
        ("/inside.txt", "text/plain; charset=utf-8", b"big"),
        ("/unknown.qqq", "application/octet-stream", b"<script>"),
        ("http://router.example/index.html", "text/html; charset=utf-8", b"<p>home"),
    ],
)
def test_files_are_served_with_their_type(get, target, kind, content):
    answer = get(target)
    assert status(answer) == 200
    assert headers(answer)["content-type"] == kind
    assert headers(answer)["x-content-type-options"] == "nosniff"
    assert body(answer) == content


def test_scripts_are_scripts(get):
    assert "javascript" in headers(get("/app.js"))["content-type"]


def test_head_is_get_without_its_body(get):
    answer, whole = get("/data.bin", method="HEAD"), get("/data.bin")
    assert body(answer) == b""
    for name in ("content-length", "content-type", "etag", "last-modified"):
        assert headers(answer)[name] == headers(whole)[name]


def test_a_directory_without_its_slash_is_redirected_to_this_very_host(get):
    answer = get("/docs")
    assert status(answer) == 302
    assert headers(answer)["location"] == "/docs/"


@pytest.mark.parametrize(
    "target",
    [
        "/nothing",
        "/empty/",
        "/.secret",
        "/%2esecret",
        "/.git/config",
        "/docs/../.secret",
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/docs/%2e%2e/%2e%2e/secret.txt",
        "//secret.txt",
        "//etc/passwd",
        "/out/secret.txt",
        "/out.txt",
        "/backup/secret.txt",
        "/hidden.txt",
        "/dangling",
        "/pipe",
        "/index.html/",
        "/index.html/x",
        "/%ff%fe",
        "/" + "x" * 300,
        "/" + "x/" * 200,
        "/docs/.",
        "/docs/..",
    ],
)
def test_everything_else_is_not_found(get, target):
    answer = get(target)
    assert status(answer) == 404
    assert b"secret" not in body(answer)
    assert b"Traceback" not in answer
    assert headers(answer)["server"] == "wampd"


@pytest.mark.parametrize(
    "target", ["*", "/%00", "/index.html%00.txt", "/100%", "/docs//größe.txt", "ftp://x/", "index.html", ""]
)
def test_what_is_no_path_is_refused(get, target):
    assert status(get(target)) in (400, 404, 405)


def test_no_directory_is_listed(get):
    answer = get("/empty/")
    assert status(answer) == 404
    assert b"<a" not in answer


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_other_methods_are_not_allowed(get, method):
    answer = get("/index.html", "Content-Length: 0", method=method)
    assert status(answer) == 405
    assert headers(answer)["allow"] == "GET, HEAD"
    assert b"home" not in answer


def test_the_longest_path_that_fits_decides_by_whole_segments(tmp_path):
    for name in ("root", "app", "deep"):
        (tmp_path / name / "app" / "deep").mkdir(parents=True)
        for place in (".", "app", "app/deep"):
            (tmp_path / name / place / "file").write_text(f"{name}:{place}")
    (tmp_path / "root" / "apple").write_text("apple")
    site = {"/": tmp_path / "root", "/app": tmp_path / "app", "/app/deep/er": tmp_path / "deep"}
    expected = {
        "/file": b"root:.",
        "/apple": b"apple",
        "/app/file": b"app:.",
        "/app/app/file": b"app:app",
        "/app/app/deep/file": b"app:app/deep",
        "/app/deep/er/file": b"deep:.",
    }
    for target, content in expected.items():
        assert body(ask(build_site(site), target)) == content
    assert status(ask(build_site(site), "/app/deep/file")) == 404
    assert headers(ask(build_site(site), "/app"))["location"] == "/app/"


def test_without_a_site_at_the_root_nothing_is_there(root):
    site = {"/files": root}
    assert status(ask(build_site(site), "/")) == 404
    assert status(ask(build_site(site), "/index.html")) == 404
    assert status(ask(build_site(site), "/files/")) == 200


# --------------------------------------------------------------------------------------------- caches and ranges


def test_what_has_not_changed_is_not_sent_again(get, root):
    first = headers(get("/data.bin"))
    for line in (f"If-None-Match: {first['etag']}", f"If-Modified-Since: {first['last-modified']}"):
        answer = get("/data.bin", line)
        assert status(answer) == 304
        assert body(answer) == b""
    (root / "data.bin").write_bytes(b"new")
    assert body(get("/data.bin", f"If-None-Match: {first['etag']}")) == b"new"


def test_what_was_changed_later_is_sent(get, root):
    os.utime(root / "data.bin", (1e9, 1e9))
    since = "If-Modified-Since: Sun, 09 Sep 2001 01:46:{:02} GMT"
    assert status(get("/data.bin", since.format(39))) == 200
    assert status(get("/data.bin", since.format(40))) == 304
    assert status(get("/data.bin", 'If-None-Match: "other"', since.format(40))) == 200
    assert status(get("/data.bin", "If-None-Match: *")) == 304
    etag = headers(get("/data.bin"))["etag"]
    assert status(get("/data.bin", f'If-None-Match: "other", W/{etag}')) == 304


@pytest.mark.parametrize("date", [";", "x", "Sun", "99 Foo", "Sun, 09 Sep 99999999999 01:46:40 GMT", "\xff", "0"])
def test_a_date_that_is_none_is_ignored(get, date):
    assert status(get("/data.bin", f"If-Modified-Since: {date}")) == 200


@pytest.mark.parametrize(
    ("ranges", "code", "content"),
    [
        ("bytes=0-3", 206, b"\x00\x01\x02\x03"),
        ("bytes=5-5", 206, b"\x05"),
        ("bytes=1020-", 206, b"\xfc\xfd\xfe\xff"),
        ("bytes=1020-99999", 206, b"\xfc\xfd\xfe\xff"),
        ("bytes=-2", 206, b"\xfe\xff"),
        ("bytes=5000-", 416, b""),
        ("bytes=1024-", 416, b""),
        ("bytes=-0", 416, b""),
        ("bytes=-99999", 200, None),
        ("bytes=5-3", 200, None),
        ("bytes=0-", 200, None),
        ("bytes=x", 200, None),
        ("bytes=\xff", 200, None),
        ("lines=1-2", 200, None),
        ("bytes=" + "9" * 5000 + "-", 200, None),
        ("bytes=" + ",".join(["0-"] * 500), 200, None),
    ],
)
def test_one_range_is_sent_alone_and_of_anything_else_the_whole(get, ranges, code, content):
    answer = get("/data.bin", f"Range: {ranges}")
    assert status(answer) == code
    whole = bytes(range(256)) * 4
    assert body(answer) == (whole if content is None else content)
    if code == 206:
        begin, end = re.fullmatch(r"bytes (\d+)-(\d+)/1024", headers(answer)["content-range"]).groups()
        assert whole[int(begin) : int(end) + 1] == content
        assert headers(answer)["content-length"] == str(len(content))


def test_a_file_that_becomes_shorter_while_it_is_sent_ends_the_connection(root):
    (root / "big").write_bytes(b"x" * 3_000_000)
    port = Port(site=build_site({"/": root}))
    port.client.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    os.truncate(root / "big", 1_000_000)
    assert len(body(port.client.read())) < 3_000_000
    assert port.client.is_cut_off()


def test_an_empty_file_is_served(get, root):
    (root / "empty.txt").write_bytes(b"")
    answer = get("/empty.txt")
    assert (status(answer), body(answer)) == (200, b"")
    assert status(get("/empty.txt", "Range: bytes=-1")) == 416


def test_a_range_of_what_has_changed_is_all_of_it(get):
    etag = headers(get("/data.bin"))["etag"]
    assert status(get("/data.bin", "Range: bytes=0-3", f"If-Range: {etag}")) == 206
    assert status(get("/data.bin", "Range: bytes=0-3", 'If-Range: "old"')) == 200


# ------------------------------------------------------------------------------------------------ size and time


def test_the_next_request_of_a_connection_is_held_to_the_same_limits_as_the_first(root):
    first = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    few = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 3 + b"\r\n"
    many = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 120 + b"\r\n"
    long = b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n"
    for lines, served, refused, code in ((4, few, many, b"431"), (128, many, long, b"414")):
        port = Port(site=build_site({"/": root}, head_size=4096, header_lines=lines))
        answer = port.ask(first + served + refused)
        assert [int(code) for code in re.findall(rb"HTTP/1.1 (\d+)", answer)][:2] == [200, 200]
        assert re.findall(rb"HTTP/1.1 (\d+)", answer)[2:] == [code]
        assert port.client.is_cut_off()


def test_a_big_body_is_refused_by_its_announcement(root):
    port = Port(site=build_site({"/": root}))
    answer = port.ask(
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1)
    )
    assert status(answer) == 413
    assert answer.count(b"HTTP/1.1") == 1
    assert port.client.is_cut_off()


def test_a_body_that_grows_too_big_is_refused_and_what_follows_is_dropped(root):
    port = Port(site=build_site({"/": root}))
    port.client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    for _ in range(40):
        port.client.send(chunk)
    answer = port.client.read()
    assert status(answer) == 413
    assert answer.count(b"HTTP/1.1") == 1
    port.loop.run(3)
    assert port.house.inside == 0


def test_a_body_within_the_limit_is_read_and_the_next_request_answered(root):
    port = Port(site=build_site({"/": root}))
    answer = port.ask(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"405", b"200"]


def test_a_form_of_very_many_fields_is_not_parsed(root, monkeypatch):
    form = b"&a=b" * 200_000
    port = Port(site=build_site({"/": root}))
    kind = b"Content-Type: application/x-www-form-urlencoded"
    port.client.send(b"POST / HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: %d\r\n\r\n" % (kind, len(form)))
    fields = []
    make = SmallRequest.requestReceived

    def received(asked, *line):
        make(asked, *line)
        fields.append(asked.args)

    monkeypatch.setattr(SmallRequest, "requestReceived", received)
    assert status(port.ask(form)) == 405
    assert fields == [{}]


def test_a_request_that_trickles_in_is_cut_off(root):
    port = Port(site=build_site({"/": root}))
    port.client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(int(PATIENCE)):
        assert port.house.inside == 1
        port.client.send(b"x")
        port.loop.run(1)
    port.loop.run(16)
    assert port.client.is_cut_off()
    assert port.house.inside == 0


def test_a_second_request_that_trickles_in_is_cut_off_too(root):
    port = Port(site=build_site({"/": root}))
    assert status(port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) == 200
    for octet in b"GET / HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy":
        if port.client.is_cut_off():
            break
        port.client.send(bytes((octet,)))
        port.loop.run(1)
    port.loop.run(16)
    assert port.house.inside == 0


def test_an_idle_connection_is_closed(root):
    port = Port(site=build_site({"/": root}))
    port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    port.loop.run(PATIENCE - 1)
    assert port.house.inside == 1
    port.loop.run(2)
    assert port.client.is_cut_off()


@pytest.mark.parametrize("size", [20_000, 5_000_000])
@pytest.mark.parametrize("line", [b"", b"Connection: close\r\n"])
def test_a_client_that_does_not_read_its_answer_is_cut_off(root, size, line):
    (root / "big").write_bytes(b"x" * size)
    port = Port(site=build_site({"/": root}))
    port.client.send(b"GET /big HTTP/1.1\r\nHost: x\r\n%s\r\n" % line)
    assert len(port.wire.dataBuffer) + port.wire._tempDataLen < 300_000
    port.loop.run(STALL - 1)
    assert port.house.inside == 1
    port.loop.run(STALL)
    assert port.house.inside == 0


def test_a_big_file_arrives_whole_at_a_client_that_reads_slowly(root):
    (root / "big").write_bytes(b"x" * 2_000_000)
    port = Port(site=build_site({"/": root}))
    port.client.send(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    received = b""
    for _ in range(20):
        port.loop.run(5)
        received += port.client.read(100_000)
    received += port.client.read()
    assert body(received) == b"x" * 2_000_000


def test_too_many_headers_are_refused(root):
    port = Port(site=build_site({"/": root}))
    port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    lines = b"".join(b"X-%d: y\r\n" % number for number in range(120))
    assert status(port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")) == 431
    port = Port(site=build_site({"/": root}))
    port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(port.ask(b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n")) == 431


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: +5\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Content-Length : 5\r\n",
        b"no colon\r\n",
        b"X: a\x00b\r\n",
    ],
)
def test_a_request_that_two_servers_might_read_differently_is_refused(root, lines):
    port = Port(site=build_site({"/": root}))
    assert status(port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")) == 400
    assert port.client.is_cut_off()


def test_websocket_and_rawsocket_are_at_the_same_port(root):
    assert status(Port(site=build_site({"/": root})).ask(request())) == 101
    assert Port(site=build_site({"/": root})).ask(b"\x7f\xf1\x00\x00") == b"\x7f\xb1\x00\x00"
    assert body(Port(EVERYTHING, site=build_site({"/": root})).ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")) == b"<p>home"


class Broken(Resource):
    """Something of ours that fails."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def render_GET(self, request):
        raise RuntimeError("secret")


def test_a_failure_of_ours_shows_nothing_of_it():
    loop = Loop()
    with overheard() as events:
        answer = Port(site=BoundedSite(Broken()), loop=loop).ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status(answer) == 500
    assert b"secret" not in answer
    assert b"Traceback" not in answer
    assert any("log_failure" in event for event in events)
