"""Registrations of principals who are not let in any more, or who may not be told any more."""

import pytest
from twisted.internet.defer import Deferred

from tests.hooks.house import Registry
from wampd.auth.accounts import Account
from wampd.auth.handshake import RealmAuth
from wampd.auth.methods import Failed
from wampd.auth.roles import Role, Rule
from wampd.realms.grants import Authorizer
from wampd.router.hooks.owners import Owners

URL = "http://10.0.0.1/"
MAY = [Rule("hook.", "prefix", frozenset({"subscribe"}))]


class Accounts:
    def __init__(self):
        self.known = {}

    def find(self, question):
        return self.known.get(question.value)


class Stage(Registry):
    """``ann`` and ``bob`` are kept, ``guest`` is not; each has a registration."""

    def __init__(self, **more):
        super().__init__(**more)
        self.kept = {"ann", "bob"}
        self.accounts = Accounts()
        self.accounts.known = {name: Account(authid=name, role="user") for name in ("ann", "bob")}
        self.door = self.house.realms.door("realm1")
        self.owners = Owners(self.courier, "hook.", lambda: self.door, self.house.realms.answers)
        for who in (self.ann, self.bob, self.house.enter(authid="guest")):
            self.register(who)

    def changed(self, *authids):
        self.owners.changed(self.door, self.accounts, authids or None)
        self.house.turns()
        return sorted(hook.owner for hook in self.courier.registry)


@pytest.fixture
def stage():
    return Stage()


def test_who_is_removed_is_told_nothing_any_more(stage):
    del stage.accounts.known["ann"]
    assert stage.changed("ann") == ["bob", "guest"]
    stage.ask(stage.bob, "post", "orders", ["x"])
    assert len(stage.web.data(URL)) == 2
    assert sorted(hook.owner for hook in stage.shelf.hooks.values()) == ["bob", "guest"]


def test_all_are_looked_at_when_nobody_knows_who_has_changed(stage):
    stage.accounts.known.clear()
    assert stage.changed() == ["guest"]


def test_who_has_not_changed_stays(stage):
    assert stage.changed() == stage.changed("bob") == ["ann", "bob", "guest"]
    stage.accounts.known.clear()
    assert stage.changed("guest") == ["ann", "bob", "guest"]


def test_another_role_has_what_it_may_subscribe_to(stage):
    stage.accounts.known["ann"] = Account(authid="ann", role="reader")
    stage.accounts.known["bob"] = Account(authid="bob", role="nothing that there is")
    assert stage.changed() == ["ann", "guest"]


def test_if_nobody_knows_the_registration_stays(stage):
    stage.accounts.known["ann"] = Failed("the store is away")
    assert stage.changed() == ["ann", "bob", "guest"]


def test_other_doors_are_no_matter(stage):
    stage.accounts.known.clear()
    stage.owners.changed(object(), stage.accounts, None)
    assert len(stage.courier.registry) == 3


def test_a_registry_that_begins_looks_at_all_of_whom_was_told_before(stage):
    del stage.accounts.known["ann"]
    second = Stage(kept=stage.shelf)  # registers them anew, and is told nothing
    second.owners.review()
    assert len(second.courier.registry) == 3
    second.accounts.known = stage.accounts.known
    second.owners._accounts = second.accounts
    second.owners.review()
    assert sorted(hook.owner for hook in second.courier.registry) == ["bob", "guest"]


def test_what_was_about_to_be_sent_is_not(stage):
    read = []

    def body(_):
        read.append(Deferred())
        return read[-1]

    stage.shelf.body = body
    assert stage.ask(stage.bob, "post", "orders", ["x"])["deliveries"] == 3
    stage.accounts.known.clear()
    stage.changed("ann", "bob")
    while read:
        read.pop().callback(b'{"data": {"args": ["x"]}}')
    stage.house.turns()
    (request,) = stage.web.requests
    (left,) = stage.courier.registry
    assert (left.owner, request["headers"]["wampd-hook-id"]) == ("guest", left.id)


def test_another_role_counts_for_lists_of_receivers_from_then_on(stage):
    stage.accounts.known["ann"] = Account(authid="ann", role="reader")
    assert stage.changed("ann") == ["ann", "bob", "guest"]
    roles = {hook.owner: hook.role for hook in stage.courier.registry}
    assert roles == {"ann": "reader", "bob": "wampd", "guest": "wampd"}
    assert {hook.owner: hook.role for hook in stage.shelf.hooks.values()} == roles
    stage.house.now(stage.bob.publish("hook.orders", ["x"], options={"eligible_authrole": ["reader"]}))
    assert len(stage.web.data(URL)) == 1


def test_a_role_that_loses_its_right_has_no_webhooks_any_more_whoever_has_it(stage):
    for name in ("partner", "operator"):
        stage.register(stage.house.enter(name, authid=f"a {name} with a token"), url=f"{URL}{name}")
    stage.owners.review()
    assert len(stage.courier.registry) == 5
    other = RealmAuth([], [Role(name, rules) for name, rules in (("user", MAY), ("partner", MAY), ("operator", []))])
    stage.door.become(other)
    stage.accounts.known["ann"] = Account(authid="ann", role="operator")
    stage.changed("bob")
    assert len(stage.courier.registry) == 5
    stage.owners.review()
    stage.house.turns()
    assert sorted(hook.owner for hook in stage.courier.registry) == ["a partner with a token", "bob", "guest"]


@pytest.mark.parametrize(("authorizer", "left"), [(None, 0), (Authorizer("com.app.authorize"), 1)])
def test_what_an_authorizer_would_be_asked_stays_while_there_is_one(authorizer, left):
    stage = Registry()
    door = RealmAuth([], [Role("partner", [], authorizer=authorizer)])
    owners = Owners(stage.courier, "hook.", lambda: door, stage.house.realms.answers)
    stage.register(stage.house.enter("partner", authid="ann"))
    owners.review()
    assert len(stage.courier.registry) == left
