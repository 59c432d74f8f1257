"""Authentication of ways in → of realms; above all: nobody comes in who did not before."""

import pytest

from tests.cli.crossbar.importing import Result, node, only, rawsocket, realm, role, router, web, websocket

KEY = "545efb0a2192db8d43f118e9bf9aee081466e1ef36c708b96ee6f62dddad9122"
DERIVED = "prq7+YkJ1/KlW1X0YczMHw6cZ24QjyjfcjLfPgMmGYE="
ROLES = [role("anonymous"), role("backend")]


def imported(tmp_path, *transports, realms=None, **environ):
    return Result(
        node(router(realms=realms or [realm("realm1", *ROLES)], transports=list(transports))), tmp_path, **environ
    )


def static(key="principals", **principals):
    return {"type": "static", key: principals}


def unix(path="sock", **more):
    return {"type": "rawsocket", "endpoint": {"type": "unix", "path": path}, **more}


# --- everybody ---


def test_without_auth_everybody_comes_in_as_anonymous(tmp_path):
    result = imported(tmp_path, rawsocket())
    assert result.auth == {"anonymous": {"role": "anonymous"}}
    assert result.lost == []


def test_everybody_of_a_unix_socket_does_not_come_in_by_the_network(tmp_path):
    backdoor = unix(auth={"anonymous": {"type": "static", "role": "backend"}})
    front = rawsocket(auth={"ticket": static(joe={"ticket": "hunter2", "role": "backend"})})
    result = imported(tmp_path, backdoor, front)
    assert "anonymous" not in result.auth
    assert only(
        result.lost, "transports[0].auth.anonymous", "every listener leads into every realm", "give them a ticket"
    )


def test_everybody_of_a_unix_socket_gets_no_more_than_everybody_of_the_network(tmp_path):
    backdoor = unix(auth={"anonymous": {"type": "static", "role": "backend"}})
    result = imported(tmp_path, backdoor, rawsocket())
    assert result.auth == {"anonymous": {"role": "anonymous"}}
    assert only(result.lost, "transports[0].auth.anonymous", "come into realm1 as anonymous")


@pytest.mark.parametrize(
    "narrow",
    [
        {"type": "tcp", "port": 9000, "interface": "127.0.0.1"},
        {"type": "tcp", "port": 9000, "tls": {"key": "k", "certificate": "c", "ca_certificates": ["a"]}},
    ],
)
def test_everybody_of_this_machine_and_of_those_with_certificates_is_not_everybody_of_the_network(tmp_path, narrow):
    inner = {"type": "rawsocket", "endpoint": narrow, "auth": {"anonymous": {"type": "static", "role": "backend"}}}
    result = imported(tmp_path, inner, rawsocket(auth={"wampcra": static("users")}))
    assert "anonymous" not in result.auth
    assert only(result.lost, "transports[0].auth.anonymous")


def test_the_listener_of_another_worker_leads_in_as_well_and_counts(tmp_path):
    inner = router(realms=[realm("inner")], transports=[unix()])
    result = Result(node(inner, router()), tmp_path)
    assert [each["auth"] for each in result.made["realms"]] == [{"ticket": {}}, {"anonymous": {"role": "anonymous"}}]
    assert only(result.lost, "workers[0].transports[0]", "came into inner as anonymous by unix:")


def test_everybody_in_two_roles_by_ways_that_are_alike_comes_in_by_none(tmp_path):
    ports = [
        rawsocket(port, auth={"anonymous": {"type": "static", "role": name}})
        for port, name in ((1, "anonymous"), (2, "backend"))
    ]
    result = imported(tmp_path, *ports)
    assert result.auth == {"ticket": {}}
    assert len([line for line in result.lost if "one of anonymous, backend" in line]) == 2


def test_where_everybody_comes_in_from_now_on_is_told(tmp_path):
    result = imported(tmp_path, rawsocket(1), rawsocket(2, auth={"ticket": static()}))
    assert result.auth == {"anonymous": {"role": "anonymous"}, "ticket": {}}
    assert only(result.notes, "transports[1]", "come into realm1 by tcp:2, too")


def test_everybody_in_a_role_that_is_not_there_comes_in_nowhere(tmp_path):
    result = imported(tmp_path, rawsocket(auth={"anonymous": {"type": "static", "role": "guest"}}))
    assert result.auth == {"ticket": {}}
    assert only(result.lost, 'no realm that this leads into has the role "guest"')


# --- principals ---


