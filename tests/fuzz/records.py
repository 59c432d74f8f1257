"""What must hold of a realm's records at any time, whatever its clients do."""

from __future__ import annotations

from wampd.realms.messages import ERROR, EVENT, MESSAGES, RESULT, Event, Foreign
from wampd.realms.realm import Realm
from wampd.realms.session import Session, State


def check(realm: Realm) -> None:
    """Assert that what sessions hold and what the roles know of it agree."""
    members = set(realm.sessions.values())
    leaving = set(realm._leaving)
    assert all(session.state is State.ESTABLISHED for session in members)
    assert all(session.state is State.CLOSED for session in leaving)
    assert not members & leaving

    subscriptions = realm.broker.subscriptions
    for match in ("exact", "prefix", "wildcard"):
        for uri, subscription in subscriptions.of(match).items():
            assert (subscription.uri, subscription.match) == (uri, match)
            assert subscription.subscribers or subscription.history is not None
            assert realm.broker.by_id[subscription.id] is subscription
            nodes = subscription.shards.nkeys if subscription.shards is not None else {}
            assert nodes.keys() <= subscription.subscribers.keys()
            for session in subscription.subscribers:
                assert session in members or session in leaving
                assert (session.subscriptions or {})[subscription.id] is subscription
    assert len(realm.broker.by_id) == len(subscriptions)
    assert {session for session in realm.testaments._of if realm.testaments._of[session]} <= members
    check_kept(realm)
    registrations = realm.dealer.registrations
    for match in ("exact", "prefix", "wildcard"):
        for uri, registration in registrations.of(match).items():
            assert (registration.uri, registration.match) == (uri, match)
            assert registration.callees
            for session in registration.callees:
                assert session in members or session in leaving
                assert (session.registrations or {})[registration.id] is registration

    for session in members | leaving:
        for number, subscription in (session.subscriptions or {}).items():
            assert subscription.id == number
            assert subscriptions.get(subscription.uri, subscription.match) is subscription
            assert session in subscription.subscribers
        for number, registration in (session.registrations or {}).items():
            assert registration.id == number
            assert registrations.get(registration.uri, registration.match) is registration
            assert session in registration.callees
        for call, invocation in (session.calls or {}).items():
            assert session in members
            assert invocation.caller is session
            assert invocation.call == call
            if invocation.callee is None:  # it waits for a callee with room
                assert invocation.course is not None
                assert invocation.course.seat is not None
                continue
            assert invocation.callee in members or invocation.callee.outlet is not None
            assert (invocation.callee.invocations or {})[invocation.id] is invocation
        for number, invocation in (session.invocations or {}).items():
            assert session in members
            assert invocation.callee is session
            assert invocation.id == number <= session.last_invocation
            assert invocation.caller in members or invocation.caller.outlet is not None
            assert (invocation.caller.calls or {})[invocation.call] is invocation


def check_kept(realm: Realm) -> None:
    """Assert that what is counted of retained events and histories is what is there."""
    retained = realm.broker.retained
    kept = [publication.id for versions in retained._topics.values() for publication in versions]
    assert sorted(kept) == sorted(retained._all)
    assert retained._size == sum(each.size for each in retained._all.values())
    assert retained._index._sorted == sorted(retained._topics)
    for history in realm.broker.histories:
        assert history._size == sum(record.size for record in history._records)
        assert history._places.keys() == {record.publication for record in history._records}


def check_empty(realm: Realm) -> None:
    """Assert that nothing is left of all who were there."""
    while realm.has_leavers:
        realm.tidy()
    assert not realm.sessions
    assert len(realm.broker.subscriptions) == len(realm.broker.histories)
    assert not any(subscription.subscribers for subscription in realm.broker.by_id.values())
    assert not len(realm.testaments)
    assert not realm.dealer.registrations
    assert not realm.calls_under_way()
    assert not len(realm.dealer.deadlines)


def answers(session: Session) -> list[int]:
    """The calls that the messages in a session's outbox answer; every message is one that a router may send."""
    answered = []
    for message in session.outbox:
        if isinstance(message, Event):
            assert message.subscription >= 1
            continue
        parts = message.message if isinstance(message, Foreign) else message
        row = MESSAGES[parts[0]]
        assert "ROUTER" in str(row.sender) or "BOTH" in str(row.sender) or row.sender.value & 2
        assert parts[0] != EVENT
        if parts[0] == RESULT:
            if not parts[2].get("progress"):
                answered.append(parts[1])
        elif parts[0] == ERROR and parts[1] == 48:
            answered.append(parts[2])
    return answered
