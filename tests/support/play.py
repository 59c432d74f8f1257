"""Conversations with a router, written down as they are held.

    play.callee > [REGISTER, 1, {}, "com.app.add"]
    play.callee < [REGISTERED, 1, ANY.as_("reg")]
    play.caller > [CALL, 1, {}, "com.app.add", [2, 3]]
    play.callee < [INVOCATION, 1, play.reg, {}, [2, 3]]

Rules
-----
* ``actor > message`` says it; ``actor < message`` is the next thing heard. Actors named in `NAMES` join ``realm1`` when they
  are first spoken of; `Play.session` and `Play.newcomer` bring others.
* In what is expected, `ANY` stands for anything, ``ANY.as_("x")`` for anything that is ``play.x`` from then on, a type for a
  value of that type, `one_of` for one of several; ``...`` at the end of a list and ``...: ...`` in a dictionary for any more.
* Instead of a message: `nothing` (all is quiet), `closed`, `violation` (an ABORT for a protocol violation, then closed).
* When the play is over everything heard must have been expected, and the canary, a session that had joined before, must
  still be served: it registers, calls, subscribes and publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tests.support.values import DUMP, LOAD
from tests.support.wires import Wire
from wampd.realms.messages import ABORT, HELLO, WELCOME

NAMES = frozenset({"caller", "callee", "publisher", "subscriber", "alice", "bob", "carol", "dave"})
"""Actors that join by themselves."""

PROTOCOL_VIOLATION = "wamp.error.protocol_violation"

ALL: Mapping[str, Any] = {
    "publisher": {
        "features": dict.fromkeys(
            (
                "publisher_identification",
                "publisher_exclusion",
                "subscriber_blackwhite_listing",
                "payload_passthru_mode",
                "x_unheard_of",
            ),
            True,
        )
    },
    "subscriber": {
        "features": dict.fromkeys(
            (
                "publisher_identification",
                "pattern_based_subscription",
                "subscription_revocation",
                "payload_passthru_mode",
            ),
            True,
        )
    },
    "caller": {
        "features": dict.fromkeys(
            (
                "call_canceling",
                "call_timeout",
                "caller_identification",
                "payload_passthru_mode",
                "payload_transparency",
                "progressive_call_invocations",
                "progressive_call_results",
            ),
            True,
        )
    },
    "callee": {
        "features": dict.fromkeys(
            (
                "call_canceling",
                "call_reroute",
                "call_timeout",
                "caller_identification",
                "pattern_based_registration",
                "payload_passthru_mode",
                "payload_transparency",
                "progressive_call_invocations",
                "progressive_call_results",
                "registration_revocation",
                "sharded_registration",
                "shared_registration",
            ),
            True,
        )
    },
}
"""The four roles with features."""

BASIC: Mapping[str, Any] = {"publisher": {}, "subscriber": {}, "caller": {}, "callee": {}}
"""The four roles of a client of the Basic Profile."""


class Anything:
    """Stands for any value; `as_` gives it a name in the play."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def as_(self, name: str) -> Anything:
        """Any value, which is ``play.<name>`` from then on; or, if there is one of that name, that very value."""
        return Anything(name)

    def __repr__(self) -> str:
        return f"ANY.as_({self.name!r})" if self.name else "ANY"


class OneOf:
    """Stands for any of several values."""

    def __init__(self, *choices: Any) -> None:
        self.choices = choices

    def __repr__(self) -> str:
        return f"one_of{self.choices!r}"


class Silence:
    """Nothing is heard, although everything that was said has been served."""


class Closed:
    """The router closes the connection, over WebSocket with this code."""

    def __init__(self, code: int | None = None) -> None:
        self.code = code

    def __call__(self, code: int) -> Closed:
        return Closed(code)


