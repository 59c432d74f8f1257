"""The shell round one session, over a connection that is closed while it is written to."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock

from tests.support.overheard import overheard, text
from wampd.auth.anonymous import Anonymous
from wampd.auth.handshake import RealmAuth
from wampd.auth.roles import Role
from wampd.realms.limits import Limits
from wampd.router.line import Patience
from wampd.router.observe.lines import json_line
from wampd.router.realms import Realms
from wampd.router.sessions import SessionPeer
from wampd.router.templates import Plan
from wampd.router.wire.framing import Framing
from wampd.router.wire.rawsocket import RawSocketFraming
from wampd.router.wire.serializers import codecs

HELLO = b'[1,"realm1",{"roles":{"callee":{}}}]'
GOODBYE = b'[6,{},"wamp.close.close_realm"]'


class ClosingLine:
    """A connection that closes at the first write, as that of a slow consumer does when its queue is full."""

    def __init__(self) -> None:
        self.framing: Framing = RawSocketFraming(2**24, 2**20)
        self.peer: SessionPeer
        self.writable = True

    @property
    def queued(self) -> tuple[int, float]:
        """Nothing waits."""
        return 0, 0.0

    def write(self, data: bytes) -> None:
        """Take nothing more."""
        if data:
            self.close(1008, "slow consumer")

    def close(self, code: int, reason: str) -> None:
        """Tell the peer, once."""
        del code
        if self.writable:
            self.writable = False
            self.peer.lost(reason)

    def wake(self, at: float) -> None:
        """There is no clock here."""


@pytest.fixture
def realms() -> Realms:
    """With a realm for anybody, who may do nothing."""
    realms = Realms(Clock(), "wampd")
    door = RealmAuth([Anonymous("anybody", lambda: "somebody")], [Role("anybody", [])])
    realms.add("realm1", Plan(door=door))
    return realms


def serve(realms: Realms, line: Any) -> SessionPeer:
    """What serves a connection."""
    line.peer = SessionPeer(realms, line, codecs(64)["json"], {"type": "test", "peer": "test"}, Patience())
    return line.peer  # type: ignore[no-any-return]


class Deaf(ClosingLine):
    """A connection that takes everything."""

    def write(self, data: bytes) -> None:
        """Take it."""


def test_of_who_was_sent_away_the_log_says_why(realms: Realms) -> None:
    peer = serve(realms, Deaf())
    with overheard(lambda event: text(event) if event.get("audit") == "left" else None) as lines:
        peer.receive([HELLO])
        peer.dismiss("wamp.close.system_shutdown", "this listener is closed")
        peer.receive([GOODBYE])
    (left,) = lines
    assert "left realm1: sent away: wamp.close.system_shutdown: this listener is closed (after" in left


def test_at_a_bug_of_ours_the_log_says_at_which_request(realms: Realms, caught_log: Any) -> None:
    peer = serve(realms, Deaf())
    peer.receive([HELLO])
    assert peer.session is not None

    def broken(session: Any, message: Any) -> None:
        del session, message
        raise ZeroDivisionError

    peer.handle = broken
    peer.receive([b'[48,4711,{},"com.example.add",["hunter2"]]'])
    (bug,) = (event for event in caught_log if "log_failure" in event)
    assert (bug["request_type"], bug["request"]) == ("CALL", 4711)
    assert "hunter2" not in json_line(bug)


def test_a_hello_behind_a_goodbye_whose_answer_closed_the_connection_makes_no_session(realms: Realms) -> None:
    line = ClosingLine()
    serve(realms, line).receive([HELLO, GOODBYE, HELLO])
    realms.end_of_turn()

    assert not line.writable
    assert realms["realm1"].core.sessions == {}
    assert line.peer.session is None


class NarrowLine(ClosingLine):
    """A connection that takes messages of 512 bytes, and keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self.framing = RawSocketFraming(512, 2**20)
        self.said: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Keep what is said."""
        self.said.extend(RawSocketFraming(2**24, 2**24).feed(data))


def test_an_abort_whose_explanation_is_too_long_for_the_client_goes_without_it() -> None:
    realms = Realms(Clock(), "wampd")
    realms.add("realm1", Plan(door=RealmAuth([], [])))
    line = NarrowLine()
    line.peer = SessionPeer(realms, line, codecs(64)["json"], {"type": "test", "peer": "test"}, Patience())

    line.peer.receive([b'[1,"%s",{"roles":{"callee":{}}}]' % (b"r" * 500)])

    assert line.said == [b'[3,{},"wamp.error.no_such_realm"]']


def entered(realms: Realms) -> NarrowLine:
    line = NarrowLine()
    line.framing = RawSocketFraming(2**24, 2**20)
    line.peer = SessionPeer(realms, line, codecs(64)["json"], {"type": "test", "peer": "test"}, Patience())
    line.peer.receive([HELLO])
    realms.end_of_turn()
    return line


def test_who_loses_events_keeps_its_connection_until_it_has_read_though_nobody_is_to_lose_any_from_now_on() -> None:
    realms = Realms(Clock(), "wampd")
    door = RealmAuth([Anonymous("anybody", lambda: "somebody")], [Role("anybody", [])])
    realms.add("realm1", Plan(door=door, drops_events=True))
    slow, quick = entered(realms), entered(realms)
    assert slow.peer.congested(True)
    realms.change({"realm1": Plan(door=door)}, [])
    assert slow.peer.congested(True)
    assert not quick.peer.congested(True)
    assert slow.peer.congested(False)
    assert not slow.peer.congested(True)


def test_what_comes_next_is_read_as_the_changed_realm_wants_it() -> None:
    realms = Realms(Clock(), "wampd")
    door = RealmAuth([Anonymous("anybody", lambda: "somebody")], [Role("anybody", [])])
    realms.add("realm1", Plan(door=door))
    deep = b"[70,1,{},[[[[[1]]]]]]"
    line = entered(realms)
    realms.change({"realm1": Plan(door=door, limits=Limits(depth=4))}, [])
    line.peer.receive([deep])
    realms.end_of_turn()
    assert b"nest" in line.said[-1]
