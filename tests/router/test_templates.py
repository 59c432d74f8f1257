"""Templates of realms: which one a name belongs to, and that realms of them live exactly as long as they are wanted."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.realms.universe import kept, matched, order, uris
from tests.support.play import ALL
from tests.support.stages import MemoryStage
from tests.support.values import DUMP, LOAD
from wampd.auth.handshake import RealmAuth
from wampd.realms.messages import ABORT, CALL, ERROR, GOODBYE, HELLO, INVOCATION, REGISTER, SUBSCRIBE, WELCOME, YIELD
from wampd.router.templates import Directory, Plan, Template


def door() -> RealmAuth:
    return RealmAuth([], [])


# --- the directory ---


@given(st.sets(kept, max_size=8), uris)
def test_a_name_belongs_to_the_realm_of_that_name_else_to_the_best_match(patterns, name):
    directory = Directory()
    doors = {}
    for uri, match in patterns:
        doors[uri, match] = door()
        if match == "exact":
            directory.add(uri, doors[uri, match])
        else:
            directory.add_template(Template(uri, match, Plan(door=doors[uri, match])))
    matching = [pattern for pattern in patterns if matched(*pattern, name)]
    expected = min(matching, key=lambda pattern: order(*pattern), default=None)
    assert directory.get(name) is (None if expected is None else doors[expected])
    template = directory.template(name)
    if expected is None or expected[1] == "exact":
        assert template is None
    else:
        assert (template.pattern, template.match) == expected


def test_the_best_template_decides_also_if_the_name_is_no_uri_by_its_rules():
    directory = Directory()
    directory.add_template(Template("com.", "prefix", Plan(door=door())))
    directory.add_template(Template("com.a.", "prefix", Plan(door=door()), uri_check="strict"))
    assert directory.get("com.X") is not None
    assert directory.get("com.a.x") is not None
    assert directory.get("com.a.X") is None
    assert directory.get("com.a b") is None


def test_names_too_long_for_a_uri_name_no_realm():
    directory = Directory()
    directory.add_template(Template("com.", "prefix", Plan(door=door())))
    assert directory.get("com." + "x" * 508) is not None
    assert directory.get("com." + "x" * 509) is None
    assert directory.get("com." + "é" * 300) is None


# --- the lives of realms ---

NAMES = ("com.tenant.a", "com.tenant.b", "com.tenant.c", "com.tenant.d", "org.x.guests", "com.tenant.fixed", "realm1")
MOST = 3
"""Realms of ``com.tenant.`` at once (tests/configs/conformance.yaml)."""


WAYS = ("goodbye", "abort", "drop", "violation", "dismissed", "killed", "silent", "in a hurry", "again")


class Client:
    """A connection in one process with the router."""

    def __init__(self, stage: MemoryStage) -> None:
        self.stage = stage
        self.wire = stage.connect("json")
        self.realm = ""
        self.request = 0

    def say(self, *message: Any) -> None:
        self.wire.send([DUMP["json"](list(message))])

    def heard(self) -> list[list[Any]]:
        self.wire.fence()
        messages = []
        while (payload := self.wire.receive()) is not None:
            messages.append(LOAD["json"](payload))
        return messages

    def join(self, realm: str) -> list[Any]:
        self.say(HELLO, realm, {"roles": ALL})
        (answer,) = self.heard()
        if answer[0] == WELCOME:
            self.realm = realm
        return answer

    def requests(self, code: int, uri: str) -> None:
        self.request += 1
        self.say(code, self.request, {}, uri)


class Lives(RuleBasedStateMachine):
    """Clients join realms, do things there, and leave in all ways; the realms that are open are those they are in."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = MemoryStage("json")
        self.for_good = self.open()
        self.clients: list[Client] = []
        self.kept_at_first = self.subscriptions()

    def subscriptions(self) -> dict[str, int]:
        """How many there are by realm; some realms have some for their event history."""
        return {shell.core.name: len(shell.core.broker.subscriptions) for shell in self.stage.realms.all()}

    def open(self) -> set[str]:
        return {shell.core.name for shell in self.stage.realms.all()}

    def tenants(self) -> set[str]:
        return {client.realm for client in self.clients if client.realm.startswith("com.tenant.")} - self.for_good

    @rule(realm=st.sampled_from(NAMES))
    def join(self, realm: str) -> None:
        if len(self.clients) >= 6:
            return
        full = realm.startswith("com.tenant.") and realm not in self.for_good and len(self.tenants() | {realm}) > MOST
        client = Client(self.stage)
        answer = client.join(realm)
        assert answer[0] == (ABORT if full else WELCOME)
        if not full:
            self.clients.append(client)

    @rule(realm=st.sampled_from(("com.tenant.", "no.such", "com.tenant.club.x")))
    def knock(self, realm: str) -> None:
        """A client that is not let in changes nothing."""
        before = self.open()
        assert Client(self.stage).join(realm)[0] == ABORT
        assert self.open() == before

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), code=st.sampled_from((SUBSCRIBE, REGISTER, CALL)), uri=st.sampled_from(("com.a", "com.b")))
    def act(self, data: st.DataObject, code: int, uri: str) -> None:
        client = data.draw(st.sampled_from(self.clients))
        client.requests(code, uri)
        for each in self.clients:
            for message in each.heard():
                if message[0] == INVOCATION and message[1] % 2:
                    each.say(YIELD, message[1], {})

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def leave(self, data: st.DataObject, way: str) -> None:
        client = data.draw(st.sampled_from(self.clients))
        client.heard()
        if way == "in a hurry":
            calls = [DUMP["json"]([CALL, client.request + number, {"timeout": 10}, "com.a"]) for number in (1, 2)]
            client.wire.send([*calls, DUMP["json"]([GOODBYE, {}, "wamp.close.close_realm"])])
            assert client.heard()[-1] == [GOODBYE, {}, "wamp.close.goodbye_and_out"]
        elif way in ("goodbye", "again"):
            client.say(GOODBYE, {}, "wamp.close.close_realm")
            assert client.heard()[-1] == [GOODBYE, {}, "wamp.close.goodbye_and_out"]
        elif way == "abort":
            client.say(ABORT, {}, "com.gone")
        elif way == "violation":
            client.say(99)
        elif way == "killed" and sum(each.realm == client.realm for each in self.clients) > 1:
            core = self.stage.realms[client.realm].core
            core.expel([client.wire.line.peer.session], "wamp.close.killed")
            self.stage.realms.end_of_turn()
            assert client.heard()[-1] == [GOODBYE, {}, "wamp.close.killed"]
        elif way in ("killed", "dismissed", "silent"):
            client.wire.line.peer.dismiss("wamp.close.killed")
            self.stage.realms.end_of_turn()
            assert client.heard()[-1] == [GOODBYE, {}, "wamp.close.killed"]
        else:
            client.wire.drop()
        if way in ("dismissed", "killed"):
            client.say(GOODBYE, {}, "wamp.close.goodbye_and_out")
        elif way == "silent":
            self.stage.clock.advance(5)  # which is all the time that it has to answer
        client.realm = ""
        if way == "again" and client.join("com.tenant.fixed")[0] == WELCOME:
            return
        self.clients.remove(client)

    @invariant()
    def realms_are_open_as_long_as_somebody_is_in_them(self) -> None:
        self.stage.clock.advance(0)
        assert self.open() == self.for_good | {client.realm for client in self.clients}
        here = {session for shell in self.stage.realms.all() for session in shell.core.sessions}
        assert here <= self.stage.realms.ids  # who was sent away has its id until its connection is closed

    def teardown(self) -> None:
        for client in self.clients:
            client.wire.drop()
        self.clients.clear()
        self.stage.clock.advance(100)
        assert not self.stage.realms.ids
        self.realms_are_open_as_long_as_somebody_is_in_them()
        for shell in self.stage.realms.all():
            core = shell.core
            assert core.is_deserted
            assert not len(core.dealer.registrations)
            assert not +core.occupancy._of_role
        assert self.subscriptions() == self.kept_at_first
        assert self.stage.realms.tally.totals()["failures of ours"] == 0