class Violation:
    """ABORT for a protocol violation whose message holds ``text``, then the connection is closed."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def __call__(self, text: str) -> Violation:
        return Violation(text)


ANY = Anything()
one_of = OneOf
nothing = Silence()
closed = Closed()
violation = Violation()


class Stage(Protocol):
    """Where a play is played: what brings wires to a router."""

    serializer: str

    def connect(self, serializer: str, **options: Any) -> Wire:
        """A new connection."""
        ...


class Actor:
    """A client in a play."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, play: Play, name: str, wire: Wire) -> None:
        self.name = name
        self.wire = wire
        self.id = 0
        self.details: dict[str, Any] = {}
        self._play = play
        self._dump: Callable[[Any], bytes] = DUMP[wire.serializer]
        self._load: Callable[[bytes], Any] = LOAD[wire.serializer]

    # ---------------------------------------------------------------------------------------------------- the script

    def __gt__(self, message: list[Any] | bytes) -> bool:
        self.say(message)
        return True

    def __lt__(self, expected: Any) -> bool:
        if isinstance(expected, Silence):
            self._play.quiet(self)
        elif isinstance(expected, Closed):
            self._expect_closed(expected.code)
        elif isinstance(expected, Violation):
            heard = self.hear()
            self._compare([ABORT, {"message": str}, PROTOCOL_VIOLATION], heard)
            assert expected.text in heard[1]["message"], f"{expected.text!r} is not in {heard[1]['message']!r}"
            self._expect_closed(1002)
        else:
            self._compare(expected, self.hear())
        return True

    def say(self, *messages: Any) -> None:
        """Say several things in one write; bytes go as they are."""
        for message in messages:
            self._play.note(f"{self.name} > {message!r}")
        self.wire.send([each if isinstance(each, bytes) else self._dump(each) for each in messages])

    def hear(self) -> list[Any]:
        """The next message."""
        payload = self.wire.receive()
        if payload is None:
            state = "open" if self.wire.closed is None else f"closed ({self.wire.closed})"
            raise AssertionError(f"{self.name} heard nothing; the connection is {state}\n{self._play}")
        message: list[Any] = self._load(payload)
        self._play.note(f"{self.name} < {message!r}")
        return message

    def drop(self) -> None:
        """Cut the connection without a word; the router knows when this returns."""
        self._play.note(f"{self.name} drops the connection")
        self.wire.drop()

    # ------------------------------------------------------------------------------------------------------- in the small

    def hello(self, realm: str = "realm1", roles: Mapping[str, Any] = ALL, **details: Any) -> None:
        """Say HELLO."""
        self.say([HELLO, realm, {"roles": roles, **details}])

    def join(self, realm: str = "realm1", roles: Mapping[str, Any] = ALL, **details: Any) -> None:
        """Say HELLO and be welcome."""
        self.hello(realm, roles, **details)
        self.welcome()

    def welcome(self) -> None:
        """Hear WELCOME; `id` and `details` are what it says."""
        heard = self.hear()
        self._compare([WELCOME, int, dict], heard)
        _, self.id, self.details = heard

    def has_ended(self) -> bool:
        """Whether nothing more can come."""
        return self.wire.closed is not None

    def _expect_closed(self, code: int | None) -> None:
        got = self.wire.wait_closed()
        assert got is not None, f"the connection of {self.name} is open\n{self._play}"
        assert not code or not got or got == code, f"closed with {got}, not {code}\n{self._play}"
        self.expect_no_more()

    def expect_no_more(self) -> None:
        """Nothing may be here that was not expected."""
        rest = [self._load(payload) for payload in self.wire.waiting()]
        assert not rest, f"{self.name} also heard {rest!r}\n{self._play}"

    def _compare(self, expected: Any, heard: Any) -> None:
        fits = matches(expected, heard, self._play.names)
        assert fits, f"{self.name} heard {heard!r}\n  instead of {expected!r}\n{self._play}"


