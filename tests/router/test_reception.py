"""Who is let in: limits of the process and of an address, and what the log says of those who are not."""

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from tests.support.overheard import overheard
from wampd.router.realms import Realms
from wampd.router.reception import MOST_WAITING, NO_ADDRESS, QUIET, Door, Lobby, Patience, Reception


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def said():
    """The lines of the log."""
    with overheard() as events:
        yield events


def reception(clock, *, most=10, of_one=None, lobby=None):
    lobby = lobby or Lobby(most, clock.seconds)
    return lobby, Reception(lobby, Realms(clock, "wampd-test"), {}, Patience(), most_per_address=of_one)


def test_the_limit_of_the_process_is_shared_by_its_listeners(clock):
    lobby, one = reception(clock, most=2)
    _, other = reception(clock, lobby=lobby)
    assert [one.admit("a"), other.admit("b"), one.admit("c"), other.admit("d")] == [True, True, False, False]
    one.release("a")
    assert other.admit("d")
    assert lobby.refused == 2


def test_who_cannot_even_be_told_is_closed_while_it_is_accepted(clock):
    """Very many can come in one turn of the reactor; each that is aborted keeps its file descriptor until the next."""
    lobby, port = reception(clock, most=2)
    made = []
    factory = Factory.forProtocol(lambda: made.append(1) or Protocol())
    door = Door(factory, port.receives)
    address = IPv4Address("TCP", "192.0.2.1", 4000)
    assert port.admit("192.0.2.1")
    assert all(port.turn_away() for _ in range(MOST_WAITING))
    assert door.buildProtocol(address) is not None
    assert port.admit("192.0.2.1")
    assert [door.buildProtocol(address) for _ in range(100)] == [None] * 100
    assert (len(made), lobby.refused, lobby.open) == (1, 100, 2)
    port.turned_away()
    assert door.buildProtocol(address) is not None
    assert lobby.refused == 100


def test_the_limit_of_an_address_leaves_others_alone(clock):
    lobby, port = reception(clock, of_one=2)
    assert [port.admit(address) for address in "aaab"] == [True, True, False, True]
    port.release("a")
    assert port.admit("a")
    assert lobby.open == 3


def test_clients_on_a_unix_socket_have_no_address_to_be_limited_by(clock):
    _, port = reception(clock, of_one=1)
    assert all(port.admit(NO_ADDRESS) for _ in range(5))


def test_nothing_is_kept_of_an_address_that_has_left(clock):
    lobby, port = reception(clock, most=10_000, of_one=1)
    for number in range(1000):
        assert port.admit(str(number))
        port.release(str(number))
    assert lobby.open == 0
    assert len(port._by_address) == 0


def test_only_a_few_wait_to_be_told_that_there_is_no_room(clock):
    lobby, port = reception(clock, most=1)
    assert [port.turn_away() for _ in range(MOST_WAITING + 2)] == [True] * MOST_WAITING + [False, False]
    port.turned_away()
    assert port.turn_away()
    assert lobby.waiting == MOST_WAITING


def test_nobody_is_let_in_while_the_router_is_being_stopped(clock):
    lobby, port = reception(clock)
    lobby.closing = True
    assert not port.admit("a")


def test_many_refusals_are_one_line_in_a_while_that_says_how_many(clock, said):
    _, port = reception(clock, most=1)
    port.admit("a")
    for _ in range(100):
        port.admit("b")
    clock.advance(QUIET + 1)
    port.admit("c")
    assert [event["address"] for event in said] == ["b", "c"]
    assert "99 more were refused" in said[1]["more"]
