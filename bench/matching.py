"""``python -m bench.matching``: what finding the registration of a call costs, and the subscriptions of a publication.

In one process, without a router round it: the core alone, so that nothing else is measured.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from itertools import count, cycle, islice
from time import perf_counter
from typing import Any, Final

from msgspec import Raw

from wampd.realms.grants import Grant, Grants
from wampd.realms.limits import Limits
from wampd.realms.messages import Format, Publish, Register, Subscribe
from wampd.realms.options import ClientRole, ClientRoles, Match, PublishOptions, RegisterOptions, SubscribeOptions
from wampd.realms.outside import Outside
from wampd.realms.realm import Realm
from wampd.realms.session import Session

COUNTS: Final = (10, 100, 1_000, 10_000, 100_000)
MANY: Final = 5_000
"""How many URIs are asked for one after the other: more than are remembered."""
ROUNDS: Final = 15

_PATTERNS: Final[dict[str, tuple[Match, str, str]]] = {
    "exact": ("exact", "com.bench.p{}", "com.bench.p{}"),
    "prefix": ("prefix", "com.bench.p{}.", "com.bench.p{}.do"),
    "wildcard": ("wildcard", "com.bench..p{}", "com.bench.any.p{}"),
}
"""Match policy, what is registered, what is called."""


def _carry(payload: Any, _source: Format, _target: Format) -> Any:
    return payload


class _Everything:
    def decide(self, _action: str, _uri: str, _match: Match) -> Grant:
        return Grant()


class Core:
    """A realm and one session of it."""

    def __init__(self) -> None:
        numbers = count(1)
        outside = Outside(lambda: next(numbers), lambda: 0.0, lambda: 0.0, lambda: 0.0, _decode, _carry)
        self.realm = Realm(
            "bench", touched=[], outside=outside, limits=Limits(subscriptions=10**6, registrations=10**6)
        )
        self.session = self.join()
        self._requests = count(1)

    def join(self) -> Session:
        role = ClientRole()
        roles = ClientRoles(role, role, role, role)
        session = Session(
            1 + len(self.realm.sessions), format=Format.JSON, roles=roles, grants=Grants(_Everything()), touched=[]
        )
        self.realm.join(session)
        return session

    def register(self, uri: str, match: Match) -> None:
        self.realm.handle(self.session, Register(next(self._requests), RegisterOptions(match=match), uri))
        self.session.outbox.clear()

    def subscribe(self, uri: str, match: Match) -> None:
        self.realm.handle(self.session, Subscribe(next(self._requests), SubscribeOptions(match=match), uri))
        self.session.outbox.clear()


def _decode(_payload: Raw, _form: Format) -> Any:
    return None


def microseconds(function: Callable[[Any], object], arguments: Sequence[Any]) -> float:
    """What one call of a function costs, the quietest of several rounds."""
    best = float("inf")
    gc.collect()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            started = perf_counter()
            for argument in arguments:
                function(argument)
            best = min(best, perf_counter() - started)
    finally:
        gc.enable()
    return best / len(arguments) * 1e6


def best_match(kinds: Sequence[str], size: int) -> tuple[float, float]:
    """µs to find the registration of a call among so many: always of the same URI, and of ever other ones."""
    core = Core()
    called = []
    for number, kind in zip(range(size), cycle(kinds), strict=False):
        match, registered, uri = _PATTERNS[kind]
        core.register(registered.format(number), match)
        called.append(uri.format(number))
    if len(kinds) > 1:  # what is called matches one of each kind
        core.register("com.", "prefix")
    find = core.realm.dealer.registrations.of_those_here
    assert all(find(uri) is not None for uri in called[-10:])
    step = max(1, len(called) // MANY)
    others = list(islice(cycle(called[::step]), MANY))
    return microseconds(find, called[-1:] * MANY), microseconds(find, others)


def publishing(patterns: int, topics_in_turn: int) -> float:
    """µs to publish to exact topics with one subscriber each, one topic after the other, beside so many patterns."""
    core = Core()
    publisher = core.join()
    topics = [f"org.topic.t{number}" for number in range(topics_in_turn)]
    for topic in topics:
        core.subscribe(topic, "exact")
    for number in range(patterns):
        match: Match = "prefix" if number % 2 else "wildcard"
        core.subscribe(f"com.bench.p{number}." if number % 2 else f"com.bench..p{number}", match)
    messages = [
        Publish(number, PublishOptions(), topic, Raw(b"[1]"))
        for number, topic in zip(range(1, MANY + 1), cycle(topics), strict=False)
    ]
    outbox = core.session.outbox

    def publish(message: Publish) -> None:
        core.realm.handle(publisher, message)
        outbox.clear()

    return microseconds(publish, messages)


def main() -> None:
    """Print the tables of bench/README.md."""
    kinds = {**{kind: (kind,) for kind in _PATTERNS}, "all three": tuple(_PATTERNS)}
    print("| registrations of | " + " | ".join(f"{size:,}" for size in COUNTS) + " |")
    print("|---|" + "---:|" * len(COUNTS))
    for name, chosen in kinds.items():
        figures = [best_match(chosen, size) for size in COUNTS]
        print(f"| {name} | " + " | ".join(f"{same:.2f} / {other:.2f}" for same, other in figures) + " |")
    turns = (1, 1_000, MANY)
    print("\n| publishing beside | " + " | ".join(f"{turn:,} topics in turn" for turn in turns) + " |")
    print("|---|" + "---:|" * len(turns))
    for patterns in (0, 10_000):
        costs = [f"{publishing(patterns, turn):.2f}" for turn in turns]
        print(f"| {patterns:,} pattern subscriptions | " + " | ".join(costs) + " |")


if __name__ == "__main__":
    main()
