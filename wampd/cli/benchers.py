"""The processes of ``wampd bench``: each opens its sessions, says that it is ready, and does its part when it is told to.

Rules
-----
* They are forked before there is a loop or a thread. They leave Ctrl-C to their parent, which ends them.
* Moments are of the system's monotonic clock, which all of them share: so an event can carry when it was published.
* Latencies are kept as counts in steps of about 2 %: no more memory, however long it runs.
"""

from __future__ import annotations

import asyncio
import math
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from multiprocessing.connection import Connection
from typing import Any, Final

from msgspec import Struct, field

from wampd.cli.speaking.ending import told
from wampd.cli.speaking.options import Target
from wampd.client.errors import ClientError, TimeOver, WampError
from wampd.client.session import Session
from wampd.client.vocabulary import Event, Invocation, Result

STEPS: Final = 32
"""Steps of latency for each doubling."""
ANSWER: Final = 10.0
"""Seconds that a call may take."""
TIMED_OUT: Final = "wamp.error.timeout"
ENDING: Final = (signal.SIGINT, signal.SIGTERM)
LONGEST_WAIT: Final = 120.0
"""Seconds that a process waits to be told to begin, or to end."""


class Job(Struct, frozen=True):
    """What one process does."""

    target: Target
    uri: str
    clients: int
    in_flight: int
    warm_up: float
    duration: float
    size: int


class Outcome(Struct):
    """What one process has seen."""

    count: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of CPU in that time."""
    errors: Counter[str] = field(default_factory=Counter)
    steps: Counter[int] = field(default_factory=Counter)
    """How often each latency was seen, by its step."""
    longest: float = 0.0

    def note(self, seconds: float) -> None:
        """One more, which took so long."""
        self.count += 1
        self.longest = max(self.longest, seconds)
        self.steps[round(math.log2(max(seconds, 1e-7)) * STEPS)] += 1

    def add(self, other: Outcome) -> None:
        """Take in what another process has seen."""
        self.count += other.count
        self.seconds = max(self.seconds, other.seconds)
        self.errors += other.errors
        self.steps += other.steps
        self.longest = max(self.longest, other.longest)

    def percentile(self, percent: float) -> float:
        """The latency, in seconds, that so many of a hundred do not exceed."""
        left = self.count * percent / 100
        for step in sorted(self.steps):
            left -= self.steps[step]
            if left <= 0:
                return min(self.longest, 2 ** (step / STEPS))
        return self.longest


class Failed(Struct, frozen=True):
    """A process could not do its part."""

    status: int
    """The exit status for that."""
    why: str


class Clock:
    """When to measure: after the warm-up, for the duration; how much CPU that took."""

    def __init__(self, job: Job) -> None:
        self.begin = time.monotonic() + job.warm_up
        self.end = self.begin + job.duration
        self._cpu: float | None = None

    def is_on(self) -> bool:
        """Whether to go on."""
        return time.monotonic() < self.end

    def measures(self, since: float) -> bool:
        """Whether what began then counts."""
        return self.begin <= since

    async def watch(self, outcome: Outcome) -> None:
        """Note the time and the CPU time from begin to end."""
        await asyncio.sleep(max(0.0, self.begin - time.monotonic()))
        cpu, begin = time.process_time(), time.monotonic()
        await asyncio.sleep(max(0.0, self.end - time.monotonic()))
        outcome.cpu = time.process_time() - cpu
        outcome.seconds = time.monotonic() - begin


Part = Callable[[Job, list[Session], Outcome, "Orders"], Coroutine[Any, Any, None]]


class Orders:
    """What the parent says."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    async def wait(self) -> None:
        """Wait for the next word. Raise `EOFError` if the parent is gone."""
        there = await asyncio.get_running_loop().run_in_executor(None, self._pipe.poll, LONGEST_WAIT)
        if not there:
            raise EOFError
        self._pipe.recv()

    def ready(self) -> None:
        """Tell that all is prepared."""
        self._pipe.send("ready")


def work(part: Part, job: Job, pipe: Connection) -> None:
    """Be one of the processes; what it has seen goes through the pipe: an `Outcome`, or `Failed`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    try:
        pipe.send(asyncio.run(_work(part, job, Orders(pipe))))
    except ClientError as why:
        pipe.send(Failed(*told(why)))
    except (EOFError, BrokenPipeError):
        return


async def _work(part: Part, job: Job, orders: Orders) -> Outcome:
    outcome = Outcome()
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(job.target.connect()) for _ in range(job.clients)]
        await part(job, sessions, outcome, orders)
    return outcome


async def callee(job: Job, sessions: list[Session], outcome: Outcome, orders: Orders) -> None:
    """Answer calls with what they bring."""

    async def echo(invocation: Invocation) -> Result:
        return Result(invocation.args)

    for session in sessions:
        await session.register(job.uri, echo, options={"invoke": "roundrobin"} if len(sessions) > 1 else {})
    orders.ready()
    await orders.wait()
    await Clock(job).watch(outcome)
    await orders.wait()


async def caller(job: Job, sessions: list[Session], outcome: Outcome, orders: Orders) -> None:
    """Call, so many at once."""
    payload = ["x" * job.size]

    async def call(session: Session, _since: float) -> None:
        await session.call(job.uri, payload, timeout=ANSWER)

    await _load(job, sessions, outcome, orders, call)


async def publisher(job: Job, sessions: list[Session], outcome: Outcome, orders: Orders) -> None:
    """Publish, so many at once that wait for their acknowledgement."""
    filler = "x" * job.size

    async def publish(session: Session, since: float) -> None:
        await session.publish(job.uri, [since, filler], acknowledge=True)

    await _load(job, sessions, outcome, orders, publish)


async def _load(
    job: Job,
    sessions: list[Session],
    outcome: Outcome,
    orders: Orders,
    ask: Callable[[Session, float], Awaitable[None]],
) -> None:
    """Ask again and again, so many at once; ``ask`` gets the session and the time (monotonic seconds)."""
    orders.ready()
    await orders.wait()
    clock = Clock(job)

    async def again(session: Session) -> None:
        while clock.is_on():
            since = time.monotonic()
            try:
                await ask(session, since)
            except WampError as error:
                outcome.errors[error.uri] += 1
            except TimeOver:
                outcome.errors[TIMED_OUT] += 1
            if clock.measures(since):
                outcome.note(time.monotonic() - since)

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(clock.watch(outcome))
            for session in sessions:
                for _ in range(job.in_flight):
                    group.create_task(again(session))
    except ExceptionGroup as several:  # the session of many has ended: one of them says why
        raise several.exceptions[0] from None


async def subscriber(job: Job, sessions: list[Session], outcome: Outcome, orders: Orders) -> None:
    """Note when events come that were published while it is measured."""
    clock: Clock | None = None

    def hear(event: Event) -> None:
        since = event.args[0]
        if clock is not None and clock.begin <= since < clock.end:
            outcome.note(time.monotonic() - since)

    for session in sessions:
        await session.subscribe(job.uri, hear)
    orders.ready()
    await orders.wait()
    clock = Clock(job)
    await clock.watch(outcome)
    await orders.wait()
