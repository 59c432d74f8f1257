"""A changed configuration for a router that runs: by SIGHUP, and by its operators."""

from __future__ import annotations

import socket
import time
from typing import Any

import jwt
import pytest

from tests.router.client import ABORT, CALL, ERROR, GOODBYE, RESULT, WELCOME, Session
from tests.router.reloading import a_router
from tests.support.process import free_port, is_open

SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBED, PUBLISH, PUBLISHED = 32, 33, 35, 16, 17

CONFIG = """
realms:
  - name: realm1
    roles:
      - name: anonymous
        permissions:
          - {uri: com.app., match: prefix, allow: [call, register, publish, subscribe]}
      - name: user
        permissions:
          - {uri: com.app., match: prefix, allow: [call, register, publish, subscribe]}
    auth:
      anonymous: {}
      ticket: {}
      principals:
        - {authid: joe, role: user, ticket: hunter2}
        - {authid: jim, role: user, ticket: hunter2}
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp}}
# more listeners
"""
ALLOWED = "allow: [call, register, publish, subscribe]"
ROLE = """      - name: anonymous
        permissions:
          - {uri: com.app., match: prefix, """


def logged_in(port: int, authid: str) -> Session:
    session = Session(port, join=False)
    session.send(1, "realm1", {"roles": {"caller": {}, "subscriber": {}}, "authmethods": ["ticket"], "authid": authid})
    assert session.receive()[0] == 4
    session.send(5, "hunter2", {})
    assert session.receive()[0] == WELCOME
    return session


