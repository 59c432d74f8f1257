"""File descriptors: the highest are kept from clients, and when they run out accepting pauses."""

import resource

import pytest
from twisted.internet.task import Clock

from wampd.router.descriptors import PAUSE, Accepting, Descriptors, raise_limit
from wampd.router.line import Patience
from wampd.router.realms import Realms
from wampd.router.reception import MOST_WAITING, Lobby, Reception


def reception(**more):
    clock = Clock()
    lobby = Lobby(1000, clock.seconds, Descriptors(100, 32))
    return lobby, Reception(lobby, Realms(clock, "wampd-test"), {}, Patience(), **more)


def test_a_connection_may_not_have_one_of_the_highest_numbers():
    lobby, port = reception()
    assert [port.admit("a", number) for number in (-1, 10, 67, 68, 99)] == [True, True, True, False, False]
    assert (lobby.open, lobby.refused) == (3, 2)
    assert sum(port.turn_away() for _ in range(100)) == MOST_WAITING


def test_operators_may():
    _, port = reception(private=object())
    assert port.admit("unix", 99)


@pytest.mark.parametrize(("number", "called"), [(67, 0), (68, 0), (83, 0), (84, 1), (99, 1)])
def test_when_half_of_what_is_kept_is_in_use_somebody_is_told(number, called):
    lobby, port = reception()
    told = []
    lobby.on_exhaustion = lambda: told.append(1)
    port.admit("a", number)
    assert len(told) == called


def test_without_any_kept_every_number_will_do():
    descriptors = Descriptors(100, 0)
    assert descriptors.are_spare(99)
    assert not descriptors.are_gone(99)


def test_accepting_pauses_once_and_goes_on_after_a_while():
    clock = Clock()
    rests = []
    accepting = Accepting(clock, rests.append)
    accepting.pause()
    accepting.pause()
    clock.advance(PAUSE / 2)
    assert rests == [True]
    clock.advance(PAUSE / 2)
    assert rests == [True, False]
    assert accepting.pauses == 1
    accepting.pause()
    assert accepting.pauses == 2


def test_the_limit_of_the_process_is_raised_as_far_as_it_may_be_and_never_lowered():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raise_limit(before[0] - 50, 10) == before[0] - 40
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_who_has_an_ipv6_address_has_its_network():
    _, port = reception(most_per_address=2)
    addresses = [
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8:0:0:ffff::3",
        "2001:db8:0:1::1",
        "::ffff:192.0.2.1",
        "192.0.2.1",
    ]
    assert [port.admit(address) for address in addresses] == [True, True, False, True, True, True]
    assert not port.admit("192.0.2.1")
    for address in addresses[:2]:
        port.release(address)
    assert port.admit(addresses[2])
    for address in addresses[2:]:
        port.release(address)
    assert not port._by_address
