"""The core under arbitrary well-formed messages of several sessions, in any order: it refuses, it never breaks."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.attack.inside import ALL, ANY_ROLE, OPEN, Core
from tests.fuzz import records
from tests.fuzz.strategies import messages, requests
from tests.realms.house import CAPABLE
from wampd.auth.roles import Rule
from wampd.realms.history import HistoryRule
from wampd.realms.limits import Limits, Quota, Rate
from wampd.realms.messages import Call, Format
from wampd.realms.options import ClientRole, ClientRoles
from wampd.realms.session import ProtocolViolation, Session, SessionOver
from wampd.router.wire.convert import load

NARROW = (
    Rule("com.", "prefix", ALL, "always"),
    Rule("com.b", "exact", frozenset()),
    Rule("com.a.b", "exact", deny=ALL),
    Rule("com.a.", "prefix", frozenset({"call", "subscribe"}), "never"),
    Rule(".b", "wildcard", ALL),
    Rule("wamp.session.count", "exact", ALL),
)
ROLES = (ANY_ROLE, ANY_ROLE, CAPABLE, CAPABLE, ClientRoles(caller=ClientRole()), ClientRoles(callee=ClientRole()))
SMALL = Quota(retained=3)
HISTORY = (HistoryRule("com.a", events=2), HistoryRule("com.", "prefix", age=0.01), HistoryRule("..b", "wildcard"))
TIGHT = Limits(4, 4, 4, payload_size=12, call_rate=Rate(0.5, 5), publication_rate=Rate(0.5, 5))
steps = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.one_of(
            messages,
            messages,
            messages,
            messages,
            messages,
            messages,
            st.sampled_from(("leave", "dismiss", "deaf", "tidy", "wait")),
        ),
    ),
    max_size=40,
)


class Play:
    """Four places in a realm; whoever leaves is replaced when somebody speaks from there again."""

    def __init__(self, rules: Any, limits: Limits, roles: list[ClientRoles], formats: list[Format]) -> None:
        # All payload is JSON here, whatever a session's format says.
        self.core = Core(
            rules=rules,
            limits=limits,
            quota=SMALL,
            history=HISTORY,
            decode=lambda payload, _: load(payload, Format.JSON),
        )
        self._made = list(zip(roles, formats, strict=True))
        self._places: list[Session | None] = [None] * 4
        self.asked: Counter[tuple[int, int]] = Counter()
        self.answered: Counter[tuple[int, int]] = Counter()

    def step(self, place: int, what: Any) -> None:
        realm = self.core.realm
        session = self._places[place]
        if session is None:
            roles, form = self._made[place]
            session = self._places[place] = self.core.join(form, roles)
        if what == "tidy":
            realm.tidy()
        elif what == "wait":
            self._wait()
        elif what == "deaf":
            session.deaf = not session.deaf
        elif what == "leave":
            self._leave(place, session)
        elif what == "dismiss":
            realm.dismiss(session, "wamp.close.system_shutdown")
            self._leave(place, session)
        else:
            # A part of a call under way, or of one that is over, is no call of its own.
            watched = isinstance(what, Call) and not realm.dealer.continues(session, what)
            if watched:
                self.asked[session.id, what.id] += 1
            try:
                realm.handle(session, what)
            except (ProtocolViolation, SessionOver):
                if watched:
                    self.asked[session.id, what.id] -= 1
                self._leave(place, session)
        self._flush()
        records.check(realm)
        for present in realm.sessions.values():
            self._check_calls(present)

    def _wait(self) -> None:
        """Let time go by until something is due."""
        due = self.core.realm.next_deadline
        if due is not None:
            self.core.realm.expire(due)

    def _check_calls(self, session: Session) -> None:
        """Every call has its answer, or waits for it."""
        asked = Counter({call: times for (caller, call), times in self.asked.items() if caller == session.id and times})
        answered = Counter({call: times for (caller, call), times in self.answered.items() if caller == session.id})
        assert asked == answered + Counter(list(session.calls or ()))

    def _leave(self, place: int, session: Session) -> None:
        self._flush()
        self.core.realm.leave(session)
        self._places[place] = None

    def _flush(self) -> None:
        for session in self.core.touched:
            if session.outlet is not None:  # one of the router's own
                session.outlet.flush()
                continue
            for call in records.answers(session):
                self.answered[session.id, call] += 1
            session.outbox.clear()
        self.core.touched.clear()

    def end(self) -> None:
        """One after the other leaves; then nothing is left."""
        for place in (3, 2, 1, 0):
            session = self._places[place]
            if session is not None:
                self._leave(place, session)
                self._flush()
                records.check(self.core.realm)
                for present in self.core.realm.sessions.values():
                    self._check_calls(present)
        records.check_empty(self.core.realm)


@pytest.mark.spec("SEC-06")
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    steps,
    st.sampled_from((OPEN, NARROW, ())),
    st.sampled_from((Limits(), Limits(2, 2, 2), TIGHT)),
    st.lists(st.sampled_from(ROLES), min_size=4, max_size=4),
    st.lists(st.sampled_from(list(Format)), min_size=4, max_size=4),
)
def test_whatever_sessions_send_the_records_agree(
    steps: list[tuple[int, Any]], rules: Any, limits: Limits, roles: list[ClientRoles], formats: list[Format]
) -> None:
    play = Play(rules, limits, roles, formats)
    for place, what in steps:
        play.step(place, what)
    play.end()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), requests), max_size=40))
def test_a_session_without_rights_learns_and_changes_nothing(steps: list[tuple[int, Any]]) -> None:
    play = Play((), Limits(), [ANY_ROLE] * 4, [Format.JSON] * 4)
    for place, what in steps:
        play.step(place, what)
        broker = play.core.realm.broker
        assert not any(subscription.subscribers for subscription in broker.by_id.values())
        assert not any([*broker.histories, broker.retained])
        assert not play.core.realm.dealer.registrations
    play.end()
