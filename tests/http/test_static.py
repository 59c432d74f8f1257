"""Static files beyond the plain ones: compressed forms, caches, pages that route by themselves, pages of one's own, listings.

What is closed by default is in `tests.transports.test_site`.
"""

import gzip
import os
import resource

import pytest

from tests.http.asking import ask, body, files, static
from tests.transports.port import Port, headers, status
from wampd.router.http.static.files import KEPT_FILES, SMALL, Files, kind_of
from wampd.router.http.static.resource import caching

BROWSER = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.fixture
def root(tmp_path):
    root = files(
        tmp_path / "site",
        {
            "index.html": "<p>home",
            "app.js": "let x",
            "app.js.br": b"brotli",
            "app.js.gz": gzip.compress(b"let x"),
            "style.css": "p{}",
            "style.css.gz": b"gzipped",
            "assets/app.0a1b2c3d.js": "let y",
            "pages/home.htm": "<p>htm",
            "404.html": "<p>lost",
            "data.tar.gz": b"tar",
        },
    )
    for name in ("app.js", "style.css"):
        os.utime(root / name, (1e9, 1e9))
    return root


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app.mjs", "text/javascript; charset=utf-8"),
        ("app.js.map", "application/json"),
        ("app.wasm", "application/wasm"),
        ("font.woff2", "font/woff2"),
        ("font.woff", "font/woff"),
        ("font.ttf", "font/ttf"),
        ("font.otf", "font/otf"),
        ("site.webmanifest", "application/manifest+json"),
        ("photo.avif", "image/avif"),
        ("news.atom", "application/atom+xml"),
        ("news.rss", "application/rss+xml"),
        ("thing.jsonld", "application/ld+json"),
        ("none", "application/octet-stream"),
    ],
)
def test_what_sites_are_made_of_has_its_type_on_every_machine(name, kind):
    """The types of the system are not asked."""
    assert kind_of(name) == kind


# ------------------------------------------------------------------------------------------------ compressed forms


@pytest.mark.parametrize(
    ("accepted", "coding", "content"),
    [
        ("gzip, deflate, br, zstd", "br", b"brotli"),
        ("gzip, deflate", "gzip", None),
        ("gzip;q=1.0, br;q=0.5", "gzip", None),
        ("gzip;q=0.5, br;q=0.5", "br", b"brotli"),
        ("*", "br", b"brotli"),
        ("*, br;q=0", "gzip", None),
        ("BR", "br", b"brotli"),
        ("identity, br;q=0.5", None, b"let x"),
        ("identity;q=0, gzip", "gzip", None),
        ("br;q=0", None, b"let x"),
        ("br;q=0, gzip;q=0.000, *;q=0", None, b"let x"),
        ("br;q=2", None, b"let x"),
        ("deflate", None, b"let x"),
        ("", None, b"let x"),
        (";;, ,=", None, b"let x"),
        ("br," * 400, None, b"let x"),
    ],
)
def test_the_form_that_the_client_takes_best_is_sent(root, accepted, coding, content):
    answer = ask(static(root), "/app.js", f"Accept-Encoding: {accepted}")
    assert status(answer) == 200
    assert headers(answer).get("content-encoding") == coding
    assert body(answer) == (content or (root / "app.js.gz").read_bytes())
    assert headers(answer)["content-type"] == "text/javascript; charset=utf-8"
    assert headers(answer)["vary"] == "Accept-Encoding"
    assert headers(answer)["content-length"] == str(len(body(answer)))


def test_each_form_has_a_tag_of_its_own_and_is_not_sent_again_by_it(root):
    site = static(root)
    tags = [headers(ask(site, "/app.js", f"Accept-Encoding: {each}"))["etag"] for each in ("br", "gzip", "identity")]
    assert len(set(tags)) == 3
    assert status(ask(site, "/app.js", "Accept-Encoding: br", f"If-None-Match: {tags[0]}")) == 304
    assert status(ask(site, "/app.js", "Accept-Encoding: br", f"If-None-Match: {tags[1]}")) == 200
    partial = ask(site, "/app.js", "Accept-Encoding: br", "Range: bytes=1-2", f"If-Range: {tags[0]}")
    assert (status(partial), body(partial)) == (206, b"ro")
    assert status(ask(site, "/app.js", "Accept-Encoding: br", "Range: bytes=1-2", f"If-Range: {tags[2]}")) == 200


