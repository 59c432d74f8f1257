"""URLs that may be asked for: what they say, and what is refused."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.outgoing.policy import policy_of
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.targets import follow, read_host, read_target

REFUSED = [
    "",
    "www.example.com",
    "//www.example.com/",
    "/path",
    "http:",
    "http://",
    "http:///path",
    "http:www.example.com",
    "ftp://www.example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "http://joe:hunter2@www.example.com/",
    "http://joe@www.example.com/",
    "http://@www.example.com/",
    "http://www.example.com@127.0.0.1/",
    "http://www.example.com#@127.0.0.1/",
    "http://www.example.com/#part",
    "http://www.example.com:0/",
    "http://www.example.com:65536/",
    "http://www.example.com:http/",
    "http://www.example.com:-1/",
    "http://www.example.com\\@127.0.0.1/",
    "http://www.example.com/a b",
    "http://www.example.com/\r\nHost: x",
    "http://www.exam\tple.com/",
    " http://www.example.com/",
    "http://www.example.com/\x00",
    "http://www.example.com./",
    "http://www..example.com/",
    "http://-www.example.com/",
    "http://www.exam%70le.com/",
    "http://%31%32%37.0.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0x7f.0.0.0x1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0177.0.0.1/",
    "http://127.0.0.01/",
    "http://127.0.0.1./",
    "http://127.0.0.1.0x/",
    "http://1.2.3.4.5/",
    "http://256.0.0.1/",
    "http://[::1/",
    "http://[::1%lo]/",
    "http://[fe80::1%251]/",
    "http://[www.example.com]/",
    "http://[v1.x]/",
    "http://::1/",
    "http://[]/",
    "http://" + "a" * 64 + ".example.com/",
    "http://" + ".".join(["a" * 60] * 5) + "/",
    "http://www.example.com/" + "a" * 8000,
    "http://exa\u2028mple.com/",
    "http://a\u00adb.example\u3002com\u200b/\u2028",
]


@pytest.mark.parametrize("url", REFUSED)
def test_what_is_no_url_to_be_asked_for(url):
    with pytest.raises(OutgoingError) as refused:
        read_target(url)
    assert refused.value.reason == "url"
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("http://www.example.com", "http://www.example.com/"),
        ("HTTP://WWW.Example.COM:80/A?b=C", "http://www.example.com/A?b=C"),
        ("https://www.example.com:443", "https://www.example.com/"),
        ("https://www.example.com:8443/x?", "https://www.example.com:8443/x"),
        ("http://www.example.com?x=1", "http://www.example.com/?x=1"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("http://[::FFFF:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
        ("http://[0:0::1]:8080/x", "http://[::1]:8080/x"),
        ("http://bücher.example/ä?ö", "http://xn--bcher-kva.example/%C3%A4?%C3%B6"),
        ("http://BÜCHER。example/", "http://xn--bcher-kva.example/"),
        ("http://１２７.0.0.1/", "http://127.0.0.1/"),
        ("http://_x.example.com/%2e%2e/%zz", "http://_x.example.com/%2e%2e/%zz"),
        ("http://localhost/", "http://localhost/"),
    ],
)
def test_a_url_has_one_form(url, form):
    assert read_target(url).url == form
    assert read_target(form).url == form


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fd00::1]"]
)
def test_an_address_in_a_url_is_checked_at_once(host):
    target = read_target(f"http://{host}/")
    with pytest.raises(OutgoingError, match="is not public") as denied:
        policy_of([]).check(target)
    assert denied.value.reason == "denied"


def test_what_is_allowed_beside():
    policy = policy_of(["10.1.0.0/16", "127.0.0.1", "Intern.example", "fd00::/64"], [80, 443, 22], plain=False)
    for allowed in ("https://10.1.2.3/", "https://127.0.0.1:9000/", "https://[fd00::7]/", "https://[::ffff:10.1.2.3]/"):
        policy.check(read_target(allowed))
    policy.check(read_target("https://127.0.0.1:22/"))
    for denied in ("https://10.2.0.1/", "https://127.0.0.2/", "https://[fd00:0:0:1::7]/", "http://10.1.2.3/"):
        with pytest.raises(OutgoingError):
            policy.check(read_target(denied))
    policy.check_addresses(read_target("https://intern.example/"), [ip_address("192.168.0.1")])
    with pytest.raises(OutgoingError):
        policy.check_addresses(read_target("https://other.example/"), [ip_address("192.168.0.1")])


def test_every_address_of_a_name_must_be_allowed():
    policy = policy_of([])
    policy.check_addresses(read_target("https://www.example.com/"), [ip_address("8.8.8.8"), ip_address("2a00::1")])
    with pytest.raises(OutgoingError):
        policy.check_addresses(read_target("https://www.example.com/"), [ip_address("8.8.8.8"), ip_address("10.0.0.1")])


@pytest.mark.parametrize("port", [1, 22, 25, 79, 81, 445, 1023])
def test_ports_of_other_services_are_denied(port):
    with pytest.raises(OutgoingError) as denied:
        policy_of([]).check(read_target(f"http://www.example.com:{port}/"))
    assert denied.value.reason == "denied"


def test_where_a_redirection_leads():
    start = read_target("https://www.example.com/a/b?c")
    assert follow(start, "/x").url == "https://www.example.com/x"
    assert follow(start, "d?e#f").url == "https://www.example.com/a/d?e"
    assert follow(start, "//other.example/").url == "https://other.example/"
    for refused in ("javascript:x", "http://joe@x.example/", "file:///x", "http://[::1", "http://0x7f.1/"):
        with pytest.raises(OutgoingError):
            follow(start, refused)


def test_an_entry_that_is_nothing_is_refused():
    with pytest.raises(OutgoingError):
        policy_of(["10.0.0.0/33"])
    assert read_host("LOCALHOST") == "localhost"


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    for url in (text, f"http://{text}/", f"https://www.example.com/{text}"):
        try:
            form = read_target(url).url
        except OutgoingError as why:
            assert why.reason == "url"
        else:
            assert form.isascii()
            assert read_target(form).url == form


@pytest.mark.parametrize("port", [80, 443, 1024, 65535])
def test_ports_of_web_servers_and_those_that_are_free_for_all_are_allowed(port):
    policy_of([]).check(read_target(f"http://www.example.com:{port}/"))
