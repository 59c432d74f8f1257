"""Pages: a GET is a call, and what it returns is rendered."""

import os

import pytest
from twisted.internet.defer import CancelledError, Deferred

from tests.http.house import logged
from tests.inside.house import House
from tests.transports.port import EVERYTHING, Port, build_site, headers, status
from tests.transports.wires import Loop
from wampd.router.http.access.access import FixedRole, Refused
from wampd.router.http.bridges.errors import Errors
from wampd.router.http.pages import rendering
from wampd.router.http.pages.rendering import Slices, Templates, Turns
from wampd.router.http.pages.resource import Pages, Site
from wampd.router.http.pages.routes import Route, Unfit, Variable, path_of, read_path, value_of
from wampd.router.inside.insider import Refusal, Returned
from wampd.router.inside.insiders import NotLetIn

__all__ = ["logged"]  # a fixture

TEMPLATES = {
    "list.html": "<p>{{ asked.page|default(1) }}:{% for each in result %} {{ each.name }}{% endfor %}",
    "one.html": "<a href='{{ result.link }}'>{{ result.name }}</a> {{ args|length }} {{ kwargs }}",
    "error.html": "<h1>{{ status }} {{ reason }}</h1>{{ uri }}",
    "sandbox.html": "{{ result.__class__.__mro__ }}",
    "missing.html": "\n\n{{ result.nmae }}",
    "zero.html": "\n{{ 1 // 0 }}",
    "include.html": "{% include 'nothing.html' %}",
    "unescaped.txt": "{{ result }}",
    "endless.html": "{% for i in range(9999) %}{% for i in range(99999) %}x{% endfor %}{% endfor %}",
}


BROKEN = ("sandbox", "missing", "zero", "include", "endless")


class Stage:
    """A router in memory with pages under ``/people``, and a component that serves their procedures."""

    ROUTES = (
        Route((), "com.people.list", "list.html", {"page": "int", "q": "text"}),
        Route(("one",), "com.people.one", "one.html"),
        Route((Variable("id", "int"), "of", Variable("name")), "com.people.get", "one.html", {"full": "bool"}, ("id",)),
        *(
            Route((name,), "com.people.one", f"{name}.html")
            for name in ("sandbox", "missing", "zero", "include", "endless", "long")
        ),
        Route(("unescaped",), "com.people.text", "unescaped.txt"),
    )

    def __init__(self, directory, *, role="user", error_template=None, **site):
        self.loop = Loop()
        self.house = House(self.loop)
        self.role = role
        self.asked = []
        for name, text in TEMPLATES.items():
            (directory / name).write_text(text)
        more = Site(pieces=Templates(directory).pieces, error_template=error_template, **site)
        self.site = build_site({}, {"/people": Pages(self.ROUTES, FixedRole(self._enter), more)})
        self.site.reactor = self.loop
        self.callee = self.house.enter()

    def _enter(self, request):
        if self.role is None:
            raise Refused(401, "who are you?", (("WWW-Authenticate", "Basic"),))
        try:
            return self.house.insiders.enter("realm1", role=self.role)
        except NotLetIn:
            raise Refused(503, "no room") from None

    def serves(self, procedure, answer):
        """A procedure that returns this, or what this does."""

        def handler(invocation):
            self.asked.append((invocation.values(), invocation.named()))
            return answer() if callable(answer) else answer

        self.house.now(self.callee.register(procedure, handler))

    def begin(self, target, *lines, method="GET"):
        port = Port(EVERYTHING, site=self.site, loop=self.loop)
        request = [f"{method} {target} HTTP/1.1", "Host: router.example", *lines, "", ""]
        port.client.send("\r\n".join(request).encode("latin-1"))
        self.house.turns()
        return port

    def get(self, target, *lines, method="GET"):
        return self.begin(target, *lines, method=method).client.read()


def body(answer):
    return answer.split(b"\r\n\r\n", 1)[1].decode()


# ------------------------------------------------------------------------------------------------------- what goes wrong


