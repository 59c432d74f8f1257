"""Transports → listeners: endpoints, TLS, WebSocket options, limits."""

import pytest

from tests.cli.crossbar.importing import Result, node, only, rawsocket, realm, router, web, websocket


def imported(tmp_path, *transports, **environ):
    return Result(node(router(transports=list(transports))), tmp_path, **environ)


def at(endpoint, tmp_path, **environ):
    return imported(tmp_path, {"type": "rawsocket", "endpoint": endpoint}, **environ)


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ({"type": "tcp", "port": 8080}, "tcp:8080"),
        (
            {"type": "tcp", "port": 8080, "interface": "127.0.0.1", "backlog": 1024},
            "tcp:8080:interface=127.0.0.1:backlog=1024",
        ),
        ({"type": "tcp", "version": 6, "port": 8080, "interface": "::1"}, r"tcp6:8080:interface=\:\:1"),
        ({"type": "tcp", "port": "$PORT"}, "tcp:${PORT}"),
        ({"type": "tcp", "port": "8080"}, "tcp:8080"),
        ({"type": "unix", "path": "/run/x:y.sock", "backlog": 50}, r"unix:/run/x\:y.sock:backlog=50"),
        ({"type": "twisted", "server_string": "tcp:9000:interface=localhost"}, "tcp:9000:interface=localhost"),
    ],
)
def test_an_endpoint_becomes_an_endpoint_string(tmp_path, there, here):
    result = at(there, tmp_path, PORT="7999")
    assert result.listener["endpoint"] == here
    assert result.lost == []


def test_a_unix_socket_is_where_it_was_below_the_node(tmp_path):
    assert at({"type": "unix", "path": "sock"}, tmp_path).listener["endpoint"] == f"unix:{tmp_path}/sock"


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ({"type": "onion", "port": 80}, "let Tor itself forward"),
        ({"type": "twisted", "server_string": "ssl:443"}, "cannot listen there"),
        ({"type": "tcp", "portrange": [1, 2]}, "a listener has one port"),
    ],
)
def test_where_nobody_can_listen_is_told(tmp_path, endpoint, why):
    result = at(endpoint, tmp_path)
    assert result.listener["endpoint"] == "tcp:8080:interface=127.0.0.1"
    assert only(result.lost, why)
    assert only(result.lost, "nothing listens")


def test_tls_keeps_what_has_a_place_and_says_what_to_do_with_the_rest(tmp_path):
    tls = {
        "key": "server.key",
        "certificate": "server.crt",
        "chain_certificates": ["chain.crt"],
        "dhparam": "dh.pem",
        "ciphers": "ALL",
        "ca_certificates": ["one.pem", "two.pem"],
    }
    result = at({"type": "tcp", "port": 443, "tls": tls}, tmp_path)
    assert result.listener["tls"] == {
        "certificate": "server.crt",
        "key": "server.key",
        "client_certificates": {"authorities": "one.pem"},
    }
    assert only(result.lost, "cat server.crt chain.crt > chained.pem")
    assert only(result.lost, "cat one.pem two.pem > authorities.pem")
    assert only(result.lost, "endpoint.tls.key", "cannot read the file")
    assert [line for line in result.notes if "dhparam" in line or "ciphers" in line]


def test_all_options_of_websocket_find_their_place(tmp_path):
    options = {
        "allowed_origins": ["https://a.example", "http://*.b.example:*"],
        "open_handshake_timeout": 2500,
        "close_handshake_timeout": 1000,
        "auto_ping_interval": 10000,
        "auto_ping_timeout": 5000,
        "max_message_size": 2097152,
        "compression": {"deflate": {"max_window_bits": 13, "no_context_takeover": False, "memory_level": 5}},
        "fail_by_drop": True,
    }
    result = imported(tmp_path, web({"ws": websocket(options=options, serializers=["json", "json.batched"])}))
    assert result.listener["websocket"]["/ws"] == {
        "type": "wamp",
        "serializers": ["json"],
        "origins": ["https://a.example"],
        "compression": {"window_bits": 13, "no_context_takeover": False},
    }
    assert result.listener["limits"] == {
        "handshake_timeout": 2.5,
        "close_timeout": 1,
        "ping_interval": 10,
        "ping_timeout": 5,
        "message_size": "2 MiB",
    }
    assert only(result.lost, "write each origin out")
    assert only(result.notes, "the batched form is offered by itself")


def test_origins_none_of_which_can_be_kept_are_those_of_this_host(tmp_path):
    result = imported(tmp_path, web({"ws": websocket(options={"allowed_origins": ["http://*.b.example:*"]})}))
    assert result.listener["websocket"]["/ws"]["origins"] == ["same-host"]


