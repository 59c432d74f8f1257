"""Procedures that are HTTP requests, forwarded topics, and streams of events: what the file may say."""

import pytest

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER
API = "url: https://api.example.com"
SECRET = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg=="


def with_keys(keys):
    return GOOD.replace("name: realm1", f"name: realm1\n    {keys}")


def test_all_of_it_is_read(config):
    config.write("Bearer hunter2", "token")
    text = f"""http_callees:
      - procedure: com.app.user
        method: PUT
        url: "https://api.example.com/users/{{id}}{{?page,list*}}"
        query: {{lang: "{{lang}}"}}
        headers: {{X-Trace: "t-{{trace}}"}}
        secret_headers: {{Authorization: {{file: token}}}}
        body: form
        result: /data/0
        errors: {{"404": com.app.none}}
        timeout: 5 s
      - {{procedure: com.app.api, base: "https://api.example.com/v1/", methods: [GET, POST], caller_headers: [Accept]}}
    forwards:
      - {{topic: com.app., match: prefix, url: "http://127.0.0.1:8000/in", secret: "{SECRET}", role: anonymous}}
      - {{topic: com.app.x, url: "https://in.example", template: "{{{{ topic }}}}", content_type: text/plain}}"""
    allowed = "permissions: [{uri: com.app., match: prefix, allow: [subscribe]}]"
    realm = config.load(with_keys(text).replace("{name: anonymous}", f"{{name: anonymous, {allowed}}}")).realms[0]
    assert [callee.procedure for callee in realm.http_callees] == ["com.app.user", "com.app.api"]
    assert realm.http_callees[0].secret_headers["Authorization"].reveal() == "Bearer hunter2"
    assert "hunter2" not in repr(realm)
    assert [forward.match for forward in realm.forwards] == ["prefix", "exact"]


@pytest.mark.parametrize(
    ("callee", "expected"),
    [
        ("procedure: a", "url: this key is missing: the URL that is requested, or base"),
        (f"procedure: a, {API}, base: https://b/", "base: there is a url, which says all of it"),
        ('procedure: a, url: "https://{host}/"', "url: not a template: write it like https://api.example.com/users/"),
        ('procedure: a, url: "https://b/{?a}x"', "url: not a template: {?name} or {&name} comes once, at the end"),
        ("procedure: a, base: https://api.example.com/v1", "base: it ends with a slash, and has neither"),
        ('procedure: a, base: "https://b/?x=/"', "base: it ends with a slash, and has neither"),
        (
            "procedure: a, base: https://b/, result: response",
            "result: that is for callers to say, who are given a base",
        ),
        (
            "procedure: a, base: https://b/, caller_headers: [AUTHORIZATION], secret_headers: {Authorization: hunter2}",
            "caller_headers[0]: callers cannot say this: it is among the secret_headers",
        ),
        (f"procedure: a, {API}, caller_headers: [Accept]", "caller_headers: that is for callees with a base"),
        (f'procedure: a, {API}, headers: {{X: "{{a b}}"}}', "headers.X: not a template: {a b} names nothing"),
        (f'procedure: a, {API}, headers: {{"X Y": a}}', "is not the name of a header"),
        (f"procedure: a, {API}, headers: {{Host: a}}", "headers.Host: that is for the router to say"),
        (f"procedure: a, {API}, headers: {{X: a}}, secret_headers: {{x: hunter2}}", 'there is another header "X"'),
        (
            f'procedure: a, {API}, secret_headers: {{x: "hunter2\\nX: y"}}',
            "secret_headers.x: a header holds visible ASCII",
        ),
        (f'procedure: a, {API}, errors: {{"200": com.a}}', '"200" is not a status of an error, such as 404'),
        (f'procedure: a, {API}, errors: {{"404": "a b"}}', '"a b" is not a URI'),
        (f"procedure: a, {API}, result: data", 'result: body, response, or a JSON pointer such as "/data/0/name"'),
        (f"procedure: a, {API}, body: json", "body: a GET has no body"),
        (f"procedure: a..b, {API}", 'procedure: "a..b" is not a URI (match: exact, uri_check: loose)'),
        (f"procedure: wamp.session.count, {API}", "procedure: this namespace is reserved"),
        (f"procedure: a, {API}, role: anonymos", 'role: the realm has no role "anonymos"; did you mean "anonymous"?'),
        (f"procedure: a, {API}, answer_size: 1 GiB", "answer_size"),
        (f"procedure: a, {API}, metod: GET", 'metod: unknown key; did you mean "method"?'),
    ],
)
def test_a_callee_that_cannot_be_is_reported(config, callee, expected):
    problem = config.problem(with_keys(f"http_callees: [{{{callee}}}]"))
    assert problem.startswith("realms[0].http_callees[0]")
    assert expected in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ('topic: a, url: "https://b/{topic}"', "url: there are no places in it"),
        ("topic: a, url: b", "url: not a template"),
        ("topic: a b, url: https://b", 'topic: "a b" is not a URI'),
        ("topic: a, url: https://b, secret: hunter2", "secret: a secret is whsec_ and 24 to 64 bytes in base64"),
        ('topic: a, url: https://b, template: "{{ a"', "template: not a template: unexpected"),
        ('topic: a, url: https://b, template: "x", body: args', "body: there is a template of it"),
        (
            "topic: a, url: https://b, pause: 10 s, longest_pause: 5 s",
            "longest_pause: must be at least as long as pause",
        ),
        ("topic: a, url: https://b, headers: {Content-Length: a}", "that is for the router to say"),
        ("topic: a, url: https://b, role: nobody", 'role: the realm has no role "nobody"'),
    ],
)
def test_a_forward_that_cannot_be_is_reported(config, forward, expected):
    problem = config.problem(with_keys(f"forwards: [{{{forward}}}]"))
    assert problem.startswith("realms[0].forwards[0].")
    assert expected in problem


