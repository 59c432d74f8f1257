"""Calls in parts (advanced profile, "Progressive Call Invocations")."""

from __future__ import annotations

import pytest

from tests.spec.scenes import LEAVING, called, pass_time, registered, without
from tests.support.play import ANY, BASIC, nothing, violation
from wampd.realms.calls import GRACE
from wampd.realms.messages import (
    CALL,
    CANCEL,
    ERROR,
    INTERRUPT,
    INVOCATION,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
    YIELD,
)

CANCELED = "wamp.error.canceled"
FEATURE_NOT_SUPPORTED = "wamp.error.feature_not_supported"
MORE = {"progress": True}
UPLOAD = "com.app.upload"


def begun(play, number=1, **options):
    """The first part of a call has reached the callee; the caller's number is 1, the callee's too."""
    registered(play, uri=UPLOAD)
    play.caller > [CALL, number, {**MORE, **options}, UPLOAD, [0]]
    play.callee < [INVOCATION, 1, play.reg, {**MORE, **options}, [0]]


def strict(play, *names):
    """These actors join a realm in which request ids count."""
    for name in names:
        play.session(name, realm="strict")


@pytest.mark.spec("PCI-01", "PCI-12", "RPC-18")
def test_parts_of_a_call_reach_the_callee_under_one_id_and_the_last_one_says_so(play):
    begun(play)
    play.caller > [CALL, 1, MORE, UPLOAD, [1], {"k": 1}]
    play.callee < [INVOCATION, 1, play.reg, MORE, [1], {"k": 1}]
    play.caller > [CALL, 1, {}, UPLOAD, [2]]
    play.callee < [INVOCATION, 1, play.reg, {}, [2]]
    play.caller < nothing
    play.callee > [YIELD, 1, {}, ["all"]]
    play.caller < [RESULT, 1, {}, ["all"]]


@pytest.mark.spec("PCI-01")
def test_the_last_part_may_say_that_there_is_no_more_and_parts_may_be_empty(play):
    begun(play)
    play.caller.say([CALL, 1, MORE, UPLOAD], [CALL, 1, {"progress": False}, UPLOAD])
    play.callee < [INVOCATION, 1, play.reg, MORE]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("PCI-03", "PV-08", "FEA-02", "AMB-35")
@pytest.mark.parametrize("roles", [BASIC, without("caller", "progressive_call_invocations")], ids=["basic", "but this"])
def test_a_caller_that_did_not_announce_it_must_not_call_in_parts(play, roles):
    registered(play, uri=UPLOAD)
    play.session("caller", roles=roles)
    play.caller > [CALL, 1, MORE, UPLOAD]
    play.caller < violation("progressive_call_invocations")
    play.callee < nothing


@pytest.mark.spec("PCI-04", "FEA-02", "AMB-02")
@pytest.mark.parametrize("feature", ["progressive_call_invocations", "call_canceling"])
def test_a_callee_that_lacks_it_is_not_called_in_parts(play, feature):
    play.session("callee", roles=without("callee", feature))
    registered(play, uri=UPLOAD)
    play.caller.say([CALL, 1, MORE, UPLOAD], [CALL, 1, MORE, UPLOAD], [CALL, 1, {}, UPLOAD])
    play.caller < [ERROR, CALL, 1, {}, FEATURE_NOT_SUPPORTED, ...]
    play.caller < nothing
    play.callee < nothing
    play.caller > [CALL, 2, {}, UPLOAD]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 2, {}]


@pytest.mark.spec("PCI-04", "AMB-02")
def test_the_other_spelling_of_cancelling_will_do(play):
    features = {"progressive_call_invocations": True, "call_cancelling": True}
    play.session("callee", roles={"callee": {"features": features}})
    begun(play)
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@LEAVING
@pytest.mark.spec("PCI-05", "RPC-14")
def test_when_the_caller_leaves_between_its_parts_the_callee_is_interrupted(play, leave):
    begun(play)
    leave(play.caller)
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]
    play.callee > [YIELD, 1, {}]
    play.callee < nothing


@LEAVING
@pytest.mark.spec("PCI-05", "PCI-06", "RPC-16", "RPC-18")
def test_when_the_callee_leaves_the_caller_gets_an_error_and_its_further_parts_are_dropped(play, leave):
    begun(play)
    leave(play.callee)
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    registered(play, "bob", uri=UPLOAD, reg="another")
    play.caller.say([CALL, 1, MORE, UPLOAD], [CALL, 1, {}, UPLOAD])
    play.caller < nothing
    play.bob < nothing


