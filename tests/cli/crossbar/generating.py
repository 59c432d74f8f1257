"""Node configurations as Crossbar.io's schema allows them (``checkconfig.py``), drawn at random."""

from typing import Any

from hypothesis import strategies as st

REALMS = ("realm1", "com.example.shop", "Realm-2")
ROLES = ("anonymous", "backend", "frontend")
SERIALIZERS = ("json", "msgpack", "cbor", "ubjson", "flatbuffers")

words = st.text("abcxyz_", min_size=3, max_size=8)
texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=20)
secrets = st.one_of(
    texts, st.just("hunter2 is long enough"), st.sampled_from(["${IMPORTED_SECRET}", "$${x}", "${", "a$$b"])
)
uris = st.one_of(
    st.lists(words, min_size=1, max_size=4).map(".".join),
    st.sampled_from(
        [
            "",
            "*",
            "com.*",
            "com.*.x",
            "com.example.",
            "wamp.",
            "com..x",
            "com.{authid}.x",
            "a b",
            "A.B",
            ".",
            "wamp.session.kill",
        ]
    ),
)
small = st.integers(0, 10)
milliseconds = st.sampled_from([0, 1000, 2500, 10000, 3600000])
json_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20) + 1, 10**20 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)


def options(needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(needed, optional=optional)


permissions = options(
    {"uri": uris},
    {
        "match": st.sampled_from(["exact", "prefix", "wildcard"]),
        "allow": options({}, {action: st.booleans() for action in ("call", "register", "publish", "subscribe")}),
        "disclose": options({}, {"caller": st.booleans(), "publisher": st.booleans()}),
        "cache": st.booleans(),
    },
)
legacy_permissions = options({"uri": uris}, {action: st.booleans() for action in ("call", "publish", "subscribe")})
roles = st.one_of(
    options({"name": st.sampled_from(ROLES)}, {"permissions": st.lists(permissions | legacy_permissions, max_size=4)}),
    options({"name": st.sampled_from(ROLES), "authorizer": uris}, {}),
)
stores = options(
    {"type": st.sampled_from(["memory", "zlmdb"])},
    {
        "limit": st.integers(-1, 200000),
        "event-history": st.lists(
            options({"uri": uris}, {"match": st.sampled_from(["exact", "prefix"]), "limit": st.integers(0, 200000)}),
            max_size=3,
        ),
        "call-queue": st.just([{"uri": "com.example.compute"}]),
        "path": st.just("../db"),
    },
)
realms = options(
    {"name": st.sampled_from((*REALMS, "a..b", "dot."))},
    {
        "roles": st.lists(roles, max_size=3),
        "options": options(
            {},
            {
                "uri_check": st.sampled_from(["loose", "strict"]),
                "enable_meta_api": st.booleans(),
                "bridge_meta_api": st.booleans(),
            },
        ),
        "store": stores,
    },
)

dynamic = options({"type": st.just("dynamic"), "authenticator": uris}, {"authenticator-realm": st.sampled_from(REALMS)})
role_names = st.sampled_from((*ROLES, "nobody"))


def static(key: str, principal: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    principals = st.dictionaries(st.sampled_from(["joe", "ann", "", "é b"]), principal, max_size=3)
    return st.fixed_dictionaries({"type": st.just("static"), key: principals})


keys = st.sampled_from(
    ["ab" * 32, "CD" * 32, "545efb0a2192db8d43f118e9bf9aee081466e1ef36c708b96ee6f62dddad9122", "short"]
)
auths = options(
    {},
    {
        "anonymous": options({"type": st.just("static")}, {"role": role_names}) | dynamic,
        "ticket": static("principals", options({"ticket": secrets}, {"role": role_names})) | dynamic,
        "wampcra": static(
            "users",
            options(
                {"secret": st.one_of(secrets, st.just("prq7+YkJ1/KlW1X0YczMHw6cZ24QjyjfcjLfPgMmGYE="))},
                {
                    "role": role_names,
                    "salt": st.sampled_from(["salt123", ""]),
                    "iterations": small,
                    "keylen": st.sampled_from([16, 32]),
                },
            ),
        )
        | dynamic,
        "scram": static(
            "principals",
            options(
                {
                    "kdf": st.sampled_from(["argon2id-13", "pbkdf2"]),
                    "iterations": st.integers(1, 5000),
                    "memory": st.integers(8, 5000),
                    "salt": st.sampled_from(["c2FsdHlzYWx0", "x", ""]),
                    "stored-key": keys,
                    "server-key": keys,
                },
                {"role": role_names},
            ),
        ),
        "cryptosign": static(
            "principals",
            options(
                {"authorized_keys": st.lists(keys, max_size=2), "role": role_names}, {"realm": st.sampled_from(REALMS)}
            ),
        )
        | dynamic,
        "tls": st.sampled_from(
            [{"type": "static", "principals": {}}, {"type": "dynamic", "authenticator": "com.example.tls"}]
        ),
        "cookie": st.just({"type": "static"}),
        "function": st.just({"type": "function", "create": "a.b"}),
    },
)

endpoints = st.one_of(
    options(
        {"type": st.just("tcp"), "port": st.one_of(st.integers(1, 65535), st.just("$IMPORTED_PORT"))},
        {
            "interface": st.sampled_from(["127.0.0.1", "localhost", "0.0.0.0"]),
            "backlog": st.integers(1, 65535),
            "shared": st.booleans(),
            "version": st.just(4),
            "tls": st.just(
                {"key": "server.key", "certificate": "server.crt", "dhparam": "dh.pem", "ca_certificates": ["ca.pem"]}
            ),
        },
    ),
    options(
        {"type": st.just("unix"), "path": st.sampled_from(["sock", "a:b.sock", "/tmp/x.sock"])},
        {"backlog": st.just(50)},
    ),
    st.just({"type": "twisted", "server_string": "tcp:9000"}),
    st.just({"type": "onion", "port": 80, "private_key_file": "x", "tor_control_endpoint": {}}),
)
websocket_options = options(
    {},
    {
        "allowed_origins": st.lists(
            st.sampled_from(["*", "https://example.com", "http://*.example.com:*", "null"]), max_size=2
        ),
        "allow_null_origin": st.booleans(),
        "open_handshake_timeout": milliseconds,
        "close_handshake_timeout": milliseconds,
        "auto_ping_interval": milliseconds,
        "auto_ping_timeout": milliseconds,
        "max_message_size": st.sampled_from([0, 1, 65536, 1048576, 67108864]),
        "max_frame_size": small,
        "compression": options(
            {},
            {
                "deflate": options({}, {"max_window_bits": st.integers(8, 16), "no_context_takeover": st.booleans()}),
                "bzip2": st.just({}),
            },
        ),
    },
)
cookies = options(
    {},
    {
        "name": words,
        "max_age": st.integers(1, 10**7),
        "length": small,
        "store": st.just({"type": "file", "filename": "c"}),
    },
)
in_websocket = {
    "serializers": st.lists(st.sampled_from(SERIALIZERS), max_size=4),
    "options": websocket_options,
    "auth": auths,
    "cookie": cookies,
    "debug": st.booleans(),
}
in_rawsocket = {
    "serializers": st.lists(st.sampled_from(SERIALIZERS), max_size=4),
    "max_message_size": st.integers(1, 64 * 1024 * 1024),
    "auth": auths,
}
bridges = {"realm": st.sampled_from(REALMS), "role": role_names}
bridge_options = options(
    {},
    {
        "key": words,
        "secret": secrets,
        "require_tls": st.booleans(),
        "require_ip": st.just(["10.0.0.0/8"]),
        "post_body_limit": small,
        "timestamp_delta_limit": small,
    },
)
services = st.one_of(
    options({"type": st.just("websocket")}, in_websocket),
    options(
        {"type": st.just("static"), "directory": st.sampled_from([".", "gone"])},
        {
            "options": options(
                {},
                {
                    "enable_directory_listing": st.booleans(),
                    "cache_timeout": st.none() | small,
                    "mime_types": st.just({".x": "y/z"}),
                },
            )
        },
    ),
    st.just({"type": "static", "package": "shop", "resource": "web"}),
    options(
        {"type": st.just("redirect"), "url": st.sampled_from(["https://example.com/x?a=1", "/b", "c", "a{b}", ""])}, {}
    ),
    options(
        {"type": st.just("json"), "value": json_values},
        {"options": options({}, {"prettify": st.booleans(), "allow_cross_origin": st.booleans()})},
    ),
    st.just({"type": "nodeinfo"}),
    options(
        {"type": st.just("reverseproxy"), "host": st.sampled_from(["localhost", "::1", "a b", "u:p@h"])},
        {"port": st.integers(1, 65535), "path": st.sampled_from(["", "/x", "a b", "/x/"])},
    ),
    options(
        {"type": st.just("wsgi"), "module": st.just("wsgiref.simple_server"), "object": st.just("demo_app")},
        {"maxthreads": small},
    ),
    options(
        {"type": st.just("resource"), "classname": st.sampled_from(["twisted.web.resource.Resource", "x.Y"])},
        {"extra": json_values},
    ),
    options(
        {"type": st.just("longpoll")},
        {"options": options({}, {"request_timeout": small, "session_timeout": small, "queue_limit_bytes": small})},
    ),
    options({"type": st.sampled_from(["publisher", "caller"]), **bridges}, {"options": bridge_options}),
    options(
        {
            "type": st.just("webhook"),
            **bridges,
            "options": options(
                {}, {"topic": uris, "github_secret": secrets, "post_body_limit": small, "success_response": texts}
            ),
        },
        {},
    ),
    options(
        {
            "type": st.just("upload"),
            **bridges,
            "directory": st.just("."),
            "form_fields": st.just({"file_name": "f", "content": "c", "on_progress": "com.example.progress"}),
        },
        {
            "options": options(
                {}, {"max_file_size": small, "file_types": st.lists(st.sampled_from([".csv", "image/png"]), max_size=2)}
            )
        },
    ),
    options(
        {
            "type": st.just("wap"),
            "templates": st.sampled_from([".", {"package": "a", "resource": "b"}]),
            "routes": st.lists(
                options(
                    {
                        "path": st.sampled_from(["/", "/p/<int:n>", "/p/<n>/x", "/<path:x>", "//", "/a b", "/<n>/<n>"]),
                        "method": st.sampled_from(["GET", "POST"]),
                        "render": st.sampled_from(["page.html", "../x", ""]),
                    },
                    {"call": uris | st.none()},
                ),
                max_size=3,
            ),
            "wamp": st.fixed_dictionaries({"realm": st.sampled_from(REALMS), "authrole": role_names}),
        },
        {"sandbox": st.booleans()},
    ),
    st.just({"type": "cgi", "directory": "x", "processor": "perl"}),
    st.just({"type": "schemadoc"}),
    options(
        {"type": st.just("path"), "paths": st.just({"/": {"type": "json", "value": 1}, "in": {"type": "nodeinfo"}})}, {}
    ),
)
path_names = st.sampled_from(["/", "ws", "a-b", "Deep"])
paths = st.dictionaries(path_names, services, max_size=4)
web_options = options(
    {}, {"access_log": st.booleans(), "hsts": st.booleans(), "hsts_max_age": small, "display_tracebacks": st.booleans()}
)
transports = st.one_of(
    options({"type": st.just("web"), "endpoint": endpoints, "paths": paths}, {"options": web_options}),
    options({"type": st.just("rawsocket"), "endpoint": endpoints}, in_rawsocket),
    options(
        {"type": st.just("websocket"), "endpoint": endpoints},
        {**in_websocket, "url": st.sampled_from(["ws://localhost:8080/ws", "ws://localhost"])},
    ),
    options(
        {"type": st.just("universal"), "endpoint": endpoints},
        {
            "rawsocket": options({}, in_rawsocket),
            "websocket": st.dictionaries(path_names, options({"type": st.just("websocket")}, in_websocket), max_size=2),
            "web": options({"paths": paths}, {"options": web_options}),
            "mqtt": st.just({"options": {"realm": "realm1"}}),
        },
    ),
    options({"type": st.just("mqtt"), "endpoint": endpoints}, {}),
    options({"type": st.just("websocket.testee"), "endpoint": endpoints}, {"options": websocket_options}),
    options({"type": st.sampled_from(["flashpolicy", "stream.testee"]), "endpoint": endpoints}, {}),
)

extras = st.none() | json_values
router_components = st.one_of(
    options(
        {
            "type": st.just("class"),
            "classname": st.sampled_from(["shop.backend.App", "App.Thing"]),
            "realm": st.sampled_from(REALMS),
        },
        {"role": role_names, "extra": extras, "id": words, "references": st.just([])},
    ),
    options(
        {
            "type": st.just("class"),
            "classname": st.just("crossbar.adapter.rest.RESTCallee"),
            "realm": st.sampled_from(REALMS),
            "extra": st.just({"baseurl": "https://httpbin.org", "procedure": "org.httpbin.rest"}),
        },
        {"role": role_names},
    ),
    st.just({"type": "function", "realm": "realm1", "callbacks": {"join": "a.b"}}),
)
connections = options(
    {
        "type": st.sampled_from(["websocket", "rawsocket"]),
        "endpoint": st.one_of(
            options(
                {
                    "type": st.just("tcp"),
                    "host": st.sampled_from(["127.0.0.1", "far.example"]),
                    "port": st.sampled_from([8080, 9000]),
                },
                {},
            ),
            st.just({"type": "unix", "path": "sock"}),
        ),
        "url": st.just("ws://127.0.0.1:8080/ws"),
    },
    {"serializer": st.just("json")},
)
container_components = options(
    {
        "type": st.just("class"),
        "classname": st.just("shop.backend.App"),
        "realm": st.sampled_from(REALMS),
        "transport": connections,
    },
    {"extra": extras},
)
environments = options(
    {}, {"inherit": st.booleans() | st.just(["HOME"]), "vars": st.dictionaries(words, texts, max_size=2)}
)
worker_options = options(
    {},
    {
        "title": texts,
        "pythonpath": st.just(["."]),
        "python": st.just("/usr/bin/python3"),
        "cpu_affinity": st.just([0]),
        "env": environments,
        "reactor": st.just({"linux": "epoll"}),
    },
)
workers = st.one_of(
    options(
        {"type": st.just("router")},
        {
            "id": words,
            "realms": st.lists(realms, max_size=3),
            "transports": st.lists(transports, max_size=3),
            "components": st.lists(router_components, max_size=2),
            "options": worker_options,
            "manhole": st.just({"endpoint": {"type": "tcp", "port": 6022}, "users": []}),
        },
    ),
    options(
        {"type": st.just("container")},
        {"components": st.lists(container_components, max_size=2), "options": worker_options},
    ),
    options(
        {"type": st.just("guest"), "executable": st.sampled_from(["/usr/bin/env", "sh", "no-such-program"])},
        {
            "arguments": st.lists(texts, max_size=2),
            "options": options(
                {},
                {
                    "env": environments,
                    "workdir": st.just("."),
                    "watch": st.just({"directories": ["."], "action": "restart"}),
                    "stdout": st.sampled_from(["log", "close"]),
                    "stdin": st.just({"type": "json", "value": {}}),
                },
            ),
        },
    ),
    options(
        {"type": st.just("proxy")},
        {"transports": st.lists(transports, max_size=1), "routes": st.just({"realm1": {"anonymous": "c"}})},
    ),
    options(
        {
            "type": st.just("websocket-testee"),
            "transport": st.just({"type": "websocket", "endpoint": {"type": "tcp", "port": 9001}}),
        },
        {},
    ),
    st.just({"type": "hostmonitor"}),
)
controllers = options(
    {},
    {
        "id": words,
        "options": options({}, {"title": texts, "shutdown": st.just(["shutdown_on_worker_exit"])}),
        "fabric": st.just({}),
    },
)
ordinary_roles = st.just(
    [{"name": name, "permissions": [{"uri": "", "match": "prefix", "allow": {"register": True}}]} for name in ROLES]
)
ordinary = options(
    {
        "type": st.just("router"),
        "realms": st.lists(
            options({"name": st.sampled_from(REALMS), "roles": ordinary_roles | st.lists(roles, min_size=1)}, {}),
            min_size=1,
        ),
        "transports": st.lists(transports, min_size=1, max_size=3),
    },
    {"components": st.lists(router_components, max_size=2), "options": worker_options},
)
some_workers = st.lists(workers, max_size=2)
nodes = options(
    {
        "version": st.just(2),
        "workers": st.builds(lambda first, more: [first, *more], ordinary, some_workers) | some_workers,
    },
    {"controller": controllers, "$schema": st.just("x")},
)
