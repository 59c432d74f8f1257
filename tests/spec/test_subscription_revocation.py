"""Subscriptions that the router ends (advanced profile, "Subscription Revocation")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import published, subscribed
from tests.support.play import ALL, BASIC, nothing
from wampd.realms.messages import ERROR, EVENT, UNSUBSCRIBE, UNSUBSCRIBED


def revoke(play, name, reason="com.reason"):
    """What ``wamp.subscription.remove_subscriber`` does."""
    realm = play.stage.realms["realm1"].core
    subscription = realm.broker.by_id[play.sub]
    done = realm.broker.revoke(subscription, realm.sessions[getattr(play, name).id], reason)
    play.stage.realms.end_of_turn()
    play.fence()
    return done


@pytest.mark.spec("SRV-01", "AMB-30")
def test_a_subscriber_that_understands_it_is_told(memory_play):
    play = memory_play
    subscribed(play, "alice")
    subscribed(play, "bob")
    assert revoke(play, "alice")
    play.alice < [UNSUBSCRIBED, 0, {"subscription": play.sub, "reason": "com.reason"}]
    published(play.publisher, "com.topic", [1])
    play.bob < [EVENT, play.sub, int, {}, [1]]
    play.alice < nothing
    play.alice > [UNSUBSCRIBE, 2, play.sub]
    play.alice < [ERROR, UNSUBSCRIBE, 2, {}, "wamp.error.no_such_subscription"]
    assert not revoke(play, "alice")


@pytest.mark.spec("SRV-02", "FEA-02")
def test_a_subscriber_that_does_not_understand_it_hears_nothing_and_gets_no_more_events(memory_play):
    play = memory_play
    play.session("alice", roles=BASIC)
    subscribed(play, "alice")
    subscribed(play, "bob")
    assert revoke(play, "alice")
    published(play.publisher, "com.topic", [1])
    play.bob < [EVENT, play.sub, int, {}, [1]]
    play.alice < nothing


@pytest.mark.spec("SRV-03")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
def test_the_meta_events_of_the_end_are_sent(memory_play, roles):
    play = memory_play
    subscribed(play, "carol", "wamp.subscription.on_unsubscribe", sub="ends")
    subscribed(play, "carol", "wamp.subscription.on_delete", request=2, sub="deletes")
    play.session("alice", roles=roles)
    subscribed(play, "alice")
    assert revoke(play, "alice")
    if roles is ALL:
        play.alice < [UNSUBSCRIBED, 0, {...: ...}]
    play.carol < [EVENT, play.ends, int, {}, [play.alice.id, play.sub]]
    play.carol < [EVENT, play.deletes, int, {}, [play.alice.id, play.sub]]
