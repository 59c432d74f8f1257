"""Which topics are subscribed to, and by whom (advanced profile, "Subscription Meta API")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, asked, goodbye, joined_as, no_result, refused, subscribed
from tests.spec.test_meta_registrations import ISO8601
from tests.support.play import ALL, ANY, BASIC, nothing
from wampd.realms.messages import (
    CALL,
    ERROR,
    EVENT,
    GOODBYE,
    PUBLISH,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
)

ON = {name: f"wamp.subscription.on_{name}" for name in ("create", "subscribe", "unsubscribe", "delete")}
NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"


def listening(play, name="alice"):
    """Subscribe to what is told of subscriptions; the subscriptions are ``play.on_create`` and so on.

    The last topic is subscribed to first, so that nothing is told of the others.
    """
    for number, kind in enumerate(["delete", "unsubscribe", "subscribe", "create"], 1):
        subscribed(play, name, ON[kind], number, f"on_{kind}")
        if kind == "create":  # of which it heard through the one before
            getattr(play, name) < [EVENT, play.on_subscribe, int, {}, [getattr(play, name).id, play.on_create]]
    return getattr(play, name)


def told(play, subscription, uri, match="exact"):
    return {"id": subscription, "created": ANY.as_("created"), "uri": uri, "match": match}


# --------------------------------------------------------------------------------------------------------- events


@pytest.mark.spec("META-P-01")
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["features", "basic"])
def test_a_new_subscription_is_told_of_and_then_each_subscriber(play, match, roles):
    alice = listening(play)
    bob, carol = play.session("bob", roles=roles), play.session("carol", roles=roles)
    bob > [SUBSCRIBE, 1, {"match": match}, "com.topic"]
    bob < [SUBSCRIBED, 1, ANY.as_("sub")]
    alice < [EVENT, play.on_create, int, {}, [bob.id, told(play, play.sub, "com.topic", match)]]
    alice < [EVENT, play.on_subscribe, int, {}, [bob.id, play.sub]]
    assert ISO8601.fullmatch(play.created)
    carol > [SUBSCRIBE, 1, {"match": match}, "com.topic"]
    carol < [SUBSCRIBED, 1, play.sub]
    alice < [EVENT, play.on_subscribe, int, {}, [carol.id, play.sub]]
    bob > [UNSUBSCRIBE, 2, play.sub]
    bob < [UNSUBSCRIBED, 2]
    alice < [EVENT, play.on_unsubscribe, int, {}, [bob.id, play.sub]]
    carol > [UNSUBSCRIBE, 2, play.sub]
    carol < [UNSUBSCRIBED, 2]
    alice < [EVENT, play.on_unsubscribe, int, {}, [carol.id, play.sub]]
    alice < [EVENT, play.on_delete, int, {}, [carol.id, play.sub]]


@pytest.mark.spec("META-P-01")
@LEAVING
def test_the_end_of_a_subscription_is_told_of_when_its_subscribers_leave(play, leave):
    bob, carol = subscribed(play, "bob"), subscribed(play, "carol")
    alice = listening(play)
    leave(bob)
    alice < [EVENT, play.on_unsubscribe, int, {}, [bob.id, play.sub]]
    leave(carol)
    alice < [EVENT, play.on_unsubscribe, int, {}, [carol.id, play.sub]]
    alice < [EVENT, play.on_delete, int, {}, [carol.id, play.sub]]


@pytest.mark.spec("META-P-01", "META-S-06")
def test_the_end_of_a_subscription_is_told_of_when_its_subscriber_is_killed(play):
    bob = subscribed(play, "bob")
    alice = listening(play)
    asked(play.carol, 1, "wamp.session.kill", [bob.id], answer=no_result)
    bob < [GOODBYE, {}, "wamp.close.killed"]
    alice < [EVENT, play.on_unsubscribe, int, {}, [bob.id, play.sub]]
    alice < [EVENT, play.on_delete, int, {}, [bob.id, play.sub]]


@pytest.mark.spec("META-P-04", "AMB-24")
@pytest.mark.parametrize("kind", ["create", "subscribe"])
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
def test_who_subscribes_to_what_is_told_of_subscriptions_hears_subscribed_and_not_of_itself(play, kind, match):
    play.alice > [SUBSCRIBE, 1, {"match": match}, ON[kind]]
    play.alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.alice < nothing
    details = {} if match == "exact" else {"topic": ON[kind]}
    bob = subscribed(play, "bob", "com.other", sub="other")
    about = told(play, play.other, "com.other") if kind == "create" else play.other
    play.alice < [EVENT, play.sub, int, details, [bob.id, about]]


@pytest.mark.spec("META-P-04", "AMB-24")
def test_others_hear_of_subscriptions_to_the_meta_api_and_there_is_no_end_of_it(play):
    alice = listening(play)
    bob = subscribed(play, "bob", ON["subscribe"], sub="on_subscribe")
    alice < [EVENT, play.on_subscribe, int, {}, [bob.id, play.on_subscribe]]
    alice < nothing
    bob < nothing


@pytest.mark.spec("META-P-05", "PS-02")
def test_subscribing_again_is_told_to_nobody(play):
    bob = subscribed(play, "bob")
    alice = listening(play)
    subscribed(play, "bob", request=2)
    alice < nothing
    bob > [UNSUBSCRIBE, 3, play.sub]
    bob < [UNSUBSCRIBED, 3]
    alice < [EVENT, play.on_unsubscribe, int, {}, [bob.id, play.sub]]
    alice < [EVENT, play.on_delete, int, {}, [bob.id, play.sub]]


# -------------------------------------------------------------------------------------------------------- asking


@pytest.mark.spec("META-P-02", "AMB-36")
def test_where_nobody_subscribed_lists_are_empty_and_matches_null(memory_play):
    asked(memory_play.alice, 1, "wamp.subscription.list", answer={"exact": [], "prefix": [], "wildcard": []})
    asked(memory_play.alice, 2, "wamp.subscription.match", ["com.topic"], answer=None)
    asked(memory_play.alice, 3, "wamp.subscription.lookup", ["com.topic"], answer=None)


@pytest.mark.spec("META-P-02")
def test_subscriptions_are_listed_and_looked_up_by_match_policy(memory_play):
    play = memory_play
    ids = {}
    for number, (uri, match) in enumerate(
        [("com.a", "exact"), ("com.b", "exact"), ("com.a", "prefix"), ("com.a", "wildcard")], 1
    ):
        play.bob > [SUBSCRIBE, number, {"match": match}, uri]
        play.bob < [SUBSCRIBED, number, ANY.as_(f"{uri} {match}")]
        ids.setdefault(match, []).append(play.names[f"{uri} {match}"])
        asked(play.alice, number, "wamp.subscription.lookup", [uri, {"match": match}], answer=ids[match][-1])
    asked(play.alice, 10, "wamp.subscription.list", answer=ids)
    asked(play.alice, 11, "wamp.subscription.lookup", ["com.a"], answer=ids["exact"][0])
    asked(play.alice, 12, "wamp.subscription.lookup", ["com.b", {"match": "prefix"}], answer=None)


@pytest.mark.spec("META-P-02", "PSUB-04", "AMB-36")
def test_match_tells_which_subscriptions_a_publication_reaches(play):
    patterns = [
        ("com.a.b", "exact"),
        ("com.", "prefix"),
        ("com.a", "prefix"),
        ("com..b", "wildcard"),
        ("org", "prefix"),
    ]
    for number, (uri, match) in enumerate(patterns, 1):
        play.subscriber > [SUBSCRIBE, number, {"match": match}, uri]
        play.subscriber < [SUBSCRIBED, number, ANY.as_(uri)]
    cases = [
        ("com.a.b", ["com.a.b", "com.a", "com.", "com..b"]),
        ("com.x.b", ["com.", "com..b"]),
        ("com.x", ["com."]),
    ]
    for number, (topic, expected) in enumerate(cases, 1):
        answer = [play.names[uri] for uri in expected]
        asked(play.alice, number, "wamp.subscription.match", [topic], answer=answer)
        play.publisher > [PUBLISH, number, {}, topic]
        for subscription in answer:
            play.subscriber < [EVENT, subscription, int, dict]
    asked(play.alice, 9, "wamp.subscription.match", ["net.x"], answer=None)


@pytest.mark.spec("META-P-02")
@pytest.mark.parametrize("match", ["exact", "prefix", "wildcard"])
def test_what_a_subscription_is_and_who_is_subscribed_can_be_asked(play, match):
    subscribed(play, "bob", match=match)
    subscribed(play, "carol", match=match)
    asked(play.alice, 1, "wamp.subscription.get", [play.sub], answer=told(play, play.sub, "com.topic", match))
    asked(play.alice, 2, "wamp.subscription.list_subscribers", [play.sub], answer=[play.bob.id, play.carol.id])
    asked(play.alice, 3, "wamp.subscription.count_subscribers", [play.sub], answer=2)
    play.bob > [UNSUBSCRIBE, 2, play.sub]
    play.bob < [UNSUBSCRIBED, 2]
    asked(play.alice, 4, "wamp.subscription.list_subscribers", [play.sub], answer=[play.carol.id])
    asked(play.alice, 5, "wamp.subscription.count_subscribers", [play.sub], answer=1)


@pytest.mark.spec("META-P-02")
def test_what_is_not_there_is_no_such_subscription(play):
    bob = subscribed(play, "bob")
    bob > [UNSUBSCRIBE, 2, play.sub]
    bob < [UNSUBSCRIBED, 2]
    for number, procedure in enumerate(["get", "list_subscribers", "count_subscribers"]):
        for step, gone in enumerate([play.sub, 2**53]):
            request = 2 * number + step + 1
            refused(play.alice, request, f"wamp.subscription.{procedure}", [gone], error=NO_SUCH_SUBSCRIPTION)


@pytest.mark.spec("META-S-12", "AZ-06")
def test_what_is_subscribed_to_is_told_only_to_who_may_ask(play):
    joined_as(play, "w", "joe")
    subscribed(play, "w", "com.topic")
    visitor = play.session("visitor", realm="guarded")
    for number, (procedure, args) in enumerate({"list": [], "match": ["com.topic"], "get": [play.sub]}.items(), 1):
        refused(visitor, number, f"wamp.subscription.{procedure}", args, error="wamp.error.not_authorized")
    visitor > [SUBSCRIBE, 9, {}, ON["create"]]
    visitor < [ERROR, SUBSCRIBE, 9, {}, "wamp.error.not_authorized", ...]


# ------------------------------------------------------------------------------------------------ revoked, and standing


@pytest.mark.spec("META-P-03", "SRV-01", "SRV-02", "SRV-03", "FEA-02")
@pytest.mark.parametrize("reason", [None, "maintenance"])
@pytest.mark.parametrize("able", [True, False], ids=["announced", "basic"])
def test_a_subscriber_is_taken_off_and_told_if_it_understands(play, able, reason):
    roles = {"subscriber": {"features": {"subscription_revocation": True}}} if able else BASIC
    bob = play.session("bob", roles=roles)
    subscribed(play, "bob")
    subscribed(play, "dave")
    alice = listening(play)
    remove = "wamp.subscription.remove_subscriber"
    asked(play.carol, 1, remove, [play.sub, bob.id] + ([] if reason is None else [reason]), answer=no_result)
    if able:
        bob < [UNSUBSCRIBED, 0, {"subscription": play.sub, "reason": reason or str}]
    alice < [EVENT, play.on_unsubscribe, int, {}, [bob.id, play.sub]]
    play.carol > [PUBLISH, 2, {}, "com.topic"]
    play.dave < [EVENT, play.sub, int, {}]
    bob < nothing
    asked(play.carol, 3, remove, [play.sub, play.dave.id], answer=no_result)
    play.dave < [UNSUBSCRIBED, 0, {"subscription": play.sub, "reason": str}]
    alice < [EVENT, play.on_unsubscribe, int, {}, [play.dave.id, play.sub]]
    alice < [EVENT, play.on_delete, int, {}, [play.dave.id, play.sub]]


@pytest.mark.spec("META-P-03", "META-R-07", "SRV-01", "RRV-01")
def test_the_reason_is_a_uri_since_there_are_clients_that_take_nothing_else(play):
    subscribed(play, "bob")
    play.bob > [REGISTER, 2, {}, "com.p"]
    play.bob < [REGISTERED, 2, ANY.as_("reg")]
    number = 0
    for procedure, held in (("subscription.remove_subscriber", play.sub), ("registration.remove_callee", play.reg)):
        for reason in ("not a uri", "", "a..b"):
            number += 1
            refused(
                play.alice, number, f"wamp.{procedure}", [held, play.bob.id, reason], error="wamp.error.invalid_uri"
            )
    play.bob < nothing
    asked(play.alice, 7, "wamp.subscription.remove_subscriber", [play.sub, play.bob.id], answer=no_result)
    play.bob < [UNSUBSCRIBED, 0, {"subscription": play.sub, "reason": "wampd.revoked.by_meta_api"}]


@pytest.mark.spec("META-P-03")
def test_who_is_no_subscriber_cannot_be_taken_off(play):
    bob, carol = subscribed(play, "bob"), play.carol
    remove = "wamp.subscription.remove_subscriber"
    refused(play.alice, 1, remove, [play.sub, carol.id], error="wamp.error.no_such_session")
    refused(play.alice, 2, remove, [play.sub, 2**53], error="wamp.error.no_such_session")
    refused(play.alice, 3, remove, [2**53, bob.id], error=NO_SUCH_SUBSCRIPTION)
    for number, wrong in enumerate([[play.sub], [play.sub, "x"], [play.sub, bob.id, 5]], 4):
        refused(play.alice, number, remove, wrong)
    asked(play.alice, 9, "wamp.subscription.list_subscribers", [play.sub], answer=[bob.id])


@pytest.mark.spec("META-P-01", "META-P-02")
def test_a_subscription_that_stands_for_its_history_is_neither_created_nor_deleted(play):
    alice, bob = (joined_as(play, name, "joe", "remembering") for name in ("alice", "bob"))
    for number, kind in enumerate(["delete", "unsubscribe", "create", "subscribe"], 1):
        subscribed(play, "alice", ON[kind], number, f"on_{kind}")
        if kind == "subscribe":
            alice < [EVENT, play.on_create, int, {}, [alice.id, told(play, play.on_subscribe, ON["subscribe"])]]
            del play.names["created"]
    alice > [CALL, 5, {}, "wamp.subscription.lookup", ["com.history.log"]]
    alice < [RESULT, 5, {}, [ANY.as_("standing")]]
    about = told(play, play.standing, "com.history.log")
    asked(alice, 6, "wamp.subscription.get", [play.standing], answer=about)
    asked(alice, 7, "wamp.subscription.list_subscribers", [play.standing], answer=[])
    subscribed(play, "bob", "com.history.log", sub="standing")
    alice < [EVENT, play.on_subscribe, int, {}, [bob.id, play.standing]]
    asked(alice, 8, "wamp.subscription.list_subscribers", [play.standing], answer=[bob.id])
    goodbye(bob)
    alice < [EVENT, play.on_unsubscribe, int, {}, [bob.id, play.standing]]
    asked(alice, 9, "wamp.subscription.get", [play.standing], answer=about)
    asked(alice, 10, "wamp.subscription.list_subscribers", [play.standing], answer=[])
