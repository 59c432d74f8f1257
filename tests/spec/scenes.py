"""Scenes that many plays have in common."""

from __future__ import annotations

import os
from itertools import count

import pytest

from tests.support.play import ANY, closed, violation
from wampd.realms.messages import (
    ABORT,
    AUTHENTICATE,
    CALL,
    CHALLENGE,
    ERROR,
    GOODBYE,
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


def called(actor, procedure, *args, request=1, **kwargs):
    """Call a procedure of the router, and return the RESULT's one argument (if any) and keyword arguments."""
    actor > [CALL, request, {}, procedure, list(args), kwargs]
    kind, answered, details, *payload = actor.hear()
    assert (kind, answered, details) == (RESULT, request, {}), f"heard {payload}"
    args, results = (*payload, *([[], {}][len(payload) :]))
    assert len(args) <= 1
    return (args[0] if args else None), results


def refused(actor, procedure, *args, request=1, error=ANY, **kwargs):
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


def joined_as(play, name, authid, realm="guarded"):
    """Join a realm with a ticket."""
    actor = play.newcomer(name)
    actor.hello(realm, authmethods=["ticket"], authid=authid)
    actor < [CHALLENGE, "ticket", {}]
    actor > [AUTHENTICATE, f"secret-of-{authid}", {}]
    actor.welcome()
    return actor
