"""Scenes that many plays have in common."""

from __future__ import annotations

import pytest

from tests.support.play import ANY, closed, violation
from wampd.realms.messages import ABORT, AUTHENTICATE, CHALLENGE, GOODBYE, REGISTER, REGISTERED, SUBSCRIBE, SUBSCRIBED

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