def test_of_two_paths_the_more_generous_limits_are_taken(tmp_path):
    first = websocket(options={"auto_ping_interval": 20000, "auto_ping_timeout": 5000, "max_message_size": 1000})
    second = websocket(options={"auto_ping_interval": 10000, "auto_ping_timeout": 9000, "max_message_size": 5000})
    result = imported(tmp_path, web({"a": first, "b": second}))
    assert result.listener["limits"] == {"ping_interval": 10, "ping_timeout": 9, "message_size": 5000}


@pytest.mark.parametrize(("size", "here"), [(64 * 1024 * 1024, "16 MiB"), (1, 512)])
def test_messages_longer_or_shorter_than_wampd_takes_are_told(tmp_path, size, here):
    result = imported(tmp_path, rawsocket(max_message_size=size))
    assert result.listener["limits"] == {"message_size": here}
    assert only(result.lost, "16 MiB at most")


def test_a_universal_transport_is_one_listener(tmp_path):
    transport = {
        "type": "universal",
        "endpoint": {"type": "tcp", "port": 8080},
        "rawsocket": {"serializers": ["cbor"]},
        "websocket": {"ws": websocket(), "/": websocket()},
        "web": {"paths": {"info": {"type": "nodeinfo"}}, "options": {"access_log": True, "hsts": True}},
        "mqtt": {"options": {"realm": "realm1"}},
    }
    result = imported(tmp_path, transport)
    assert result.listener == {
        "endpoint": "tcp:8080",
        "websocket": {"/ws": {"type": "wamp", "origins": ["*"]}, "/": {"type": "wamp", "origins": ["*"]}},
        "rawsocket": {"serializers": ["cbor"]},
        "http": {"/info": {"type": "health"}},
        "access_log": {},
    }
    assert only(result.lost, "mqtt", "wampd speaks no MQTT")
    assert only(result.lost, "web.options.hsts", "over TLS alone")


def test_a_websocket_transport_has_the_path_of_its_url(tmp_path):
    transport = {"type": "websocket", "endpoint": {"type": "tcp", "port": 8080}}
    assert list(imported(tmp_path, {**transport, "url": "ws://a.example:8080/x/y"}).listener["websocket"]) == ["/x/y"]
    result = imported(tmp_path, transport)
    assert list(result.listener["websocket"]) == ["/", "/ws"]
    assert only(result.notes, "every path is good")


@pytest.mark.parametrize("kind", ["mqtt", "flashpolicy", "stream.testee"])
def test_a_transport_without_counterpart_is_told(tmp_path, kind):
    result = imported(tmp_path, rawsocket(), {"type": kind, "endpoint": {"type": "tcp", "port": 1883}})
    assert len(result.made["listeners"]) == 1
    assert only(result.lost, "workers[0].transports[1]: not translated")


def test_the_testee_of_websocket_is_an_echo(tmp_path):
    transport = {"type": "websocket", "endpoint": {"type": "tcp", "port": 9001}}
    result = Result(node(router(), {"type": "websocket-testee", "transport": transport}), tmp_path)
    assert result.made["listeners"][1] == {
        "endpoint": "tcp:9001",
        "websocket": {"/": {"type": "echo", "origins": ["*"]}},
    }


def test_proxy_workers_are_the_router_itself(tmp_path):
    inner = {
        "type": "rawsocket",
        "endpoint": {"type": "unix", "path": "r.sock"},
        "auth": {"anonymous-proxy": {"type": "static"}},
    }
    worker = router(transports=[inner])
    proxy = {
        "type": "proxy",
        "transports": [web({"ws": websocket(auth={"anonymous": {"type": "static", "role": "anonymous"}})})],
        "connections": {"c": {}},
        "routes": {"realm1": {"anonymous": "c"}},
    }
    result = Result(node(proxy, worker), tmp_path)
    assert [each["endpoint"] for each in result.made["listeners"]] == ["tcp:8080"]
    assert result.auth == {"anonymous": {"role": "anonymous"}}
    assert result.lost == []
    assert only(result.notes, "workers[1].transports[0]", "for proxy workers alone")


def test_two_workers_at_a_shared_port_are_one_listener(tmp_path):
    shared = {"type": "tcp", "port": 8080, "shared": True}
    first = router(transports=[{"type": "web", "endpoint": shared, "paths": {"a": {"type": "nodeinfo"}}}])
    second = router(
        realms=[realm("realm2")], transports=[{"type": "web", "endpoint": shared, "paths": {"b": {"type": "nodeinfo"}}}]
    )
    result = Result(node(first, second), tmp_path)
    assert list(result.listener["http"]) == ["/a", "/b"]
    assert result.lost == []


def test_two_paths_of_a_name_keep_the_first(tmp_path):
    two = {"/": websocket(), "ws": websocket()}
    transport = {
        "type": "universal",
        "endpoint": {"type": "tcp", "port": 1},
        "websocket": two,
        "web": {"paths": {"ws": websocket()}},
    }
    result = imported(tmp_path, transport)
    assert only(result.lost, "web.paths.ws", "there is another WebSocket path /ws")
