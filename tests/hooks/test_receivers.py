"""Lists of receivers: a webhook gets what its owner may get, who has no session."""

import pytest

from tests.hooks.house import Registry
from wampd.realms.publications import Audience

URL = "http://10.0.0.1/{}"


class Stage(Registry):
    """``ann`` has the role of the router itself, ``bob`` that of partners; each has a registration of its own URL."""

    def __init__(self, **more):
        super().__init__(**more)
        self.bob = self.house.enter("partner", authid="bob")
        self.register(self.ann, url=URL.format("ann"))
        self.register(self.bob, url=URL.format("bob"))
        self.publisher = self.house.enter(authid="publisher")

    def publish(self, **options):
        """Whom a publication reaches by a webhook."""
        self.web.requests.clear()
        self.house.now(self.publisher.publish("hook.orders", ["x"], options=options))
        return sorted(each["url"].rpartition("/")[2] for each in self.web.requests)


@pytest.fixture
def stage():
    return Stage()


@pytest.mark.parametrize(
    ("options", "receivers"),
    [
        ({}, ["ann", "bob"]),
        ({"exclude_authid": ["ann"]}, ["bob"]),
        ({"exclude_authid": ["wampd", "publisher"]}, ["ann", "bob"]),
        ({"exclude_authid": ["ann", "bob"]}, []),
        ({"exclude_authrole": ["partner"]}, ["ann"]),
        ({"eligible_authid": ["bob", "joe"]}, ["bob"]),
        ({"eligible_authid": []}, []),
        ({"eligible_authrole": ["partner"]}, ["bob"]),
        ({"eligible_authrole": ["partner", "wampd"]}, ["ann", "bob"]),
        ({"eligible_authid": ["ann"], "eligible_authrole": ["partner"]}, []),
        ({"eligible_authid": ["ann", "bob"], "exclude_authrole": ["wampd"]}, ["bob"]),
        ({"eligible": []}, []),
        ({"exclude": [1, 2, 3]}, ["ann", "bob"]),
        ({"exclude": [1], "exclude_authid": ["bob"]}, ["ann"]),
    ],
    ids=str,
)
def test_a_webhook_gets_what_its_owner_may_get(stage, options, receivers):
    assert stage.publish(**options) == receivers
    assert stage.strikes == []


def test_sessions_that_are_eligible_are_no_webhooks(stage):
    sessions = list(stage.house.realms["realm1"].core.sessions)
    assert stage.publish(eligible=sessions) == []
    assert stage.publish(exclude=sessions) == ["ann", "bob"]


def test_what_is_posted_is_for_all(stage):
    assert stage.ask(stage.ann, "post", "orders", ["x"])["deliveries"] == 2


def test_an_event_for_no_webhook_is_not_kept(stage):
    assert stage.publish(exclude_authid=["ann", "bob"]) == []
    assert (stage.shelf.bodies, stage.courier.ledger.size) == ({}, 0)


def test_the_role_is_that_which_the_owner_registered_or_renewed_with_last(stage):
    (bobs,) = (hook for hook in stage.courier.registry if hook.owner == "bob")
    other_role = stage.house.enter(authid="bob")
    stage.ask(other_role, "renew", bobs.id)
    assert stage.publish(eligible_authrole=["wampd"]) == ["ann", "bob"]
    stage.ask(stage.bob, "register", "orders", URL.format("bob"))
    assert stage.publish(eligible_authrole=["wampd"]) == ["ann"]


def test_who_renews_for_somebody_else_gives_it_no_role_of_its_own(stage):
    (bobs,) = (hook for hook in stage.courier.registry if hook.owner == "bob")
    told = stage.ask(stage.house.enter("operator", authid="root"), "renew", bobs.id)
    assert told["owner"] == "bob"
    other_role = stage.house.enter(authid="bob")
    stage.ask(other_role, "renew", bobs.id)
    stage.ask(stage.house.enter("operator", authid="root"), "renew", bobs.id)
    assert stage.publish(eligible_authrole=["partner"]) == []


def test_lists_count_for_deliveries_that_outlive_the_router():
    first = Stage()
    first.web.answers = {URL.format(name): "wait" for name in ("ann", "bob")}
    first.publish(exclude_authid=["ann"])
    first.service.stop()
    first.house.turns()
    second = Registry(kept=first.shelf)
    second.later(10.0)
    assert [each["url"] for each in second.web.requests] == [URL.format("bob")]


def test_who_comes_back_after_its_session_was_lost_is_a_deputy_again(stage):
    (registry,) = stage.house.realms["realm1"].core.broker.deputies
    stage.house.now(stage.ann.call("wamp.session.kill", [registry.id], timeout=5))
    stage.later(5.0)
    assert stage.publish(eligible_authid=["bob"]) == ["bob"]
    (again,) = stage.house.realms["realm1"].core.broker.deputies
    assert again is not registry


def test_who_has_no_known_role_is_in_no_list_of_roles(stage):
    for hook in list(stage.courier.registry):
        stage.courier.amend(
            type(hook)(**{name: getattr(hook, name) for name in hook.__struct_fields__ if name != "role"})
        )
    assert stage.publish() == ["ann", "bob"]
    assert stage.publish(eligible_authid=["ann"]) == ["ann"]
    assert stage.publish(exclude_authrole=["nobody"]) == []
    assert stage.publish(eligible_authrole=["", "partner"]) == []


def test_a_list_that_names_nobody_is_told_as_that():
    assert Audience(eligible=frozenset()).told() == {"eligible": []}
