"""The books: who joined, who failed to, who was denied what, and who sent others away; for those alone who may know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.spec.scenes import joined_as
from tests.support.overheard import overheard
from tests.support.play import ANY, nothing
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    EVENT,
    GOODBYE,
    PUBLISH,
    REGISTER,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
)

DENIED = "wamp.error.not_authorized"
REFUSED = "wamp.error.authentication_denied"


@pytest.fixture
def book() -> Iterator[list[dict[str, Any]]]:
    """What is written into the books."""

    def entry(event: dict[str, Any]) -> dict[str, Any] | None:
        if "audit" not in event:
            return None
        fields = dict(zip(*event.get("log_fields", ((), ())), strict=True))
        return {**{key: value for key, value in event.items() if not key.startswith("log_")}, **fields}

    with overheard(entry) as entries:
        yield entries


def auditor(play, *kinds, realm="booked"):
    """Somebody who reads the books."""
    boss = joined_as(play, "auditor", "boss", realm)
    for number, kind in enumerate(kinds, 1):
        boss > [SUBSCRIBE, number, {}, f"wampd.audit.{kind}"]
        boss < [SUBSCRIBED, number, ANY.as_(kind)]
    return boss


def told(play, boss, kind, **fields):
    boss < [EVENT, getattr(play, kind), int, {}, [{"realm": "booked", "address": str, **fields}]]


def person(actor, authid="joe", role="visitor"):
    return {"session": actor.id, "authid": authid, "role": role, "method": "ticket"}


@pytest.mark.spec("AZ-07")
def test_a_denial_is_told_to_those_who_read_the_books(play):
    boss = auditor(play, "denied")
    joe = joined_as(play, "joe", "joe", "booked")
    refused = {**person(joe), "reason": DENIED}
    joe > [CALL, 1, {}, "com.closed.x"]
    joe < [ERROR, CALL, 1, {}, DENIED, ANY]
    told(play, boss, "denied", **refused, request=1, action="call", uri="com.closed.x", match="exact")
    joe > [REGISTER, 2, {"match": "prefix"}, "com."]
    joe < [ERROR, REGISTER, 2, {}, DENIED, ANY]
    told(play, boss, "denied", **refused, request=2, action="register", uri="com.", match="prefix")
    joe > [PUBLISH, 3, {}, "com.closed.y"]  # nobody answers it
    told(play, boss, "denied", **refused, request=3, action="publish", uri="com.closed.y", match="exact")
    joe > [PUBLISH, 4, {"exclude_me": False}, "com.closed.z"]
    told(play, boss, "denied", **refused, request=4, action="publish", uri="com.closed.z", match="exact")
    joe > [SUBSCRIBE, 5, {"match": "wildcard"}, "wampd..denied"]
    joe < [ERROR, SUBSCRIBE, 5, {}, DENIED, ANY]
    told(play, boss, "denied", **refused, request=5, action="subscribe", uri="wampd..denied", match="wildcard")


def test_what_is_refused_for_other_reasons_is_no_denial(play):
    boss = auditor(play, "denied")
    joe = joined_as(play, "joe", "joe", "booked")
    joe > [CALL, 1, {}, "com.open.nothing"]
    joe < [ERROR, CALL, 1, {}, "wamp.error.no_such_procedure", ANY]
    joe > [SUBSCRIBE, 2, {}, "not a uri"]
    joe < [ERROR, SUBSCRIBE, 2, {}, "wamp.error.invalid_uri", ANY]
    boss < nothing


def test_who_may_not_read_the_books_hears_nothing_of_them(play):
    joe = joined_as(play, "joe", "joe", "booked")
    for number, (uri, match) in enumerate(
        [("wampd.audit.denied", "exact"), ("wampd.", "prefix"), ("", "prefix"), ("..", "wildcard")], 1
    ):
        joe > [SUBSCRIBE, number, {"match": match}, uri]
        joe < [ERROR, SUBSCRIBE, number, {}, DENIED, ANY]
    joe > [PUBLISH, 9, {"acknowledge": True}, "wampd.audit.denied", ["a forgery"]]
    joe < [ERROR, PUBLISH, 9, {}, "wamp.error.invalid_uri", ANY]


def test_nobody_writes_into_the_books(play):
    boss = auditor(play, "denied")
    writer = joined_as(play, "writer", "boss", "booked")  # may do anything
    writer > [PUBLISH, 1, {"acknowledge": True}, "wampd.audit.denied", ["a forgery"]]
    writer < [ERROR, PUBLISH, 1, {}, "wamp.error.invalid_uri", ["this namespace is reserved"]]
    boss < nothing


def test_joining_is_told_with_who_it_is(play):
    boss = auditor(play, "joined")
    joe = joined_as(play, "joe", "joe", "booked")
    told(play, boss, "joined", **person(joe))


def test_a_failure_to_join_is_told_in_the_realm_concerned(memory_play):
    play = memory_play
    boss = auditor(play, "failed")
    eve = play.newcomer("eve")
    eve.hello("booked", authmethods=["ticket"], authid="joe")
    eve < [CHALLENGE, "ticket", {}]
    eve > [AUTHENTICATE, "not-hunter2", {}]
    eve < [ABORT, {...: ...}, REFUSED]
    told(play, boss, "failed", authid="joe", method="ticket", reason=REFUSED)
    other = play.newcomer("other")
    other.hello("com.no.such.realm")
    other < [ABORT, {...: ...}, "wamp.error.no_such_realm"]
    boss < nothing


@pytest.mark.parametrize(
    ("procedure", "args"),
    [
        ("kill", None),
        ("kill_by_authid", ["joe"]),
        ("kill_by_authrole", ["visitor"]),
    ],
)
def test_who_sends_others_away_stands_in_the_books(memory_play, book, procedure, args):
    play = memory_play
    boss = auditor(play, "killed")
    joe = joined_as(play, "joe", "joe", "booked")
    boss > [CALL, 9, {}, f"wamp.session.{procedure}", args or [joe.id], {"reason": "com.go"}]
    boss < [RESULT, 9, {}, ...]
    joe < [GOODBYE, {}, "com.go"]
    done = {
        **person(boss, "boss", "backend"),
        "procedure": f"wamp.session.{procedure}",
        "reason": "com.go",
        "count": 1,
    }
    told(play, boss, "killed", **done, victims=[joe.id])
    (line,) = [line for line in book if line["audit"] == "killed"]
    assert line == {
        **done,
        "audit": "killed",
        "realm": "booked",
        "address": "memory",
        "victims": str(joe.id),
        "who": f"{boss.id} (boss, backend, memory)",
    }


def test_the_log_has_a_line_with_fields_for_each(memory_play, book):
    play = memory_play
    joe = joined_as(play, "joe", "joe", "booked")
    joe > [CALL, 1, {}, "com.closed.x"]
    joe < [ERROR, CALL, 1, {}, DENIED, ANY]
    eve = play.newcomer("eve")
    eve.hello("com.no.such.realm", authid="eve")
    eve < [ABORT, {...: ...}, "wamp.error.no_such_realm"]
    joe.drop()
    about = {"who": f"{joe.id} (joe, visitor, memory)", "realm": "booked", "address": "memory", **person(joe)}
    joined, denied, failed, left = book[-4:]
    assert joined == {**about, "audit": "joined"}
    assert denied == {
        **about,
        "audit": "denied",
        "action": "call",
        "uri": "com.closed.x",
        "request": 1,
        "match": "exact",
        "reason": DENIED,
    }
    assert failed == {
        "who": "memory",
        "audit": "failed",
        "realm": "com.no.such.realm",
        "authid": "eve",
        "method": "",
        "address": "memory",
        "reason": "wamp.error.no_such_realm",
        "why": "no realm 'com.no.such.realm'",
    }
    assert left.pop("duration") >= 0
    assert left == {**about, "audit": "left", "why": "connection lost: dropped", "received": 1, "sent": 2}


def test_a_flood_of_denials_is_summed_up(memory_play, book):
    play = memory_play
    boss = auditor(play, "denied")
    joe = joined_as(play, "joe", "joe", "booked")
    joe.say(*[[PUBLISH, number, {}, f"com.closed.x{number}"] for number in range(1, 1_240)])
    for number in range(1, 6):
        told(
            play,
            boss,
            "denied",
            **person(joe),
            action="publish",
            uri=f"com.closed.x{number}",
            request=number,
            match="exact",
            reason=DENIED,
        )
    boss < nothing
    play.stage.clock.advance(1.0)
    told(play, boss, "denied", **person(joe), more=1_234)
    lines = [line for line in book if line["audit"] == "denied"]
    assert len(lines) == 6
    assert lines[-1]["more"] == 1_234
    joe > [PUBLISH, 2_000, {}, "com.closed.again"]  # the next second is another one
    again = {"action": "publish", "uri": "com.closed.again", "request": 2_000, "match": "exact", "reason": DENIED}
    told(play, boss, "denied", **person(joe), **again)
    play.stage.clock.advance(1.0)
    boss < nothing


def test_a_flood_of_failures_is_summed_up_for_those_who_read_the_books(memory_play):
    play = memory_play
    boss = auditor(play, "failed")
    for number in range(8):
        eve = play.newcomer(f"eve{number}")
        eve.hello("booked", authmethods=["nothing"])
        eve < [ABORT, {...: ...}, "wamp.error.no_matching_auth_method"]
    for _ in range(5):
        told(play, boss, "failed", authid="", method=str, reason="wamp.error.no_matching_auth_method")
    boss < nothing
    play.stage.clock.advance(1.0)
    told(play, boss, "failed", more=3)
