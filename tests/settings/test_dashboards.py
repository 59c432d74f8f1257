"""Rules of dashboards: where they connect to, which realm they join, how visitors log in."""

import pytest

from wampd.router.settings.dashboard_rules import connected_to, methods_of, site_of_dashboard

REALM = """\
realms:
  - name: realm1
    roles: [{name: operator}]
    monitor: {}
    auth:
      anonymous: {role: operator}
      ticket: {}
      principals: [{authid: olga, role: operator, ticket: hunter2}]
"""
LISTENER = """\
listeners:
  - endpoint: tcp:8080
    websocket: {WEBSOCKET}
    http: {/dashboard: {type: dashboard, realm: realm1KEYS}}
"""
BOUND = "cryptosign: {channel_binding: required}"
PATH = 'listeners[0].http["/dashboard"]'


def configured(keys="", websocket="/echo: {type: echo}, /b: {type: wamp, serializers: [cbor]}, /ws: {type: wamp}"):
    return REALM + LISTENER.replace("WEBSOCKET", websocket).replace("KEYS", f", {keys}" if keys else "")


def offered(settings):
    (listener,) = settings.listeners
    path = listener.http["/dashboard"]
    return connected_to(path, site_of_dashboard(path, listener)), methods_of(path, settings)


def test_the_page_connects_to_the_first_path_for_json_and_offers_what_the_realm_does(config):
    settings = config.load(configured())
    assert offered(settings) == ("/ws", ("anonymous", "ticket"))
    assert settings.listeners[0].http["/dashboard"].title == "wampd"


def test_both_can_be_said(config):
    websocket = "/ws: {type: wamp}, /other: {type: wamp}"
    settings = config.load(configured("websocket: /other, methods: [ticket]", websocket))
    assert offered(settings) == ("/other", ("ticket",))


def test_a_realm_that_comes_from_a_template_may_let_in_by_any_method(config):
    template = REALM.replace("realm1", "com.tenant.\n    match: prefix").replace("    monitor: {}\n", "")
    settings = config.load(
        template + LISTENER.replace("WEBSOCKET", "/ws: {type: wamp}").replace("realm1KEYS", "com.tenant.a")
    )
    assert offered(settings)[1] == ("cookie", "anonymous", "ticket", "wampcra", "scram", "cryptosign", "jwt")


def test_a_virtual_host_has_paths_of_its_own(config):
    listener = """\
listeners:
  - endpoint: tcp:8080
    websocket: {/ws: {type: wamp}}
    hosts:
      ops.example.com:
        websocket: {/inside: {type: wamp}}
        http: {/: {type: dashboard, realm: realm1}}
"""
    settings = config.load(REALM + listener)
    (host,) = settings.listeners[0].hosts.values()
    assert connected_to(host.http["/"], site_of_dashboard(host.http["/"], settings.listeners[0])) == "/inside"
    alone = listener.replace("        websocket: {/inside: {type: wamp}}\n", "")
    assert config.problem(REALM + alone) == (
        'listeners[0].hosts["ops.example.com"].http["/"]: the page has nothing to connect to:'
        " no WebSocket path here speaks WAMP in JSON"
    )


@pytest.mark.parametrize(
    ("keys", "websocket", "expected"),
    [
        (
            "",
            "/echo: {type: echo}",
            f"{PATH}: the page has nothing to connect to: no WebSocket path here speaks WAMP in JSON",
        ),
        (
            "",
            "/ws: {type: wamp, serializers: [cbor]}",
            f"{PATH}: the page has nothing to connect to: no WebSocket path here speaks WAMP in JSON",
        ),
        (
            "websocket: /wss",
            "/ws: {type: wamp}",
            f'{PATH}.websocket: no WebSocket path here speaks WAMP in JSON at "/wss"; did you mean "/ws"?',
        ),
        ("methods: [wampcra]", "/ws: {type: wamp}", f"{PATH}.methods[0]: the realm's auth does not offer wampcra"),
        ("methods: [ticket, ticket]", "/ws: {type: wamp}", f"{PATH}.methods[1]: ticket is here twice"),
        ("methods: []", "/ws: {type: wamp}", f"{PATH}.methods: the list must not be empty"),
        (
            "methods: [tickets]",
            "/ws: {type: wamp}",
            f'{PATH}.methods[0]: expected one of anonymous, cookie, cryptosign, jwt, scram, ticket, wampcra, not "tickets";'
            ' did you mean "ticket"?',
        ),
        ("titel: Operations", "/ws: {type: wamp}", f'{PATH}.titel: unknown key; did you mean "title"?'),
    ],
)
def test_what_cannot_be_is_said(config, keys, websocket, expected):
    assert config.problem(configured(keys, websocket)) == expected


def test_the_realm_must_be_there(config):
    text = configured().replace("realm: realm1", "realm: realm2")
    assert config.problem(text) == f'{PATH}.realm: there is no realm "realm2"; did you mean "realm1"?'


def test_a_realm_without_a_monitor_has_nothing_to_show(config):
    assert config.problem(configured().replace("    monitor: {}\n", "")) == (
        f'{PATH}.realm: the realm "realm1" has nothing to show; write "monitor: {{}}" in it'
    )


def test_a_realm_where_nobody_can_log_in_by_a_page_is_none_for_it(config):
    text = configured().replace("anonymous: {role: operator}", BOUND).replace("      ticket: {}\n", "")
    text = text.replace("ticket: hunter2", f"keys: [{'ab' * 32}]")
    assert config.problem(text) == (
        f"{PATH}.realm: nobody can log in: the realm's auth offers none of cookie, anonymous, ticket, wampcra, scram,"
        " cryptosign, jwt"
    )


def test_what_is_bound_to_its_channel_is_not_for_browsers(config):
    text = configured("methods: [cryptosign]").replace("      ticket: {}\n", f"      ticket: {{}}\n      {BOUND}\n")
    assert config.problem(text) == (
        f"{PATH}.methods[0]: the realm's auth demands a channel binding for cryptosign, which browsers cannot have"
    )
    unbound = text.replace("methods: [cryptosign]", "").replace("required", "optional")
    assert offered(config.load(unbound))[1] == ("anonymous", "ticket", "cryptosign")