def test_a_page_that_is_none_is_not_found(tmp_path):
    stage = Stage(tmp_path)
    for target in ("/people/x", "/people/one/", "/people/one/two", "/people//", "/people/%ff", "/people/a/of/b"):
        assert status(stage.get(target)) == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_pages_are_only_read(tmp_path, method):
    answer = Stage(tmp_path).get("/people", method=method)
    assert status(answer) == 405
    assert headers(answer)["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "query", ["page=x", "page=", "page=1&page=2", "page=1e9", "page=%ff", "page=" + "9" * 30, "&" * 3 + "a=b&" * 200]
)
def test_a_query_that_is_not_of_its_kind_is_refused(tmp_path, query):
    stage = Stage(tmp_path)
    stage.serves("com.people.list", [])
    answer = stage.get(f"/people?{query}")
    assert status(answer) == (200 if query == "page=" else 400)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (Refusal("com.people.error.gone", "hunter2"), 410),
        (Refusal("com.people.error.other", "hunter2"), 500),
        (Refusal("wamp.error.invalid_argument", "hunter2"), 400),
        (Refusal("wamp.error.not_authorized", "hunter2"), 403),
    ],
)
@pytest.mark.parametrize("template", [None, "error.html"])
def test_an_error_has_a_fitting_status_and_shows_nothing_of_what_it_says(tmp_path, raised, code, template):
    stage = Stage(tmp_path, errors=Errors({"com.people.error.gone": 410}), error_template=template)

    def fails():
        raise raised

    stage.serves("com.people.one", fails)
    answer = stage.get("/people/one")
    assert status(answer) == code
    assert b"hunter2" not in answer
    assert (raised.uri in body(answer)) == (template is not None)
    assert headers(answer)["content-type"].startswith("text/plain" if template is None else "text/html")


def test_a_procedure_that_nobody_serves_is_not_found(tmp_path):
    assert status(Stage(tmp_path).get("/people")) == 404


def test_a_role_that_may_not_call_is_told_so(tmp_path):
    stage = Stage(tmp_path, role="reader")
    stage.serves("com.people.list", [])
    assert status(stage.get("/people")) == 403
    assert stage.asked == []


def test_who_may_not_come_gets_what_the_door_says(tmp_path):
    stage = Stage(tmp_path, role=None, error_template="error.html")
    answer = stage.get("/people")
    assert (status(answer), body(answer)) == (401, "<h1>401 Unauthorized</h1>")
    assert headers(answer)["www-authenticate"] == "Basic"


def test_a_call_has_a_timeout(tmp_path):
    stage = Stage(tmp_path, timeout=5)
    stage.serves("com.people.list", Deferred)
    port = stage.begin("/people")
    assert port.client.read() == b""
    stage.loop.run(6)
    stage.house.turns()
    assert status(port.client.read()) == 504


@pytest.mark.trap(13)
def test_a_client_that_leaves_cancels_its_call(tmp_path):
    stage = Stage(tmp_path)
    cancelled = []
    stage.serves("com.people.list", lambda: Deferred(cancelled.append))
    port = stage.begin("/people")
    assert stage.asked == [([], {})]
    port.client.close()
    stage.loop.run()
    stage.house.turns()
    assert len(cancelled) == 1


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("sandbox", "SecurityError"),
        ("missing", "missing.html, line 3"),
        ("zero", "zero.html, line 2"),
        ("include", "nothing.html"),
    ],
)
def test_a_template_that_fails_gives_500_and_one_line_in_the_log_that_says_where(tmp_path, logged, name, place):
    stage = Stage(tmp_path)
    stage.serves("com.people.one", {"name": "hunter2"})
    answer = stage.get(f"/people/{name}")
    assert status(answer) == 500
    assert b"hunter2" not in answer
    (line,) = [event for event in logged if event["log_level"].name == "error"]
    assert place in line["why"]


class Turn:
    """As much of a reactor as slices need."""

    def __init__(self):
        self.waiting = []

    def later(self, _delay, call, *args):
        self.waiting.append((call, args))

    def go(self):
        (waiting,) = self.waiting  # never more than one
        self.waiting = []
        waiting[0](*waiting[1])


def test_pages_that_take_long_have_a_slice_at_a_time(monkeypatch):
    monkeypatch.setattr(rendering, "SLICE", -1.0)
    turn, turns, made = Turn(), Turns(), []
    for text in ("abc", "xyz"):
        Slices(iter(text), turns, turn.later).page().addCallback(made.append)
    assert made == []
    turn.go()
    turn.go()
    turn.go()
    turn.go()
    assert made == []
    turn.go()
    turn.go()
    assert made == [b"abc", b"xyz"]
    assert turn.waiting == []


