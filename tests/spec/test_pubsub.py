"""Publish and subscribe (basic profile, "Publish and Subscribe"; advanced profile, "Publisher Exclusion")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import ACKNOWLEDGE, LEAVING, joined_as, subscribed
from tests.support.play import ANY, BASIC, nothing
from wampd.realms.messages import (
    ERROR,
    EVENT,
    PUBLISH,
    PUBLISHED,
    SUBSCRIBE,
    SUBSCRIBED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
)

NO_SUCH_SUBSCRIPTION = "wamp.error.no_such_subscription"


@pytest.mark.spec("PS-01", "PS-11", "PS-12", "PS-05", "ID-08")
def test_an_event_reaches_the_subscribers_of_its_topic_until_they_unsubscribe(play):
    play.subscriber > [SUBSCRIBE, 1, {}, "com.topic"]
    play.subscriber < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.publisher > [PUBLISH, 1, {}, "com.topic", ["hello"], {"to": "you"}]
    play.subscriber < [EVENT, play.sub, int, {}, ["hello"], {"to": "you"}]
    play.publisher > [PUBLISH, 2, {}, "com.other", ["hello"]]
    play.subscriber < nothing
    play.subscriber > [UNSUBSCRIBE, 2, play.sub]
    play.subscriber < [UNSUBSCRIBED, 2]
    play.publisher > [PUBLISH, 3, {}, "com.topic"]
    play.subscriber < nothing


@pytest.mark.spec("PS-02", "PS-06")
def test_who_subscribes_twice_has_one_subscription_and_one_unsubscribe_ends_it(play):
    subscribed(play)
    play.subscriber > [SUBSCRIBE, 2, {}, "com.topic"]
    play.subscriber < [SUBSCRIBED, 2, play.sub]
    play.publisher > [PUBLISH, 1, {}, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, {}]
    play.subscriber < nothing
    play.subscriber > [UNSUBSCRIBE, 3, play.sub]
    play.subscriber < [UNSUBSCRIBED, 3]
    play.publisher > [PUBLISH, 2, {}, "com.topic"]
    play.subscriber < nothing
    play.subscriber > [UNSUBSCRIBE, 4, play.sub]
    play.subscriber < [ERROR, UNSUBSCRIBE, 4, {}, NO_SUCH_SUBSCRIPTION, ...]


@pytest.mark.spec("PS-03", "PS-12")
def test_all_subscribers_of_a_topic_share_its_subscription_and_get_the_same_publication(play):
    actors = [play.alice, play.bob, play.carol]
    for actor in actors:
        actor > [SUBSCRIBE, 1, {}, "com.topic"]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.publisher > [PUBLISH, 1, ACKNOWLEDGE, "com.topic", [1]]
    play.publisher < [PUBLISHED, 1, ANY.as_("publication")]
    for actor in actors:
        actor < [EVENT, play.sub, play.publication, {}, [1]]


@LEAVING
@pytest.mark.spec("PS-04", "SES-11")
def test_a_subscription_ends_with_its_session(play, leave):
    subscribed(play, "alice")
    subscribed(play, "bob")
    leave(play.alice)
    play.publisher > [PUBLISH, 1, ACKNOWLEDGE, "com.topic"]
    play.publisher < [PUBLISHED, 1, int]
    play.bob < [EVENT, play.sub, int, {}]
    play.session("back")
    play.publisher > [PUBLISH, 2, {}, "com.topic"]
    play.bob < [EVENT, play.sub, int, {}]
    play.back < nothing
    play.back > [UNSUBSCRIBE, 1, play.sub]
    play.back < [ERROR, UNSUBSCRIBE, 1, {}, NO_SUCH_SUBSCRIPTION, ...]


@pytest.mark.spec("PS-07", "PV-11", "AMB-33")
def test_unsubscribing_from_what_is_not_there_is_an_error_and_no_violation(play):
    play.subscriber > [UNSUBSCRIBE, 1, 999]
    play.subscriber < [ERROR, UNSUBSCRIBE, 1, {}, NO_SUCH_SUBSCRIPTION, ...]


@pytest.mark.spec("PS-08")
def test_nobody_can_end_the_subscription_of_another_session(play):
    subscribed(play)
    play.bob > [UNSUBSCRIBE, 1, play.sub]
    play.bob < [ERROR, UNSUBSCRIBE, 1, {}, NO_SUCH_SUBSCRIPTION, ...]
    play.publisher > [PUBLISH, 1, {}, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, {}]


@pytest.mark.spec("PS-05", "PS-08")
def test_unsubscribing_leaves_the_other_subscribers_alone(play):
    subscribed(play, "alice")
    subscribed(play, "bob")
    play.alice > [UNSUBSCRIBE, 2, play.sub]
    play.alice < [UNSUBSCRIBED, 2]
    play.publisher > [PUBLISH, 1, {}, "com.topic"]
    play.bob < [EVENT, play.sub, int, {}]
    play.alice < nothing


@pytest.mark.spec("PS-09", "PS-15")
def test_a_publication_that_wants_no_acknowledgement_is_never_answered(play):
    play.session("alice", realm="guarded")
    play.alice > [PUBLISH, 1, {}, "com.open.topic"]
    play.alice > [PUBLISH, 2, {"acknowledge": False}, "com.open.topic"]
    play.alice > [PUBLISH, 3, {}, "com.secret.topic"]
    play.alice > [PUBLISH, 4, {}, "com..topic"]
    play.alice > [PUBLISH, 5, {"disclose_me": True}, "com.hidden.topic"]
    play.alice < nothing


@pytest.mark.spec("PS-10", "PS-15")
def test_an_acknowledged_publication_is_answered_though_nobody_listens(play):
    play.publisher > [PUBLISH, 1, ACKNOWLEDGE, "com.topic"]
    play.publisher < [PUBLISHED, 1, int]


@pytest.mark.spec("PS-11", "EXC-01")
@pytest.mark.parametrize("options", [{}, {"exclude_me": True}], ids=str)
def test_the_publisher_does_not_get_its_own_event(play, options):
    subscribed(play, "alice")
    subscribed(play, "bob")
    play.alice > [PUBLISH, 2, options, "com.topic"]
    play.bob < [EVENT, play.sub, int, {}]
    play.alice < nothing


@pytest.mark.spec("EXC-02", "PS-16", "FEA-04", "AMB-35")
@pytest.mark.parametrize("roles", [None, BASIC], ids=["announced", "not announced"])
def test_the_publisher_gets_its_own_event_if_it_wants_to_after_the_acknowledgement(play, roles):
    if roles is not None:
        play.session("alice", roles=roles)
    subscribed(play, "alice")
    play.alice > [PUBLISH, 2, {"exclude_me": False, "acknowledge": True}, "com.topic", [1]]
    play.alice < [PUBLISHED, 2, ANY.as_("publication")]
    play.alice < [EVENT, play.sub, play.publication, {}, [1]]


@pytest.mark.spec("EXC-03")
def test_the_publisher_is_excluded_as_a_session_not_as_a_person(play):
    joined_as(play, "alice", "joe")
    joined_as(play, "bob", "joe")
    assert play.alice.details["authid"] == play.bob.details["authid"]
    for actor in (play.alice, play.bob):
        actor > [SUBSCRIBE, 1, {}, "com.topic"]
        actor < [SUBSCRIBED, 1, ANY.as_("sub")]
    play.alice > [PUBLISH, 2, {}, "com.topic"]
    play.bob < [EVENT, play.sub, int, {}]
    play.alice < nothing


@pytest.mark.spec("EXC-04")
def test_not_excluding_oneself_does_not_override_the_other_lists(play):
    subscribed(play, "alice")
    subscribed(play, "bob")
    play.alice > [PUBLISH, 2, {"exclude_me": False, "eligible": [play.bob.id]}, "com.topic", [1]]
    play.bob < [EVENT, play.sub, int, {}, [1]]
    play.alice < nothing
    play.alice > [PUBLISH, 3, {"exclude_me": False, "exclude": [play.alice.id]}, "com.topic", [2]]
    play.bob < [EVENT, play.sub, int, {}, [2]]
    play.alice < nothing
    play.alice > [PUBLISH, 4, {"eligible": [play.alice.id, play.bob.id]}, "com.topic", [3]]
    play.bob < [EVENT, play.sub, int, {}, [3]]
    play.alice < nothing


@pytest.mark.spec("PS-17", "AMB-07")
def test_what_a_role_may_not_do_is_refused_with_not_authorized(play):
    play.session("alice", realm="guarded")
    play.alice > [SUBSCRIBE, 1, {}, "com.secret.topic"]
    play.alice < [ERROR, SUBSCRIBE, 1, {}, "wamp.error.not_authorized", ...]
    play.alice > [PUBLISH, 2, ACKNOWLEDGE, "com.secret.topic"]
    play.alice < [ERROR, PUBLISH, 2, {}, "wamp.error.not_authorized", ...]
    play.alice > [PUBLISH, 3, ACKNOWLEDGE, "com.fixed.topic"]
    play.alice < [ERROR, PUBLISH, 3, {}, "wamp.error.not_authorized", ...]
    play.alice > [SUBSCRIBE, 4, {}, "com.fixed.topic"]
    play.alice < [SUBSCRIBED, 4, int]


@pytest.mark.spec("PS-17", "PS-09")
def test_a_publication_that_is_not_authorized_reaches_nobody(play):
    joined_as(play, "bob", "joe")
    play.bob > [SUBSCRIBE, 1, {}, "com.secret.topic"]
    play.bob < [SUBSCRIBED, 1, int]
    play.session("alice", realm="guarded")
    play.alice > [PUBLISH, 1, {}, "com.secret.topic"]
    play.alice < nothing
    play.bob < nothing


@pytest.mark.spec("PS-17")
@pytest.mark.parametrize("match", ["prefix", "wildcard"])
def test_a_permission_for_an_exact_topic_is_none_for_a_pattern(play, match):
    play.session("alice", realm="guarded")
    play.alice > [SUBSCRIBE, 1, {"match": match}, "com.fixed.topic"]
    play.alice < [ERROR, SUBSCRIBE, 1, {}, "wamp.error.not_authorized", ...]


@pytest.mark.spec("PS-12")
def test_sessions_of_different_realms_never_meet(play):
    subscribed(play, "alice")
    play.session("bob", realm="strict")
    play.bob > [PUBLISH, 1, ACKNOWLEDGE, "com.topic"]
    play.bob < [PUBLISHED, 1, int]
    play.alice < nothing


@pytest.mark.spec("SES-18", "PS-12")
def test_an_event_too_long_for_one_subscriber_still_reaches_the_others(memory_play):
    play = memory_play
    play.newcomer("alice", max_receive=4096).join()
    subscribed(play, "alice")
    subscribed(play, "bob")
    play.publisher > [PUBLISH, 1, ACKNOWLEDGE, "com.topic", ["x" * 5000]]
    play.publisher < [PUBLISHED, 1, int]
    play.bob < [EVENT, play.sub, int, {}, ["x" * 5000]]
    play.alice < nothing
    play.publisher > [PUBLISH, 2, {}, "com.topic", ["short"]]
    play.alice < [EVENT, play.sub, int, {}, ["short"]]
    play.bob < [EVENT, play.sub, int, {}, ["short"]]
