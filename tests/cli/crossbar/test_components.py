"""Components, containers, guests → components of wampd."""

import pytest

from tests.cli.crossbar.importing import RULE, Result, node, only, rawsocket, realm, role, router, web, websocket

TO_8080 = {"type": "rawsocket", "endpoint": {"type": "tcp", "host": "127.0.0.1", "port": 8080}, "serializer": "cbor"}


def component(**more):
    return {"type": "class", "classname": "shop.backend.App", "realm": "realm1", **more}


def contained(tmp_path, *components, transports=None):
    container = {"type": "container", "components": list(components)}
    return Result(node(router(transports=transports or [rawsocket()]), container), tmp_path)


def test_a_component_of_a_router_is_a_process_in_its_role(tmp_path):
    realms = [realm("realm1", role(), role("backend"))]
    options = {"pythonpath": ["."], "env": {"inherit": False, "vars": {"DB": "hunter2 $${X}"}}, "cpu_affinity": [0]}
    worker = router(realms=realms, components=[component(role="backend", extra={"a": 1}, id="app1")], options=options)
    result = Result(node(worker), tmp_path)
    assert result.made["components"] == [
        {
            "name": "app1",
            "type": "python",
            "run": "shop.backend:App",
            "realm": "realm1",
            "role": "backend",
            "directory": ".",
            "path": ["."],
            "environment": {"DB": "hunter2 $$$${X}"},
            "limits": {"cpu": [0]},
            "extra": {"a": 1},
        }
    ]
    assert result.lost == []
    assert "  # from workers[0].components[0] (line " in result.text


def test_without_a_role_a_component_is_anonymous_as_there(tmp_path):
    assert Result(node(router(components=[component()])), tmp_path).made["components"][0]["role"] == "anonymous"


def test_names_are_made_of_classes_and_are_unique(tmp_path):
    result = Result(node(router(components=[component(), component(), component(classname="x.Ä.Thing")])), tmp_path)
    assert [each["name"] for each in result.made["components"]] == ["app", "app-2", "thing"]


def test_a_contained_component_has_the_role_that_everybody_has_where_it_came_in(tmp_path):
    result = contained(tmp_path, component(transport=TO_8080))
    assert result.made["components"][0]["role"] == "anonymous"
    assert result.lost == []


def test_a_contained_component_by_websocket_came_in_by_its_path(tmp_path):
    backend = websocket(auth={"anonymous": {"type": "static", "role": "backend"}})
    transports = [web({"ws": websocket(auth={"ticket": {"type": "static", "principals": {}}}), "back": backend})]
    realms = [realm("realm1", role(), role("backend"))]
    to_it = {
        "type": "websocket",
        "url": "ws://localhost:8080/back",
        "endpoint": {"type": "tcp", "host": "localhost", "port": 8080},
    }
    container = {"type": "container", "components": [component(transport=to_it)]}
    result = Result(node(router(realms=realms, transports=transports), container), tmp_path)
    assert result.made["components"][0]["role"] == "backend"


def test_a_contained_component_with_credentials_gets_a_role_that_may_do_nothing_yet(tmp_path):
    ticket = rawsocket(
        auth={"ticket": {"type": "static", "principals": {"joe": {"ticket": "hunter2", "role": "anonymous"}}}}
    )
    result = contained(tmp_path, component(transport=TO_8080), transports=[ticket])
    assert result.made["components"][0]["role"] == "app"
    assert result.realm["roles"][1] == {"name": "app", "permissions": []}
    assert only(result.lost, "workers[1].components[0]", "which may do nothing yet")


def test_a_component_of_another_router_is_left_out(tmp_path):
    far = {"type": "rawsocket", "endpoint": {"type": "tcp", "host": "far.example", "port": 8080}, "serializer": "cbor"}
    result = contained(tmp_path, component(transport=far))
    assert "components" not in result.made
    assert only(result.lost, "another router")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"type": "function", "realm": "realm1", "callbacks": {"join": "a.b"}}, "functions are run as"),
        ({"type": "wamplet", "realm": "realm1", "package": "a", "entrypoint": "b"}, "write type: python"),
        (component(realm="gone"), 'there is no realm "gone"'),
        (component(classname="crossbar.adapter.mqtt.wamp.WampMQTTServer"), "is a part of Crossbar.io"),
    ],
)
def test_what_cannot_be_hosted_is_told(tmp_path, entry, why):
    result = Result(node(router(components=[entry])), tmp_path)
    assert "components" not in result.made
    assert only(result.lost, why)