@pytest.mark.spec("PCI-06", "RPC-18")
@pytest.mark.parametrize("answer", [[YIELD, 1, {}], [ERROR, INVOCATION, 1, {}, "com.err"]], ids=["yield", "error"])
@pytest.mark.parametrize("realm", ["realm1", "strict"])
def test_parts_that_come_after_the_answer_are_dropped(play, answer, realm):
    play.session("caller", realm=realm)
    play.session("callee", realm=realm)
    begun(play)
    play.callee > answer
    play.caller < ([RESULT, 1, {}] if answer[0] == YIELD else [ERROR, CALL, 1, {}, "com.err"])
    play.caller.say([CALL, 1, MORE, UPLOAD, [1]], [CALL, 1, MORE, UPLOAD, [2]], [CALL, 1, {}, UPLOAD, [3]])
    play.callee < nothing
    play.caller < nothing
    play.caller > [CALL, 2, {}, UPLOAD]
    play.callee < [INVOCATION, 2, play.reg, {}]
    play.callee > [YIELD, 2, {}]
    play.caller < [RESULT, 2, {}]


@pytest.mark.spec("PCI-06", "RPC-18")
@pytest.mark.parametrize("uri", ["com.no.such", "com..bad"])
def test_parts_of_a_call_that_was_refused_are_dropped(play, uri):
    play.caller.say([CALL, 1, MORE, uri], [CALL, 1, MORE, uri], [CALL, 1, {}, uri])
    play.caller < [ERROR, CALL, 1, {}, ANY, ...]
    play.caller < nothing


@pytest.mark.spec("PCI-07", "PCI-08", "CID-01")
def test_what_the_first_part_asks_for_holds_for_all_and_later_options_count_for_nothing(play):
    begun_options = {"disclose_me": True, "receive_progress": True}
    registered(play, uri=UPLOAD)
    play.caller > [CALL, 1, {**MORE, **begun_options}, UPLOAD]
    disclosed = {"caller": play.caller.id, "caller_authid": str, "caller_authrole": "anonymous"}
    told = {**disclosed, "receive_progress": True}
    play.callee < [INVOCATION, 1, play.reg, {**told, **MORE}]
    play.caller > [CALL, 1, {**MORE, "disclose_me": False}, UPLOAD]
    play.callee < [INVOCATION, 1, play.reg, {**told, **MORE}]
    play.caller > [CALL, 1, {}, UPLOAD]
    play.callee < [INVOCATION, 1, play.reg, told]
    play.callee > [YIELD, 1, MORE, ["half"]]
    play.caller < [RESULT, 1, MORE, ["half"]]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("PCI-07", "PPT-08")
def test_options_that_the_first_part_did_not_have_are_not_passed_on_later(play):
    begun(play)
    late = {"disclose_me": True, "receive_progress": True, "timeout": 5, "ppt_scheme": "x_mine"}
    play.caller > [CALL, 1, {**MORE, **late}, UPLOAD, [1]]
    play.callee < [INVOCATION, 1, play.reg, MORE, [1]]
    pass_time(play, 0.05)
    play.callee > [YIELD, 1, {"progress": True}, ["nobody asked"]]
    play.caller < nothing
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("PPT-08", "PCI-07")
def test_a_payload_scheme_of_the_first_part_holds_for_all(play):
    scheme = {"ppt_scheme": "x_mine", "ppt_serializer": "x_own"}
    registered(play, uri=UPLOAD)
    play.caller > [CALL, 1, {**MORE, **scheme}, UPLOAD, ["one"]]
    play.callee < [INVOCATION, 1, play.reg, {**MORE, **scheme}, ["one"]]
    play.caller > [CALL, 1, {"ppt_scheme": "x_other", "ppt_keyid": "k"}, UPLOAD, ["two"]]
    play.callee < [INVOCATION, 1, play.reg, scheme, ["two"]]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]


