"""Web services → HTTP paths."""

import pytest

from tests.cli.crossbar.importing import Result, node, only, router, web


def path(tmp_path, service, **options):
    """What becomes of one service; None if nothing does."""
    result = Result(node(router(transports=[web({"x": service, "keep": {"type": "nodeinfo"}}, **options)])), tmp_path)
    return result.listener["http"].get("/x"), result


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ({"type": "static", "directory": "."}, {"type": "static", "directory": "."}),
        (
            {"type": "static", "directory": ".", "options": {"enable_directory_listing": True, "cache_timeout": 3600}},
            {"type": "static", "directory": ".", "listing": True, "cache": {"max_age": 3600}},
        ),
        (
            {"type": "static", "directory": ".", "options": {"cache_timeout": None}},
            {"type": "static", "directory": "."},
        ),
        (
            {"type": "redirect", "url": "https://www.example.com/new?a=1"},
            {"type": "redirect", "to": "https://www.example.com/new?a=1"},
        ),
        (
            {
                "type": "json",
                "value": {"a": ["1", 1, None]},
                "options": {"prettify": True, "allow_cross_origin": False},
            },
            {"type": "json", "value": {"a": ["1", 1, None]}, "pretty": True},
        ),
        ({"type": "json", "value": "${X}"}, {"type": "json", "value": "$${X}", "cors": {"origins": ["*"]}}),
        (
            {"type": "reverseproxy", "host": "backend.example", "port": 9090, "path": "/app/"},
            {
                "type": "proxy",
                "backends": [{"url": "http://backend.example:9090/app"}],
                "strip_prefix": True,
                "preserve_host": False,
            },
        ),
        (
            {"type": "wsgi", "module": "wsgiref.simple_server", "object": "demo_app", "minthreads": 1, "maxthreads": 4},
            {"type": "wsgi", "application": "wsgiref.simple_server:demo_app", "threads": 4},
        ),
        (
            {"type": "longpoll", "options": {"request_timeout": 5, "session_timeout": 20}},
            {"type": "longpoll", "origins": ["*"], "no_content": True, "poll_timeout": 5, "absence_timeout": 20},
        ),
        (
            {
                "type": "publisher",
                "realm": "realm1",
                "role": "anonymous",
                "options": {"key": "K", "secret": "hunter2 hunter2 hunter2", "timestamp_delta_limit": 60},
            },
            {
                "type": "publish",
                "realm": "realm1",
                "role": "anonymous",
                "keys": [{"key": "K", "secret": "hunter2 hunter2 hunter2"}],
                "schemes": ["crossbar"],
                "window": 60,
            },
        ),
        (
            {"type": "caller", "realm": "realm1", "role": "anonymous"},
            {"type": "call", "realm": "realm1", "role": "anonymous", "insecure": True, "always_200": True},
        ),
    ],
)
def test_a_service_becomes_a_path(tmp_path, there, here):
    made, result = path(tmp_path, there)
    assert made == here
    assert result.lost == []


def test_a_resource_gets_extra_by_name(tmp_path):
    there = {"type": "resource", "classname": "twisted.web.resource.Resource", "extra": {"a": [1]}}
    made, result = path(tmp_path, there)
    assert made == {"type": "resource", "class": "twisted.web.resource.Resource", "arguments": {"extra": {"a": [1]}}}
    assert only(result.notes, "keyword argument extra")


def test_a_webhook_of_github_is_verified_here_as_well(tmp_path):
    options = {"topic": "com.example.github", "github_secret": "hunter2hunter2"}
    made, result = path(tmp_path, {"type": "webhook", "realm": "realm1", "role": "anonymous", "options": options})
    assert made["provider"] == "github"
    assert made["secrets"] == ["hunter2hunter2"]
    assert result.lost == []


def test_a_relative_redirection_is_from_the_root(tmp_path):
    made, result = path(tmp_path, {"type": "redirect", "url": "new"})
    assert made == {"type": "redirect", "to": "/new"}
    assert only(result.notes, "is taken as /new")


def test_nested_paths_are_written_out(tmp_path):
    inner = {"/": {"type": "json", "value": 1}, "b": {"type": "path", "paths": {"c": {"type": "nodeinfo"}}}}
    result = Result(node(router(transports=[web({"a": {"type": "path", "paths": inner}})])), tmp_path)
    assert list(result.listener["http"]) == ["/a", "/a/b/c"]
    result = Result(node(router(transports=[web({"/": {"type": "path", "paths": inner}})])), tmp_path)
    assert list(result.listener["http"]) == ["/", "/b/c"]


