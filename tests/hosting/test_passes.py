"""Tickets of components, what is heard of their sessions, and what supervision makes of it; in memory."""

import os
import subprocess
import sys

import pytest
from twisted.internet.task import Clock

from tests.hosting.house import House
from wampd.auth.accounts import Account
from wampd.auth.methods import Deny, Request
from wampd.auth.questions import FindAccount
from wampd.auth.ticket import digest_of
from wampd.realms.options import ClientRoles, HelloDetails
from wampd.router.control.minted import Minted
from wampd.router.control.passes import LINGER, MOST, MOST_OF_ALL, ComponentPasses
from wampd.router.hosting.attending import TO_PRINT, Attending
from wampd.router.hosting.runs import Instance, Program
from wampd.router.settings.components import GuestComponent, Hang, PythonComponent, Stop
from wampd.router.wiring.programs import program_of


def instance(number=1, **more):
    component = GuestComponent(name="adder", command=("adder",), realm="realm1", role="backend", **more)
    return Instance(Program(component, component.command), number)


@pytest.fixture
def minted():
    return Minted()


@pytest.fixture
def passes(minted):
    return ComponentPasses(minted, lambda: "/run/wampd/1.sock", Clock())


def asked(minted, authid="adder", realm="realm1", **transport):
    """The account that a client finds who comes like this."""
    request = Request(realm, 1, HelloDetails(ClientRoles()), transport)
    accounts = minted.of(realm)
    return None if accounts is None else accounts.find(FindAccount(accounts, "authid", authid, "ticket", request))


def test_a_process_finds_in_its_environment_how_to_join(minted, passes):
    told = passes.issue(instance(2, instances=2))
    ticket = told["WAMPD_TICKET"]
    assert told == {
        "WAMPD_SOCKET": "/run/wampd/1.sock",
        "WAMPD_URL": "ws+unix:///run/wampd/1.sock:/ws",
        "WAMPD_REALM": "realm1",
        "WAMPD_AUTHID": "adder.2",
        "WAMPD_TICKET": ticket,
    }
    found = asked(minted, "adder.2")
    assert (found.authid, found.role, found.provider) == ("adder.2", "backend", "wampd")
    assert found.ticket == digest_of(ticket)
    assert ticket not in repr(found)


def test_a_component_without_a_realm_finds_nothing(passes):
    component = GuestComponent(name="adder", command=("adder",))
    alone = Instance(Program(component, component.command), 1)
    assert passes.issue(alone) == {}
    passes.bind(alone, 4711)
    passes.void(alone)


def test_every_run_has_a_ticket_of_its_own_and_none_after_its_end(minted, passes):
    first = passes.issue(instance())["WAMPD_TICKET"]
    second = passes.issue(instance())["WAMPD_TICKET"]
    assert first != second
    assert asked(minted).ticket == digest_of(second)
    passes.void(instance())
    assert asked(minted) is None


def test_a_ticket_is_good_for_processes_of_its_group_alone(minted, passes):
    passes.issue(instance())
    assert isinstance(asked(minted, process=os.getpid()), Deny)  # before it is said which group it is, it is nobody's
    passes.bind(instance(), os.getpgid(0))
    assert asked(minted, process=os.getpid()) is not None
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert isinstance(asked(minted, process=child.pid), Account)  # it started it
    assert isinstance(asked(minted, process=child.pid), Deny)  # it is gone
    passes.bind(instance(), 1)
    assert isinstance(asked(minted, process=os.getpid()), Deny)
    passes.void(instance())
    assert asked(minted, process=os.getpid()) is None


def test_where_the_system_does_not_tell_whose_process_it_is_the_ticket_has_to_do(minted, passes):
    passes.issue(instance())
    passes.bind(instance(), 4711)
    assert isinstance(asked(minted, process=0), Account)
    assert isinstance(asked(minted), Account)


def test_a_ticket_is_good_in_its_realm_alone(minted, passes):
    passes.issue(instance())
    assert asked(minted, realm="realm2") is None
    assert asked(minted, "somebody") is None


# ------------------------------------------------------------------------------------------------- what is heard of them


class Attendance:
    def __init__(self):
        self.heard = []

    def pings(self, name):
        return Hang() if name == "adder" else None

    def joined(self, name):
        self.heard.append(("joined", name))

    def left(self, name):
        self.heard.append(("left", name))

    def hung(self, name, why):
        self.heard.append(("hung", name, why))


def test_the_first_session_and_the_last_one_count(passes):
    passes.attendance = attendance = Attendance()
    one, other = Held(), Held()
    for session in (one, other):
        passes.joined("adder", session)
    passes.left("adder", one)
    assert attendance.heard == [("joined", "adder")]
    passes.left("adder", other)
    passes.joined("adder", one)
    assert attendance.heard == [("joined", "adder"), ("left", "adder"), ("joined", "adder")]