def test_what_has_no_utf_8_is_shown_as_something_else():
    made = []
    Slices(iter("a\ud800"), Turns(), Turn().later).page().addCallback(made.append)
    assert made == [b"a?"]


def test_a_turn_that_fails_keeps_no_other_waiting():
    turn, turns, had = Turn(), Turns(), []

    def fail():
        raise ZeroDivisionError

    turns.add(fail, turn.later)
    turns.add(lambda: had.append("a turn"), turn.later)
    with pytest.raises(ZeroDivisionError):
        turn.go()
    turn.go()
    assert had == ["a turn"]
    assert turn.waiting == []


def test_nothing_more_is_rendered_for_a_client_that_has_left(monkeypatch):
    monkeypatch.setattr(rendering, "SLICE", -1.0)
    turn, pieces, ended = Turn(), iter("abc"), []
    page = Slices(pieces, Turns(), turn.later).page()
    page.addErrback(lambda failure: ended.append(failure.type))
    page.cancel()
    turn.go()
    assert ended == [CancelledError]
    assert next(pieces) == "b"


def test_a_page_without_end_has_one(tmp_path, monkeypatch, logged):
    monkeypatch.setattr(rendering, "SLICE", 60.0)
    monkeypatch.setattr(rendering, "LONGEST", 0.05)
    stage = Stage(tmp_path)
    stage.serves("com.people.one", {})
    assert status(stage.get("/people/endless")) == 500
    monkeypatch.setattr(rendering, "LONGEST", 60.0)
    monkeypatch.setattr(rendering, "LARGEST", 10_000)
    assert status(stage.get("/people/endless")) == 500
    lines = [event["why"] for event in logged if event["log_level"].name == "error"]
    assert lines == ["endless.html: it takes too long", "endless.html: it is too large"]


def test_a_template_for_errors_that_fails_is_replaced_by_a_line(tmp_path):
    stage = Stage(tmp_path, error_template="zero.html")
    answer = stage.get("/people/nothing")
    assert (status(answer), body(answer)) == (404, "Not Found\n")


