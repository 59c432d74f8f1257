"""A door that becomes another one while sessions have come in by it, and clients stand at it."""

from __future__ import annotations

import gc

import pytest

from tests.auth.door import AUTHENTICATE, CHALLENGE, TICKETS, WELCOME, Client, directory, hello, wamp_error
from wampd.auth.door import RealmAuth
from wampd.auth.methods import Deny
from wampd.auth.roles import Role, Rule
from wampd.realms.grants import Grants

CALLS = Rule("com.", "prefix", frozenset({"call"}))
OWN = Rule("com.user.{authid}.", "prefix", frozenset({"call"}))


def grants(door: RealmAuth, role: str, authid: str = "joe") -> Grants:
    found = door.grants_of(role, authid, 1)
    assert isinstance(found, Grants)
    return found


def test_roles_that_are_the_same_keep_their_grants_and_the_others_get_new_ones():
    door = RealmAuth([], [Role("same", [CALLS]), Role("other", [CALLS]), Role("gone")])
    same, other = grants(door, "same"), grants(door, "other")
    door.become(RealmAuth([], [Role("same", [CALLS]), Role("other"), Role("new")]), ["same"])
    assert grants(door, "same") is same
    assert grants(door, "other") is not other
    assert grants(door, "other").call("com.a").refusal is not None
    assert isinstance(door.grants_of("new", "joe", 1), Grants)
    assert isinstance(door.grants_of("gone", "joe", 1), Deny)


@pytest.mark.trap(8)
def test_grants_of_single_principals_are_forgotten_with_their_role():
    door = RealmAuth([], [Role("same", [OWN]), Role("other", [OWN])])
    same, other = grants(door, "same"), grants(door, "other")
    door.become(RealmAuth([], [Role("same", [OWN]), Role("other", [CALLS, OWN])]), ["same"])
    assert grants(door, "same") is same
    assert other.call("com.a").refusal is not None
    assert grants(door, "other").call("com.a").refusal is None
    del other
    gc.collect()
    assert grants(door, "other").call("com.user.joe.a").refusal is None


def test_doors_to_the_same_roles_that_were_made_of_it_change_too():
    door = RealmAuth([], [Role("one", [CALLS])])
    private = door.by([])
    door.become(RealmAuth([], [Role("one")]))
    assert grants(private, "one") is grants(door, "one")


def test_a_role_may_come_to_depend_on_who_has_it_and_the_other_way_round():
    door = RealmAuth([], [Role("one", [CALLS])])
    door.become(RealmAuth([], [Role("one", [OWN])]))
    assert grants(door, "one").call("com.a").refusal is not None
    assert grants(door, "one").call("com.user.joe.a").refusal is None
    door.become(RealmAuth([], [Role("one", [CALLS])]))
    assert grants(door, "one").call("com.a").refusal is None


def test_who_is_at_the_door_comes_in_as_it_is_by_then():
    doors = directory()
    client = Client(doors)
    client > hello(authmethods=["ticket"], authid="joe")
    client < [CHALLENGE]
    doors["realm1"].become(RealmAuth(doors["realm1"].methods.values(), [Role("member", [CALLS])]))
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    client < [WELCOME]
    assert client.accepted.grants is doors["realm1"].grants["member"]


def test_a_method_that_is_offered_no_more_lets_nobody_in_who_has_begun_with_it():
    doors = directory()
    client = Client(doors)
    client > hello(authmethods=["ticket"], authid="joe")
    client < [CHALLENGE]
    doors["realm1"].become(doors["public"])
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    assert client.aborted.reason == wamp_error("no_matching_auth_method")


def test_a_role_that_is_no_more_lets_nobody_in_who_has_begun_with_it():
    doors = directory()
    client = Client(doors)
    client > hello(authmethods=["ticket"], authid="joe")
    client < [CHALLENGE]
    doors["realm1"].become(RealmAuth(doors["realm1"].methods.values(), [Role("visitor")]))
    client > [AUTHENTICATE, TICKETS["joe"], {}]
    assert client.aborted.reason == wamp_error("no_such_role")