def test_sessions_that_a_run_has_left_behind_are_sent_away_and_do_not_count_for_the_next(minted):
    clock = Clock()
    passes = ComponentPasses(minted, lambda: "", clock)
    passes.attendance = attendance = Attendance()
    behind, fresh = Held(), Held()
    passes.issue(instance())
    passes.joined("adder", behind)
    passes.void(instance())
    passes.issue(instance())
    passes.joined("adder", fresh)
    assert attendance.heard == [("joined", "adder")] * 2
    assert not behind.is_sent_away  # its last words are still read
    clock.advance(LINGER)
    assert behind.is_sent_away
    passes.left("adder", behind)
    assert attendance.heard == [("joined", "adder")] * 2
    passes.left("adder", fresh)
    assert attendance.heard[2:] == [("left", "adder")]
    assert not fresh.is_sent_away


def test_no_component_takes_the_room_of_others_and_of_operators(passes):
    for _ in range(MOST):
        assert passes.has_room("adder")
        passes.joined("adder", Held())
    assert not passes.has_room("adder")
    for number in range(MOST_OF_ALL - MOST):
        assert passes.has_room(f"other{number}")
        passes.joined(f"other{number}", Held())
    assert not passes.has_room("another")
    passes.void(instance())
    assert passes.has_room("adder")


class Held:
    """A session of a component."""

    def __init__(self):
        self.is_sent_away = False

    def outlived(self):
        self.is_sent_away = True


@pytest.fixture
def house():
    return House()


def attend(house, *components):
    house.hosting.change([Program(component, ("x",)) for component in components])
    return Attending(house.clock, house.hosting)


def guest(name="adder", **more):
    return GuestComponent(name=name, command=("x",), realm="realm1", role="backend", **more)


def test_one_that_has_joined_is_ready(house):
    attending = attend(house, guest())
    supervisor = house.hosting.instance("adder")
    assert supervisor.state == "starting"
    assert attending.pings("adder") == Hang()
    attending.joined("adder")
    assert supervisor.state == "ready"
    attending.left("adder")
    assert supervisor.state == "starting"


def test_of_strangers_nothing_is_known(house):
    attending = attend(house, guest())
    assert attending.pings("nobody") is None
    attending.joined("nobody")
    attending.left("nobody")
    attending.hung("nobody", "does not answer pings")
    house.clock.advance(TO_PRINT)
    assert house.hosting.instance("adder").state == "starting"


def test_one_that_hangs_is_killed_a_moment_later_and_started_again(house):
    attending = attend(house, guest())
    attending.joined("adder")
    run = house.runs[-1]
    attending.hung("adder", "does not answer pings")
    assert run.killed == 0
    house.clock.advance(TO_PRINT)
    assert run.killed == 1
    assert house.hosting.instance("adder").why == "was ended: it does not answer pings"


def test_what_was_said_of_a_run_does_not_concern_the_next_one(house):
    attending = attend(house, guest())
    attending.joined("adder")
    attending.hung("adder", "does not answer pings")
    house.runs[-1].end(status=1)  # it ends by itself
    for _ in range(20):
        house.clock.advance(0.05)
    assert house.runs[-1].killed == 0


def test_a_guest_may_leave_and_stay_a_component_in_python_may_not(house):
    grace = Stop(grace=2.0)
    inside = PythonComponent(name="py", run="m:f", realm="realm1", role="backend", stop=grace)
    attending = attend(house, guest(stop=grace), inside)
    for name in ("adder", "py"):
        attending.joined(name)
        attending.left(name)
    runs = {run.instance.name: run for run in house.runs}
    house.clock.advance(1.9)
    assert (runs["adder"].killed, runs["py"].killed) == (0, 0)
    house.clock.advance(0.2)
    assert (runs["adder"].killed, runs["py"].killed) == (0, 1)


# ----------------------------------------------------------------------------------------------------- what is executed


def test_what_is_executed_for_components(tmp_path):
    program = program_of(guest(environment={"A": "2"}), {"A": "1", "B": "1"})
    assert (program.command, program.environment) == (("x",), {"A": "2", "B": "1"})
    component = PythonComponent(name="py", run="m:f", realm="realm1", role="backend", path=(tmp_path,), extra=[1])
    program = program_of(component, {})
    assert program.command[0] == sys.executable
    assert program.command[1:] == (program.command[1], "py")
    assert program.command[1].endswith("/wampd/hosted/__main__.py")
    assert set(program.environment) == {"WAMPD_HOSTED"}
    assert "hunter2" not in " ".join(program.command)
    inside = PythonComponent(name="py", run="m:f", realm="realm1", role="backend", in_process=True)
    assert program_of(inside, {"A": "1"}).command == ()
