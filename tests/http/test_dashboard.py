"""The dashboard's page as it is served: its files, what it must know, what it may do in a browser."""

import json
import re

import pytest

from tests.transports.port import Port, build_site, headers, status
from wampd.router.http.dashboard.page import ASSETS, Dashboard

SETTINGS = {"title": "ops", "realm": "realm1", "websocket": "/ws", "methods": ["ticket"]}


@pytest.fixture
def get():
    def ask(target, *lines, method="GET"):
        site = build_site({}, {"/dashboard": Dashboard(SETTINGS)})
        head = [f"{method} {target} HTTP/1.1", "Host: router.example", *lines, "", ""]
        return Port(site=site).ask("\r\n".join(head).encode())

    return ask


def body(answer):
    return answer.split(b"\r\n\r\n", 1)[1]


def named(start):
    """The file of the page whose name begins so, without its compressed twins."""
    (found,) = [file.name for file in ASSETS.iterdir() if re.fullmatch(rf"{start}-[0-9A-Z]{{8}}\.\w+", file.name)]
    return found


def test_the_page_names_files_that_are_there(get):
    page = body(get("/dashboard/")).decode()
    assert page == (ASSETS / "index.html").read_text()
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sorted(linked) == sorted([named("app"), named("style"), named("icon")])
    assert [status(get(f"/dashboard/{name}")) for name in linked] == [200, 200, 200]


def test_without_its_slash_it_is_sent_to_where_its_files_are(get):
    answer = get("/dashboard")
    assert status(answer) == 302
    assert headers(answer)["location"] == "/dashboard/"


def test_it_is_told_where_to_connect_and_nothing_else(get):
    answer = get("/dashboard/settings.json")
    assert headers(answer)["content-type"] == "application/json"
    assert json.loads(body(answer)) == SETTINGS
    again = get("/dashboard/settings.json", f"If-None-Match: {headers(answer)['etag']}")
    assert (status(again), body(again)) == (304, b"")


@pytest.mark.parametrize("target", ["/dashboard/", "/dashboard/settings.json", "/dashboard/nothing"])
def test_a_browser_runs_no_script_but_the_page_s_own_and_frames_it_nowhere(get, target):
    told = headers(get(target))
    policy = dict(part.strip().split(" ", 1) for part in told["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' ws://router.example wss://router.example"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert told["x-content-type-options"] == "nosniff"
    assert told["referrer-policy"] == "no-referrer"


def test_the_page_has_no_script_and_no_style_in_itself():
    page = (ASSETS / "index.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|https?:", page) == []


def test_files_with_hashes_in_their_names_are_kept_for_ever_and_the_page_is_not(get):
    assert "immutable" in headers(get(f"/dashboard/{named('app')}"))["cache-control"]
    assert headers(get("/dashboard/"))["cache-control"] == "no-cache"
    assert headers(get("/dashboard/settings.json"))["cache-control"] == "no-cache"


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_what_browsers_take_compressed_is_small(get, encoding):
    answer = get(f"/dashboard/{named('app')}", f"Accept-Encoding: {encoding}")
    assert headers(answer)["content-encoding"] == encoding
    assert len(body(answer)) < 43_000


@pytest.mark.parametrize("target", ["/dashboard/", "/dashboard/settings.json"])
def test_nothing_can_be_sent_to_it(get, target):
    assert status(get(target, "Content-Length: 0", method="POST")) == 405


@pytest.mark.parametrize("target", ["/dashboard/settings.json/more", "/dashboard/page.py", "/dashboard/../page.py"])
def test_nothing_else_is_there(get, target):
    assert status(get(target)) in (400, 404)


def test_all_of_it_is_small():
    assert sum(file.stat().st_size for file in ASSETS.iterdir() if file.suffix not in (".br", ".gz")) < 150_000


def test_the_licences_of_what_is_bundled_are_there(get):
    text = body(get("/dashboard/LICENSES.txt")).decode()
    assert re.findall(r"^(\S+) [\d.]+ \((\S+)\)$", text, re.MULTILINE) == [
        ("@noble/ed25519", "MIT"),
        ("@noble/hashes", "MIT"),
        ("@preact/signals", "MIT"),
        ("@preact/signals-core", "MIT"),
        ("preact", "MIT"),
    ]
