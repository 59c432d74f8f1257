"""What a request shows of who sent it: read, or refused."""

from base64 import b64encode
from types import SimpleNamespace

import pytest
from twisted.web.http_headers import Headers

from wampd.router.http.access.credentials import Unreadable, authorization, challenges, is_of_browser, may_come
from wampd.router.inside.coming import Credentials


def request(*lines, method=b"POST"):
    headers = Headers()
    for line in lines:
        name, _, value = line.partition(": ")
        headers.addRawHeader(name, value)
    return SimpleNamespace(method=method, requestHeaders=headers)


def shown(*lines, basic=True, bearer=True):
    return authorization(request(*lines), basic=basic, bearer=bearer)


def basic(text):
    return "Authorization: Basic " + b64encode(text.encode()).decode()


def test_who_shows_nothing_shows_nothing():
    assert shown() is None


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_a_name_and_a_password_are_a_ticket(scheme):
    line = basic("joe:hunter2:more").replace("Basic", scheme)
    assert shown(line, bearer=False) == Credentials("ticket", "joe", "hunter2:more")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_bearer_shows_a_token(scheme):
    assert shown(f"Authorization: {scheme} hunter2.a-b_c~d+e/f==", basic=False) == Credentials(
        "jwt", None, "hunter2.a-b_c~d+e/f=="
    )


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        (basic("joe:hunter2"), {"basic": False}),
        ("Authorization: Bearer hunter2", {"bearer": False}),
        ("Authorization: Digest hunter2", {}),
        ("Authorization: Basicx am9lOmh1bnRlcjI=", {}),
        ("Authorization: Bearer", {}),
        ("Authorization: Bearer hunter2 two", {}),
        ("Authorization: Bearer hunter2,two", {}),
        ("Authorization: Bearer ==hunter2", {}),
        ("Authorization: Bearer hunter2\xe9", {}),
    ],
)
def test_what_is_not_taken_or_not_as_it_should_be_is_not_taken_for_nothing(line, taken):
    with pytest.raises(Unreadable):
        shown(line, **taken)


@pytest.mark.parametrize("second", ["Authorization: Bearer hunter2", basic("joe:hunter2")])
def test_two_lines_do_not_say_who_it_is(second):
    with pytest.raises(Unreadable):
        shown("Authorization: Bearer hunter2", second)


@pytest.mark.parametrize(
    "text",
    ["joe", "joe:hunter2\n", "jo\x00e:hunter2", "joe\r:hunter2", "joe:hun\x1fter2", "joe:hunter2\x7f"],
)
def test_a_basic_text_has_a_colon_and_no_control_characters(text):
    with pytest.raises(Unreadable):
        shown(basic(text))


@pytest.mark.parametrize("text", ["/////w==", "am9l.Omh1bnRlcjI=", "am9lOmh1bnRlcjI", "am9lOmh1bnRlcjI=~"])
def test_a_basic_text_is_strict_base64_of_utf_8(text):
    with pytest.raises(Unreadable):
        shown(f"Authorization: Basic {text}")


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"TRACE"])
def test_what_changes_nothing_may_come_from_anywhere(method):
    assert may_come(request("Origin: https://evil.example", "Host: x", method=method), ("same-host",))


@pytest.mark.trap(12)
@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH", b"DELETE", b"get", b"CONNECT"])
def test_what_may_change_something_may_not(method):
    assert not may_come(request("Origin: https://evil.example", "Host: x", method=method), ("same-host",))
    assert not may_come(request("Sec-Fetch-Site: same-site", method=method), ("same-host",))
    assert may_come(request("Sec-Fetch-Site: none", method=method), ("same-host",))  # somebody typed the address
    assert may_come(request(method=method), ("same-host",))


def test_with_tls_a_page_without_it_is_another_one():
    asked = request("Origin: http://x", "Host: x")
    assert may_come(asked, ("same-host",))
    assert not may_come(asked, ("same-host",), secure=True)


@pytest.mark.parametrize(
    ("lines", "is_one"),
    [
        ((), False),
        (("User-Agent: Mozilla",), False),
        (("Origin: http://x",), True),
        (("Sec-Fetch-Site: same-origin",), True),
        (("Origin: http://x", "Sec-Fetch-Site: same-origin"), True),
    ],
)
def test_browsers_say_that_they_are(lines, is_one):
    assert is_of_browser(request(*lines)) is is_one


@pytest.mark.parametrize(
    ("ways", "told"),
    [
        ({"basic": False, "bearer": False}, []),
        ({"basic": True, "bearer": False}, ['Basic realm="a\\"b\\\\c", charset="UTF-8"']),
        ({"basic": False, "bearer": True}, ['Bearer realm="a\\"b\\\\c"']),
        ({"basic": False, "bearer": True, "bad_token": True}, ['Bearer realm="a\\"b\\\\c", error="invalid_token"']),
    ],
)
def test_a_refusal_names_the_ways_that_there_are(ways, told):
    assert challenges('a"b\\c', **ways) == [("WWW-Authenticate", each) for each in told]