def test_a_form_that_is_older_than_its_file_is_not_sent(root):
    site = static(root)
    assert body(ask(site, "/style.css", "Accept-Encoding: gzip")) == b"gzipped"
    (root / "style.css").write_text("p{color:red}")
    os.utime(root / "style.css.gz", (1e9, 1e9))
    answer = ask(site, "/style.css", "Accept-Encoding: gzip")
    assert (body(answer), headers(answer).get("content-encoding")) == (b"p{color:red}", None)


def test_a_form_that_leads_out_of_the_root_is_not_sent(root, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (root / "index.html.gz").symlink_to(tmp_path / "secret")
    (root / "index.html.br").mkdir()
    assert body(ask(static(root), "/index.html", "Accept-Encoding: gzip, br")) == b"<p>home"


def test_forms_are_not_looked_for_where_that_is_not_configured(root):
    answer = ask(static(root, precompressed=False), "/app.js", "Accept-Encoding: br")
    assert body(answer) == b"let x"
    assert "vary" not in headers(answer)


def test_what_is_asked_for_by_its_compressed_name_is_no_script(root):
    assert headers(ask(static(root), "/app.js.gz"))["content-type"] == "application/gzip"
    assert headers(ask(static(root), "/app.js.br"))["content-type"] == "application/octet-stream"
    assert "content-encoding" not in headers(ask(static(root), "/data.tar.gz", "Accept-Encoding: gzip"))
    assert kind_of("x.svgz") == "application/gzip"


# ------------------------------------------------------------------------------------------------------ conditions


def test_a_client_that_wants_what_it_knows_or_nothing_gets_nothing_else(root):
    site = static(root)
    etag = headers(ask(site, "/style.css"))["etag"]
    assert status(ask(site, "/style.css", f"If-Match: {etag}")) == 200
    assert status(ask(site, "/style.css", "If-Match: *")) == 200
    refused = ask(site, "/style.css", 'If-Match: "other"')
    assert (status(refused), body(refused)) == (412, b"")
    assert status(ask(site, "/style.css", f"If-Match: W/{etag}")) == 412
    since = "If-Unmodified-Since: Sun, 09 Sep 2001 01:46:{} GMT"
    assert status(ask(site, "/style.css", since.format(40))) == 200
    assert status(ask(site, "/style.css", since.format(39))) == 412
    assert status(ask(site, "/style.css", "If-Unmodified-Since: never")) == 200


def test_what_has_not_changed_has_no_length(root):
    site = static(root)
    answer = ask(site, "/style.css", f"If-None-Match: {headers(ask(site, '/style.css'))['etag']}")
    assert status(answer) == 304
    assert "content-length" not in headers(answer)
    assert "content-type" not in headers(answer)
    assert {"etag", "cache-control", "vary"} <= headers(answer).keys()


def test_a_part_of_the_very_date_is_sent(root):
    answer = ask(static(root), "/style.css", "Range: bytes=0-0", "If-Range: Sun, 09 Sep 2001 01:46:40 GMT")
    assert status(answer) == 206
    assert status(ask(static(root), "/style.css", "Range: bytes=0-0", "If-Range: Sun, 09 Sep 2001 01:46:41 GMT")) == 200


def test_parts_are_for_get_alone(root):
    answer = ask(static(root), "/style.css", "Range: bytes=0-0", method="HEAD")
    assert status(answer) == 200
    assert "content-range" not in headers(answer)


def test_the_unit_of_parts_is_in_any_case(root):
    assert status(ask(static(root), "/style.css", "Range: Bytes=0-0")) == 206


# ---------------------------------------------------------------------------------------------------------- caches


def test_clients_keep_files_as_long_as_it_is_configured(root):
    site = static(root, cache=caching(3600, ["assets/*", "*.????????.js"]))
    assert headers(ask(site, "/app.js"))["cache-control"] == "max-age=3600"
    assert headers(ask(site, "/assets/app.0a1b2c3d.js"))["cache-control"] == "max-age=31536000, immutable"
    assert headers(ask(static(root), "/app.js"))["cache-control"] == "no-cache"


def test_what_only_some_may_see_is_kept_by_browsers_alone(root):
    site = static(root, cache=caching(60, ["assets/*"], private=True))
    assert headers(ask(site, "/app.js"))["cache-control"] == "private, max-age=60"
    assert headers(ask(site, "/assets/app.0a1b2c3d.js"))["cache-control"] == "private, max-age=31536000, immutable"
    assert caching(0, private=True)("x") == b"private, no-cache"


def test_a_pattern_is_matched_with_the_whole_path():
    cache = caching(0, ["*.[0-9a-f][0-9a-f].css"])
    assert b"immutable" in cache("deep/down/a.0f.css")
    assert cache("a.0g.css") == cache("a.0f.css.map") == b"no-cache"


# --------------------------------------------------------------------------------- what stands for something else


def test_the_first_index_that_is_there_stands_for_its_directory(root):
    site = static(root, index=("index.html", "home.htm"))
    assert body(ask(site, "/")) == b"<p>home"
    assert body(ask(site, "/pages/")) == b"<p>htm"
    (root / "pages" / "index.html").write_text("<p>new")
    assert body(ask(site, "/pages/")) == b"<p>new"
    assert status(ask(static(root, index=()), "/")) == 404


@pytest.mark.parametrize("target", ["/users/7", "/users/", "/a/b/c", "/users/joe%20x"])
def test_a_page_that_routes_by_itself_is_sent_where_there_is_nothing(root, target):
    answer = ask(static(root, fallback="index.html"), target, BROWSER)
    assert (status(answer), body(answer)) == (200, b"<p>home")
    assert headers(answer)["vary"] == "Accept"


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("/app.0000.js", BROWSER),
        ("/users/7", "Accept: application/json"),
        ("/users/7", "Accept: */*"),
        ("/users/7", "Accept: text/html;q=0"),
        ("/users/7", "X: y"),
    ],
)
def test_it_is_not_sent_for_files_or_to_those_who_want_no_page(root, target, line):
    assert status(ask(static(root, fallback="index.html"), target, line)) == 404


