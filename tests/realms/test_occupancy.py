"""How many sessions there may be, of a realm, a role and a principal."""

from __future__ import annotations

import itertools

import pytest

from tests.realms.house import CAPABLE, Everything
from wampd.realms.grants import Grants
from wampd.realms.limits import Quota
from wampd.realms.messages import Format
from wampd.realms.occupancy import Occupancy
from wampd.realms.session import Session

ids = itertools.count(1)


def session(authid: str, authrole: str = "member") -> Session:
    grants = Grants(Everything())
    return Session(
        next(ids), format=Format.JSON, roles=CAPABLE, grants=grants, touched=[], authid=authid, authrole=authrole
    )


def test_without_a_limit_there_is_always_room_and_nothing_is_counted_by_name():
    occupancy = Occupancy(Quota())
    for number in range(100):
        assert occupancy.full("member", f"joe{number}") is None
        occupancy.joined(session(f"joe{number}"))
    assert not occupancy._of_principal
    assert not occupancy._of_role


@pytest.mark.parametrize("limits", [{"sessions_per_principal": 2}, {"sessions_per_principal_by_role": {"member": 2}}])
def test_a_principal_has_so_many_sessions_in_whatever_roles(limits):
    occupancy = Occupancy(Quota(**limits))
    joes = [session("joe"), session("joe", "owner")]
    for joe in joes:
        assert occupancy.full("member", "joe") is None
        occupancy.joined(joe)
    assert occupancy.full("member", "joe") == (
        "no more than 2 sessions of one principal at once (limit: sessions_per_principal)"
    )
    assert occupancy.full("member", "ann") is None
    assert (occupancy.full("owner", "joe") is None) is ("sessions_per_principal" not in limits)
    occupancy.left(joes[1])
    assert occupancy.full("member", "joe") is None


@pytest.mark.trap(16)
def test_a_principal_without_sessions_is_forgotten():
    occupancy = Occupancy(Quota(sessions_per_principal=1))
    for number in range(1000):
        joe = session(f"joe{number}")
        occupancy.joined(joe)
        occupancy.left(joe)
    assert not occupancy._of_principal
