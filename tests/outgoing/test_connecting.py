"""What the guard of connections sees to by itself, whoever has looked at a URL before."""

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.client import URI

from wampd.router.outgoing.connecting import Guard
from wampd.router.outgoing.policy import policy_of
from wampd.router.outgoing.problems import OutgoingError


class Names:
    def __init__(self, *addresses):
        self.addresses = addresses

    def resolve(self, name):
        return succeed(self.addresses)


def guard(*addresses, allowed=(), plain=True):
    policy = policy_of(allowed, plain=plain)
    return Guard(Clock(), policy, Names(*addresses), connect_timeout=1.0, largest=1000)


@pytest.mark.parametrize(
    "url",
    [
        b"http://127.0.0.1/",
        b"https://127.0.0.1/",
        b"http://[::1]/",
        b"http://[::ffff:10.0.0.1]/",
        b"http://www.example.com:22/",
        b"http://169.254.169.254/latest",
    ],
)
def test_no_endpoint_is_made_for_what_is_not_allowed(url):
    with pytest.raises(OutgoingError) as refused:
        guard().endpointForURI(URI.fromBytes(url))
    assert refused.value.reason == "denied"


def test_without_leave_for_plain_http_there_is_none():
    with pytest.raises(OutgoingError):
        guard(plain=False).endpointForURI(URI.fromBytes(b"http://www.example.com/"))
    guard(plain=False).endpointForURI(URI.fromBytes(b"https://www.example.com/"))


@pytest.mark.parametrize(
    ("addresses", "reason"),
    [
        ((), "dns"),
        (("no address",), "dns"),
        (("10.0.0.1",), "denied"),
        (("192.0.2.1", "93.184.216.34"), "denied"),
        (("93.184.216.34",) * 9 + ("::1",), "denied"),
    ],
)
def test_every_address_that_a_name_has_is_looked_at_when_it_is_connected_to(addresses, reason):
    endpoint = guard(*addresses).endpointForURI(URI.fromBytes(b"http://www.example.com/"))
    came = []
    connecting = endpoint.connect(None)
    assert isinstance(connecting, Deferred)
    connecting.addBoth(came.append)
    (failed,) = came
    assert isinstance(failed, Failure)
    assert isinstance(failed.value, OutgoingError)
    assert failed.value.reason == reason
