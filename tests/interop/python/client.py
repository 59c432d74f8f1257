"""autobahn-python against a router: ``client.py FRAMEWORK SCENARIO`` holds one scenario and prints "facts: " and JSON.

FRAMEWORK is ``twisted`` or ``asyncio``; `sessions` says what the environment tells. The scenario ``host`` serves procedures for
clients of other kinds, until SIGTERM.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.interfaces import IPayloadCodec
from autobahn.wamp.types import CallOptions, EncodedPayload, RegisterOptions
from entering import authentication
from events import history, retention, testaments
from meetings import host, neighbours
from sessions import (
    JOINED,
    PATIENCE,
    coroutine,
    counting,
    failure,
    join,
    leave,
    pause,
    pending,
    publish,
    run,
    subscribed,
    until,
)
from twisted.internet.defer import CancelledError

Facts = dict[str, Any]
SCENARIOS: dict[str, Callable[[], Coroutine[Any, Any, Facts]]] = {}


def scenario(function: Callable[[], Coroutine[Any, Any, Facts]]) -> Callable[[], Coroutine[Any, Any, Facts]]:
    """A scenario goes by the name of its function."""
    SCENARIOS[function.__name__] = function
    return function


@scenario
async def calls() -> Facts:
    """Arguments and results of both kinds, and errors."""
    callee, caller = await join(), await join()

    def both(*args: Any, **kwargs: Any) -> Any:
        return [list(args), kwargs]

    def broken(reason: str) -> None:
        raise ApplicationError("com.interop.error.broken", reason, 42)

    await callee.register(both, "com.interop.both")
    registration = await callee.register(broken, "com.interop.broken")
    facts = {
        "both": await caller.call("com.interop.both", 1, "zwei ☃", None, deep={"a": [1.5]}),
        "error": await failure(caller.call("com.interop.broken", "bulb")),
        "taken": (await failure(caller.register(both, "com.interop.both")))[0],
    }
    await registration.unregister()
    facts["gone"] = (await failure(caller.call("com.interop.broken", "bulb")))[0]
    return facts


@scenario
async def cancel() -> Facts:
    """A call is cancelled, and its callee is told."""
    callee, caller = await join(), await join()
    canceled: list[bool] = []
    started: list[bool] = []

    def wait() -> Any:
        started.append(True)
        return pending(canceled)

    await callee.register(wait, "com.interop.wait")
    call = caller.call("com.interop.wait")
    await until(lambda: started)
    error = ""
    call.cancel()
    try:
        await call
    except (asyncio.CancelledError, CancelledError):  # the library tells its user so before the router answers
        error = "canceled"
    await until(lambda: canceled)
    return {"error": error, "interrupted": canceled}


@scenario
async def patterns() -> Facts:
    """Subscriptions and registrations of prefixes and wildcards."""
    subscriber, publisher = await join(), await join()
    heard: dict[str, list[Any]] = {"exact": [], "prefix": [], "wildcard": []}

    def pick(args: Any, kwargs: Any, details: Any) -> Any:
        return [details.topic, *args]

    await subscribed(subscriber, "com.interop.door.open", heard["exact"], pick)
    await subscribed(subscriber, "com.interop.door", heard["prefix"], pick, match="prefix")
    await subscribed(subscriber, "com.interop..open", heard["wildcard"], pick, match="wildcard")
    for number, topic in enumerate(["door.open", "doors", "lid.open", "lid.shut"]):
        await publish(publisher, f"com.interop.{topic}", number)
    await until(lambda: sum(map(len, heard.values())) >= 5)

    def named(name: str) -> Any:
        def endpoint(details: Any = None) -> Any:
            return [name, details.procedure]

        return endpoint

    for name, uri, match in (
        ("exact", "com.interop.lamp.on", "exact"),
        ("prefix", "com.interop.lamp", "prefix"),
        ("wildcard", "org.interop..on", "wildcard"),
    ):
        await subscriber.register(named(name), uri, options=RegisterOptions(match=match, details_arg="details"))
    called = [await publisher.call(uri) for uri in ("com.interop.lamp.on", "com.interop.lamps", "org.interop.lamp.on")]
    return {"heard": heard, "called": called}


@scenario
async def identification() -> Facts:
    """Who publishes and who calls is told, where the router is so configured."""
    joe, ann = await join("joe"), await join("ann")
    heard: list[Any] = []

    def pick(args: Any, kwargs: Any, details: Any) -> Any:
        return [details.publisher == joe._session_id, details.publisher_authid, details.publisher_authrole]

    def who(details: Any = None) -> Any:
        return [details.caller == joe._session_id, details.caller_authid, details.caller_authrole]

    await subscribed(ann, "com.seen.news", heard, pick)
    await subscribed(ann, "com.news", heard, pick)
    await ann.register(who, "com.seen.who", options=RegisterOptions(details_arg="details"))
    await ann.register(who, "com.who", options=RegisterOptions(details_arg="details"))
    await publish(joe, "com.seen.news")
    await publish(joe, "com.news")
    await until(lambda: len(heard) == 2)
    return {"heard": heard, "called": [await joe.call("com.seen.who"), await joe.call("com.who")]}


@scenario
async def lists() -> Facts:
    """The black and white lists, of sessions, people and roles."""
    people = {name: await join(name) for name in ("ann", "bob")}
    joe = await join("joe")
    heard: dict[str, list[Any]] = {name: [] for name in people}
    for name, session in people.items():
        await subscribed(session, "com.listed", heard[name], lambda args, *_: args[0])
    ids = {name: session._session_id for name, session in people.items()}
    for number, options in enumerate(
        (
            {"exclude": [ids["ann"]]},
            {"eligible": [ids["ann"]]},
            {"exclude_authid": ["bob"]},
            {"eligible_authid": ["bob", "nobody"]},
            {"exclude_authrole": ["member"]},
            {"eligible_authrole": ["member"]},
            {"eligible_authrole": ["member", "guest"], "exclude": [ids["ann"]]},
            {"eligible": []},
            {},
        )
    ):
        await publish(joe, "com.listed", number, **options)
    await until(lambda: all(8 in numbers for numbers in heard.values()))
    return heard


@scenario
async def exclusion() -> Facts:
    """A publisher hears itself if it asks for it."""
    session = await join()
    heard: list[Any] = []
    await subscribed(session, "com.interop.own", heard, lambda args, *_: args[0])
    await publish(session, "com.interop.own", "excluded")
    await publish(session, "com.interop.own", "included", exclude_me=False)
    await until(lambda: heard)
    return {"heard": heard}


@scenario
async def progress() -> Facts:
    """A call is answered in parts, if its caller takes them."""
    callee, caller = await join(), await join()
    await callee.register(counting(), "com.interop.count", options=RegisterOptions(details_arg="details"))
    parts: list[int] = []
    result = await caller.call("com.interop.count", 3, options=CallOptions(on_progress=parts.append))
    return {"parts": parts, "result": result, "without": await caller.call("com.interop.count", 3)}


@scenario
async def timeout() -> Facts:
    """A call that takes too long ends, and its callee is told."""
    callee, caller = await join(), await join()
    canceled: list[bool] = []
    await callee.register(lambda: pending(canceled), "com.interop.wait")
    began = time.monotonic()
    uri, _ = await failure(caller.call("com.interop.wait", options=CallOptions(timeout=300)))
    took = time.monotonic() - began
    await until(lambda: canceled)
    return {"error": uri, "in time": 0.25 < took < PATIENCE, "interrupted": canceled}


@scenario
async def sharing() -> Facts:
    """Several callees of one procedure, by three policies."""
    caller, *callees = [await join() for _ in range(4)]

    def answer(number: int) -> Callable[[], int]:
        return lambda: number

    facts: Facts = {}
    for policy in ("roundrobin", "first", "last"):
        procedure = f"com.interop.shared.{policy}"
        for number, callee in enumerate(callees):
            await callee.register(answer(number), procedure, options=RegisterOptions(invoke=policy))
        facts[policy] = [await caller.call(procedure) for _ in range(5)]
        other = caller.register(answer(9), procedure, options=RegisterOptions(invoke="random"))
        facts[f"{policy} against random"] = (await failure(other))[0]
    return facts


@scenario
async def meta() -> Facts:
    """Who is there, who comes and goes, who offers and who listens."""
    watcher = await join()
    joined: list[Any] = []
    left: list[Any] = []
    await subscribed(watcher, "wamp.session.on_join", joined, lambda args, *_: args[0])
    await subscribed(watcher, "wamp.session.on_leave", left, lambda args, *_: args[0])
    before = await watcher.call("wamp.session.count")
    guest = await join()
    number = guest._session_id
    await until(lambda: joined)
    details = await watcher.call("wamp.session.get", number)
    facts: Facts = {
        "one more": await watcher.call("wamp.session.count") - before,
        "listed": number in await watcher.call("wamp.session.list"),
        "joined": [joined[0]["session"] == number, joined[0]["authrole"]],
        "got": [details["session"] == number, details["authmethod"]],
        "nobody": (await failure(watcher.call("wamp.session.get", 1)))[0],
    }
    registration = await guest.register(lambda: None, "com.interop.offer")
    subscription = await subscribed(guest, "com.interop.theme", [], print)
    for kind, uri, id_, members in (
        ("registration", "com.interop.offer", registration.id, "callees"),
        ("subscription", "com.interop.theme", subscription.id, "subscribers"),
    ):
        found = await watcher.call(f"wamp.{kind}.match", uri)
        facts[kind] = [
            await watcher.call(f"wamp.{kind}.lookup", uri) == id_,
            found in (id_, [id_]),
            (await watcher.call(f"wamp.{kind}.get", id_))["uri"],
            await watcher.call(f"wamp.{kind}.list_{members}", id_) == [number],
            await watcher.call(f"wamp.{kind}.count_{members}", id_),
        ]
    reason = next(left for session, left in JOINED if session is guest)
    await watcher.call("wamp.session.kill", number, reason="com.interop.enough")
    facts["killed for"] = await reason
    await until(lambda: left)
    facts["left"] = left[0] == number
    return facts


@scenario
async def takeover() -> Facts:
    """A callee takes the place of another."""
    caller, old, new = await join("joe"), await join("ann"), await join("joe")
    await old.register(lambda: "old", "com.interop.place")
    facts: Facts = {"before": await caller.call("com.interop.place")}
    await new.register(lambda: "new", "com.interop.place", options=RegisterOptions(force_reregister=True))
    facts["after"] = await caller.call("com.interop.place")
    return {**facts, "old is well": await old.call("com.interop.place")}


@scenario
async def concurrency() -> Facts:
    """A callee takes so many calls at a time, and the others wait."""
    callee, caller = await join(), await join()
    running: list[int] = []
    most: list[int] = []

    async def work(number: int) -> int:
        running.append(number)
        most.append(len(running))
        await until(lambda: len(most) > 1)  # the second call may come later than the first could be done
        await pause(0.05)  # would a third come, too?
        running.remove(number)
        return number

    options = RegisterOptions(invoke="roundrobin", concurrency=2)
    await callee.register(coroutine(work), "com.interop.work", options=options)
    calls = [caller.call("com.interop.work", number) for number in range(5)]
    return {"results": [await call for call in calls], "most at once": max(most)}


@scenario
async def reflection() -> Facts:
    """What there is, and what is said of it."""
    author, reader = await join(), await join()
    heard: list[Any] = []
    await subscribed(reader, "wamp.reflect.on_define", heard, lambda args, *_: args[0])
    await author.register(lambda: None, "com.interop.described")
    said = {"type": "procedure", "title": "Nothing"}
    await author.call("wamp.reflect.define", "com.interop.described", said)
    await until(lambda: heard)
    return {
        "listed": "com.interop.described" in await reader.call("wamp.reflection.procedure.list"),
        "described": await reader.call("wamp.reflection.procedure.describe", "com.interop.described"),
        "heard": heard,
    }


class Sealed(IPayloadCodec):  # type: ignore[misc]
    """A payload that only the two ends can read."""

    def encode(self, is_originating: bool, uri: str, args: Any = None, kwargs: Any = None) -> EncodedPayload:
        """Arguments as one string of octets."""
        return EncodedPayload(json.dumps([args or [], kwargs or {}]).encode()[::-1], "x_reversed", "json", "k1")

    def decode(self, is_originating: bool, uri: str, encoded_payload: EncodedPayload) -> tuple[str, Any, Any]:
        """What `encode` was given."""
        assert (encoded_payload.enc_algo, encoded_payload.enc_key) == ("x_reversed", "k1")
        args, kwargs = json.loads(encoded_payload.payload[::-1])
        return uri, args, kwargs


@scenario
async def passthru() -> Facts:
    """The router passes on what it cannot read."""
    one, other = await join(), await join()
    for session in (one, other):
        session.set_payload_codec(Sealed())
    heard: list[Any] = []
    await one.register(lambda word, times: word * times, "com.interop.sealed")
    await subscribed(
        one, "com.interop.secret", heard, lambda args, kwargs, details: [list(args), kwargs, details.enc_algo]
    )
    result = await other.call("com.interop.sealed", "ha", times=2)
    await publish(other, "com.interop.secret", "psst")
    await until(lambda: heard)
    return {"result": result, "heard": heard}


for other in (host, neighbours, retention, history, testaments, authentication):
    scenario(other)


async def hold() -> None:
    """Hold the scenario, and say what came of it."""
    facts = await SCENARIOS[sys.argv[2]]()
    print(f"facts: {json.dumps(facts, ensure_ascii=False)}", flush=True)
    await leave()


if __name__ == "__main__":
    run(hold)
