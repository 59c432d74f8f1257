"""Endpoint strings that are read here open the port that Twisted would open for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor

from wampd.router.settings import endpoints
from wampd.router.system.opening import BACKLOG, opened

FACTORY = Factory()
PARTS = st.lists(
    st.sampled_from(
        ["8080", "0", "99999", "::1", "\\:\\:1", "/run/a b.sock", "a=b", "interface=127.0.0.1", "interface=", "mode=660",
         "interface=\\:\\:", "mode=9", "backlog=7", "backlog=0", "lockfile=0", "port=1", "", "\\", "x\\y", "٣"]
    ),
    max_size=4,
)  # fmt: skip


def asked(reactor: MemoryReactor) -> tuple[list[tuple], list[tuple]]:
    """What a reactor was asked to listen at."""
    return reactor.tcpServers, reactor.unixServers


@given(kind=st.sampled_from(["tcp", "tcp6", "unix"]), parts=PARTS)
def test_what_is_ordinary_means_what_twisted_takes_it_for(kind, parts):
    endpoint = ":".join((kind, *parts))
    if endpoints.ordinary(endpoint) is None or endpoints.fault(endpoint) is not None:
        return
    ours, theirs = MemoryReactor(), MemoryReactor()
    opened(ours, endpoint, FACTORY)
    in_full = endpoint if "backlog=" in endpoint else f"{endpoint}:backlog={BACKLOG}"
    serverFromString(theirs, in_full).listen(FACTORY)
    assert asked(ours) == asked(theirs) != ([], [])


@pytest.mark.parametrize(
    ("endpoint", "listened"),
    [
        ("tcp:8080", ([(8080, FACTORY, BACKLOG, "")], [])),
        ("tcp:8080:interface=127.0.0.1:backlog=5", ([(8080, FACTORY, 5, "127.0.0.1")], [])),
        ("tcp6:8080", ([(8080, FACTORY, BACKLOG, "::")], [])),
        ("tcp6:8080:interface=\\:\\:1", ([(8080, FACTORY, BACKLOG, "::1")], [])),
        ("unix:/run/a.sock:mode=660", ([], [("/run/a.sock", FACTORY, BACKLOG, 0o660, True)])),
        ("tcp:port=8080:interface=::1".replace("::", "\\:\\:"), ([(8080, FACTORY, BACKLOG, "::1")], [])),
        ("unix:lockfile=0:address=/run/a.sock", ([], [("/run/a.sock", FACTORY, BACKLOG, 0o666, False)])),
    ],
)
def test_a_port_is_opened_as_it_is_written_with_room_for_many(endpoint, listened):
    reactor = MemoryReactor()
    opened(reactor, endpoint, FACTORY)
    assert asked(reactor) == listened


@pytest.mark.parametrize(
    "unusual",
    ["tcp:port=1", "tcp:1:127.0.0.1", "unix:/a\\:b", "unix:/a:lockfile=0", "tcp:٣", "systemd:web", "tcp:", ""],
)
def test_what_is_unusual_is_for_twisted_to_read(unusual):
    assert endpoints.ordinary(unusual) is None


def test_what_the_system_refuses_is_a_failure_and_no_exception():
    class Refusing(MemoryReactor):
        def listenTCP(self, *_: object) -> None:
            raise OSError("taken")

    failed = []
    opened(Refusing(), "tcp:1", FACTORY).addErrback(failed.append)
    assert [failure.check(OSError) for failure in failed] == [OSError]