class Play:
    """One test's conversation with a router."""

    def __init__(self, stage: Stage) -> None:
        self.names: dict[str, Any] = {}
        self._stage = stage
        self._actors: dict[str, Actor] = {}
        self._script: list[str] = []
        self._canary = self.session("canary")

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__["_actors"]:
            return self._actors[name]
        if name in self.__dict__["names"]:
            return self.names[name]
        if name in NAMES:
            return self.session(name)
        raise AttributeError(f"nobody and nothing in this play is called {name!r}")

    def __str__(self) -> str:
        return "\n".join(["so far:", *(f"  {line}" for line in self._script)])

    @property
    def actors(self) -> Mapping[str, Actor]:
        """Who has been spoken of so far, by name."""
        return self._actors

    @property
    def stage(self) -> Any:
        """Where this is played."""
        return self._stage

    def newcomer(self, name: str, serializer: str = "", **options: Any) -> Actor:
        """Somebody who has connected, and has not said anything."""
        assert name not in self._actors
        actor = Actor(self, name, self._stage.connect(serializer or self._stage.serializer, **options))
        self._actors[name] = actor
        return actor

    def session(
        self, name: str, realm: str = "realm1", roles: Mapping[str, Any] = ALL, serializer: str = "", **details: Any
    ) -> Actor:
        """Somebody who has joined."""
        actor = self.newcomer(name, serializer)
        actor.join(realm, roles, **details)
        return actor

    def note(self, line: str) -> None:
        """Keep a line of the script for messages."""
        self._script.append(line if len(line) <= 160 else f"{line[:160]}…")

    def fence(self) -> None:
        """Wait until everything that anybody said is served."""
        for actor in self._actors.values():
            if not actor.has_ended():
                actor.wire.fence()

    def quiet(self, actor: Actor) -> None:
        """See that an actor heard nothing."""
        self.fence()
        actor.wire.fence()
        actor.expect_no_more()

    def end(self) -> None:
        """See that nobody heard what was not expected, and that the canary is well; then all leave."""
        self.fence()
        self.fence()
        for actor in self._actors.values():
            actor.expect_no_more()
        self._check_canary()

    def leave(self) -> None:
        """Close all connections."""
        for actor in self._actors.values():
            actor.wire.drop()

    def _check_canary(self) -> None:
        canary = self._canary
        canary > [64, 1, {}, "org.canary.echo"]
        canary < [65, 1, ANY.as_("canary's registration")]
        canary > [48, 2, {}, "org.canary.echo", ["well?"]]
        canary < [68, 1, self.names["canary's registration"], {}, ["well?"]]
        canary > [70, 1, {}, ["well."]]
        canary < [50, 2, {}, ["well."]]
        canary > [32, 3, {}, "org.canary.news"]
        canary < [33, 3, ANY.as_("canary's subscription")]
        canary > [16, 4, {"acknowledge": True, "exclude_me": False}, "org.canary.news"]
        canary < [17, 4, int]
        canary < [36, self.names["canary's subscription"], int, {}]


def matches(expected: Any, heard: Any, names: dict[str, Any]) -> bool:
    """Whether a value is what is expected; gives names to what `Anything.as_` stands for."""
    if isinstance(expected, Anything):
        if expected.name in names:
            return matches(names[expected.name], heard, names)
        if expected.name:
            names[expected.name] = heard
        return True
    if isinstance(expected, OneOf):
        return any(matches(choice, heard, names) for choice in expected.choices)
    if isinstance(expected, type):
        return type(heard) is expected
    if isinstance(expected, list):
        if expected[-1:] == [...]:
            expected, heard = expected[:-1], heard[: len(expected) - 1]
        return (
            isinstance(heard, list)
            and len(heard) == len(expected)
            and all(matches(part, other, names) for part, other in zip(expected, heard, strict=True))
        )
    if isinstance(expected, dict):
        wanted = {key: value for key, value in expected.items() if key is not ...}
        return (
            isinstance(heard, dict)
            and (heard.keys() >= wanted.keys() if ... in expected else heard.keys() == wanted.keys())
            and all(matches(value, heard[key], names) for key, value in wanted.items())
        )
    return type(heard) is type(expected) and bool(heard == expected)