@pytest.mark.parametrize(
    "http",
    [
        {"status": 100},
        {"status": 304},
        {"status": 600},
        {"status": "200"},
        {"headers": {"X": "a\r\nSet-Cookie: b"}},
        {"headers": {"X\r\nY": "a"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": {"transfer-encoding": "chunked"}},
        {"headers": {"Connection": "close"}},
        {"headers": {"X": 5}},
        {"headers": {"X": "\u20ac"}},
        {"stauts": 200},
        "200",
        [],
    ],
)
def test_a_result_cannot_say_of_the_head_what_cannot_be(tmp_path, logged, http):
    stage = Stage(tmp_path)
    stage.serves("com.people.one", Returned([{"name": "x", "link": ""}], {"http": http}))
    answer = stage.get("/people/one")
    assert status(answer) == 500
    assert len([event for event in logged if event["log_level"].name == "warn"]) == 1


# ----------------------------------------------------------------------------------------------------------- what is shown


def test_what_a_procedure_returns_is_rendered_and_escaped(tmp_path):
    stage = Stage(tmp_path)
    stage.serves("com.people.list", [{"name": "<script>"}, {"name": "Bo"}])
    for target in ("/people", "/people/"):
        answer = stage.get(target)
        assert status(answer) == 200
        assert headers(answer)["content-type"] == "text/html; charset=utf-8"
        assert body(answer) == "<p>1: &lt;script&gt; Bo"
    stage.serves("com.people.text", "<&\"'>")
    assert body(stage.get("/people/unescaped")) == "&lt;&amp;&#34;&#39;&gt;"


def test_arguments_come_from_the_path_and_of_the_query_what_is_named(tmp_path):
    stage = Stage(tmp_path)
    stage.serves("com.people.list", [])
    stage.serves("com.people.get", Returned([{"name": "n", "link": "l"}, 2], {"more": 1}))
    assert body(stage.get("/people?page=3&q=a+b%26%C3%A4&other=1")) == "<p>3:"
    assert body(stage.get("/people/7/of/a%2Fb?full=true")) == "<a href='l'>n</a> 2 {&#39;more&#39;: 1}"
    assert stage.asked == [([], {"page": 3, "q": "a b&ä"}), ([7], {"name": "a/b", "full": True})]


def test_head_is_get_without_its_body(tmp_path):
    stage = Stage(tmp_path)
    stage.serves("com.people.list", [])
    answer, whole = stage.get("/people", method="HEAD"), stage.get("/people")
    assert body(answer) == ""
    assert [headers(answer)[name] for name in ("etag", "content-length")] == [
        headers(whole)[name] for name in ("etag", "content-length")
    ]


def test_what_the_browser_has_is_not_sent_again(tmp_path):
    stage = Stage(tmp_path)
    shown = [{"name": "Ann"}]
    stage.serves("com.people.list", lambda: shown)
    etag = headers(stage.get("/people"))["etag"]
    answer = stage.get("/people", f"If-None-Match: {etag}")
    assert (status(answer), body(answer)) == (304, "")
    assert headers(answer)["etag"] == etag
    shown.append({"name": "Bo"})
    assert status(stage.get("/people", f"If-None-Match: {etag}")) == 200


def test_caches_keep_what_depends_on_who_asks_for_that_one_alone(tmp_path):
    for private, kept in ((True, "private, no-cache"), (False, "no-cache")):
        stage = Stage(tmp_path, private=private)
        stage.serves("com.people.list", [])
        assert headers(stage.get("/people"))["cache-control"] == kept


def test_a_result_may_say_status_and_headers(tmp_path):
    stage = Stage(tmp_path)
    http = {"status": 303, "headers": {"Location": "/people", "Cache-Control": "max-age=60", "X-Own": "ä"}}
    stage.serves("com.people.one", Returned([{"name": "x", "link": ""}], {"http": http}))
    answer = stage.get("/people/one")
    assert status(answer) == 303
    assert b"\r\nX-Own: \xe4\r\n" in answer
    assert b"\r\nLocation: /people\r\n" in answer
    assert b"\r\nCache-Control: max-age=60\r\n" in answer
    assert "http" not in body(answer)


def test_a_template_is_read_again_when_its_file_changes(tmp_path):
    stage = Stage(tmp_path)
    stage.serves("com.people.list", [])
    assert body(stage.get("/people")) == "<p>1:"
    (tmp_path / "list.html").write_text("<p>new")
    os.utime(tmp_path / "list.html", (1, 1))
    assert body(stage.get("/people")) == "<p>new"
    (tmp_path / "list.html").write_text("{% for %}")
    os.utime(tmp_path / "list.html", (2, 2))
    assert status(stage.get("/people")) == 500


# ----------------------------------------------------------------------------------------------------------------- routes


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/", ()),
        ("/a/b", ("a", "b")),
        ("/{id}", (Variable("id"),)),
        ("/x/{id:int}/{on:bool}", ("x", Variable("id", "int"), Variable("on", "bool"))),
    ],
)
def test_a_path_has_segments_and_variables(path, segments):
    assert read_path(path) == segments


@pytest.mark.parametrize(
    "path", ["", "a", "//", "/a/", "/{}", "/{1}", "/a{b}", "/{a}{b}", "/{a:str}", "/{a}/{a}", "/{a.b}"]
)
def test_what_is_no_path_of_a_page_is_said_to_be_none(path):
    assert isinstance(read_path(path), str)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", "a", "a"),
        ("int", "-12", -12),
        ("int", "007", 7),
        ("number", "1.5e3", 1500.0),
        ("number", "2", 2.0),
        ("bool", "true", True),
        ("bool", "0", False),
    ],
)
def test_values_are_of_their_kind(kind, text, value):
    assert value_of(text, kind) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("text", ""),
        ("int", ""),
        ("int", "1.0"),
        ("int", "+1"),
        ("int", "١"),
        ("int", "1_0"),
        ("int", " 1"),
        ("int", "1\n"),
    ]
    + [("number", text) for text in ("nan", "inf", "1e999", "0x1", "1\n", "")]
    + [("bool", text) for text in ("yes", "True", "", "2")],
)
def test_what_is_of_another_kind_is_unfit(kind, text):
    with pytest.raises(Unfit):
        value_of(text, kind)


def test_paths_are_utf_8():
    assert path_of([b"gr\xc3\xb6\xc3\x9fe"]) == ["größe"]
    assert path_of([b""]) == []
    assert path_of([b"\xff"]) is None
