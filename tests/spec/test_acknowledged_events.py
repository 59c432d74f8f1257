"""Events that are acknowledged by their receivers: an extension of the specification's test suite."""

from __future__ import annotations

import pytest

from tests.spec.scenes import subscribed
from tests.support.play import ALL, BASIC, nothing, violation
from wampd.realms.messages import EVENT, EVENT_RECEIVED, PUBLISH


@pytest.mark.spec("EAK-01", "MSG-11")
@pytest.mark.parametrize("roles", [ALL, BASIC], ids=["announced", "not announced"])
def test_the_acknowledgement_of_an_event_is_taken_and_has_no_consequence(play, roles):
    play.session("subscriber", roles=roles)
    subscribed(play)
    play.publisher > [PUBLISH, 1, {}, "com.topic", [1]]
    event = play.subscriber.hear()
    assert event == [EVENT, play.sub, event[2], {}, [1]]  # it does not ask for one
    play.subscriber > [EVENT_RECEIVED, event[2]]
    play.subscriber > [EVENT_RECEIVED, 123]
    play.subscriber < nothing
    play.publisher > [PUBLISH, 2, {}, "com.topic", [2]]
    play.subscriber < [EVENT, play.sub, int, {}, [2]]


@pytest.mark.spec("EAK-01", "FEA-01")
def test_the_extension_is_not_announced(play):
    assert not any("acknowledged" in name for name in play.alice.details["roles"]["broker"]["features"])


@pytest.mark.spec("EAK-01", "MSG-07")
@pytest.mark.parametrize("message", [[337], [337, 0], [337, "x"], [337, 1, {}], [337, -1]], ids=str)
def test_an_acknowledgement_that_is_none_is_a_violation(play, message):
    play.alice > message
    play.alice < violation


@pytest.mark.spec("EAK-01", "SES-02")
def test_only_subscribers_acknowledge_events(play):
    play.session("alice", roles={"caller": {}})
    play.alice > [EVENT_RECEIVED, 1]
    play.alice < violation("subscriber")