def test_principals_of_all_methods_become_one_list(tmp_path):
    scram = {"kdf": "argon2id-13", "iterations": 2, "memory": 512, "salt": "c2FsdHlzYWx0", "role": "backend"}
    auth = {
        "ticket": static(joe={"ticket": "hunter2", "role": "backend"}),
        "wampcra": static(
            "users",
            joe={"secret": "hunter2 too", "role": "backend"},
            ann={"secret": DERIVED, "role": "backend", "salt": "salt123", "iterations": 100, "keylen": 32},
        ),
        "cryptosign": static(joe={"authorized_keys": [KEY], "role": "backend"}),
        "scram": static(eve={**scram, "stored-key": KEY, "server-key": KEY}),
    }
    result = imported(tmp_path, rawsocket(auth=auth))
    base64 = "VF77CiGS241D8Rjpv5ruCBRm4e82xwi5bub2Ld2tkSI="
    assert result.auth == {
        "ticket": {},
        "wampcra": {},
        "scram": {},
        "cryptosign": {},
        "principals": [
            {
                "authid": "joe",
                "role": "backend",
                "ticket": "hunter2",
                "wampcra": {"secret": "hunter2 too"},
                "keys": [KEY],
            },
            {"authid": "ann", "role": "backend", "wampcra": {"key": DERIVED, "salt": "salt123", "iterations": 100}},
            {
                "authid": "eve",
                "role": "backend",
                "scram": {
                    "kdf": "argon2id-13",
                    "salt": "c2FsdHlzYWx0",
                    "iterations": 2,
                    "memory": 512,
                    "stored_key": base64,
                    "server_key": base64,
                },
            },
        ],
    }
    assert result.lost == []
    assert "# There are secrets in this file. Keep it from others" in result.text


def test_a_secret_of_the_environment_stays_there(tmp_path):
    auth = {"ticket": static(joe={"ticket": "${JOE}", "role": "backend"}, ann={"ticket": "x${JOE}", "role": "backend"})}
    result = imported(tmp_path, rawsocket(auth=auth), JOE="hunter2")
    assert [each["ticket"] for each in result.auth["principals"]] == ["${JOE}", "x$${JOE}"]
    assert only(result.notes, "environment variable JOE")
    assert result.lost == []


def test_a_variable_that_is_not_set_is_told(tmp_path):
    auth = {"ticket": static(joe={"ticket": "${JOE}", "role": "backend"})}
    assert only(imported(tmp_path, rawsocket(auth=auth)).lost, "wampd check says of", "JOE is not set")


@pytest.mark.parametrize(
    ("method", "principal", "why"),
    [
        ("ticket", {"ticket": "hunter2"}, "has no role here"),
        ("ticket", {"ticket": "", "role": "backend"}, "must not be empty"),
        ("ticket", {"ticket": "hunter2", "role": "nobody"}, 'has the role "nobody"'),
        ("cryptosign", {"authorized_keys": ["short"], "role": "backend"}, "32 octets in hexadecimal"),
        ("cryptosign", {"authorized_keys": [KEY], "role": "backend", "realm": "other"}, "the realm other has not"),
        (
            "scram",
            {
                "kdf": "pbkdf2",
                "iterations": 1,
                "memory": 8,
                "salt": "x",
                "stored-key": KEY,
                "server-key": KEY,
                "role": "backend",
            },
            "a salt is base64",
        ),
    ],
)
def test_a_principal_that_cannot_come_in_is_left_out_and_told(tmp_path, method, principal, why):
    result = imported(tmp_path, rawsocket(auth={method: static(joe=principal)}))
    assert "principals" not in result.auth
    assert only(result.lost, "principals.joe", why)


def test_one_name_with_two_roles_or_two_tickets_keeps_the_first(tmp_path):
    first = {"ticket": static(joe={"ticket": "hunter2 a", "role": "backend"})}
    second = {"ticket": static(joe={"ticket": "hunter2 b", "role": "backend"})}
    third = {"wampcra": static("users", joe={"secret": "hunter2", "role": "anonymous"})}
    result = imported(tmp_path, *(rawsocket(port, auth=auth) for port, auth in enumerate((first, second, third), 1)))
    assert result.auth["principals"] == [{"authid": "joe", "role": "backend", "ticket": "hunter2 a"}]
    assert only(result.lost, "transports[1]", "another ticket already")
    assert only(result.lost, "transports[2]", "has the role backend already")


def test_one_key_of_two_principals_is_of_the_first(tmp_path):
    two = {name: {"authorized_keys": [KEY], "role": "backend"} for name in ("joe", "ann")}
    result = imported(tmp_path, rawsocket(auth={"cryptosign": static(**two)}))
    assert [each["authid"] for each in result.auth["principals"]] == ["joe"]
    assert only(result.lost, "principals.ann", "of one principal")


