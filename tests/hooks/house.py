"""A registry of webhooks in memory: a realm, a store that the test makes fail, and receivers that answer as the test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from tests.inside.house import House
from wampd.router.hooks.courier import Courier, Outside, Rules
from wampd.router.hooks.keeping import Kept, Pending
from wampd.router.hooks.ledger import DeadLetter
from wampd.router.hooks.procedures import Procedures
from wampd.router.hooks.registry import Hook
from wampd.router.hooks.service import Hooks
from wampd.router.outgoing.client import Response
from wampd.router.outgoing.policy import policy_of
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.targets import read_target

START = 1_000_000.0
RULES = Rules()


class Shelf:
    """A store in memory, a `wampd.router.hooks.keeping.Keeping`: fails while ``fails`` is set, waits while ``waits`` is."""

    def __init__(self) -> None:
        self.hooks: dict[str, Hook] = {}
        self.bodies: dict[str, bytes] = {}
        self.deliveries: dict[tuple[str, str], Pending | DeadLetter] = {}
        self.fails = False
        self.waits: list[Deferred[None]] | None = None

    def load(self) -> Deferred[Kept]:
        if self.fails:
            return fail(OSError("the disk"))
        every = list(self.deliveries.values())
        return succeed(
            Kept(
                list(self.hooks.values()),
                [(event, len(body)) for event, body in self.bodies.items()],
                [each for each in every if isinstance(each, Pending)],
                [each for each in every if isinstance(each, DeadLetter)],
            )
        )

    def body(self, event: str) -> Deferred[bytes | None]:
        return fail(OSError("the disk")) if self.fails else succeed(self.bodies.get(event))

    def _do(self, work: Callable[[], None]) -> Deferred[None]:
        if self.fails:
            return fail(OSError("the disk"))
        work()
        for event in set(self.bodies) - {event for event, _ in self.deliveries}:
            del self.bodies[event]
        if self.waits is None:
            return succeed(None)
        self.waits.append(Deferred())
        return self.waits[-1]

    def put_hook(self, hook: Hook) -> Deferred[None]:
        return self._do(lambda: self.hooks.update({hook.id: hook}))

    def remove_hook(self, hook_id: str) -> Deferred[None]:
        def work() -> None:
            self.hooks.pop(hook_id, None)
            self.deliveries = {place: each for place, each in self.deliveries.items() if place[1] != hook_id}

        return self._do(work)

    def add_event(
        self, event: str, body: bytes, pending: Sequence[Pending], dead: Sequence[DeadLetter]
    ) -> Deferred[None]:
        def work() -> None:
            self.bodies[event] = body
            self.deliveries.update({(each.event, each.hook): each for each in (*pending, *dead)})

        return self._do(work)

    def forget(self, event: str, hook: str) -> Deferred[None]:
        return self._do(lambda: self.deliveries.pop((event, hook), None) and None)

    def postpone(self, pending: Pending) -> Deferred[None]:
        return self._do(lambda: self._change(pending))

    def bury(self, letter: DeadLetter, dropped: Sequence[DeadLetter]) -> Deferred[None]:
        def work() -> None:
            self._change(letter)
            for each in dropped:
                self.deliveries.pop((each.event, each.hook))

        return self._do(work)

    def _change(self, each: Pending | DeadLetter) -> None:
        if (each.event, each.hook) in self.deliveries:
            self.deliveries[each.event, each.hook] = each


class Web:
    """Everybody who is sent something: a stand-in for `wampd.router.outgoing.client.Client`."""

    def __init__(self) -> None:
        self.policy = policy_of(["10.0.0.1"])
        self.requests: list[dict[str, Any]] = []
        self.answers: dict[str, Any] = {}
        """By URL: a status, a reason why there is no answer, a `Response`, or what is called with the request."""
        self.waiting: list[Deferred[Response]] = []

    def check(self, url: str) -> str:
        target = read_target(url)
        self.policy.check(target)
        return target.url

    def request(self, method: str, url: str, **asked: Any) -> Deferred[Response]:
        request = {"url": url, "headers": dict(asked["headers"]), "body": json.loads(asked["body"])}
        self.requests.append(request)
        answer = self.answers.get(url, 204)
        if callable(answer):
            answer = answer(request)
        if answer == "wait":
            waiting: Deferred[Response] = Deferred(lambda it: it.errback(OutgoingError("cancelled", "given up")))
            self.waiting.append(waiting)
            return waiting
        if isinstance(answer, str):
            return fail(OutgoingError(answer, "no answer"))  # type: ignore[arg-type]
        return succeed(answer if isinstance(answer, Response) else Response(answer, (), b"", url))

    def data(self, url: str) -> list[Any]:
        return [each["body"]["data"]["args"][0] for each in self.requests if each["url"] == url]


class Registry:
    """The registry of ``realm1``, whose roles are those of the house: ``user`` may do everything, ``reader`` subscribe."""

    def __init__(
        self, rules: Rules = RULES, *, challenge: bool = False, kept: Shelf | None = None, serve: bool = True
    ) -> None:
        self.house = House(Clock())
        self.realm = "realm1"
        self.clock = self.house.clock
        self.shelf = kept or Shelf()
        self.web = Web()
        self.strikes: list[str] = []
        self.chance = 0.5
        outside = Outside(self.clock, self.wall, lambda: self.chance, self.web, self.shelf, self.strikes.append)  # type: ignore[arg-type]
        self.courier = Courier(rules, outside)
        self.kept: set[str] = set()
        self.denied: set[tuple[str, str]] = set()

        def procedures(publish: Any) -> Procedures:
            return Procedures(
                self.courier,
                self.web,  # type: ignore[arg-type]
                wall=self.wall,
                topic_prefix="hook.",
                longest=1000.0,
                challenge=challenge,
                privileged=frozenset({"user", "operator"}),
                permitted=lambda _, action, topic: (action, topic) not in self.denied,
                is_kept=lambda session: self.house.realms["realm1"].core.sessions[session].authid in self.kept,
                publish=publish,
            )

        self.service = Hooks(
            "realm1",
            self.courier,
            self.shelf,
            enter=self.deputy,
            procedures=procedures,
            topic_prefix="hook.",
            clock=self.clock,
            strike=self.strikes.append,
        )
        if serve:
            self.service.start()
            self.house.turns()
        self.ann = self.house.enter(authid="ann")
        self.bob = self.house.enter(authid="bob")

    def deputy(self) -> Any:
        insider = self.house.insiders.enter(self.realm)
        self.house.realms[self.realm].core.depute(insider.id)
        return insider

    def wall(self) -> float:
        return START + self.clock.seconds()

    def ask(self, who: Any, procedure: str, *args: Any, **kwargs: Any) -> Any:
        """The result of a call, or the URI of its error."""
        from wampd.router.envoy import CallFailed

        try:
            reply = self.house.now(who.call(f"wampd.hook.{procedure}", list(args), kwargs, timeout=100))
        except CallFailed as why:
            return why.uri
        return None if reply is None or reply.args is None else msgspec.json.decode(reply.args)[0]

    def register(self, who: Any, key: str = "orders", url: str = "http://10.0.0.1/", **options: Any) -> str:
        hook = self.ask(who, "register", key, url, options)
        assert isinstance(hook, dict), hook
        return str(hook["id"])

    def later(self, seconds: float) -> None:
        """Let time pass in small steps."""
        steps = max(1, round(seconds * 2))
        for _ in range(steps):
            self.house.later(seconds / steps)