def test_it_is_sent_for_names_with_a_dot_if_that_is_asked_for(root):
    site = static(root, fallback="index.html", fallback_for_files=True)
    assert body(ask(site, "/users/joe.smith", BROWSER)) == b"<p>home"


def test_it_is_no_way_to_what_is_hidden(root):
    (root / ".secret").write_text("secret")
    assert body(ask(static(root, fallback="index.html"), "/.secret", BROWSER)) != b"secret"


def test_a_page_of_ones_own_says_that_there_is_nothing(root):
    site = static(root, not_found="404.html")
    answer = ask(site, "/nothing")
    assert (status(answer), body(answer)) == (404, b"<p>lost")
    assert headers(answer)["content-type"] == "text/html; charset=utf-8"
    assert headers(answer)["cache-control"] == "no-cache"
    assert "etag" not in headers(answer)
    assert body(ask(site, "/nothing", method="HEAD")) == b""
    assert status(ask(site, "/nothing", "Range: bytes=0-1")) == 404


def test_a_directory_keeps_the_query_on_its_way_to_its_slash(root):
    assert headers(ask(static(root), "/pages?a=b&c"))["location"] == "/pages/?a=b&c"


# ---------------------------------------------------------------------------------------------------------- listing


def test_a_listing_shows_what_would_be_served_and_is_escaped(root, tmp_path):
    (tmp_path / "secret").write_text("secret")
    directory = root / "list"
    files(directory, {"<b>.txt": "x", "a b.txt": "xx", ".hidden": "x", "sub/x": "x", 'q".txt': "x"})
    (directory / "out").symlink_to(tmp_path / "secret")
    (directory / "javascript:alert(1)").write_text("x")
    answer = ask(static(root, listing=True), "/list/")
    page = body(answer).decode()
    assert status(answer) == 200
    assert '<a href="./%3Cb%3E.txt">&lt;b&gt;.txt</a>' in page
    assert '<a href="./a%20b.txt">a b.txt</a>' in page
    assert '<a href="./sub/">sub/</a>' in page
    assert '<a href="./javascript%3Aalert%281%29">' in page
    assert "hidden" not in page
    assert "out" not in page
    assert "<b>" not in page
    assert '"../"' in page
    assert headers(answer)["content-security-policy"].startswith("default-src 'none'")