def test_a_principal_comes_into_all_realms_that_have_its_role(tmp_path):
    realms = [realm("realm1", *ROLES), realm("realm2", *ROLES), realm("realm3", role("other"))]
    auth = {"ticket": static(joe={"ticket": "hunter2", "role": "backend"})}
    result = imported(tmp_path, rawsocket(auth=auth), realms=realms)
    assert ["principals" in each["auth"] for each in result.made["realms"]] == [True, True, False]


# --- authenticators, certificates, functions, cookies ---


def dynamic(procedure="com.example.authenticate", **more):
    return {"type": "dynamic", "authenticator": procedure, **more}


def test_a_dynamic_method_asks_the_same_procedure(tmp_path):
    realms = [realm("realm1", *ROLES), realm("staff", *ROLES)]
    auth = {"ticket": dynamic(**{"authenticator-realm": "staff"}), "anonymous": dynamic()}
    result = imported(tmp_path, rawsocket(auth=auth), rawsocket(2, auth={"wampcra": static("users")}), realms=realms)
    assert result.auth == {
        "anonymous": {"authenticator": {"procedure": "com.example.authenticate"}},
        "ticket": {"authenticator": {"procedure": "com.example.authenticate", "realm": "staff"}},
        "wampcra": {},
    }
    assert result.lost == []


def test_who_registers_an_authenticator_need_not_ask_it(tmp_path):
    result = imported(tmp_path, rawsocket(auth={"ticket": dynamic()}))
    assert result.auth == {"ticket": {"authenticator": {"procedure": "com.example.authenticate"}}, "wampcra": {}}
    assert result.lost == []


def test_a_method_has_principals_or_one_authenticator_and_the_first_is_kept(tmp_path):
    auths = [
        {"ticket": dynamic()},
        {"ticket": dynamic("com.example.other")},
        {"ticket": static(joe={"ticket": "hunter2", "role": "backend"})},
    ]
    result = imported(tmp_path, *(rawsocket(port, auth=auth) for port, auth in enumerate(auths, 1)))
    assert result.auth["ticket"] == {"authenticator": {"procedure": "com.example.authenticate"}}
    assert "principals" not in result.auth
    assert only(result.lost, "transports[1]", "another authenticator judges ticket")
    assert only(result.lost, "transports[2]", "an authenticator judges who comes in by ticket already")


@pytest.mark.parametrize(
    ("auth", "why"),
    [
        ({"ticket": dynamic("com.example.x", **{"authenticator-realm": "gone"})}, "there is no such realm"),
        ({"ticket": {"type": "function", "create": "a.b"}}, "no code runs in the router to judge"),
        ({"tls": dynamic()}, "no listener asks clients for certificates"),
        ({"ldap": {}}, "there is no such method here"),
    ],
)
def test_what_judges_nobody_is_told(tmp_path, auth, why):
    result = imported(tmp_path, rawsocket(auth=auth))
    assert result.auth == {"ticket": {}}
    assert only(result.lost, why)


def browsers(options, **more):
    path = websocket(
        auth={"cookie": {}, "wampcra": static("users")},
        cookie={"name": "cbtid", "max_age": 60, **more},
        options=options,
    )
    return web({"ws": path})


def test_a_cookie_lets_browsers_come_back_where_origins_are_named(tmp_path):
    result = imported(
        tmp_path, browsers({"allowed_origins": ["https://shop.example"]}, store={"type": "file", "filename": "c"})
    )
    assert result.auth == {"cookie": {}, "wampcra": {}}
    assert result.listener["websocket"]["/ws"]["cookie"] == {"name": "cbtid", "max_age": 60}
    assert result.made["store"] == {"file": "wampd.sqlite"}
    assert result.lost == []


def test_without_origins_a_cookie_is_for_pages_of_this_host(tmp_path):
    result = imported(tmp_path, browsers({}))
    assert result.listener["websocket"]["/ws"] == {"type": "wamp", "cookie": {"name": "cbtid", "max_age": 60}}
    assert only(result.notes, "pages of this host alone")


def test_with_pages_of_anybody_there_is_no_cookie(tmp_path):
    result = imported(tmp_path, browsers({"allowed_origins": ["*"]}))
    assert "cookie" not in result.listener["websocket"]["/ws"]
    assert "cookie" not in result.auth
    assert only(result.lost, "any page could connect")


def test_a_cookie_that_only_tells_browsers_apart_is_left_out(tmp_path):
    path = websocket(cookie={}, options={"allowed_origins": ["https://shop.example"]})
    result = imported(tmp_path, web({"ws": path}))
    assert "cookie" not in result.listener["websocket"]["/ws"]
    assert only(result.notes, "it only told browsers apart")
