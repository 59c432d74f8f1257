"""The access log: what a line says, and what cannot be smuggled into it."""

import json
import re

import pytest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.http.asking import ask, files
from tests.support.sites import build_site
from tests.transports.port import Port
from wampd.router.http.accesslog import LEFT, MAX_TEXT, AccessLog, as_json, combined
from wampd.router.http.policy import Policy
from wampd.router.http.static.resource import StaticFiles


class Secret(Resource):
    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request):
        request.shown = b"/hook/..."
        request.who = 'joe "x"\n'
        return b"yes"


class Never(Resource):
    isLeaf = True  # noqa: N815 - Twisted's name

    def render(self, request):
        request.write(b"some")
        return NOT_DONE_YET


@pytest.fixture
def lines():
    return []


@pytest.fixture
def site(lines, tmp_path):
    def make(line=combined):
        served = {
            "/": StaticFiles(files(tmp_path / "site", {"index.html": "<p>home"})),
            "/hook": Policy(Secret()),
            "/never": Never(),
        }
        return build_site(served, access_log=AccessLog(line, lines.append))

    return make


def test_a_line_is_as_apache_writes_it(site, lines):
    ask(site(), "/index.html?a=b", "Referer: https://other.example/page", "User-Agent: curl/8")
    (line,) = lines
    moment = r"\[\d\d/[A-Z][a-z]{2}/20\d\d:\d\d:\d\d:\d\d \+0000\]"
    request = r'"GET /index\.html\?a=b HTTP/1\.1" 200 7 "https://other\.example/page" "curl/8"'
    assert re.fullmatch(rf"\S+ - - {moment} {request}\n", line.decode())


def test_a_line_is_an_object_where_that_is_configured(site, lines):
    ask(site(as_json), "/nothing", "User-Agent: curl/8", method="HEAD", host="WWW.example.com:80")
    record = json.loads(lines[0])
    assert record.pop("seconds") >= 0
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("time"))
    assert record.pop("client")
    assert record == {
        "who": None,
        "method": "HEAD",
        "host": "www.example.com",
        "target": "/nothing",
        "version": "HTTP/1.1",
        "status": 404,
        "bytes": 0,
        "referer": "",
        "agent": "curl/8",
    }


@pytest.mark.parametrize("form", [combined, as_json])
def test_nothing_that_a_client_says_breaks_a_line_or_steers_a_terminal(site, lines, form):
    ask(site(form), '/%0a%1b"', 'User-Agent: a"b\\c\x9b[31m\t\x80\u00e4', "Referer: \x85")
    (line,) = lines
    assert line.endswith(b"\n")
    assert all(0x20 <= octet < 0x7F for octet in line[:-1])
    assert b"\\x9b[31m" in line
    if form is combined:
        assert line.count(b'"') == 6
    else:
        assert json.loads(line)["agent"] == "a\\x22b\\x5cc\\x9b[31m\\x09\\x80\\xe4"


@pytest.mark.parametrize("form", [combined, as_json])
def test_what_is_secret_is_not_shown(site, lines, form):
    ask(site(form), "/hook/hunter2?key=hunter2", "Referer: https://x.example/?token=hunter2")
    (line,) = lines
    assert b"hunter2" not in line
    assert b"/hook/..." in line
    assert b"joe" in line
    if form is combined:
        assert b" - joe\\x20\\x22x\\x22\\x0a [" in line


def test_a_text_is_cut(site, lines):
    ask(site(), "/", "User-Agent: " + "x" * 5000)
    assert len(lines[0]) < MAX_TEXT + 200


def test_a_client_that_leaves_before_the_end_is_logged_as_such(site, lines):
    port = Port(site=site())
    port.client.send(b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n")
    assert lines == []
    port.client.close()
    port.loop.run()
    (line,) = lines
    assert b'"GET /never HTTP/1.1" %d 4 ' % LEFT in line


def test_each_request_of_a_connection_has_one_line(site, lines):
    port = Port(site=site())
    port.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n")
    port.client.close()
    port.loop.run()
    assert [line.split(b" ")[8] for line in lines] == [b"200", b"404"]
