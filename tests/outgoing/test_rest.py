"""Procedures that are HTTP requests: arguments become a request, and its answer a result or an ERROR."""

import pytest
from msgspec import Raw

from tests.inside.house import House
from tests.outgoing.client import FakeClient
from wampd.router.envoy import CallFailed
from wampd.router.outgoing.rest import DEPTH, Generic, Mapped, RestProcedure, Terms
from wampd.router.outgoing.templates import TextTemplate, UrlTemplate

API = "https://api.example.com/v1"
TEXT = {"content-type": "text/plain; charset=latin-1"}


class Stage:
    """A realm with one procedure over a client in memory."""

    def __init__(self, mapping, **terms):
        self.house = House()
        self.client = FakeClient()
        self.served = RestProcedure(self.client, mapping, Terms(**terms))
        self.caller = self.house.enter()
        self.callee = self.house.enter()
        self.house.now(self.callee.register("com.app.rest", self.served.serve))

    def call(self, *args, **kwargs):
        self.answer = self.caller.call("com.app.rest", list(args), kwargs, timeout=60)
        self.house.turns()
        return self.client.asked[-1] if self.client.asked else None

    def result(self):
        return self.house.now(self.answer)

    def error(self):
        with pytest.raises(CallFailed) as caught:
            self.house.now(self.answer)
        return caught.value


def stage(url="/users/{id}{?page}", method="GET", *, terms=None, **mapping):
    mapping = {"procedure": "com.app.rest", "method": method, "url": UrlTemplate(API + url), **mapping}
    for key in ("query", "headers"):
        mapping[key] = tuple((name, TextTemplate(text)) for name, text in mapping.get(key, {}).items())
    return Stage(Mapped(**mapping), **(terms or {}))


# -------------------------------------------------------------------------------------------------------- the request


def test_arguments_go_to_their_places():
    it = stage(query={"lang": "{lang}", "key": "k"}, headers={"X-Trace": "t-{trace}", "X-None": "{none}"})
    asked = it.call(id=7, page=2, lang="de", trace=1)
    assert (asked.method, asked.url, asked.body) == ("GET", f"{API}/users/7?page=2&lang=de&key=k", None)
    assert asked.headers == {"X-Trace": "t-1"}


def test_positional_arguments_go_by_number():
    assert stage("/users/{0}/{1}").call("a", "b").url == f"{API}/users/a/b"


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((), {"id": "../admin"}),
        ((), {"id": ".."}),
        ((), {"id": None}),
        ((), {"id": {"a": 1}}),
        ((1,), {"id": 1}),
        ((), {"id": 1, "other": 1}),
        ((), {"id": 1, "procedure": "x"}),
    ],
)
def test_arguments_that_do_not_fit_are_refused_and_nothing_is_asked(args, kwargs):
    it = stage()
    if "procedure" in kwargs:
        it = stage("/users/{id}/{procedure}")
        assert it.call(*args, **kwargs).url == f"{API}/users/1/com.app.rest"  # it is not the caller's to say
        return
    assert it.call(*args, **kwargs) is None
    assert it.error().uri == "wamp.error.invalid_argument"


def test_no_value_begins_another_header():
    it = stage(headers={"X-Trace": "{trace}"})
    assert it.call(id=1, trace="a\r\nX-Admin: yes") is None
    assert it.error().uri == "wamp.error.invalid_argument"


def test_what_has_no_place_is_the_body():
    it = stage("/users/{id}", "PUT", body="json")
    asked = it.call(id=7, name="ä", big=Raw(b"12345678901234567890.10"))
    assert asked.body == '{"name":"ä","big":12345678901234567890.10}'.encode()
    assert asked.headers == {"content-type": "application/json"}
    assert it.call(1, id=7) is asked  # refused


def test_the_body_may_be_a_form_or_the_one_argument():
    it = stage("/users/{id}", "POST", body="form")
    asked = it.call(id=7, name="a b&c", tags=["x", 1, True], none=None)
    assert asked.body == b"name=a+b%26c&tags=x&tags=1&tags=true"
    assert asked.headers == {"content-type": "application/x-www-form-urlencoded"}
    it.call(id=7, deep={"a": 1})
    assert it.error().uri == "wamp.error.invalid_argument"
    it = stage("/users", "POST", body="argument")
    assert it.call([1, {"a": None}]).body == b'[1,{"a":null}]'
    it.call(1, 2)
    assert it.error().uri == "wamp.error.invalid_argument"


