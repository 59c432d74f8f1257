"""Protocol violations (basic profile, "Protocol Errors"), and which message is legal when."""

from __future__ import annotations

import pytest

from tests.spec.scenes import joined_as, registered, subscribed
from tests.spec.test_dynamic_authenticators import authenticator, knocking
from tests.support.play import BASIC, closed, nothing, violation
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CANCEL,
    CHALLENGE,
    ERROR,
    EVENT,
    EVENT_RECEIVED,
    GOODBYE,
    HELLO,
    INTERRUPT,
    INVOCATION,
    MESSAGES,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    RESULT,
    SUBSCRIBE,
    UNREGISTER,
    UNSUBSCRIBE,
    WELCOME,
    YIELD,
    Sender,
)
from wampd.realms.session import LEGAL, State


@pytest.mark.spec("PV-00", "SES-18")
def test_after_a_violation_nothing_is_processed_and_everything_is_disposed_of(play):
    registered(play, "alice")
    subscribed(play, "alice", request=2)
    subscribed(play, "bob")
    play.alice.say([], [PUBLISH, 3, {"acknowledge": True}, "com.topic"], [CALL, 4, {}, "com.app.add"])
    play.alice < violation
    play.bob < nothing
    play.bob > [CALL, 2, {}, "com.app.add"]
    play.bob < [ERROR, CALL, 2, {}, "wamp.error.no_such_procedure", ...]
    play.bob > [PUBLISH, 3, {"acknowledge": True}, "com.topic"]
    play.bob < [PUBLISHED, 3, int]


@pytest.mark.spec("PV-00")
def test_what_was_sent_before_a_violation_is_served(play):
    subscribed(play, "bob")
    play.alice.say([PUBLISH, 1, {"acknowledge": True}, "com.topic"], [999], [PUBLISH, 2, {}, "com.topic"])
    play.alice < [PUBLISHED, 1, int]
    play.alice < violation
    play.bob < [EVENT, play.sub, int, {}]
    play.bob < nothing


@pytest.mark.spec("PV-00", "SES-08")
def test_an_abort_of_the_router_is_not_answered_by_anything_that_matters(play):
    play.alice.say([999], [ABORT, {}, "a.b"], [GOODBYE, {}, "a.b"], [HELLO, "realm1", {"roles": BASIC}])
    play.alice < violation


@pytest.mark.spec("PV-04", "RPC-20", "AMB-03")
@pytest.mark.parametrize("number", [1, 12345, 2**53])
@pytest.mark.parametrize("kind", ["yield", "progress", "error"])
def test_answering_an_invocation_that_never_was_is_a_violation(play, kind, number):
    options = {"progress": True} if kind == "progress" else {}
    play.alice > ([ERROR, INVOCATION, number, {}, "com.err"] if kind == "error" else [YIELD, number, options])
    play.alice < violation


@pytest.mark.spec("PV-09", "PV-04")
def test_answering_the_invocation_after_the_last_one_is_a_violation(play):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 2, {}]
    play.callee < violation
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]


@pytest.mark.spec("PV-08", "PCI-03")
def test_a_progressive_call_of_a_caller_that_may_not_make_one_is_a_violation(play):
    play.session("caller", roles=BASIC)
    registered(play)
    play.caller > [CALL, 1, {"progress": True}, "com.app.add", [1]]
    play.caller < violation("progressive")
    play.callee < nothing


@pytest.mark.spec("PV-08")
def test_payload_passthru_that_was_not_announced_is_a_violation(play):
    options = {"ppt_scheme": "x_custom"}
    for number, message in enumerate(
        [[PUBLISH, 1, options, "com.topic", [""]], [CALL, 1, options, "com.app.add", [""]]]
    ):
        actor = play.session(f"guest {number}", roles=BASIC)
        actor > message
        actor < violation("passthru")


@pytest.mark.spec("PV-08", "RPC-18")
@pytest.mark.parametrize("kind", ["yield", "error"])
def test_an_answer_with_payload_passthru_that_was_not_announced_is_a_violation(play, kind):
    play.session("callee", roles=BASIC)
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    options = {"ppt_scheme": "x_custom"}
    play.callee > ([ERROR, INVOCATION, 1, options, "com.err", ["x"]] if kind == "error" else [YIELD, 1, options, ["x"]])
    play.callee < violation("passthru")
    play.caller < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]


@pytest.mark.spec("PCI-13")
def test_a_call_with_the_id_of_one_that_is_under_way_is_a_violation(play):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.caller < violation
    play.callee < [69, 1, {...: ...}]


# -------------------------------------------------------------------------------------- the table of states and messages

SAMPLES = {
    HELLO: [HELLO, "guarded", {"roles": BASIC, "authmethods": ["ticket"], "authid": "joe"}],
    ABORT: [ABORT, {}, "com.app.broken"],
    AUTHENTICATE: [AUTHENTICATE, "hunter2-of-joe", {}],
    GOODBYE: [GOODBYE, {}, "wamp.close.close_realm"],
    ERROR: [ERROR, INVOCATION, 1, {}, "com.err"],
    PUBLISH: [PUBLISH, 10, {"acknowledge": True}, "com.topic"],
    SUBSCRIBE: [SUBSCRIBE, 11, {}, "com.topic"],
    UNSUBSCRIBE: [UNSUBSCRIBE, 12, 999],
    EVENT_RECEIVED: [EVENT_RECEIVED, 123],
    CALL: [CALL, 13, {}, "com.no.such"],
    CANCEL: [CANCEL, 1, {}],
    REGISTER: [REGISTER, 14, {}, "com.other"],
    UNREGISTER: [UNREGISTER, 15, 999],
    YIELD: [YIELD, 1, {}],
}
"""One message of each type that a client may send; legal in its state, it is not refused for anything else."""