@pytest.mark.spec("PCI-09", "PCR-08", "PCR-02")
def test_both_sides_may_speak_in_parts_at_the_same_time(play):
    begun(play, receive_progress=True)
    play.callee > [YIELD, 1, MORE, ["first"]]
    play.caller < [RESULT, 1, MORE, ["first"]]
    play.callee > [YIELD, 1, MORE, ["second"]]
    play.caller < [RESULT, 1, MORE, ["second"]]
    play.caller > [CALL, 1, MORE, UPLOAD, [1]]
    play.callee < [INVOCATION, 1, play.reg, {"receive_progress": True, **MORE}, [1]]
    play.caller > [CALL, 1, {}, UPLOAD, [2]]
    play.callee < [INVOCATION, 1, play.reg, {"receive_progress": True}, [2]]
    play.callee > [YIELD, 1, MORE, ["third"]]
    play.caller < [RESULT, 1, MORE, ["third"]]
    play.callee > [YIELD, 1, {}, ["last"]]
    play.caller < [RESULT, 1, {}, ["last"]]


@pytest.mark.spec("PCI-10", "PCI-12", "PCI-15")
@pytest.mark.parametrize("realm", ["realm1", "strict"])
def test_ids_count_over_all_requests_and_parts_do_not_count(play, realm):
    play.session("caller", realm=realm)
    play.session("callee", realm=realm)
    begun(play)
    play.caller > [SUBSCRIBE, 2, {}, "com.topic"]
    play.caller < [SUBSCRIBED, 2, int]
    play.caller > [CALL, 1, MORE, UPLOAD, [1]]
    play.callee < [INVOCATION, 1, play.reg, MORE, [1]]
    play.caller > [CALL, 3, {}, UPLOAD]
    play.callee < [INVOCATION, 2, play.reg, {}]
    play.caller > [CALL, 1, {}, UPLOAD, [2]]
    play.callee < [INVOCATION, 1, play.reg, {}, [2]]
    play.callee.say([YIELD, 1, {}], [YIELD, 2, {}])
    play.caller < [RESULT, 1, {}]
    play.caller < [RESULT, 3, {}]


@pytest.mark.spec("PCI-11", "ID-05")
def test_an_id_that_skips_some_is_a_violation_where_ids_count(play):
    strict(play, "caller", "callee")
    begun(play)
    play.caller > [CALL, 3, MORE, UPLOAD]
    play.caller < violation("request id 3 where 2 was due")
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("PCI-13")
@pytest.mark.parametrize("options", [{}, MORE], ids=str)
@pytest.mark.parametrize("realm", ["realm1", "strict"])
def test_a_call_that_is_not_in_parts_cannot_be_continued(play, options, realm):
    play.session("caller", realm=realm)
    play.session("callee", realm=realm)
    called(play)
    play.caller > [CALL, 1, options, "com.app.add"]
    play.caller < violation("CALL 1 is still being served")
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("PCI-13")
@pytest.mark.parametrize("options", [{}, MORE], ids=str)
def test_after_its_last_part_a_call_cannot_be_continued(play, options):
    begun(play)
    play.caller > [CALL, 1, {}, UPLOAD]
    play.callee < [INVOCATION, 1, play.reg, {}]
    play.caller > [CALL, 1, options, UPLOAD]
    play.caller < violation("CALL 1 is still being served")
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("PCI-14")
@pytest.mark.parametrize("realm", ["realm1", "strict"])
def test_the_id_of_a_call_that_was_ended_on_both_sides_is_used_up_where_ids_count_and_free_elsewhere(play, realm):
    play.session("caller", realm=realm)
    play.session("callee", realm=realm)
    begun(play)
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    play.caller > [CALL, 1, {}, UPLOAD]  # the last part, which nobody needs any more
    play.caller < nothing
    play.caller > [CALL, 1, MORE, UPLOAD]
    if realm == "strict":
        play.caller < violation("request id 1 where 2 was due")
    else:
        play.callee < [INVOCATION, 2, play.reg, MORE]
        play.callee > [YIELD, 2, {}]
        play.caller < [RESULT, 1, {}]


@pytest.mark.spec("PCI-14", "AMB-37")
@pytest.mark.parametrize("realm", ["realm1", "strict"])
def test_parts_are_late_for_a_while_only(memory_play, realm):
    play = memory_play
    play.session("caller", realm=realm)
    play.session("callee", realm=realm)
    begun(play)
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    pass_time(play, GRACE)
    play.caller > [CALL, 1, MORE, UPLOAD]
    play.caller < nothing
    pass_time(play, 1)
    play.caller > [CALL, 1, MORE, UPLOAD]
    if realm == "strict":
        play.caller < violation
    else:
        play.callee < [INVOCATION, 2, play.reg, MORE]


