"""How far a publication may be trusted (advanced profile, "Publication Trust Levels")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import joined_as, subscribed
from tests.support.play import ALL, BASIC
from wampd.realms.messages import EVENT, PUBLISH


@pytest.mark.spec("TPL-01", "FEA-02")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
def test_events_carry_the_trust_level_of_the_publishers_role_and_of_the_topic(play, roles):
    play.session("subscriber", "trusting", roles)
    subscribed(play, uri="com.", match="prefix")
    play.session("alice", "trusting", roles)
    joined_as(play, "joe", "joe", "trusting")
    for number, (actor, topic, level) in enumerate(
        [
            (play.alice, "com.topic", {"trustlevel": 1}),
            (play.alice, "com.low.topic", {"trustlevel": 0}),
            (play.joe, "com.high.topic", {"trustlevel": 9}),
            (play.joe, "com.topic", {}),
        ],
        1,
    ):
        actor > [PUBLISH, number, {}, topic]
        play.subscriber < [EVENT, play.sub, int, {"topic": topic, **level}]


@pytest.mark.spec("TPL-01")
@pytest.mark.trap(4)
@pytest.mark.parametrize("said", [9, "high", None, {"is": 9}], ids=repr)
def test_what_a_publisher_says_of_its_trust_level_does_not_count(play, said):
    play.session("subscriber", "trusting")
    subscribed(play)
    play.session("alice", "trusting")
    play.alice > [PUBLISH, 1, {"trustlevel": said}, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, {"trustlevel": 1}]


@pytest.mark.spec("TPL-01")
def test_where_nothing_is_configured_nothing_is_told_of_trust(play):
    subscribed(play)
    play.publisher > [PUBLISH, 1, {"trustlevel": 9}, "com.topic"]
    play.subscriber < [EVENT, play.sub, int, {}]


@pytest.mark.spec("FEA-01")
def test_trust_levels_are_announced(play):
    assert play.alice.details["roles"]["broker"]["features"]["publication_trustlevels"] is True
