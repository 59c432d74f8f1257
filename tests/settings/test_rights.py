"""What is done in a role that may not do it is a mistake, told where it stands."""

import pytest

from wampd.router.settings import SettingsError

RULES = (
    "{uri: com.app.open, allow: [call, publish, register, subscribe]}",
    "{uri: com.app.in., match: prefix, allow: [publish, subscribe, register, call]}",
    "{uri: com.app.in.closed, deny: [publish, subscribe, register, call]}",
    "{uri: com.hub.push, allow: [publish]}",
)
ROLE = "role: worker"
HOOK = f"type: webhook, provider: github, realm: realm1, secrets: [hunter2 x], {ROLE}"
PAGES = f"type: page, realm: realm1, {ROLE}, insecure: true, templates: ., pages"
EVENTS = "type: upload, directory: ., insecure: true, events"
URL = 'url: "https://in.example"'
ASKS = "authorizer: {procedure: com.app.in.may}"


@pytest.fixture
def told(config):
    """What is wrong with a configuration: of its realm, a path of its listener, a role and its rules."""
    config.write("", "page.html")

    def told(realm="http_callees: []", path="type: json, value: 1", role="trustlevel: 0", rules=RULES):
        text = f"""\
realms:
  - name: realm1
    auth: {{anonymous: {{role: guest}}}}
    {realm}
    roles:
      - name: guest
      - name: worker
        {role}
        permissions: [{", ".join(rules)}]
listeners:
  - endpoint: tcp:8080
    http: {{/p: {{{path}}}}}
"""
        try:
            config.load(text)
        except SettingsError as wrong:
            return [problem.split(" ", 1)[1] for problem in str(wrong).splitlines()]
        return []

    return told


@pytest.mark.parametrize(
    ("uri", "match"),
    [
        ("com.app.other", "exact"),
        ("com.app.in.closed", "exact"),
        ("com.app.open", "prefix"),  # a rule for one URI allows no pattern
        ("com.app.in.", "prefix"),  # one of them is denied
        ("wamp.session.on_join", "exact"),
    ],
)
def test_a_forward_of_what_the_role_may_not_subscribe_to(told, uri, match):
    pattern = "" if match == "exact" else f" (match: {match})"
    assert told(f"forwards: [{{topic: {uri}, match: {match}, {URL}, {ROLE}}}]") == [
        f'realms[0].forwards[0].role: the role "worker" may not subscribe to "{uri}"{pattern}'
    ]


@pytest.mark.parametrize("topic", ["com.app.other", "com.hub.pushed", "com.app.in.closed", "com.shop.{event}"])
def test_a_webhook_whose_role_may_not_publish(told, topic):
    assert told(path=f"{HOOK}, topic: '{topic}'") == [
        f'listeners[0].http["/p"].role: the role "worker" may not publish to "{topic}"'
    ]


def test_each_page_whose_procedure_the_role_may_not_call(told):
    pages = ", ".join(
        f"{{path: /{name}, procedure: com.app.{name}, template: page.html}}" for name in ("open", "one", "two")
    )
    assert told(path=f"{PAGES}: [{pages}]") == [
        f'listeners[0].http["/p"].pages[{index}].procedure: the role "worker" may not call "com.app.{name}"'
        for index, name in ((1, "one"), (2, "two"))
    ]


def test_uploads_that_the_role_may_not_tell_of(told):
    assert told(path=f"{EVENTS}: {{realm: realm1, topic: com.app.other, {ROLE}}}") == [
        'listeners[0].http["/p"].events.role: the role "worker" may not publish to "com.app.other"'
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"realm": f"forwards: [{{topic: com.app.open, {URL}, {ROLE}}}, {{topic: com.app.in.x, {URL}, {ROLE}}}]"},
        {"realm": f"forwards: [{{topic: com.app.other, {URL}}}]"},  # the router may do everything
        {"realm": f"http_callees: [{{procedure: com.app.other, {URL}, {ROLE}}}]"},  # it waits for the right
        {"path": f"{HOOK}, topic: com.app.open"},
        {"path": f"{HOOK}, topic: 'com.hub.{{event}}'"},  # that of one event at least
        {"path": f"{HOOK}, topic: 'com.app.in.x{{event}}'"},
        {"path": f"{PAGES}: [{{path: /, procedure: com.app.open, template: page.html}}]"},
        {"path": f"{EVENTS}: {{realm: realm1, topic: com.app.open, {ROLE}}}"},
        {"path": f"{HOOK}, topic: com.app.other", "role": ASKS},  # that may say yes
        {"path": f"{HOOK}, topic: 'com.shop.{{event}}'", "role": ASKS},
        {"path": f"{HOOK}, topic: com.app.wampd", "rules": ("{uri: 'com.app.{authid}', allow: [publish]}",)},
    ],
)
def test_what_may_be_is_no_mistake(told, given):
    assert told(**given) == []


def test_nobody_is_asked_about_what_is_denied(told):
    assert told(path=f"{HOOK}, topic: com.app.in.closed", role=ASKS) == [
        'listeners[0].http["/p"].role: the role "worker" may not publish to "com.app.in.closed"'
    ]


@pytest.mark.parametrize(
    ("given", "told_of"),
    [
        ({"realm": f"forwards: [{{topic: com..a, {URL}, {ROLE}}}]"}, "forwards[0].topic"),
        ({"realm": f"forwards: [{{topic: com.a, {URL}, role: nobody}}]"}, "forwards[0].role"),
        ({"path": f"{HOOK}, topic: com.app.other, tolerance: x"}, "tolerance"),
        ({"path": f"{HOOK}, topic: com.app.other", "rules": ("{uri: com.app.other, allow: [publis]}",)}, "allow[0]"),
    ],
)
def test_nothing_more_is_said_of_what_is_wrong_already(told, given, told_of):
    (problem,) = told(**given)
    assert problem.partition(": ")[0].endswith(told_of)
