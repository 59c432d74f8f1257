"""Why an address cannot be listened on: what Twisted and the system say, in words for people."""

import errno
import gc
import os
import warnings

import pytest
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory

from wampd.router.system.refusals import TAKEN, why_not


@pytest.fixture(autouse=True)
def swept():
    """Twisted leaves the socket that could not be bound to the collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def refused(endpoint):
    """What comes of listening there."""
    found = []
    serverFromString(reactor, endpoint).listen(Factory()).addBoth(found.append)
    return found[0]


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_what_is_taken_is_said_so(kind, tmp_path):
    place = "tcp:0:interface=127.0.0.1" if kind == "tcp" else f"unix:{tmp_path}/w.sock"
    port = refused(place)
    if kind == "tcp":
        place = f"tcp:{port.getHost().port}:interface=127.0.0.1"
    try:
        again = refused(place)
        assert again.check(CannotListenError)
        assert why_not(again.value) == TAKEN
    finally:
        port.stopListening()


def test_a_directory_that_is_not_there_is_said(tmp_path):
    assert why_not(refused(f"unix:{tmp_path}/none/w.sock:lockfile=0").value) == "no such file or directory"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "the user that runs the router may not do that; for ports below 1024"),
        (errno.EADDRNOTAVAIL, "this machine has no such address"),
        (errno.EMFILE, "too many open files"),
    ],
)
def test_what_the_system_says_is_said(number, said):
    assert why_not(OSError(number, os.strerror(number))).startswith(said)


def test_what_is_no_trouble_of_a_socket_is_told_as_it_is():
    assert why_not(ValueError("the proxy has no backend")) == "the proxy has no backend"
    assert why_not(FileNotFoundError(errno.ENOENT, "gone", "key.pem")) == "[Errno 2] gone: 'key.pem'"
    assert why_not(KeyError()) == "KeyError"