Lives.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestLives = Lives.TestCase


def test_a_realm_of_a_template_is_gone_with_its_last_session_not_when_the_collector_comes():
    stage = MemoryStage("json")
    gc.collect()
    gc.disable()
    try:
        client = Client(stage)
        client.join("com.tenant.a")
        client.requests(SUBSCRIBE, "com.a")
        client.requests(REGISTER, "com.a")
        client.requests(CALL, "com.nobody")
        assert client.heard()[-1][0] == ERROR
        shell = stage.realms["com.tenant.a"]
        left = [weakref.ref(each) for each in (shell, shell.core)]
        parts = [weakref.ref(each) for each in (shell.core.broker, shell.core.dealer)]
        client.wire.drop()
        del shell, client
        stage.wires.clear()
        stage.clock.advance(0)
        assert [each() for each in left] == [None, None]
        assert [each() for each in parts] == [None, None]
    finally:
        gc.enable()


def test_what_struck_in_a_realm_is_counted_after_it_is_closed():
    stage = MemoryStage("json")
    for _ in range(2):
        client = Client(stage)
        client.join("com.tenant.a")
        stage.realms["com.tenant.a"].core.struck["calls over the limit"] += 3
        assert stage.realms.tally.totals()["calls over the limit"] % 3 == 0
        client.wire.drop()
    assert stage.realms.tally.totals()["calls over the limit"] == 6


def test_a_realm_that_is_closed_in_the_turn_in_which_something_got_a_deadline_disturbs_nobody():
    stage = MemoryStage("json")
    client, other = Client(stage), Client(stage)
    client.join("com.tenant.a")
    other.join("realm1")
    client.requests(REGISTER, "com.a")
    assert client.heard()
    call = [CALL, 2, {"timeout": 10}, "com.a"]
    client.wire.send([DUMP["json"](call), DUMP["json"]([GOODBYE, {}, "wamp.close.close_realm"])])
    assert client.heard()[-1] == [GOODBYE, {}, "wamp.close.goodbye_and_out"]
    stage.clock.advance(20)
    other.requests(SUBSCRIBE, "com.a")
    assert other.heard()[0][0] == 33
    assert client.wire.closed is not None