def test_a_template_of_realms_has_neither(config):
    text = with_keys(f"match: prefix\n    http_callees: [{{procedure: a, {API}}}]")
    assert config.problem(text) == (
        'realms[0].http_callees: only realms that are always there ("match: exact") can have these'
    )


EVENTS = "http: {/events: {type: events, realm: realm1, %s}}"


def test_a_path_may_stream_events(config):
    text = REALM + LISTENER + "    " + EVENTS % "role: anonymous, insecure: true, event: message, buffer: 2 MiB"
    path = config.load(text).listeners[0].http["/events"]
    assert (path.event, path.buffer, path.heartbeat) == ("message", 2 * 2**20, 15.0)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("role: anonymous", "anybody could do this in the role: give it access, or insecure: true"),
        ("role: nobody, insecure: true", 'the realm "realm1" has no role "nobody"'),
        ('role: anonymous, insecure: true, event: "a\\nb"', "event: not a name of events"),
        ("role: anonymous, insecure: true, event: wampd.lost", "event: not a name of events"),
        ("role: anonymous, insecure: true, streams: 0", "streams"),
    ],
)
def test_a_stream_that_cannot_be_is_reported(listener, keys, expected):
    problem = listener(EVENTS % keys)
    assert problem.startswith('http["/events"]')
    assert expected in problem


SITE = """http:
      /call: {type: call, realm: realm1, role: anonymous, insecure: true}
      /openapi: {type: openapi, realm: realm1, role: anonymous, insecure: true, %s}"""


def test_a_path_may_describe_calls(config):
    path = config.load(REALM + LISTENER + "    " + SITE % "calls: /call, title: Ours").listeners[0].http["/openapi"]
    assert (path.calls, path.title, path.procedures) == ("/call", "Ours", 500)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("title: x", "calls: this key is missing"),
        ("calls: /cal", 'calls: no path of this site with type: call is "/cal"; did you mean "/call"?'),
        ("calls: /openapi", 'calls: no path of this site with type: call is "/openapi"'),
        ("calls: /call, procedures: 5000", "procedures"),
    ],
)
def test_a_description_of_nothing_is_reported(listener, keys, expected):
    problem = listener(SITE % keys)
    assert problem.startswith('http["/openapi"]')
    assert expected in problem
