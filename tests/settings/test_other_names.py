"""Who knows another server writes what it is called there, and is told what it is called here."""

from typing import get_args

import pytest

from wampd.router.settings.http import HttpPath
from wampd.router.settings.listeners import EchoPath, WampPath
from wampd.router.settings.other_names import OTHER_NAMES

from .conftest import LISTENER, REALM

PATH = 'listeners[0].http["/a"]'
IN_WEBSOCKET = 'WebSocket paths stand under "websocket", beside "http"'


def said(config, path):
    return config.problems(REALM + LISTENER + f"    http: {{/a: {{{path}}}}}\n")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("type: reverseproxy, host: x", 'type: unknown type; did you mean "proxy"?'),
        ("type: publisher", 'type: unknown type; did you mean "publish"?'),
        ("type: caller", 'type: unknown type; did you mean "call"?'),
        ("type: schemadoc", 'type: unknown type; did you mean "openapi"?'),
        ("type: path, paths: {}", 'type: unknown type; paths do not nest: write what is below it beside it, as "/a/b"'),
        ("type: websocket", f"type: unknown type; {IN_WEBSOCKET}"),
        ("type: wamp", f"type: unknown type; {IN_WEBSOCKET}"),
        ("type: static, dir: .", 'dir: unknown key; did you mean "directory"?'),
        ("type: redirect, url: /b", 'url: unknown key; did you mean "to"?'),
        ('type: proxy, url: "http://127.0.0.1:9000"', 'url: unknown key; it belongs to an item of "backends"'),
        ("type: resource, classname: a.B", 'classname: unknown key; did you mean "class"?'),
        ("type: static, directory: ., max_age: 60", 'max_age: unknown key; it belongs to "cors" or "cache"'),
        ("type: json, value: 1, credentials: true", 'credentials: unknown key; it belongs to "cors"'),
    ],
)
def test_a_word_of_elsewhere_is_answered_with_the_one_that_is_meant(config, path, expected):
    (problem,) = said(config, path)
    assert problem.split(" ", 1)[1] == f"{PATH}.{expected}"


def test_a_secret_is_never_answered_with_insecure(config):
    role = "realm: realm1, role: anonymous"
    for kind in ("publish", "call", "events", "hook", "upload", "static"):
        shown = "\n".join(said(config, f"type: {kind}, {role}, secret: hunter2 hunter2"))
        assert "secret: unknown key" in shown
        assert "insecure" not in shown.split("secret: unknown key", 1)[1].splitlines()[0]


def test_what_is_no_websocket_is_sent_to_the_other_section(config):
    problem = config.problem(REALM + LISTENER + "    websocket: {/a: {type: static, directory: .}}\n")
    assert problem.endswith('type: unknown type; what is no WebSocket stands under "http", beside "websocket"')
    problem = config.problem(REALM + LISTENER + "    websocket: {/a: {type: websocket}}\n")
    assert problem.endswith('type: unknown type; did you mean "wamp"?')


def test_a_key_that_stands_one_level_too_high_is_sent_down(config):
    problems = config.problems("websocket: {}\n" + REALM + LISTENER)
    assert [problem.split(" ", 1)[1] for problem in problems] == [
        'websocket: unknown key; it belongs to an item of "listeners"'
    ]
    problem = config.problem(REALM + LISTENER + "    paths: {}\n")
    assert problem.endswith('listeners[0].paths: unknown key; did you mean "http"?')
    problem = config.problem(REALM + "    ticket: {}\n" + LISTENER)
    assert problem.endswith('realms[0].ticket: unknown key; it belongs to "auth"')


def test_what_is_advised_can_be_written():
    kinds = (*get_args(HttpPath), WampPath, EchoPath)
    known = {str(each.__struct_config__.tag) for each in kinds}
    known.update(name for each in kinds for name in each.__struct_encode_fields__)
    known.update(("listeners", "http"))
    assert {meant for names in OTHER_NAMES.values() for meant in names} <= known


def test_a_node_configuration_of_crossbar_is_known_and_its_translator_named(config):
    problems = config.problems('{"version": 2, "controller": {}, "workers": [{"type": "router", "realms": []}]}')
    hint = "unknown key; this is a node configuration of Crossbar.io, which wampd import-crossbar translates"
    assert f"config.yaml:1:16: controller: {hint}" in problems
    assert f"config.yaml:1:34: workers: {hint}" in problems
