"""Scenes that many plays have in common."""

from __future__ import annotations

import os
import time
from itertools import count

import pytest

from tests.support.play import ALL, ANY, closed, violation
from tests.support.stages import MemoryStage
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    GOODBYE,
    INVOCATION,
    PUBLISH,
    PUBLISHED,
    REGISTER,
    REGISTERED,
    RESULT,
    SUBSCRIBE,
    SUBSCRIBED,
)

ACKNOWLEDGE = {"acknowledge": True}


def registered(play, name="callee", uri="com.app.add", request=1, reg="reg"):
    """Register a procedure; its registration is ``play.reg``."""
    callee = getattr(play, name)
    callee > [REGISTER, request, {}, uri]
    callee < [REGISTERED, request, ANY.as_(reg)]
    return callee


def called(play, procedure="com.app.add", number=1, **options):
    """A call is under way, of the caller's number and of the callee's number 1; nothing special reaches the callee."""
    registered(play, uri=procedure)
    play.caller > [CALL, number, options, procedure]
    play.callee < [INVOCATION, 1, play.reg, {}]


def without(role, *features):
    """The roles of a client that announced everything but these features of one role."""
    left = {feature: True for feature in ALL[role]["features"] if feature not in features}
    return {**ALL, role: {"features": left}}


def pass_time(play, seconds):
    """Let time go by."""
    if isinstance(play.stage, MemoryStage):
        play.stage.clock.advance(seconds)
        play.fence()
    else:
        time.sleep(seconds)


def subscribed(play, name="subscriber", uri="com.topic", request=1, sub="sub", **options):
    """Subscribe to a topic; the subscription is ``play.sub``."""
    subscriber = getattr(play, name)
    subscriber > [SUBSCRIBE, request, options, uri]
    subscriber < [SUBSCRIBED, request, ANY.as_(sub)]
    return subscriber


def published(actor, topic, *payload, request=1, **options):
    """Publish with an acknowledgement, and return the publication's id."""
    actor > [PUBLISH, request, {"acknowledge": True, **options}, topic, *payload]
    kind, answered, publication = actor.hear()
    assert (kind, answered) == (PUBLISHED, request)
    return publication


def told_by(actor, procedure, *args, request=1, **kwargs):
    """Call a procedure of the router, and return the RESULT's one argument (if any) and keyword arguments."""
    actor > [CALL, request, {}, procedure, list(args), kwargs]
    kind, answered, details, *payload = actor.hear()
    assert (kind, answered, details) == (RESULT, request, {}), f"heard {payload}"
    args, results = (*payload, *([[], {}][len(payload) :]))
    assert len(args) <= 1
    return (args[0] if args else None), results


def denied(actor, procedure, *args, request=1, error=ANY, **kwargs):
    """Call a procedure of the router, and hear an ERROR."""
    actor > [CALL, request, {}, procedure, list(args), kwargs]
    actor < [ERROR, CALL, request, {}, error, ...]


def fresh(stem="com.fresh"):
    """The beginning of topics that nobody has used yet: some plays share a router."""
    return f"{stem}.x{next(_numbers)}p{os.getpid()}"


_numbers = count(1)


def goodbye(actor):
    actor > [GOODBYE, {}, "wamp.close.close_realm"]
    actor < [GOODBYE, {}, "wamp.close.goodbye_and_out"]


def abort(actor):
    actor > [ABORT, {}, "com.app.broken"]
    actor < closed


def violate(actor):
    actor > [999]
    actor < violation


def drop(actor):
    actor.drop()


LEAVING = pytest.mark.parametrize("leave", [goodbye, abort, violate, drop])
"""Every way in which a session can end by its client."""


def joined_as(play, name, authid, realm="guarded", roles=ALL):
    """Join a realm with a ticket."""
    actor = play.newcomer(name)
    actor.hello(realm, roles, authmethods=["ticket"], authid=authid)
    actor < [CHALLENGE, "ticket", {}]
    actor > [AUTHENTICATE, f"hunter2-of-{authid}", {}]
    actor.welcome()
    return actor


def asked(actor, request, procedure, args=(), kwargs=None, *, answer):
    """Call a procedure of the router's; the one positional result is ``answer``, `None` is null, and `no_result` none."""
    actor > [CALL, request, {}, procedure, list(args), *([kwargs] if kwargs else [])]
    actor < ([RESULT, request, {}] if answer is no_result else [RESULT, request, {}, [answer]])


no_result = object()


def refused(actor, request, procedure, args=(), kwargs=None, error="wamp.error.invalid_argument"):
    """Call a procedure of the router's; the answer is this error, with a reason."""
    actor > [CALL, request, {}, procedure, list(args), *([kwargs] if kwargs else [])]
    actor < [ERROR, CALL, request, {}, error, [str]]
