"""What plays about dynamic authorizers have in common: who decides, who is asked about, and how."""

from __future__ import annotations

from tests.spec.scenes import joined_as
from tests.support.play import ANY
from wampd.realms.messages import INVOCATION, REGISTER, REGISTERED, YIELD

DENIED = "wamp.error.not_authorized"
FAILED = "wamp.error.authorization_failed"
REQUIRED = "wamp.error.authorization_required"
SORRY = ["the permission for this could not be found out"]
NO = [ANY]


def authorizer(play, realm="advised", name="authorizer"):
    """Somebody who decides, and has registered that."""
    actor = joined_as(play, name, "boss", realm) if realm == "advised" else play.session(name, realm)
    actor > [REGISTER, 1, {}, "org.authorizer"]
    actor < [REGISTERED, 1, ANY.as_("authority")]
    actor.asked = 0
    return actor


def visitor(play, name="visitor", authid="joe"):
    return joined_as(play, name, authid, "advised")


def asked(play, uri, action, options=None, name="authorizer", **details):
    """The authorizer is asked exactly this, and has still to answer."""
    actor = getattr(play, name)
    actor.asked += 1
    actor < [INVOCATION, actor.asked, play.authority, {}, [{...: ..., **details}, uri, action, options or {}]]


def answers(play, answer, name="authorizer"):
    actor = getattr(play, name)
    actor > [YIELD, actor.asked, {}, [answer]]
