"""Sites of a running router, asked by curl: hosts by name and by certificate, headers, redirects, files, the access log."""

import subprocess

import pytest

from tests.support.certificates import make_certificate
from tests.support.process import running_wampd

pytestmark = pytest.mark.needs("curl")

CONFIG = """\
realms: [{name: realm1, roles: [{name: anonymous}], auth: {anonymous: {}}}]
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    access_log: {file: access.log, format: json}
    http:
      /: {type: static, directory: site, fallback: index.html, cors: {origins: [https://page.example]}}
      /old: {type: redirect, to: "/new", keep_path: true, status: 308}
      /config.json: {type: json, value: {debug: false}, headers: {X-Note: "hello"}}
    hosts:
      "*.example.com":
        http: {/: {type: json, value: host}}
        websocket: {/chat: {type: wamp}}
"""
TLS = """\
    tls: {certificate: localhost.crt, key: localhost.key, more: [{certificate: any.example.com.crt, key: any.example.com.key}]}
    hsts: {max_age: 1 d, subdomains: true}
"""


def curl(*arguments):
    """Status, headers and body of an answer."""
    command = ["curl", "-sS", "-i", "--max-time", "10", *arguments]
    head, _, content = subprocess.run(command, check=True, capture_output=True).stdout.decode().partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    return (
        int(first.split()[1]),
        {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)},
        content,
    )


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<p>home")
    (tmp_path / "site" / "big.bin").write_bytes(b"x" * 3_000_000)
    return tmp_path


def test_a_site_serves_all_that_is_configured(site):
    (site / "wampd.yaml").write_text(CONFIG)
    with running_wampd(site / "wampd.yaml", site / "wampd.log") as (_, port):
        base = f"http://127.0.0.1:{port}"
        code, headers, content = curl(
            f"{base}/users/7", "-H", "Accept: text/html", "-H", "Origin: https://page.example"
        )
        assert (code, content) == (200, "<p>home")
        assert headers["access-control-allow-origin"] == "https://page.example"
        assert headers["vary"] == "Accept, Origin"
        assert curl(f"{base}/users/7")[0] == 404
        code, headers, content = curl(f"{base}/big.bin", "-H", "Range: bytes=2999990-")
        assert (code, content) == (206, "x" * 10)
        assert len(curl(f"{base}/big.bin")[2]) == 3_000_000
        code, headers, _ = curl(f"{base}/old/a%20b?c=d")
        assert (code, headers["location"]) == (308, "/new/a%20b?c=d")
        code, headers, content = curl(f"{base}/config.json")
        assert (code, headers["x-note"], content) == (200, "hello", '{"debug":false}\n')
        assert curl(f"{base}/", "-H", "Host: www.example.com")[2] == '"host"\n'
        assert curl(f"{base}/old", "-H", "Host: www.example.com")[0] == 404
        upgrade = ("-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H", "Sec-WebSocket-Version: 13")
        more = ("-H", "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", "-H", "Sec-WebSocket-Protocol: unspoken")
        assert curl(f"{base}/chat", *upgrade, *more, "-H", "Host: www.example.com")[0] == 400
        assert curl(f"{base}/chat", *upgrade, *more)[0] == 404
    logged = (site / "access.log").read_text().splitlines()
    assert len(logged) == 9
    assert '"target":"/old/a%20b?c=d"' in logged[4]


def test_without_a_file_the_access_log_is_in_the_log_and_nothing_that_a_client_says_steers_it(site):
    (site / "wampd.yaml").write_text(CONFIG.replace("{file: access.log, format: json}", "{}"))
    with running_wampd(site / "wampd.yaml", site / "wampd.log") as (wampd, port):
        url = f"http://127.0.0.1:{port}/config.json"
        assert curl(f"{url}?c=d", "-A", "{agent} \x1b[31m")[0] == 400
        assert curl(f"{url}?a=b", "-A", "{agent} \x85\u2028")[0] == 200
        wampd.wait_for_log('"GET /config.json?a=b HTTP/1.1" 200 16 "-" "{agent} ')
        log = wampd.log()
        (line,) = [line for line in log.splitlines() if "config.json?a=b" in line]
    assert " info " in line
    assert line.isascii()
    assert "\x1b" not in log


def test_a_host_of_another_certificate_is_misdirected_and_browsers_are_told_to_come_by_tls(site):
    for name in ("localhost", "*.example.com"):
        make_certificate(site, name)
    (site / "wampd.yaml").write_text(CONFIG + TLS)
    with running_wampd(site / "wampd.yaml", site / "wampd.log") as (_, port):
        www = f"https://www.example.com:{port}/"
        here = ("--resolve", f"www.example.com:{port}:127.0.0.1", "--cacert", str(site / "any.example.com.crt"))
        code, headers, content = curl(www, *here)
        assert (code, content) == (200, '"host"\n')
        assert headers["strict-transport-security"] == "max-age=86400; includeSubDomains"
        assert curl(www, *here, "-H", "Host: shop.example.com")[0] == 200
        assert curl(www, *here, "-H", "Host: localhost")[0] == 421
        assert curl(f"https://localhost:{port}/", "--cacert", str(site / "localhost.crt"))[0] == 200
