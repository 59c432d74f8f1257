"""What clients may do whose HELLO does not announce all that they do (basic profile, "Agent Identification").

Realms that check roles, as they do unless set otherwise, are in ``test_messages``.
"""

from __future__ import annotations

import pytest

from tests.support.play import ANY, violation
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    EVENT,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    UNREGISTER,
    UNREGISTERED,
    UNSUBSCRIBE,
    UNSUBSCRIBED,
    WELCOME,
    YIELD,
)


@pytest.mark.spec("MSG-13", "FEA-02")
def test_a_realm_that_does_not_check_roles_serves_what_a_client_did_not_announce(play):
    alice = play.session("alice", "lenient", roles={"caller": {}})
    bob = play.session("bob", "lenient", roles={"publisher": {}})
    alice > [SUBSCRIBE, 1, {}, "com.topic"]
    alice < [SUBSCRIBED, 1, ANY.as_("sub")]
    alice > [REGISTER, 2, {}, "com.procedure"]
    alice < [REGISTERED, 2, ANY.as_("reg")]
    bob > [CALL, 1, {"receive_progress": True}, "com.procedure"]
    alice < [INVOCATION, 1, play.reg, {}]
    alice > [YIELD, 1, {}]
    bob < [RESULT, 1, {}]
    bob > [CALL, 2, {}, "com.procedure"]
    alice < [INVOCATION, 2, play.reg, {}]
    bob > [CANCEL, 2, {}]
    bob < [ERROR, CALL, 2, {}, "wamp.error.canceled", [str]]
    bob > [CALL, 3, {}, "com.procedure"]
    alice < [INVOCATION, 3, play.reg, {}]
    alice > [ERROR, INVOCATION, 3, {}, "com.error"]
    bob < [ERROR, CALL, 3, {}, "com.error"]
    bob > [PUBLISH, 4, {}, "com.topic"]
    alice < [EVENT, play.sub, int, {}]
    alice > [PUBLISH, 3, {"acknowledge": True}, "com.topic"]
    alice < [PUBLISHED, 3, int]
    alice > [UNSUBSCRIBE, 4, play.sub]
    alice < [UNSUBSCRIBED, 4]
    alice > [UNREGISTER, 5, play.reg]
    alice < [UNREGISTERED, 5]
    alice > [WELCOME, 1, {}]
    alice < violation
    bob > [CALL, 5, {"progress": True}, "com.procedure"]
    bob < violation("progressive_call_invocations")


@pytest.mark.spec("MSG-13", "SES-04")
def test_a_realm_that_does_not_check_roles_still_wants_one_to_be_announced(play):
    play.newcomer("alice").hello("lenient", roles={})
    play.alice < violation
