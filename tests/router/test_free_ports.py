"""The ports that the tests use: nobody else gets one between its choice and its use, however many tests run at once."""

import socket

import pytest

from tests.support import ports as kept
from tests.support.ports import free_port
from tests.support.process import is_open


def test_a_free_port_is_refused_to_those_who_come_by_it_by_chance():
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_a_server_listens_on_it_all_the_same_and_only_then_it_is_open():
    port = free_port()
    assert not is_open(port)
    with socket.create_server(("127.0.0.1", port)):
        assert is_open(port)
    assert not is_open(port)


def test_no_two_are_the_same_and_no_more_are_kept_than_may_be():
    ports = {free_port() for _ in range(kept.MOST_KEPT)}
    assert len(ports) == kept.MOST_KEPT
    free_port()
    assert len(kept._kept) == kept.MOST_KEPT
