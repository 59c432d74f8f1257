"""What is different between two configurations: the lines that people read before they reload one."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from wampd.router.settings import Settings, load
from wampd.router.settings.differ import differences

BASE = """
realms:
  - name: realm1
    roles:
      - name: guest
        permissions:
          - {uri: com.app., match: prefix, allow: [call]}
      - {name: user}
    auth:
      anonymous: {role: guest}
      ticket: {}
      principals:
        - {authid: joe, role: user, ticket: hunter2-joe}
listeners:
  - endpoint: tcp:8080:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
components:
  - name: one
    command: [sleep, "1"]
    environment: {PASSWORD: hunter2}
"""


PORT = "listeners[tcp:8080:interface=127.0.0.1]"


def settings_of(text: str, tmp_path: Path) -> Settings:
    file = tmp_path / f"{random.getrandbits(64)}.yaml"
    file.write_text(text)
    return load(file, {})


def changed(tmp_path: Path, *changes: tuple[str, str]) -> list[str]:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return differences(settings_of(BASE, tmp_path), settings_of(text, tmp_path))


def test_the_same_configuration_has_no_differences(tmp_path):
    assert changed(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "allow: [call]",
            "allow: [call, register]",
            "realms.realm1.roles.guest.permissions[com.app. (prefix)].allow: [call] -> [call, register]",
        ),
        ("      - {name: user}\n", "      - {name: user}\n      - {name: third}\n", "realms.realm1.roles: + third"),
        (
            "          - {uri: com.app., match: prefix, allow: [call]}",
            "          - {uri: com.app., match: prefix, allow: [call]}\n          - {uri: com.b, allow: [publish]}",
            "realms.realm1.roles.guest.permissions: + {uri: com.b, allow: [publish]}",
        ),
        ("/ws: {type: wamp}", "/ws: {type: echo}", f"{PORT}.websocket[/ws]: {{type: wamp}} -> {{type: echo}}"),
        ("/ws: {type: wamp}", "/ws: {type: wamp}, /w: {type: wamp}", f"{PORT}.websocket: + /w"),
        (
            "- endpoint",
            "- limits: {message_size: 2 MiB}\n    endpoint",
            f"{PORT}.limits.message_size: 1048576 -> 2097152",
        ),
        ("name: one", "name: two", "components: - one"),
        ("realms:", "log: {level: debug}\nrealms:", "log.level: info -> debug"),
        ("realms:", "limits: {connections: 10}\nrealms:", "limits.connections: 50000 -> 10"),
    ],
)
def test_each_difference_is_a_line_that_says_where_and_what(tmp_path, old, new, line):
    assert line in changed(tmp_path, (old, new))


def test_the_order_of_what_has_a_name_does_not_count(tmp_path):
    assert (
        changed(
            tmp_path,
            ("      - {name: user}\n", ""),
            ("      - name: guest", "      - {name: user}\n      - name: guest"),
        )
        == []
    )


def test_secrets_are_said_to_be_others_and_never_shown(tmp_path):
    lines = changed(
        tmp_path, ("ticket: hunter2-joe", "ticket: hunter2-new"), ("PASSWORD: hunter2", "PASSWORD: hunter2-2")
    )
    assert lines == [
        "realms.realm1.auth.principals.joe.ticket: changed (not shown)",
        "components.one.environment.PASSWORD: changed (not shown)",
    ]
    lines = changed(
        tmp_path,
        (
            "        - {authid: joe, role: user, ticket: hunter2-joe}\n",
            "        - {authid: jim, role: user, ticket: hunter2}\n",
        ),
        ("PASSWORD: hunter2", "PASSWORD: hunter2, MORE: hunter2"),
        ("name: one", "name: two"),
    )
    assert lines == [
        "realms.realm1.auth.principals: - joe",
        "realms.realm1.auth.principals: + jim",
        "components: - one",
        "components: + two",
    ]
    assert "hunter2" not in "".join(lines)


SENT = """    http_callees:
      - {procedure: com.app.get, url: "https://api.example.com/hunter2/{id}", query: {key: hunter2}}
    forwards:
      - {topic: com.app.news, url: "https://chat.example.com/hooks/hunter2"}
listeners:
"""


def test_of_where_requests_are_sent_no_more_is_shown_than_the_origin(tmp_path):
    before = BASE.replace("listeners:\n", SENT)
    after = before.replace("/hunter2/{id}", "/hunter2-2/{id}").replace("key: hunter2", "key: hunter2-3")
    after = after.replace("chat.example.com/hooks/hunter2", "talk.example.com/hunter2")
    lines = differences(settings_of(before, tmp_path), settings_of(after, tmp_path))
    callee = "realms.realm1.http_callees.com.app.get"
    assert lines == [
        f"{callee}.url: https://api.example.com/… -> https://api.example.com/…",
        f"{callee}.query.key: changed (not shown)",
        "realms.realm1.forwards.com.app.news.url: https://chat.example.com/… -> https://talk.example.com/…",
    ]
    assert not any("hunter2" in line for line in differences(settings_of(BASE, tmp_path), settings_of(after, tmp_path)))
