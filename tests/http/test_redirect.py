"""Redirects and JSON values."""

import json

import pytest

from tests.http.asking import ask, body
from tests.support.sites import build_site
from tests.transports.port import headers, status
from wampd.router.http.json_value import JsonValue
from wampd.router.http.redirect import Redirect


def location(target, *to, path="/old", host="router.example:80", **how):
    return headers(ask(build_site({path: Redirect(*to, **how)}), target, host=host))["location"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_client_is_sent_elsewhere_with_the_status_that_is_configured(code):
    answer = ask(build_site({"/": Redirect("https://new.example/", code)}), "/x", method="POST")
    assert status(answer) == code
    assert headers(answer)["location"] == "https://new.example/"


def test_the_query_is_kept_unless_it_is_said_otherwise():
    assert location("/old?a=b&c", "/new") == "/new?a=b&c"
    assert location("/old?a=b", "/new", keep_query=False) == "/new"
    assert location("/old?a=b", "/new?x=y") == "/new?x=y"
    assert location("/old?a=b", "/new#part") == "/new#part"


@pytest.mark.parametrize(
    ("target", "to", "expected"),
    [
        ("/old/a/b", "/new", "/new/a/b"),
        ("/old/a/b/", "/new/", "/new/a/b/"),
        ("/old", "/new", "/new/"),
        ("/old/./a/../b", "/new", "/new/a/b"),
        ("/old//a", "/new", "/new/a"),
        ("/old/gr%C3%B6%20%2F%3F", "https://new.example", "https://new.example/gr%C3%B6%20%2F%3F"),
    ],
)
def test_the_path_below_is_appended_where_that_is_configured(target, to, expected):
    assert location(target, to, keep_path=True) == expected
    assert location(target, to) == to


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/x",
        "///evil.example",
        "/%2fevil.example",
        "/%5cevil.example",
        "/..//evil.example",
    ],
)
def test_what_is_appended_never_makes_another_host_of_it(target):
    found = location(target, "/", path="/", keep_path=True)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert "/../" not in found


def test_the_host_is_put_in_as_it_is_compared():
    to = "https://{host}/"
    assert location("/a?b", to, path="/", keep_path=True, host="WWW.Example.com:8080") == "https://www.example.com/a?b"


def test_a_client_that_names_no_host_cannot_be_sent_to_it():
    site = build_site({"/": Redirect("https://{host}/")})
    assert ask(site, "/", host=None, version="HTTP/1.0").startswith(b"HTTP/1.0 400 ")
    assert status(ask(site, "/", host="a\tb")) == 400


def test_a_target_cannot_break_the_header():
    answer = ask(build_site({"/": Redirect("/new", keep_path=True)}), "/%0d%0aSet-Cookie:%20a=b")
    assert "set-cookie" not in headers(answer)
    assert headers(answer)["location"] == "/new/%0D%0ASet-Cookie:%20a=b"


# ------------------------------------------------------------------------------------------------------------ JSON

VALUE = {"a": [1, 2.5, True, None, "ä"], "b": {}}


def test_a_value_is_told_as_it_is():
    answer = ask(build_site({"/config.json": JsonValue(VALUE)}), "/config.json")
    assert headers(answer)["content-type"] == "application/json"
    assert json.loads(body(answer)) == VALUE
    assert body(answer).count(b"\n") == 1


def test_a_pretty_one_has_lines():
    answer = ask(build_site({"/": JsonValue(VALUE, pretty=True)}))
    assert json.loads(body(answer)) == VALUE
    assert body(answer).startswith(b'{\n  "a": [\n')


def test_a_value_is_not_sent_again_to_those_who_have_it():
    site = build_site({"/": JsonValue(VALUE, max_age=60)})
    first = ask(site)
    assert headers(first)["cache-control"] == "max-age=60"
    again = ask(site, "/", f"If-None-Match: {headers(first)['etag']}")
    assert (status(again), body(again)) == (304, b"")
    assert headers(ask(build_site({"/": JsonValue(1)})))["etag"] != headers(first)["etag"]
    assert headers(ask(build_site({"/": JsonValue(1)})))["cache-control"] == "no-cache"
    assert headers(ask(build_site({"/": JsonValue(1, private=True)})))["cache-control"] == "private, no-cache"


def test_a_value_is_only_read_and_has_nothing_below():
    site = build_site({"/v": JsonValue(VALUE)})
    refused = ask(site, "/v", method="PUT")
    assert (status(refused), headers(refused)["allow"]) == (405, "GET, HEAD")
    assert status(ask(site, "/v/x")) == 404
    assert status(ask(site, "/v/")) == 200
    assert body(ask(site, "/v", method="HEAD")) == b""


def test_a_redirect_is_for_now_if_nothing_else_is_said():
    assert status(ask(build_site({"/": Redirect("/new")}))) == 302


def test_a_client_that_names_no_host_can_be_sent_to_a_place_that_needs_none():
    answer = ask(build_site({"/": Redirect("https://new.example/")}), "/", host=None, version="HTTP/1.0")
    assert answer.startswith(b"HTTP/1.0 302 ")
    assert b"\r\nLocation: https://new.example/\r\n" in answer
