"""The configuration changes again and again under full load, and those whom no change concerns do not notice.

What changes: what a role may do, the realms, the paths of a listener, the listeners, and a certificate.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import ssl
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from soak.load import FAN, RPC, loading, troubles
from soak.report import Report, Scale
from soak.router import ALL, TICKET, Router, running, settings
from tests.support.certificates import make_certificate
from tests.support.ports import free_port
from wampd.client import Credentials, Event, Invocation, Session, Trust, connect

RELOADS: Final = 120
BETWEEN: Final = 0.3
"""Seconds between two changes."""
TOPIC, ECHO = "com.soak.numbers", "com.soak.echo"
PLAIN_LISTENER = 0


@dataclass(slots=True)
class Numbers:
    """Sessions that publish and call numbers one after the other, and what was heard of them."""

    heard: dict[str, list[int]] = field(default_factory=dict)
    published: int = 0
    called: int = 0
    wrong: int = 0

    async def serve(self, session: Session, name: str) -> None:
        """Let it subscribe and register."""
        mine = self.heard.setdefault(name, [])
        await session.subscribe(TOPIC, lambda event: mine.append(_number(event)))
        await session.register(f"{ECHO}.{name}", _echo)

    async def publish(self, session: Session, enough: asyncio.Event) -> None:
        """Publish numbers, with an acknowledgement each."""
        while not enough.is_set():
            self.published += 1
            await session.publish(TOPIC, [self.published], acknowledge=True)

    async def call(self, session: Session, name: str, enough: asyncio.Event) -> None:
        """Call numbers; each must come back."""
        while not enough.is_set():
            self.called += 1
            number = self.called
            self.wrong += (await session.call(f"{ECHO}.{name}", [number])).value != number

    async def have_come(self) -> None:
        """Wait for as many events as were published, at everybody's; some more may follow that nobody should hear."""
        while min(map(len, self.heard.values())) < self.published:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)

    def lost(self) -> int:
        """How many events did not come, or not once and in order."""
        wanted = list(range(1, self.published + 1))
        return sum(heard != wanted for heard in self.heard.values())


def _number(event: Event) -> int:
    return int(event.args[0])


async def _echo(invocation: Invocation) -> Any:
    return invocation.args[0]


def run(scale: Scale, directory: Path, report: Report) -> None:
    """Load from two generators, numbers from sessions of every kind, and one change after the other."""
    reloads = scale.of(RELOADS, 10)
    report.tell("size", f"{reloads} changes of {RELOADS}")
    secure = free_port()
    directory.mkdir(exist_ok=True)
    make_certificate(directory)
    begun = time.monotonic()
    with running(directory, _settings(secure)) as router:
        seconds = reloads * (BETWEEN + 0.5)
        with loading(router, RPC, seconds, patience=15) as calls, loading(router, FAN, seconds, patience=15) as events:
            numbers, longest, served = asyncio.run(_changes(router, secure, reloads))
            outcomes = {"calls": calls.outcome(), "events": events.outcome()}
        report.tell("changes made in", f"{time.monotonic() - begun:.0f} s, the slowest {longest * 1000:.0f} ms")
        report.tell("slowest call meanwhile", f"{outcomes['calls']['max_us'] / 1000:.0f} ms")
        for name, outcome in outcomes.items():
            report.is_so(f"{outcome['ops']:,} {name} under full load: wrong", troubles(outcome), "nothing")
        report.is_so(f"subscribers that missed one of {numbers.published:,} numbers", numbers.lost(), 0)
        report.is_so(f"{numbers.called:,} calls of numbers: wrong", numbers.wrong, 0)
        report.is_so("certificates that were not served after the change", served, 0)


def _settings(secure: int) -> dict[str, Any]:
    made = settings()
    made["listeners"].append(
        {
            "endpoint": f"tcp:{secure}:interface=127.0.0.1",
            "websocket": {"/ws": {"type": "wamp"}},
            "tls": {"certificate": "localhost.crt", "key": "localhost.key"},
        }
    )
    return made


async def _changes(router: Router, secure: int, reloads: int) -> tuple[Numbers, float, int]:
    numbers, enough = Numbers(), asyncio.Event()
    plain = f"ws://127.0.0.1:{router.port}/ws"
    urls = {"ws": plain, "rs": f"rs://127.0.0.1:{router.port}", "tls": f"wss://localhost:{secure}/ws", "ticket": plain}
    trust = Trust(ca=router.directory / "localhost.crt")
    longest, not_served = 0.0, 0
    async with AsyncExitStack() as stack:
        sessions: dict[str, Session] = {}
        for name, url in urls.items():
            who = Credentials(authid="user1", secret=TICKET) if name == "ticket" else None
            given = trust if name == "tls" else None
            sessions[name] = await stack.enter_async_context(
                connect(url, "realm1", trust=given, credentials=who, serializer="msgpack" if name == "rs" else "json")
            )
            await numbers.serve(sessions[name], name)
        publisher = await stack.enter_async_context(connect(plain, "realm1"))
        work = [asyncio.create_task(numbers.publish(publisher, enough))]
        work += [asyncio.create_task(numbers.call(publisher, name, enough)) for name in sessions]
        try:
            for number, configuration in enumerate(itertools.islice(_configurations(router), reloads)):
                if number % 5 == 4:
                    make_certificate(router.directory)
                begun = time.monotonic()
                await asyncio.to_thread(router.reload, configuration)
                longest = max(longest, time.monotonic() - begun)
                if number % 5 == 4:
                    not_served += not await asyncio.to_thread(_serves_its_certificate, secure, router.directory)
                await asyncio.sleep(BETWEEN)
        finally:
            enough.set()
            await asyncio.wait_for(asyncio.gather(*work), 30)
        with suppress(TimeoutError):  # of those on whose way the last events are
            await asyncio.wait_for(numbers.have_come(), 30)
    return numbers, longest, not_served


def _configurations(router: Router) -> Iterator[dict[str, Any]]:
    """One configuration after the other, each with one thing changed, and changed back the next time round."""
    base = copy.deepcopy(router.configuration)
    for turn in itertools.count():
        made = copy.deepcopy(base)
        if turn % 2 == 0:
            made["realms"][0]["roles"][1]["permissions"].append(
                {"uri": f"com.more{turn}.", "match": "prefix", "allow": ALL}
            )
        yield made
        made = copy.deepcopy(made)
        made["realms"].append({**copy.deepcopy(base["realms"][0]), "name": f"another{turn}"})
        yield made
        made = copy.deepcopy(made)
        made["listeners"][PLAIN_LISTENER]["websocket"][f"/more{turn}"] = {"type": "echo"}
        yield made
        made = copy.deepcopy(made)
        made["listeners"].append({"endpoint": f"tcp:{free_port()}:interface=127.0.0.1", "rawsocket": {}})
        yield made
        yield copy.deepcopy(made)  # nothing but the certificate


def _serves_its_certificate(port: int, directory: Path) -> bool:
    """Whether the listener shows what is in the file."""
    shown = ssl.get_server_certificate(("127.0.0.1", port))
    return ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert((directory / "localhost.crt").read_text())