FIRST_ANSWER = {
    (State.OPENING, HELLO): [CHALLENGE, "ticket", {}],
    (State.CHALLENGING, AUTHENTICATE): [WELCOME, int, dict],
    (State.ESTABLISHED, GOODBYE): [GOODBYE, {}, "wamp.close.goodbye_and_out"],
    (State.ESTABLISHED, ERROR): nothing,
    (State.ESTABLISHED, PUBLISH): [PUBLISHED, 10, int],
    (State.ESTABLISHED, SUBSCRIBE): [33, 11, int],
    (State.ESTABLISHED, UNSUBSCRIBE): [ERROR, UNSUBSCRIBE, 12, {}, "wamp.error.no_such_subscription", ...],
    (State.ESTABLISHED, EVENT_RECEIVED): nothing,
    (State.ESTABLISHED, CALL): [ERROR, CALL, 13, {}, "wamp.error.no_such_procedure", ...],
    (State.ESTABLISHED, CANCEL): nothing,
    (State.ESTABLISHED, REGISTER): [65, 14, int],
    (State.ESTABLISHED, UNREGISTER): [ERROR, UNREGISTER, 15, {}, "wamp.error.no_such_registration", ...],
    (State.ESTABLISHED, YIELD): nothing,
}
"""What a legal message is answered with; ABORT, always, by closing alone."""


def in_state(play, state):
    """Alice, in this state of her session."""
    if state is State.WAITING:
        authenticator(play)  # who does not answer
        return knocking(play)
    alice = play.newcomer("alice")
    if state is not State.OPENING:
        alice > SAMPLES[HELLO]
        alice < [CHALLENGE, "ticket", {}]
    if state is not State.OPENING and state is not State.CHALLENGING:
        alice > SAMPLES[AUTHENTICATE]
        alice.welcome()
        registered(play, "alice")
        joined_as(play, "bob", "ann")
        play.bob > [CALL, 1, {}, "com.app.add"]
        alice < [INVOCATION, 1, play.reg, {}]
        play.bob > [CANCEL, 1, {"mode": "skip"}]
        play.bob < [ERROR, CALL, 1, {}, "wamp.error.canceled", ...]
    if state is State.CLOSING:
        alice.wire.line.peer.dismiss("wamp.close.killed")
        play.stage.realms.end_of_turn()
        play.fence()
        alice < [GOODBYE, {}, "wamp.close.killed"]
    if state is State.CLOSED:
        alice > [999]
        alice < violation
    return alice


@pytest.mark.spec("PV-01", "PV-02", "SES-01", "SES-07", "SES-10", "SES-15", "SES-16", "MSG-10", "PV-10")
@pytest.mark.parametrize("code", list(MESSAGES), ids=[row.name for row in MESSAGES.values()])
@pytest.mark.parametrize("state", list(State), ids=[state.value for state in State])
def test_what_is_legal_in_a_state_is_served_and_all_else_is_a_violation(memory_play, state, code):
    play = memory_play
    row = MESSAGES[code]
    alice = in_state(play, state)
    alice > SAMPLES.get(code, [code, 1, {}])
    if state is State.WAITING:
        play.authenticator < [INVOCATION, ...]
        play.authenticator < [INTERRUPT, ...]  # whoever waited is gone
    if state is State.CLOSED:
        # All has been said.
        assert alice.has_ended()
        alice.expect_no_more()
    elif row.struct is None and state is State.CLOSING:
        # What no client sends is not even a message.
        alice < violation
    elif state is State.CLOSING and row.struct not in LEGAL[state]:
        alice < nothing
        assert not alice.has_ended()
    elif row.struct not in LEGAL[state]:
        alice < violation
    elif code == ABORT or state is State.CLOSING:
        alice < closed
    else:
        alice < FIRST_ANSWER[state, code]
        assert not alice.has_ended()


@pytest.mark.spec("MSG-10")
def test_the_samples_are_every_message_that_clients_send():
    assert set(SAMPLES) == {code for code, row in MESSAGES.items() if row.sender & Sender.CLIENT}


NOT_FIRST = [row for code, row in MESSAGES.items() if code not in (HELLO, ABORT)]


@pytest.mark.spec("PV-02")
@pytest.mark.parametrize("row", NOT_FIRST, ids=[row.name for row in NOT_FIRST])
def test_before_hello_nothing_else_is_taken(play, row):
    play.newcomer("alice") > SAMPLES.get(row.code, [row.code, 1, {}])
    play.alice < violation


@pytest.mark.spec("RPC-19", "PV-04")
def test_a_result_counts_although_more_answers_follow_it(play):
    registered(play)
    play.caller > [CALL, 1, {}, "com.app.add"]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee.say(*[[YIELD, 1, {}, [number]] for number in range(100)])
    play.caller < [RESULT, 1, {}, [0]]
    play.caller < nothing
    play.callee < nothing
