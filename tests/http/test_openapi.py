"""OpenAPI documents: valid whatever is defined, of what one may call, and made anew only when something has changed."""

import json

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.inside.house import House
from tests.transports.port import EVERYTHING, Port, build_site, headers, status
from tests.transports.wires import Loop
from wampd.router.catalogue import MOST_SAID, Catalogue, Offered
from wampd.router.http.access.access import FixedRole, Refused
from wampd.router.http.bridges.asked import CallOptions
from wampd.router.http.openapi.document import About, document
from wampd.router.http.openapi.resource import KEPT, OpenApiResource
from wampd.router.http.openapi.schemas import arguments, clean, named_arguments
from wampd.router.http.openapi.yaml_text import to_yaml

ADD = {
    "type": "procedure",
    "title": "Addition",
    "description": "Adds two numbers.",
    "args": [{"type": "integer"}, {"type": "integer"}],
    "kwargs": {"round": {"type": "boolean"}},
    "result": {"type": "integer"},
    "errors": ["com.app.error.overflow"],
    "deprecated": True,
}
BASIC = {"basic": {"type": "http", "scheme": "basic"}}


class Stage:
    """A router in memory that describes what can be called at ``/call``."""

    def __init__(self, role="user", most=500, path="/openapi", **about):
        self.loop = Loop()
        self.house = House(self.loop)
        self.role = role
        self.catalogue = Catalogue(lambda: self.house.realms["realm1"].core)
        about = About(**{"title": "test", "calls": "/call", **about})
        self.resource = OpenApiResource(FixedRole(self.enter), self.catalogue, about, self.loop, most)
        self.site = build_site({}, {path: self.resource})
        self.site.reactor = self.loop
        self.callee = self.house.enter()

    def enter(self, request):
        if self.role == "nobody":
            raise Refused(401, "say who you are", (("WWW-Authenticate", "Basic"),))
        return self.house.insiders.enter("realm1", role=self.role)

    def serve(self, uri, definition=None, **options):
        self.house.now(self.callee.register(uri, str, options))
        if definition is not None:
            self.house.now(self.callee.call("wamp.reflection.define", [uri, definition], timeout=5))

    def ask(self, target="/openapi", *lines, method="GET"):
        port = Port(EVERYTHING, loop=self.loop)
        port.protocol._web = self.site.buildProtocol
        port.client.send("\r\n".join([f"{method} {target} HTTP/1.1", "Host: a", *lines, "", ""]).encode())
        self.house.turns()
        answer = port.client.read()
        return status(answer), headers(answer), answer.partition(b"\r\n\r\n")[2]

    def document(self, *args):
        code, _, body = self.ask(*args)
        assert code == 200
        made = json.loads(body)
        OpenAPIV31SpecValidator(made).validate()
        return made


@pytest.fixture
def stage():
    return Stage()