def test_secrets_go_with_the_request_and_stay_out_of_sight():
    it = stage(terms={"secrets": (("Authorization", "Bearer hunter2"),)})
    assert it.call(id=1).headers == {"Authorization": "Bearer hunter2"}
    assert "hunter2" not in repr(it.served._terms)
    it.client.last().say(401, b'{"why": "no"}')
    assert "hunter2" not in repr(it.error().args)


def test_terms_hold():
    asked = stage(terms={"timeout": 3.0, "limit": 1000, "redirects": 2}).call(id=1)
    assert (asked.timeout, asked.limit, asked.redirects) == (3.0, 1000, 2)


# --------------------------------------------------------------------------------------------------------- the answer


def test_json_comes_as_it_is():
    it = stage()
    it.call(id=1).say(200, b' {"a":\n 1.0, "b": 12345678901234567890}')
    assert bytes(it.result().args) == b'[ {"a":\n 1.0, "b": 12345678901234567890}]'


def test_text_is_text_and_the_rest_bytes():
    it = stage()
    it.call(id=1).say(200, b"gr\xfcn", TEXT)
    assert it.result().values() == ["grün"]
    it.call(id=1).say(200, b"\x00\xff", {"content-type": "image/png"})
    assert it.result().values() == ["\0AP8="]
    it.call(id=1).say(204, b"", {})
    assert it.result().values() == []


def test_the_whole_answer_may_be_the_result():
    it = stage(result="response")
    it.call(id=1).say(201, b"[1]", {"content-type": "application/json", "etag": '"x"', "set-cookie": "hunter2"})
    headers = {"content-type": "application/json", "etag": '"x"'}
    assert it.result().named() == {"status": 201, "headers": headers, "body": [1]}


@pytest.mark.parametrize(
    ("pointer", "expected"), [("/data/1/name", "y"), ("/a~1b/~0", 3), ("/data/2", None), ("/data/x", None), ("", None)]
)
def test_a_part_of_the_answer_may_be_the_result(pointer, expected):
    it = stage(result=pointer or "/none")
    it.call(id=1).say(200, b'{"data": [{"name": "x"}, {"name": "y"}], "a/b": {"~": 3}}')
    if expected is None:
        assert it.error().uri == "wampd.error.http.unusable"
    else:
        assert it.result().values() == [expected]


@pytest.mark.trap(1)
@pytest.mark.parametrize(
    "body", [b"{", b"\xff", b"[" * 100_000, b'{"a":' * (DEPTH + 1) + b"1" + b"}" * (DEPTH + 1), b"NaN"]
)
def test_what_is_no_json_is_an_error_and_the_session_stays(body):
    it = stage()
    it.call(id=1).say(200, body)
    assert it.error().uri == "wampd.error.http.unusable"
    it.call(id=1).say(200, b"1")
    assert it.result().values() == [1]


@pytest.mark.parametrize("status", [302, 400, 404, 418, 500, 503, 799])
def test_a_status_is_an_error(status):
    it = stage()
    it.call(id=1).say(status, b'{"why": "so"}')
    error = it.error()
    assert error.uri == f"wampd.error.http.{status}"
    assert error.kwargs_of_error == {"status": status, "body": {"why": "so"}}


def test_a_status_may_have_an_error_of_its_own():
    it = stage(terms={"errors": {404: "com.app.error.no_such_user"}})
    it.call(id=1).say(404, b"<p>nothing", {"content-type": "text/html"})
    error = it.error()
    assert (error.uri, error.args_of_error) == ("com.app.error.no_such_user", ("Not Found",))
    it.call(id=1).say(404, b"x" * 20_000, {"content-type": "text/html"})
    assert it.error().kwargs_of_error == {"status": 404}


