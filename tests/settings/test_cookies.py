"""Rules of cookies: paths that give them, realms that take them, and who may show them."""

import pytest

from .conftest import LISTENER, REALM

COOKIE_REALM = REALM.replace("{anonymous: {}}", "{anonymous: {}, cookie: {}}")
PATHS = """\
listeners:
  - endpoint: tcp:8080
    websocket: {/ws: {type: wamp, cookie: {COOKIE}KEYS}}
"""


def listening(cookie="", keys=""):
    return PATHS.replace("COOKIE", cookie).replace("KEYS", keys)


def test_the_defaults(config):
    settings = config.load(COOKIE_REALM + listening())
    cookie = settings.listeners[0].websocket["/ws"].cookie
    assert (cookie.name, cookie.max_age, cookie.same_site, cookie.secure) == ("wampd", 30 * 86_400, "strict", "auto")
    auth = settings.realms[0].auth.cookie
    assert (auth.lifetime, auth.idle, auth.grace, auth.per_principal) == (30 * 86_400, 7 * 86_400, 30, 20)
    assert settings.limits.cookies == 50_000


def test_times_may_be_given_in_days(config):
    realm = COOKIE_REALM.replace("cookie: {}", "cookie: {lifetime: 90 d, idle: 1.5 d, grace: 0}")
    settings = config.load(realm + listening("max_age: 2 d, name: id, same_site: lax, secure: never"))
    assert settings.realms[0].auth.cookie.lifetime == 90 * 86_400
    assert settings.realms[0].auth.cookie.idle == 36 * 3600
    assert settings.listeners[0].websocket["/ws"].cookie.max_age == 2 * 86_400


@pytest.mark.parametrize(
    ("cookie", "keys", "expected"),
    [
        (
            "",
            ", origins: [same-host, '*']",
            'listeners[0].websocket["/ws"].origins[1]: a path with a cookie names its origins: any page could connect as'
            " who visits it",
        ),
        (
            "same_site: none",
            "",
            'listeners[0].websocket["/ws"].cookie.same_site: browsers take such a cookie only if it is Secure: add TLS, or'
            " secure: always",
        ),
        (
            "same_site: none, secure: never",
            "",
            'listeners[0].websocket["/ws"].cookie.same_site: browsers take such a cookie only if it is Secure: add TLS, or'
            " secure: always",
        ),
        (
            "name: a b",
            "",
            'listeners[0].websocket["/ws"].cookie.name: "a b" cannot be the name of a cookie: letters, digits, -, _ and . can',
        ),
        (
            "name: __Host-x",
            "",
            'listeners[0].websocket["/ws"].cookie.name: the prefix is put before the name by itself, where the cookie is'
            " Secure",
        ),
        (
            "same_site: Strict",
            "",
            'listeners[0].websocket["/ws"].cookie.same_site: expected one of lax, none, strict, not "Strict"; did you mean'
            ' "strict"?',
        ),
        ("max_age: 0", "", 'listeners[0].websocket["/ws"].cookie.max_age: must be at least 1'),
        ("maxage: 1", "", 'listeners[0].websocket["/ws"].cookie.maxage: unknown key; did you mean "max_age"?'),
        (
            "secure: yes",
            "",
            'listeners[0].websocket["/ws"].cookie.secure: expected one of always, auto, never, not "yes"',
        ),
    ],
)
def test_what_is_wrong_with_a_cookie_is_located(config, cookie, keys, expected):
    assert config.problem(COOKIE_REALM + listening(cookie, keys)) == expected


def test_none_as_same_site_is_taken_where_the_cookie_is_secure(config):
    settings = config.load(
        COOKIE_REALM + listening("same_site: none, secure: always", ", origins: ['https://a.example']")
    )
    assert settings.listeners[0].websocket["/ws"].cookie.same_site == "none"


def test_a_long_poll_path_may_have_a_cookie_and_the_same_rules(config):
    lines = listening().replace("websocket: {/ws: {type: wamp", "http: {/lp: {type: longpoll, origins: ['*']")
    problem = config.problem(COOKIE_REALM + lines)
    assert problem.startswith('listeners[0].http["/lp"].origins[0]: a path with a cookie names its origins')


def test_an_echo_path_has_no_cookie(config):
    problem = config.problem(REALM + listening().replace("type: wamp", "type: echo"))
    assert problem.startswith('listeners[0].websocket["/ws"].cookie: unknown key')


def test_a_realm_that_takes_cookies_needs_a_path_that_gives_them(config):
    assert config.problem(COOKIE_REALM + LISTENER) == (
        "realms[0].auth.cookie: no browser has one: no WebSocket or long-poll path has the key cookie"
    )


def test_a_path_that_gives_cookies_needs_a_realm_that_takes_them(config):
    assert config.problem(REALM + listening()) == (
        'listeners[0].websocket["/ws"].cookie: nobody can come back by it: no realm\'s auth names the method cookie'
    )


def test_a_cookie_alone_lets_nobody_in(config):
    alone = REALM.replace("{anonymous: {}}", "{cookie: {}}")
    assert config.problem(alone + listening()) == (
        "realms[0].auth.cookie: nobody can join: a cookie only brings back who came in by another method"
    )


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("lifetime: 0", "realms[0].auth.cookie.lifetime: must be more than 0"),
        ("idle: a week", 'realms[0].auth.cookie.idle: expected a number of seconds, such as 10 s or 2.5, not "a week"'),
        ("per_principal: 0", "realms[0].auth.cookie.per_principal: must be at least 1"),
        ("idel: 1", 'realms[0].auth.cookie.idel: unknown key; did you mean "idle"?'),
    ],
)
def test_what_is_wrong_with_the_method_is_located(config, cookie, expected):
    realm = COOKIE_REALM.replace("cookie: {}", f"cookie: {{{cookie}}}")
    assert config.problem(realm + listening()) == expected