def test_what_is_registered_and_described_can_be_read(stage):
    stage.serve("com.app.add", ADD)
    stage.serve("com.app.bare")
    made = stage.document()
    assert made["openapi"] == "3.1.0"
    assert list(made["paths"]) == ["/call/com.app.add", "/call/com.app.bare"]
    add = made["paths"]["/call/com.app.add"]["post"]
    assert (add["operationId"], add["summary"], add["description"]) == ("com.app.add", "Addition", "Adds two numbers.")
    assert add["deprecated"] is True
    assert add["x-wamp-errors"] == ["com.app.error.overflow"]
    schema = add["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["args"] == {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}]}
    assert schema["properties"]["kwargs"] == {"type": "object", "properties": {"round": {"type": "boolean"}}}
    result = add["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["args"]
    assert result == {"type": "array", "prefixItems": [{"type": "integer"}]}
    assert {"400", "403", "404", "413", "415", "500", "502", "503", "504"} == set(add["responses"]) - {"200"}
    assert add["requestBody"]["required"] is True  # without a body there is no Content-Type, which is 415
    bare = made["paths"]["/call/com.app.bare"]["post"]
    assert bare["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Call"}


def test_the_options_are_those_that_calls_take(stage):
    properties = stage.document()["components"]["schemas"]["Options"]["properties"]
    schema = msgspec.json.schema(CallOptions)["$defs"]["CallOptions"]["properties"]
    assert properties.keys() == schema.keys()
    for name, said in properties.items():
        taken = [schema[name], *schema[name].get("anyOf", ())]
        assert said["type"] in [each.get("type") for each in taken]


def test_everybody_sees_what_is_theirs_to_call(stage):
    stage.serve("com.app.add")
    assert Stage("reader").document()["paths"] == {}
    reader = Stage("reader")
    reader.serve("com.app.add")
    assert reader.document()["paths"] == {}
    assert "/call/com.app.add" in stage.document()["paths"]
    assert not any("wamp.session.kill" in path for path in stage.document()["paths"])


def test_the_routers_own_procedures_are_there_for_who_may_call_them():
    stage = Stage(None)
    made = stage.document()
    assert made["paths"]["/call/wamp.session.count"]["post"]["description"]


def test_what_a_pattern_catches_is_there_if_it_is_described(stage):
    stage.serve("com.app.", match="prefix")
    assert stage.document()["paths"] == {}
    stage.house.now(stage.callee.call("wamp.reflection.define", ["com.app.x", {"type": "procedure"}], timeout=5))
    stage.house.now(stage.callee.call("wamp.reflection.define", ["org.x", {"type": "procedure"}], timeout=5))
    assert list(stage.document()["paths"]) == ["/call/com.app.x"]


def test_who_is_not_let_in_is_told_so():
    code, head, _ = Stage("nobody").ask()
    assert (code, head["www-authenticate"]) == (401, "Basic")


@pytest.mark.parametrize(
    ("target", "method", "code"),
    [
        ("/openapi/other", "GET", 404),
        ("/openapi/openapi.yaml/x", "GET", 404),
        ("/openapi?after=%ff", "GET", 400),
        ("/openapi?after=" + "x" * 2000, "GET", 400),
        ("/openapi", "PUT", 405),
    ],
)
def test_what_is_not_there_is_refused(stage, target, method, code):
    assert stage.ask(target, "Content-Length: 0", method=method)[0] == code


def test_it_comes_as_yaml_too(stage):
    stage.serve("com.app.add", ADD)
    made = stage.document()
    for target, *lines in [("/openapi/openapi.yaml",), ("/openapi", "Accept: application/yaml"), ("/openapi/",)]:
        _, head, body = stage.ask(target, *lines)
        assert yaml.safe_load(body) == made
        assert head["content-type"] == ("application/json" if target.endswith("/") else "application/yaml")
    for accepted in ("application/yaml;q=0", "application/yaml;q=0.5, application/json", "*/*"):
        assert stage.ask("/openapi", f"Accept: {accepted}")[1]["content-type"] == "application/json"
    both = stage.ask("/openapi", "Accept: application/json;q=0.5, text/x-yaml")
    assert both[1]["content-type"] == "application/yaml"
    other = Stage(path="/api.yaml")
    assert other.ask("/api.yaml")[1]["content-type"] == "application/yaml"
    assert stage.ask("/openapi/openapi.json", "Accept: application/yaml")[1]["content-type"] == "application/json"


def test_it_is_not_sent_again_while_it_is_the_same(stage):
    _, head, _ = stage.ask()
    assert head["cache-control"] == "private, no-cache"
    code, again, body = stage.ask("/openapi", f"If-None-Match: {head['etag']}")
    assert (code, body) == (304, b"")
    assert "content-length" not in again or again["content-length"] == "0"
    code, _, body = stage.ask(method="HEAD")
    assert (code, body) == (200, b"")
    stage.serve("com.app.add")
    assert stage.ask("/openapi", f"If-None-Match: {head['etag']}")[0] == 200


def test_it_is_made_anew_only_when_something_has_changed(stage, monkeypatch):
    made = []
    make = stage.resource._make
    stage.resource._make = lambda *args: made.append(1) or make(*args)
    stage.document()
    stage.document()
    assert len(made) == 1
    for count, change in enumerate(
        (
            lambda: stage.serve("com.app.add"),
            lambda: stage.house.now(stage.callee.call("wamp.reflection.define", ["com.app.add", ADD], timeout=5)),
            lambda: stage.house.now(stage.callee.call("wamp.reflection.undefine", ["com.app.add"], timeout=5)),
            lambda: stage.callee.leave(),
        ),
        start=2,
    ):
        change()
        stage.house.turns()
        stage.document()
        stage.document()
        assert len(made) == count
    assert stage.document()["paths"] == {}


@pytest.mark.trap(16)
def test_what_is_kept_is_bounded(stage):
    for number in range(3 * KEPT):
        stage.ask(f"/openapi?after=x{number}")
    assert len(stage.resource._kept) == KEPT


def test_many_procedures_come_in_parts():
    stage = Stage(most=2)
    for name in "abcde":
        stage.serve(f"com.{name}")
    seen, target = [], "/openapi"
    for _ in range(3):
        made = stage.document(target)
        seen += made["paths"]
        target = f"/openapi?after={made.get('x-wampd-next')}"
    assert seen == [f"/call/com.{name}" for name in "abcde"]
    assert "x-wampd-next" not in made
    assert stage.ask()[1]["link"] == '<?after=com.b>; rel="next"'
    assert "link" not in stage.ask("/openapi?after=com.d")[1]


def test_a_part_is_bounded_by_what_is_said_too(stage):
    for name in "abcdefghij":
        stage.serve(f"com.{name}", {"type": "procedure", "description": "x" * (MOST_SAID // 9 + 1)})
    assert "".join(path[-1] for path in stage.document()["paths"]) == "abcdefghi"
    assert list(stage.document("/openapi?after=com.i")["paths"]) == ["/call/com.j"]


@pytest.mark.parametrize(
    ("pattern", "stays"),
    [("^[a-z]+$", True), ("(?:a|b)(?=c)(?!d)", True), ("(", False), ("(?i)[ſ-К]", False), ("a" * 101, False)],
)
def test_a_pattern_stays_if_it_is_one_that_is_soon_read(pattern, stays):
    assert ("pattern" in clean({"type": "string", "pattern": pattern})) is stays


def test_yaml_of_a_large_document_is_not_laid_out():
    value = {"é\u2028": [{"n": number, "t": "~"} for number in range(40_000)]}
    text = to_yaml(value)
    assert text.count(b"\n") == 1
    assert json.loads(text) == value
    small = {"é\u2028": value["é\u2028"][:500]}
    assert yaml.safe_load(json.dumps(small)) == yaml.safe_load(to_yaml(small)) == small


def test_it_says_how_to_show_who_one_is():
    stage = Stage(schemes=BASIC)
    stage.serve("com.app.add")
    made = stage.document()
    assert made["security"] == [{"basic": []}]
    assert made["components"]["securitySchemes"] == BASIC
    assert {"401", "429"} <= set(made["paths"]["/call/com.app.add"]["post"]["responses"])
    assert Stage(schemes=BASIC, open=True).document()["security"] == [{"basic": []}, {}]


@pytest.mark.parametrize(
    "uri", ["com.app.a/b", "com.app.{x}", "com.app.a?b", "com.app.ä", "com.app.%41", "com.app.a&b"]
)
def test_whatever_a_uri_holds_is_one_segment(stage, uri):
    stage.serve(uri)
    (path,) = stage.document()["paths"]
    assert path.count("/") == 2
    assert not set("{}?") & set(path)


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "procedure", "args": [{"$ref": "https://evil.example/schema"}]},
        {"type": "procedure", "args": [{"type": "int"}], "kwargs": 7, "result": "text"},
        {"type": "procedure", "args": {"type": "array", "items": {"type": ["string", "strong"]}}, "errors": [1]},
        {"type": "procedure", "kwargs": {"type": "object", "required": ["a", "a"], "properties": {"a": 7}}},
        {"type": "procedure", "kwargs": {"type": {"type": "string"}}},
        {"type": "procedure", "title": 7, "description": None, "args": [], "result": []},
        {"type": "procedure", "result": [{"enum": [], "minimum": "1", "pattern": "(", "multipleOf": 0}]},
    ],
)
def test_a_definition_that_is_no_schema_does_not_spoil_the_document(stage, definition):
    stage.serve("com.app.odd", definition)
    assert "evil" not in json.dumps(stage.document())


def test_schemas_are_read_with_care():
    assert clean({"type": "string", "$ref": "#/x", "minLength": -1, "x": 1}) == {"type": "string"}
    assert clean({"items": {"type": "integer", "minimum": True}}) == {"items": {"type": "integer"}}
    assert clean("nothing") is True
    assert clean(False) is False
    deep = {}
    for _ in range(50):
        deep = {"items": deep}
    assert json.dumps(clean(deep)).count("items") < 12
    assert arguments(7) == {"type": "array"}
    assert arguments([]) == {"type": "array", "maxItems": 0}
    assert named_arguments({"properties": {"a": {"type": "null"}}})["type"] == "object"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["string", "object", "array", "(", "$ref"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "items",
                    "properties",
                    "required",
                    "enum",
                    "anyOf",
                    "$ref",
                    "pattern",
                    "minimum",
                    "not",
                    "title",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(["args", "kwargs", "result", "errors", "title", "deprecated"]), JSON))
def test_whatever_is_defined_the_document_is_valid(definition):
    made = document(About(title="x", calls="/call"), [Offered("com.x", definition)], None)
    OpenAPIV31SpecValidator(json.loads(json.dumps(made))).validate()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda it: st.lists(it) | st.dictionaries(st.text(), it)
    )
)
def test_yaml_says_what_json_says(value):
    assert yaml.safe_load(to_yaml(value)) == value


def test_yaml_has_long_keys_too():
    value = {"x" * 3000: {"y" * 1000: [1, {"z" * 1001: None}]}, "a": {}}
    assert yaml.safe_load(to_yaml(value)) == value
