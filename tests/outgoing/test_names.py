"""Names that are looked up in threads."""

import threading

from tests.support.octets import ok
from wampd.router.outgoing.client import Client
from wampd.router.outgoing.names import MOST_WAITING, SystemResolver, look_up
from wampd.router.outgoing.policy import policy_of
from wampd.router.outgoing.problems import OutgoingError


def test_the_systems_own_names():
    assert "127.0.0.1" in look_up("localhost")
    assert look_up("127.0.0.1") == ["127.0.0.1"]
    assert look_up("") == []


def test_a_look_up_that_hangs_delays_only_others_like_it_and_there_are_not_too_many(asking, reactor):
    let_go, found = threading.Event(), []

    def ask(name):
        if name == "slow.example":
            let_go.wait(20)
        return [f"address of {name}"]

    resolver = SystemResolver(reactor, ask)
    resolver.resolve("fast.example").addCallback(found.append)
    asking.until(lambda: found == [["address of fast.example"]])
    slow = [resolver.resolve("slow.example") for _ in range(MOST_WAITING)]
    slow[0].addErrback(lambda _: found.append("given up"))
    slow[0].cancel()
    assert found[-1] == "given up"
    refused = []
    resolver.resolve("one-more.example").addErrback(refused.append)
    assert refused[0].check(OutgoingError)
    assert refused[0].value.reason == "busy"
    let_go.set()
    slow[-1].addCallback(found.append)
    asking.until(lambda: found[-1] == ["address of slow.example"])
    asking.until(lambda: resolver.waiting == 0)


def test_a_look_up_that_breaks_finds_nothing(asking, reactor):
    found = []
    SystemResolver(reactor, lambda _: 1 // 0).resolve("x.example").addCallback(found.append)
    asking.until(lambda: found == [[]])


def test_a_client_asks_the_system_if_nothing_else_is_said(asking, reactor, serve):
    server = serve(ok(b"x"))
    client = Client(reactor, policy_of(["127.0.0.0/8", "::1"]))
    asking.clients.append(client)
    assert asking.answer(client.request("GET", f"http://localhost:{server.port}/", timeout=20)).body == b"x"
