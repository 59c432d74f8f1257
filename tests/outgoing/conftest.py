"""A reactor that the tests turn, servers on this machine, and names whose addresses the tests say."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from tests.support.octets import PATIENCE, serving, turned_reactor
from wampd.router.outgoing.client import Client, Response
from wampd.router.outgoing.policy import policy_of
from wampd.router.outgoing.problems import OutgoingError


class Names:
    """Knows the addresses of names: a list of answers each, of which the last stays."""

    def __init__(self) -> None:
        self.known: dict[str, list[Sequence[str]]] = {}
        self.asked: list[str] = []

    def resolve(self, name: str) -> Deferred[Sequence[str]]:
        self.asked.append(name)
        answers = self.known.get(name, [()])
        return succeed(answers.pop(0) if len(answers) > 1 else answers[0])


@pytest.fixture(scope="module")
def reactor() -> Iterator[Any]:
    with turned_reactor() as reactor:
        yield reactor


@pytest.fixture
def serve() -> Iterator[Any]:
    with serving() as serve:
        yield serve


@pytest.fixture
def names() -> Names:
    return Names()


class Asking:
    """A client, and the reactor that it needs."""

    def __init__(self, reactor: Any, names: Names) -> None:
        self.reactor = reactor
        self.names = names
        self.clients: list[Client] = []

    def client(self, *allowed: str, **options: Any) -> Client:
        client = Client(self.reactor, policy_of(allowed), resolver=self.names, **options)
        self.clients.append(client)
        return client

    def until(self, condition: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline
            self.reactor.iterate(0.02)

    def answer(self, asked: Deferred[Response]) -> Response:
        """What a request comes to; raises what it fails with."""
        results: list[Any] = []
        asked.addBoth(results.append)
        self.until(lambda: results)
        (result,) = results
        if isinstance(result, Response):
            return result
        assert isinstance(result.value, OutgoingError), result
        raise result.value

    def get(self, url: str, *allowed: str, **options: Any) -> Response:
        options = {"timeout": 20.0, **options}
        return self.answer(self.client(*allowed).request("GET", url, **options))

    def refusal(self, url: str, *allowed: str, **options: Any) -> str:
        """Why a request has no answer."""
        with pytest.raises(OutgoingError) as failed:
            self.get(url, *allowed, **options)
        return failed.value.reason


@pytest.fixture
def asking(reactor, names) -> Iterator[Asking]:
    asking = Asking(reactor, names)
    yield asking
    for client in asking.clients:
        assert client.under_way == 0
        closed: list[Any] = []
        client.close().addBoth(closed.append)
        asking.until(lambda closed=closed: closed)