def test_a_rule_that_is_taken_away_acts_at_once_and_nobody_is_disconnected(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.session() as session, logged_in(router.port, "joe") as joe:
        session.send(PUBLISH, 1, {"acknowledge": True}, "com.app.a")
        assert session.receive()[0] == PUBLISHED
        joe.send(SUBSCRIBE, 1, {}, "com.app.a")
        assert joe.receive()[0] == SUBSCRIBED
        router.reload((ROLE + ALLOWED, ROLE + "allow: [call]"))
        session.send(PUBLISH, 2, {"acknowledge": True}, "com.app.a")
        assert session.receive()[4] == "wamp.error.not_authorized"
        joe.send(SUBSCRIBE, 2, {}, "com.app.b")
        assert joe.receive()[:2] == [SUBSCRIBED, 2]


def test_operators_see_what_would_change_and_have_it_changed(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.operator() as operator, router.session() as session:
        assert operator.call("wampd.node.diff") == {"changes": []}
        router.edit((ROLE + ALLOWED, ROLE + "allow: [call]"))
        told = {
            "changes": [
                "realms.realm1.roles.anonymous.permissions[com.app. (prefix)].allow:"
                " [call, publish, register, subscribe] -> [call]"
            ]
        }
        assert operator.call("wampd.node.diff") == told
        session.send(PUBLISH, 1, {"acknowledge": True}, "com.app.a")
        assert session.receive()[0] == PUBLISHED
        assert operator.call("wampd.node.reload") == told
        session.send(PUBLISH, 2, {"acknowledge": True}, "com.app.a")
        assert session.receive()[0] == ERROR
        assert operator.call("wampd.node.reload") == {"changes": []}


def test_a_wrong_file_changes_nothing_and_says_why(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.operator() as operator, router.session() as session:
        why = router.refuses((ROLE + ALLOWED, ROLE + "alow: [call]"), ("{/ws: {type: wamp}}", "{/ws: {type: wam}}"))
        assert f"{router.file}:7:" in why
        assert 'did you mean "allow"' in why
        uri, text = operator.call("wampd.node.reload")
        assert uri == "wampd.error.bad_configuration"
        assert len(text.splitlines()) == 2
        assert operator.call("wampd.node.diff")[0] == uri
        session.send(PUBLISH, 1, {"acknowledge": True}, "com.app.a")
        assert session.receive()[0] == PUBLISHED


def test_what_needs_a_restart_is_refused_with_all_else(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.session() as session:
        why = router.refuses(("# more listeners", "control: {socket: other.sock}\nlog: {level: debug}"), (ROLE, ROLE))
        assert "control.socket" in why
        assert "needs a restart" in why
        assert "log.level" not in why
        session.send(PUBLISH, 1, {"acknowledge": True}, "com.app.a")
        assert session.receive()[0] == PUBLISHED


def test_realms_come_and_go(tmp_path):
    second = CONFIG.replace(
        "listeners:", "  - {name: realm2, monitor: {}, roles: [{name: anonymous}], auth: {anonymous: {}}}\nlisteners:"
    )
    with a_router(tmp_path, CONFIG) as router, router.session() as first:
        router.write(second)
        router.reload()
        with router.session(realm="realm2") as other:
            router.write(CONFIG)
            router.reload()
            assert other.receive() == [
                GOODBYE,
                {"message": "this realm is there no more"},
                "wamp.close.close_realm",
            ]
        with router.session(join=False) as late:
            late.send(1, "realm2", {"roles": {"caller": {}}})
            assert late.receive()[::2] == [ABORT, "wamp.error.no_such_realm"]
        router.process.wait_for_log("realm realm2 is closed")
        router.write(second)
        router.reload()
        router.write(CONFIG)
        router.reload()  # while nobody is in it
        first.send(CALL, 1, {}, "com.app.nobody")
        assert first.receive()[4] == "wamp.error.no_such_procedure"


def test_principals_that_are_removed_or_changed_are_sent_away_and_others_stay(tmp_path):
    with (
        a_router(tmp_path, CONFIG) as router,
        logged_in(router.port, "joe") as joe,
        logged_in(router.port, "jim") as jim,
    ):
        router.reload(("        - {authid: joe, role: user, ticket: hunter2}\n", ""))
        assert joe.receive()[::2] == [GOODBYE, "wamp.close.killed"]
        jim.send(SUBSCRIBE, 1, {}, "com.app.b")
        assert jim.receive()[0] == SUBSCRIBED


def test_a_role_or_method_that_is_removed_ends_its_sessions(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.session() as somebody, logged_in(router.port, "jim") as jim:
        router.reload(("      anonymous: {}\n", ""))
        assert somebody.receive()[::2] == [GOODBYE, "wamp.close.killed"]
        jim.send(SUBSCRIBE, 1, {}, "com.app.b")
        assert jim.receive()[0] == SUBSCRIBED


def test_listeners_come_and_go_while_others_stay(tmp_path):
    port = free_port()
    more = f"  - {{endpoint: 'tcp:{port}:interface=127.0.0.1', websocket: {{/ws: {{type: wamp}}}}}}"
    with a_router(tmp_path, CONFIG) as router, router.session() as first:
        router.reload(("# more listeners", more))
        with Session(port) as second:
            router.reload((more, "# more listeners"))
            assert second.receive()[::2] == [GOODBYE, "wamp.close.system_shutdown"]
        assert not is_open(port)
        first.send(CALL, 1, {}, "com.app.nobody")
        assert first.receive()[0] == ERROR


def test_a_port_in_use_changes_nothing(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.session() as session:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            more = f"  - {{endpoint: 'tcp:{port}:interface=127.0.0.1', websocket: {{/ws: {{type: wamp}}}}}}"
            why = router.refuses(("# more listeners", more), (ROLE + ALLOWED, ROLE + "allow: [call]"))
        assert f"tcp:{port}" in why
        session.send(PUBLISH, 1, {"acknowledge": True}, "com.app.a")
        assert session.receive()[0] == PUBLISHED


def test_paths_change_for_connections_from_then_on_without_the_port_being_closed(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.session() as first:
        router.reload(("/ws: {type: wamp}", "/other: {type: wamp}"))
        with Session(url=f"ws://127.0.0.1:{router.port}/other") as second:
            second.register("com.app.a")
            first.call("com.app.a")
            _, invocation, *_ = second.receive()
            second.send(70, invocation, {}, [5])
            assert first.receive() == [RESULT, 1, {}, [5]]


def test_tokens_are_verified_by_the_new_key(tmp_path):
    tokens = "ticket: {}\n      jwt: {secret: hunter2-hunter2-hunter2-hunter2-1, audience: [a], role: {default: user}}"
    with a_router(tmp_path, CONFIG.replace("ticket: {}", tokens)) as router:
        assert by_token(router.port, "hunter2-hunter2-hunter2-hunter2-1")[0] == WELCOME
        router.reload(("hunter2-1,", "hunter2-2,"))
        assert by_token(router.port, "hunter2-hunter2-hunter2-hunter2-1")[0] == ABORT
        assert by_token(router.port, "hunter2-hunter2-hunter2-hunter2-2")[0] == WELCOME
        assert "hunter2" not in router.process.log()


def by_token(port: int, key: str) -> list[Any]:
    token = jwt.encode({"sub": "joe", "aud": "a", "exp": time.time() + 60}, key, algorithm="HS256")
    with Session(port, join=False) as session:
        session.send(1, "realm1", {"roles": {"caller": {}}, "authmethods": ["jwt"]})
        assert session.receive()[0] == 4
        session.send(5, token, {})
        heard: list[Any] = session.receive()
        return heard


def test_a_change_during_another_one_has_its_turn_afterwards(tmp_path):
    with a_router(tmp_path, CONFIG) as router, router.operator() as one, router.operator() as other:
        router.edit((ROLE + ALLOWED, ROLE + "allow: [call]"))
        one.ask("wampd.node.reload")
        other.ask("wampd.node.reload")
        assert sorted(len(each.answer()["changes"]) for each in (one, other)) == [0, 1]


def test_an_operator_who_does_not_wait_for_the_end_undoes_nothing(tmp_path):
    with a_router(tmp_path, CONFIG) as router:
        router.edit((ROLE + ALLOWED, ROLE + "allow: [call]"))
        with router.operator() as hasty:
            hasty.ask("wampd.node.reload")
        router.process.wait_for_log("was read again: 1 changes")
        assert "bug in wampd" not in router.process.log()


def test_who_is_back_in_the_configuration_stays_when_those_are_looked_for_who_were_at_the_door(tmp_path):
    """What a client proved may be older than a change: so it is looked a second time, a join timeout later."""
    patient = CONFIG.replace("# more listeners", "    limits: {join_timeout: 2 s}")
    joe = "        - {authid: joe, role: user, ticket: hunter2}\n"
    with a_router(tmp_path, patient) as router:
        router.reload((joe, ""))
        router.reload(("      principals:\n", f"      principals:\n{joe}"))
        with logged_in(router.port, "joe") as session:
            time.sleep(3.5)  # the second look is over by then
            session.send(SUBSCRIBE, 1, {}, "com.app.b")
            assert session.receive()[0] == SUBSCRIBED


JOE = "        - {authid: joe, role: user, ticket: hunter2}\n"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ((JOE, ""), "this principal is not let in any more"),
        ((JOE, JOE.replace("role: user", "role: anonymous")), "this principal has another role now"),
        ((JOE, JOE.replace("hunter2", "hunter2-anew")), "this principal proves itself otherwise now"),
    ],
)
def test_who_was_at_the_door_when_it_was_locked_does_not_come_in(tmp_path, change, why):
    """Revoked rights act at once; a client may begin its handshake before, and end it afterwards."""
    with a_router(tmp_path, CONFIG) as router, router.session(join=False) as joe, router.session(join=False) as jim:
        for each, authid in ((joe, "joe"), (jim, "jim")):
            each.send(1, "realm1", {"roles": {"caller": {}}, "authmethods": ["ticket"], "authid": authid})
            assert each.receive()[0] == 4
        router.reload(change)
        joe.send(5, "hunter2", {})
        assert joe.receive()[::2] == [3, "wamp.error.authentication_denied"]
        router.process.wait_for_log(why)
        jim.send(5, "hunter2", {})
        assert jim.receive()[0] == 2
