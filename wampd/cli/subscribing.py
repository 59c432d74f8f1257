"""``wampd subscribe`` and ``wampd tail``: print events as they come, for programs and for people.

Rules
-----
* `subscribe` writes one JSON object a line, and ends when the session does (status 3). `tail` writes lines for people, and
  comes back after a lost connection, however long the router is away.
* What is asked for of the past (retained events, history) comes before what comes from now on, and nothing twice.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

import click
from msgspec import Struct

from wampd.cli.speaking.ending import run
from wampd.cli.speaking.options import Target, speaks_wamp
from wampd.cli.speaking.values import Output, json_line
from wampd.cli.words import Seconds, command, complain, option, with_all
from wampd.client.errors import CannotConnect, ConnectionLost, TimeOver, WampError, one_line
from wampd.client.session import Session
from wampd.client.vocabulary import Event
from wampd.realms.timestamps import rfc3339

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
LASTING: Final = 5.0
"""Seconds that a session lasts after which the pauses begin anew."""
MOST_HISTORY: Final = 1000
"""Of one subscription, which is what wampd gives at once."""
GET_EVENTS: Final = "wamp.subscription.get_events"

_MATCHES: Final = click.Choice(["exact", "prefix", "wildcard"])


class Wanted(Struct, frozen=True):
    """What is to be heard."""

    topics: tuple[str, ...]
    match: str
    retained: bool = False
    history: int = 0


class Told(Struct, frozen=True):
    """An event, with when it was published, or heard."""

    event: Event
    time: str


Part = TypeVar("Part")
Show = Callable[[Told], None]


def _hears(metavar: str, match: str, wanted: str, as_json: str) -> Callable[[Callable[..., int]], Callable[..., Any]]:
    """Give a command the argument and the options that say what is to be heard; it gets that as ``wanted``.

    ``match`` is what is meant if nothing is said, ``wanted`` what the argument is, ``as_json`` what ``--json`` does.
    """
    options = (
        click.argument("topics", nargs=-1, required=True, metavar=f"{metavar}...", help=wanted),
        option("--match", type=_MATCHES, default=match, show_default=True, help=f"how {metavar} is to match"),
        option("--count", type=click.IntRange(1), metavar="N", help="end after so many events"),
        option("--timeout", type=Seconds(0, min_open=True), metavar="SECONDS", help="end after so long (status 4)"),
        option("--retained", is_flag=True, help="begin with the events that are retained"),
        option(
            "--history",
            type=click.IntRange(0, MOST_HISTORY),
            default=0,
            metavar="N",
            help="begin with the last N events",
        ),
        option("--json", "as_json", is_flag=True, help=as_json),
    )

    def decorate(heard: Callable[..., int]) -> Callable[..., Any]:
        @functools.wraps(heard)
        def with_wanted(topics: tuple[str, ...], match: str, retained: bool, history: int, **more: Any) -> int:
            return heard(Wanted(topics, match, retained, history), **more)

        return with_all(options, with_wanted)

    return decorate


SUBSCRIBE = """\
wampd subscribe com.example.news
wampd subscribe com.example..changed --match wildcard   # nothing between two points: any word
wampd subscribe com.example.news --history 10 --count 20 --timeout 60 | jq .args
"""


@command(examples=SUBSCRIBE)
@_hears("TOPIC", "exact", "a topic, or a pattern with --match", "tell a WAMP error as JSON, on standard error")
@speaks_wamp
def subscribe(wanted: Wanted, count: int | None, timeout: float | None, as_json: bool, target: Target) -> int:
    """Print the events of topics, one JSON object a line: topic, time, args, kwargs, publication, details.

    --history needs a router that keeps one (wampd: "history" of the realm) and the right to call
    wamp.subscription.get_events.
    """
    return run(_subscribe(target, wanted, count, timeout), as_json=as_json)


TAIL = """\
wampd tail com.example.                 # everything whose name begins so
wampd tail com.example. wamp.session.   # and who comes and goes, if your role may know
"""


@command(examples=TAIL)
@_hears("PREFIX", "prefix", "how the topics begin", "one JSON object a line, as subscribe writes it")
@speaks_wamp
def tail(wanted: Wanted, count: int | None, timeout: float | None, as_json: bool, target: Target) -> int:
    """Show everything that is published below a prefix, as it comes: when, where, what.

    It goes on until it is stopped: if the router goes away, it waits for it to come back.
    """
    output = Output()
    show = (lambda told: output.line(json_line(_as_json(told)))) if as_json else _for_people(output)
    return run(_tail(target, wanted, show, count, timeout))


# --------------------------------------------------------------------------------------------------------- subscribe


async def _subscribe(target: Target, wanted: Wanted, count: int | None, timeout: float | None) -> None:
    output = Output()
    shown = Shown(lambda told: output.line(json_line(_as_json(told))), count)
    async with target.connect() as session:
        await _listen(session, wanted, shown)
        async with shown.within(timeout):
            await _first(session, shown.enough)


class Shown:
    """What has been shown of the events that are wanted."""

    def __init__(self, show: Show, count: int | None) -> None:
        self._show, self._count = show, count
        self._shown = 0
        self.enough: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Is done with the last one; or fails, when nobody reads any more."""

    def __call__(self, told: Told) -> None:
        """Show one more."""
        if self.enough.done():
            return
        try:
            self._show(told)
        except BrokenPipeError as error:
            self.enough.set_exception(error)
            return
        self._shown += 1
        if self._shown == self._count:
            self.enough.set_result(None)

    @asynccontextmanager
    async def within(self, seconds: float | None) -> AsyncIterator[None]:
        """A block in which enough has to be shown. Raise `TimeOver`."""
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError:
            raise TimeOver(f"{self._shown} events within {seconds:g} s") from None


