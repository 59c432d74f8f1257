"""What the core knows of one session."""

from __future__ import annotations

from tests.realms.house import House
from wampd.realms.session import State


def test_the_first_message_of_a_turn_touches_the_session_and_the_others_do_not():
    house = House()
    one, other = house.join().session, house.join().session
    one.send((17, 1, 2))
    other.send((17, 1, 3))
    one.send((17, 2, 4))
    assert house.touched == [one, other]
    assert one.outbox == [(17, 1, 2), (17, 2, 4)]
    one.outbox.clear()
    one.send((17, 3, 5))
    assert house.touched == [one, other, one]


def test_a_refusal_has_a_reason_only_if_there_is_one():
    session = House().join().session
    session.refuse(48, 7, "com.err")
    session.refuse(48, 8, "com.err", "because")
    assert session.outbox == [(8, 48, 7, {}, "com.err"), (8, 48, 8, {}, "com.err", ["because"])]


def test_a_session_tells_who_it_is_in_the_log():
    session = House().join(authid="joe", authrole="member").session
    assert repr(session) == f"<Session {session.id} joe/member established>"


def test_a_session_starts_with_nothing():
    member = House().join()
    session = member.session
    assert session.state is State.ESTABLISHED
    assert member.holds_nothing()
    assert (session.watermark, session.last_invocation, session.dropped) == (0, 0, 0)
    assert not session.deaf
    assert not session.said_goodbye