def test_the_root_is_listed_without_a_way_up_and_an_index_goes_before_a_listing(root):
    site = static(root, listing=True, index=())
    assert '"../"' not in body(ask(site, "/")).decode()
    assert body(ask(static(root, listing=True), "/")) == b"<p>home"
    assert status(ask(site, "/.git/")) == 404
    assert status(ask(site, "/nothing/")) == 404


# ------------------------------------------------------------------------------------------------ what is remembered


def test_what_is_remembered_of_a_file_is_forgotten_when_it_changes(root):
    site = static(root)
    assert body(ask(site, "/app.js")) == b"let x"
    (root / "app.js").write_text("let z")
    os.utime(root / "app.js", (2e9, 2e9))
    assert body(ask(site, "/app.js")) == b"let z"
    (root / "app.js").unlink()
    assert status(ask(site, "/app.js")) == 404
    (root / "app.js").symlink_to("style.css")
    assert body(ask(site, "/app.js")) == b"p{}"


def test_a_link_that_is_turned_out_of_the_root_later_is_not_followed(root, tmp_path):
    (tmp_path / "secret").write_text("secret")
    (root / "link.txt").symlink_to("style.css")
    site = static(root)
    assert body(ask(site, "/link.txt")) == b"p{}"
    (root / "link.txt").unlink()
    (root / "link.txt").symlink_to(tmp_path / "secret")
    assert status(ask(site, "/link.txt")) == 404


def test_what_is_remembered_is_bounded(tmp_path):
    names = [f"{number}.txt" for number in range(KEPT_FILES + 50)]
    kept = Files(files(tmp_path / "many", dict.fromkeys(names, b"x" * 10)))
    for name in names:
        assert kept.get((name,)) is not None
    assert len(kept._known) == KEPT_FILES
    assert kept._size == KEPT_FILES * 10
    for name in names:
        assert kept.get(("nothing" + name,)) is None
    assert len(kept._known) == KEPT_FILES


def test_a_long_file_is_sent_without_being_remembered(tmp_path):
    content = os.urandom(SMALL * 5 + 7)
    root = files(tmp_path / "long", {"long.bin": content})
    site = static(root)
    assert body(ask(site, "/long.bin")) == content
    assert body(ask(site, "/long.bin", f"Range: bytes={SMALL * 2}-{SMALL * 4}")) == content[SMALL * 2 : SMALL * 4 + 1]
    assert site.resource._trees.find("")._served[()]._files._size == 0


def test_a_file_that_cannot_be_opened_now_is_not_said_to_be_nowhere(tmp_path):
    port = Port(site=static(files(tmp_path, {"a.txt": "a"})))
    lowest = os.dup(0)
    os.close(lowest)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        answer = port.ask(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert status(answer) == 503
    assert headers(answer)["retry-after"] == "1"
    assert status(port.ask(b"GET /a.txt HTTP/1.1\r\nHost: a\r\n\r\n")) == 200