@pytest.mark.parametrize("reason", ["timeout", "connect", "dns", "tls", "denied", "too_large", "broken", "busy"])
def test_no_answer_is_an_error(reason):
    it = stage()
    it.call(id=1).fail(reason, "why")
    error = it.error()
    assert (error.uri, error.args_of_error) == (f"wampd.error.http.{reason}", ("why",))


def test_who_cancels_ends_the_request():
    it = stage()
    asked = it.call(id=1)
    it.answer.cancel()
    assert it.error().uri == "wamp.error.canceled"
    it.house.turns()
    assert asked.cancelled


def test_the_end_of_the_session_ends_the_requests():
    it = stage()
    asked = it.call(id=1)
    it.callee.leave()
    it.house.turns()
    assert asked.cancelled
    assert it.error().uri == "wamp.error.canceled"


# ------------------------------------------------------------------------------------------- requests that callers make


def generic(**more):
    mapping = {"base": API + "/", "methods": frozenset({"GET", "POST"}), "headers": frozenset({"accept"}), **more}
    return Stage(Generic(**mapping))


def test_callers_say_what_to_request_below_a_url():
    it = generic()
    asked = it.call(method="GET", url="users/7", params={"a": "b c", "l": [1, 2]}, headers={"Accept": "text/plain"})
    assert (asked.method, asked.url) == ("GET", f"{API}/users/7?a=b+c&l=1&l=2")
    assert asked.headers == {"Accept": "text/plain"}
    asked.say(200, b"ok", TEXT)
    assert it.result().values() == [{"code": 200, "headers": TEXT, "content": "ok"}]
    asked = it.call(method="POST", url=f"{API}/users", body={"a": 1})
    assert (asked.url, asked.body) == (f"{API}/users", b'{"a":1}')
    assert asked.headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    "kwargs",
    [
        {"method": "DELETE", "url": "users"},
        {"method": "get", "url": "users"},
        {"url": "users"},
        {"method": "GET", "url": "../admin"},
        {"method": "GET", "url": "users/.."},
        {"method": "GET", "url": "%2e%2e/admin"},
        {"method": "GET", "url": "a%2fb"},
        {"method": "GET", "url": "a%5Cb"},
        {"method": "GET", "url": "a\\b"},
        {"method": "GET", "url": "//evil.example/"},
        {"method": "GET", "url": "https://evil.example/"},
        {"method": "GET", "url": "https://api.example.com/v2/x"},
        {"method": "GET", "url": "users?x=1"},
        {"method": "GET", "url": "users//7"},
        {"method": "GET", "url": "//"},
        {"method": "GET", "url": "..;/admin"},
        {"method": "GET", "url": "users/..;x=1/admin"},
        {"method": "GET", "url": "..%3B/admin"},
        {"method": "GET", "url": ".;/admin"},
        {"method": "GET", "url": "users#x"},
        {"method": "GET", "url": "a\r\nb"},
        {"method": "GET", "url": "a%0d%0ab"},
        {"method": "GET", "url": "users", "headers": {"Host": "evil.example"}},
        {"method": "GET", "url": "users", "headers": {"Accept": "a\r\nb: c"}},
        {"method": "GET", "url": "users", "params": {"a": {"b": 1}}},
        {"method": "GET", "url": "users", "more": 1},
        {"method": 1, "url": "users"},
    ],
)
def test_nobody_leaves_the_place_below_the_url(kwargs):
    it = generic()
    assert it.call(**kwargs) is None
    assert it.error().uri == "wamp.error.invalid_argument"


@pytest.mark.parametrize("url", ["", "users/", "/users", "a.b/c..d/...", "a;b=1", "x%20y/%C3%A4"])
def test_what_is_below_the_url_may_be_asked_for(url):
    assert generic().call(method="GET", url=url).url == f"{API}/{url.removeprefix('/')}"


@pytest.mark.trap(1)
@pytest.mark.parametrize("url", ["a" * 100_000 + "#", "%41" * 50_000 + "#", "a/" * 50_000 + "#", "a%41" * 30_000 + "%"])
def test_a_url_is_read_in_one_go(url):
    """Whatever it is: where one reads it in every way there is, forty characters take a day."""
    it = generic()
    assert it.call(method="GET", url=url) is None
    assert it.error().uri == "wamp.error.invalid_argument"