@pytest.mark.spec("PCI-16")
@pytest.mark.parametrize("realm", ["realm1", "strict"])
def test_another_procedure_does_not_continue_a_call(play, realm):
    play.session("caller", realm=realm)
    play.session("callee", realm=realm)
    begun(play)
    play.caller > [CALL, 1, MORE, "com.app.other"]
    play.caller < violation("CALL 1 is still being served")
    play.callee < [INTERRUPT, 1, {...: ...}]


@pytest.mark.spec("PCI-16")
@pytest.mark.parametrize("realm", ["realm1", "strict"])
def test_nor_does_it_continue_one_that_is_over(play, realm):
    play.session("caller", realm=realm)
    play.session("callee", realm=realm)
    begun(play)
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
    play.caller > [CALL, 1, {}, "com.app.other"]
    if realm == "strict":
        play.caller < violation
    else:
        play.caller < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ...]


@pytest.mark.spec("PCI-17", "CAN-04")
def test_parts_after_a_cancellation_are_dropped(play):
    begun(play)
    play.caller.say([CANCEL, 1, {}], [CALL, 1, MORE, UPLOAD], [CALL, 1, {}, UPLOAD])
    play.caller < [ERROR, CALL, 1, {}, CANCELED, ...]
    play.callee < [INTERRUPT, 1, {"mode": "killnowait", ...: ...}]
    play.callee < nothing
    play.caller < nothing


@pytest.mark.spec("PCI-17", "CAN-03")
def test_parts_after_a_kill_do_not_reach_the_callee_whose_answer_is_still_due(play):
    begun(play)
    play.caller.say([CANCEL, 1, {"mode": "kill"}], [CALL, 1, MORE, UPLOAD], [CALL, 1, {}, UPLOAD])
    play.callee < [INTERRUPT, 1, {"mode": "kill", ...: ...}]
    play.callee < nothing
    play.callee > [ERROR, INVOCATION, 1, {}, CANCELED]
    play.caller < [ERROR, CALL, 1, {}, CANCELED]
    play.caller < nothing


@pytest.mark.spec("PCI-10", "PCI-12")
def test_calls_in_parts_may_overlap(play):
    registered(play, uri=UPLOAD)
    play.caller.say(*[[CALL, number, MORE, UPLOAD, [number]] for number in (1, 2, 3)])
    for number in (1, 2, 3):
        play.callee < [INVOCATION, number, play.reg, MORE, [number]]
    play.caller.say(*[[CALL, number, {}, UPLOAD, [-number]] for number in (3, 1, 2)])
    for number in (3, 1, 2):
        play.callee < [INVOCATION, number, play.reg, {}, [-number]]
        play.callee > [YIELD, number, {}]
        play.caller < [RESULT, number, {}]


@pytest.mark.spec("PCI-04")
@pytest.mark.parametrize("options", [MORE, {"ppt_scheme": "x_mine"}, {"enc_algo": "cryptobox"}], ids=str)
def test_the_routers_own_procedures_lack_it(memory_play, options):
    play = memory_play
    play.stage.realms["realm1"].core.dealer.services.procedures["wamp.own"] = lambda _caller, args, _kwargs: args
    play.caller > [CALL, 1, options, "wamp.own", ["x"]]
    play.caller < [ERROR, CALL, 1, {}, FEATURE_NOT_SUPPORTED, ...]
    play.caller > [CALL, 2, {"timeout": 50, "receive_progress": True}, "wamp.own", ["x"]]
    play.caller < [RESULT, 2, {}, [["x"]]]


@pytest.mark.spec("PCI-02", "PRG-06")
def test_every_part_of_a_call_that_a_pattern_caught_tells_the_procedure(play):
    play.callee > [REGISTER, 1, {"match": "prefix"}, "com.app"]
    play.callee < [REGISTERED, 1, ANY.as_("reg")]
    play.caller.say([CALL, 1, MORE, UPLOAD], [CALL, 1, {}, UPLOAD])
    play.callee < [INVOCATION, 1, play.reg, {"procedure": UPLOAD, **MORE}]
    play.callee < [INVOCATION, 1, play.reg, {"procedure": UPLOAD}]
    play.callee > [YIELD, 1, {}]
    play.caller < [RESULT, 1, {}]