def test_rest_callees_and_message_forwarders_are_parts_of_the_realm(tmp_path):
    callee = component(
        classname="crossbar.adapter.rest.RESTCallee",
        extra={"baseurl": "https://api.example.com", "procedure": "com.example.rest"},
    )
    subscriptions = [
        {"url": "https://a.example/in", "topic": "com.example.message", "method": "PUT", "expectedcode": 200}
    ]
    forwarder = component(classname="crossbar.adapter.rest.MessageForwarder", extra={"subscriptions": subscriptions})
    result = Result(node(router(components=[callee, forwarder])), tmp_path)
    assert result.realm["http_callees"] == [
        {
            "procedure": "com.example.rest",
            "role": "anonymous",
            "base": "https://api.example.com/",
            "methods": ["DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"],
        }
    ]
    assert result.realm["forwards"] == [
        {"topic": "com.example.message", "role": "anonymous", "url": "https://a.example/in", "method": "PUT"}
    ]
    assert "components" not in result.made
    assert result.lost == []


def test_a_guest_is_a_program_with_its_directory_variables_and_watched_files(tmp_path):
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "run.sh").touch(mode=0o755)
    guest = {
        "type": "guest",
        "executable": "node/run.sh",
        "arguments": ["--port", "serve.js", "${PORT}"],
        "options": {
            "workdir": "node",
            "env": {"inherit": ["HOME"], "vars": {"A": "b"}},
            "watch": {"directories": ["node", "node/lib"], "action": "restart"},
            "stdout": "close",
            "stdin": {"type": "json", "value": {}},
        },
    }
    result = Result(node(router(), guest), tmp_path)
    assert result.made["components"] == [
        {
            "name": "serve",
            "type": "guest",
            "command": ["./run.sh", "--port", "serve.js", "$${PORT}"],
            "directory": "node",
            "environment": {"HOME": "${HOME:-}", "A": "b"},
            "watch": {"paths": ["*", "lib/*"], "always": True},
            "restart": {"policy": "on-failure"},
        }
    ]
    assert only(result.lost, "options.stdin", "standard input")


@pytest.mark.parametrize(
    ("executable", "arguments", "name"),
    [
        ("node", ["--inspect", "lib/app.js"], "app"),
        ("/bin/sh", ["-c", "echo a.b; sleep 5"], "sh"),
        ("./Serve.py", [], "serve"),
        ("/", [], "component"),
    ],
)
def test_a_guest_is_called_what_it_runs(tmp_path, executable, arguments, name):
    guest = {"type": "guest", "executable": executable, "arguments": arguments}
    assert Result(node(router(), guest), tmp_path).made["components"][0]["name"] == name


def test_a_program_that_is_not_there_is_told_at_its_place(tmp_path):
    result = Result(node(router(), {"type": "guest", "executable": "no-such-program"}), tmp_path, PATH="/usr/bin")
    assert only(result.lost, "workers[1].executable", "there is no program")


@pytest.mark.parametrize("kind", ["hostmonitor", "xbrmm", "realmstore"])
def test_workers_without_counterpart_are_told(tmp_path, kind):
    assert only(Result(node(router(), {"type": kind}), tmp_path).lost, "workers[1]: not translated")


def test_what_controllers_and_workers_have_beside_that_is_told(tmp_path):
    controller = {"options": {"title": "t", "shutdown": ["shutdown_on_worker_exit"]}, "manhole": {}, "fabric": {}}
    worker = router(
        manhole={}, connections=[], options={"title": "t", "expose_controller": True, "reactor": {"linux": "epoll"}}
    )
    result = Result(node(worker, controller=controller), tmp_path)
    for key in ("controller.options.shutdown", "controller.manhole", "controller.fabric", "workers[0].manhole"):
        assert only(result.lost, f"{key}: not translated: ")
    assert only(result.lost, "workers[0].options.expose_controller")
    assert len([line for line in result.notes if "title" in line]) == 2


def test_a_rule_for_everything_is_not_disturbed_by_components(tmp_path):
    result = Result(node(router(components=[component()])), tmp_path)
    assert result.rules == [{**RULE, "allow": ["call", "register", "publish", "subscribe"]}]