def test_uploads_are_open_as_there_and_that_clients_change_is_told(tmp_path):
    there = {
        "type": "upload",
        "realm": "realm1",
        "role": "anonymous",
        "directory": ".",
        "form_fields": {"file_name": "f", "content": "c", "on_progress": "com.example.progress"},
        "options": {"max_file_size": 1000, "file_types": [".csv"]},
    }
    made, result = path(tmp_path, there)
    assert made == {
        "type": "upload",
        "directory": ".",
        "events": {"realm": "realm1", "topic": "com.example.progress", "role": "anonymous"},
        "size": 1000,
        "insecure": True,
    }
    assert only(result.lost, "send files in chunks")
    assert only(result.lost, "file_types")


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ({"type": "cgi", "directory": "x", "processor": "perl"}, "type: proxy, or type: wsgi"),
        ({"type": "schemadoc"}, "type: openapi"),
        ({"type": "archive"}, "unpack the archive"),
        ({"type": "frobnicate"}, "not known"),
        ({"type": "static", "package": "shop", "resource": "web"}, "name the directory"),
        ({"type": "redirect", "url": "mailto:joe"}, "write where to"),
        ({"type": "reverseproxy", "host": "a b"}, "name the server"),
        ({"type": "publisher", "realm": "realm1", "role": "gone"}, 'no role "gone"'),
        ({"type": "publisher", "realm": "gone", "role": "anonymous"}, 'in a realm "gone"'),
    ],
)
def test_a_service_that_has_no_counterpart_is_left_out_and_told(tmp_path, service, why):
    made, result = path(tmp_path, service)
    assert made is None
    assert only(result.lost, "paths.x", why)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"key": "K", "secret": "hunter2"}, "16 characters at least"),
        ({"require_tls": True}, "has no TLS"),
        ({"require_ip": ["10.0.0.0/8"]}, "as it would be open"),
    ],
)
def test_a_bridge_that_would_be_more_open_than_it_was_is_left_out(tmp_path, options, why):
    made, result = path(tmp_path, {"type": "caller", "realm": "realm1", "role": "anonymous", "options": options})
    assert made is None
    assert only(result.lost, why)


def test_a_signed_bridge_stays_though_addresses_are_not_looked_at(tmp_path):
    options = {"key": "K", "secret": "hunter2 hunter2 hunter2", "require_ip": ["10.0.0.0/8"]}
    made, result = path(tmp_path, {"type": "caller", "realm": "realm1", "role": "anonymous", "options": options})
    assert made["keys"] == [{"key": "K", "secret": "hunter2 hunter2 hunter2"}]
    assert only(result.lost, "require_ip", "have a firewall")


@pytest.mark.parametrize("options", [{"topic": "com.example.x"}, {"topic": "com.example.x", "github_secret": "short"}])
def test_a_webhook_that_nobody_signs_is_left_out(tmp_path, options):
    made, result = path(tmp_path, {"type": "webhook", "realm": "realm1", "role": "anonymous", "options": options})
    assert made is None
    assert only(result.lost, "say who signs")


def test_modules_are_looked_for_where_the_worker_did(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "shop_of_a_test.py").write_text("def app(environ, start): ...\n")
    worker = router(
        transports=[web({"/": {"type": "wsgi", "module": "shop_of_a_test", "object": "app"}})],
        options={"pythonpath": ["src", "."]},
    )
    result = Result(node(worker), tmp_path)
    assert result.listener["http"]["/"]["directory"] == "src"
    assert only(result.lost, "the first is taken")


def test_a_directory_that_is_not_there_is_told_at_its_place(tmp_path):
    made, result = path(tmp_path, {"type": "static", "directory": "gone"})
    assert made == {"type": "static", "directory": "gone"}
    assert only(result.lost, "paths.x.directory", "wampd check says of", "there is no directory")


def test_pages_of_templates_are_pages(tmp_path):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "person.html").write_text("{{ result }}")
    routes = [
        {"path": "/person/<int:number>", "method": "GET", "call": "com.example.person", "render": "person.html"},
        {"path": "/person/<int:other>", "method": "GET", "call": "com.example.other", "render": "person.html"},
        {"path": "/person", "method": "POST", "call": "com.example.add", "render": "person.html"},
        {"path": "/<path:rest>", "method": "GET", "call": "com.example.rest", "render": "person.html"},
        {"path": "/about", "method": "GET", "call": None, "render": "about.html"},
        {"path": "/", "method": "GET", "call": "com.example.all", "render": "../secrets.html"},
    ]
    there = {
        "type": "wap",
        "templates": "templates",
        "sandbox": True,
        "routes": routes,
        "wamp": {"realm": "realm1", "authrole": "anonymous"},
    }
    made, result = path(tmp_path, there)
    assert made == {
        "type": "page",
        "realm": "realm1",
        "role": "anonymous",
        "insecure": True,
        "templates": "templates",
        "pages": [{"path": "/person/{number:int}", "procedure": "com.example.person", "template": "person.html"}],
    }
    for index, why in enumerate(
        ("fits all these paths", "pages are for GET", "a part of a path", "calls none", "in the directory"), 1
    ):
        assert only(result.lost, f"routes[{index}]", why)


@pytest.mark.parametrize(
    ("wap", "why"),
    [
        ({"templates": {"package": "a", "resource": "b"}}, "name the directory"),
        ({"wamp": {"realm": "realm1", "authrole": "gone"}}, 'no role "gone"'),
        ({"routes": []}, "no page is left"),
    ],
)
def test_pages_that_cannot_be_are_left_out_and_told(tmp_path, wap, why):
    there = {"type": "wap", "templates": ".", "wamp": {"realm": "realm1", "authrole": "anonymous"}}
    routes = [{"path": "/", "method": "GET", "call": "com.example.all", "render": "all.html"}]
    made, result = path(tmp_path, {**there, "routes": routes, **wap})
    assert made is None
    assert only(result.lost, "paths.x", why)
