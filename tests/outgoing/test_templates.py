"""URL templates: what goes where, and that no value can get out of its place."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.outgoing.templates import TemplateError, TextTemplate, UnfitError, UrlTemplate

API = "https://api.example.com"


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("/users/{id}", {"id": 7}, "/users/7"),
        (
            "/users/{id}{?page,fields}",
            {"id": "a b", "page": 2, "fields": ["x", "y,z"]},
            "/users/a%20b?page=2&fields=x,y%2Cz",
        ),
        ("/users{?page,fields*}", {"fields": ["x", "y"]}, "/users?fields=x&fields=y"),
        ("/users{?page}", {}, "/users"),
        ("/users{?page}", {"page": None}, "/users"),
        ("/users{?page}", {"page": ""}, "/users?page="),
        ("/users?v=1{&page}", {"page": True}, "/users?v=1&page=true"),
        ("/a/{x}.{y}/-{x}-", {"x": "ä", "y": 1.5}, "/a/%C3%A4.1.5/-%C3%A4-"),
        ("{?q}", {"q": "a&b=c#d%?/"}, "/?q=a%26b%3Dc%23d%25%3F%2F"),
        ("", {}, "/"),
        ("/u/{0}", {"0": "x"}, "/u/x"),
        ("/u/{x}", {"x": "%2e%2e"}, "/u/%252e%252e"),
        ("/u/{x}", {"x": "@evil.example:80;?#"}, "/u/%40evil.example%3A80%3B%3F%23"),
    ],
)
def test_values_stand_in_their_places(template, values, expected):
    assert UrlTemplate(API + template).expand(values) == API + expected


@pytest.mark.parametrize(
    "value", ["", ".", "..", "a/b", "a\\b", "../x", "a\nb", "a\0", "\x7f", None, [1], {"a": 1}, "\ud800"]
)
def test_a_value_that_could_lead_elsewhere_is_refused(value):
    with pytest.raises(UnfitError):
        UrlTemplate(API + "/users/{id}/mail").expand({"id": value})


def test_two_values_do_not_make_a_step_up_together():
    with pytest.raises(UnfitError):
        UrlTemplate(API + "/users/{a}{b}/mail").expand({"a": ".", "b": "."})
    with pytest.raises(UnfitError):
        UrlTemplate(API + "/users/.{a}/mail").expand({"a": "."})


@pytest.mark.parametrize(
    "template",
    [
        "https://{host}/",
        "https://api.example.com{path}",
        "https://api.{x}.com/",
        "https://{user}@api.example.com/",
        "https://user@api.example.com/",
        "https://api.example.com:{port}/",
        "ftp://api.example.com/",
        "//api.example.com/",
        "/users",
        API + "/a b",
        API + "/{}",
        API + "/{+x}",
        API + "/{x:3}",
        API + "/{x",
        API + "/x}",
        API + "/{/x}",
        API + "/../{x}",
        API + "/?a={x}",
        API + "/{?x}{?y}",
        API + "/{?x}/y",
        API + "/{&x}",
        API + "/?a=1{?x}",
        API + "/{x}#{y}",
        API + "/ä",
    ],
)
def test_a_template_that_is_none_is_refused(template):
    with pytest.raises(TemplateError):
        UrlTemplate(template)


@given(st.text(), st.text())
def test_whatever_the_values_are_only_their_own_places_change(value, parameter):
    template = UrlTemplate(API + "/users/{id}/mail{?q}")
    try:
        url = template.expand({"id": value, "q": parameter})
    except UnfitError:
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    assert parts.path.count("/") == 3
    assert parts.path.startswith("/users/")
    assert parts.path.endswith("/mail")
    assert parse_qsl(parts.query, keep_blank_values=True) == [("q", parameter)]


def test_more_parameters_come_after_those_of_the_template():
    template = UrlTemplate(API + "/x?v=1{&a}")
    assert template.expand({"a": 1}, [("b", ["x", 2]), ("c", None)]) == API + "/x?v=1&a=1&b=x&b=2"


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\0b", " a", "a ", "ä", "a\x7f"])
def test_a_header_holds_visible_ascii(value):
    with pytest.raises(UnfitError):
        TextTemplate("{x}").header("X-Test", {"x": value})


def test_texts_are_put_together():
    assert TextTemplate("Bearer {token}").header("Authorization", {"token": "hunter2"}) == "Bearer hunter2"
    assert TextTemplate("{x}").header("X-Test", {}) is None
    assert TextTemplate("fixed").value({}) == "fixed"
    assert TextTemplate("{x}").value({"x": [1, 2]}) == [1, 2]
    with pytest.raises(UnfitError):
        TextTemplate("a {x}").value({})
    for wrong in ("{", "}", "{?x}", "{a b}", "{}"):
        with pytest.raises(TemplateError):
            TextTemplate(wrong)