async def _first(session: Session, enough: asyncio.Future[None]) -> None:
    """Wait for what is enough. Raise `ConnectionLost` if the session ends before, or a subscription is taken away."""
    # A future of its own: what is enough may still come in another session.
    lost: asyncio.Future[ConnectionLost] = asyncio.get_running_loop().create_future()

    def end(why: ConnectionLost) -> None:
        if not lost.done():
            lost.set_result(why)

    session.on_withdrawn = lambda topic: end(
        ConnectionLost(f"the router took the subscription to {one_line(topic)} away")
    )
    over = asyncio.ensure_future(session.over())
    over.add_done_callback(lambda ended: None if ended.cancelled() else end(session.loss()))
    try:
        either: set[asyncio.Future[Any]] = {enough, lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not enough.done():
            raise lost.result()
        enough.result()
    finally:
        over.cancel()


# -------------------------------------------------------------------------------------------------------------- tail


async def _tail(target: Target, wanted: Wanted, show: Show, count: int | None, timeout: float | None) -> None:
    shown = Shown(show, count)
    async with shown.within(timeout):
        await _tail_on(target, wanted, shown)


async def _tail_on(target: Target, wanted: Wanted, shown: Shown) -> None:
    """Listen until enough is shown, in one session after the other."""
    pause, met = FIRST_PAUSE, False
    while True:
        since = time.monotonic()
        try:
            return await _tail_once(target, wanted, shown, again=met)
        except (CannotConnect, ConnectionLost, TimeOver) as why:
            if not met and not isinstance(why, ConnectionLost):
                raise
            complain(f"{why}; trying again")
        if time.monotonic() - since > LASTING:
            pause = FIRST_PAUSE
        met = True
        wanted = Wanted(wanted.topics, wanted.match)  # what was before is shown, and is not shown twice
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 2)


async def _tail_once(target: Target, wanted: Wanted, shown: Shown, *, again: bool) -> None:
    async with target.connect() as session:
        await _listen(session, wanted, shown)
        if again:
            complain("connected again")
        await _first(session, shown.enough)


# ------------------------------------------------------------------------------------------------------ what is heard


async def _listen(session: Session, wanted: Wanted, show: Show) -> None:
    """Subscribe, and show first what there was, then what comes."""
    early: list[Told] = []
    seen: set[int] = set()
    is_late = False

    def hear(event: Event) -> None:
        told = Told(event, rfc3339(time.time_ns() // 1000, digits=3))
        if is_late:
            show(told)
        else:
            early.append(told)

    options = {"get_retained": True} if wanted.retained else {}
    subscriptions = [
        await session.subscribe(topic, hear, match=wanted.match, options=options) for topic in wanted.topics
    ]
    if wanted.history:
        for told in await _history(session, dict(zip(subscriptions, wanted.topics, strict=True)), wanted.history):
            seen.add(told.event.publication)
            show(told)
    is_late = True
    for told in early:
        if told.event.publication not in seen:
            show(told)


async def _history(session: Session, subscriptions: dict[int, str], count: int) -> list[Told]:
    """The last events of all, the oldest first. Raise `WampError`."""
    found: list[Told] = []
    for subscription, topic in subscriptions.items():
        result = await session.call(GET_EVENTS, [subscription], {"limit": count, "reverse": True})
        rows = result.value
        if not isinstance(rows, list):
            raise WampError(GET_EVENTS, ["the answer is no list of events"])
        found += [_past(row, topic) for row in rows if isinstance(row, dict)]
    found.sort(key=lambda told: told.time)
    return found[-count:]


def _past(row: dict[str, Any], topic: str) -> Told:
    """A row of the history; what is not of its type is left out."""

    def part(name: str, kind: type[Part]) -> Part:
        value = row.get(name)
        return value if isinstance(value, kind) else kind()

    details = part("details", dict)
    named = details.get("topic")
    event = Event(
        named if isinstance(named, str) else topic,
        part("publication", int),
        part("args", list),
        part("kwargs", dict),
        details,
    )
    return Told(event, part("timestamp", str))


def _as_json(told: Told) -> dict[str, Any]:
    event = told.event
    details = {name: value for name, value in event.details.items() if name != "topic"}
    return {
        "topic": event.topic,
        "time": told.time,
        "args": event.args,
        "kwargs": event.kwargs,
        "publication": event.publication,
        "details": details,
    }


def _for_people(output: Output) -> Show:
    """When, where, what; in colours on a terminal."""

    def show(told: Told) -> None:
        event = told.event
        when, where = _local(told.time), one_line(event.topic)
        what = [*map(json_line, event.args), *(f"{one_line(k)}={json_line(v)}" for k, v in event.kwargs.items())]
        if output.is_terminal:
            when, where = click.style(when, dim=True), click.style(where, fg="cyan")
        output.line(" ".join([when, where, *what]))

    return show


def _local(moment: str) -> str:
    """The time of day here."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S.%f")[:-3]
    except ValueError:
        return one_line(moment, 30)
