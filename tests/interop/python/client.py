"""autobahn-python against a router: ``client.py FRAMEWORK SCENARIO`` holds one scenario and prints "facts: " and JSON.

FRAMEWORK is ``twisted`` or ``asyncio``. The environment: ``WAMP_URL`` is ``ws://…`` or ``rs://…``, ``WAMP_SERIALIZER``
``json``, ``msgpack`` or ``cbor``. The scenario ``host`` serves procedures for clients of other kinds, until SIGTERM.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import txaio
from autobahn.wamp.exception import ApplicationError
from autobahn.wamp.types import CallOptions, PublishOptions, RegisterOptions, SubscribeOptions
from twisted.internet.defer import CancelledError, Deferred

FRAMEWORK, SCENARIO = sys.argv[1:]

if FRAMEWORK == "twisted":
    from autobahn.twisted.component import Component
    from twisted.internet import reactor, task
else:
    from autobahn.asyncio.component import Component


PATIENCE = 10.0
"""Seconds that anything may take."""

Facts = dict[str, Any]
SCENARIOS: dict[str, Callable[[], Coroutine[Any, Any, Facts]]] = {}
_joined: list[tuple[Any, Any]] = []


def scenario(function: Callable[[], Coroutine[Any, Any, Facts]]) -> Callable[[], Coroutine[Any, Any, Facts]]:
    """A scenario goes by the name of its function."""
    SCENARIOS[function.__name__] = function
    return function


def transport() -> dict[str, Any]:
    """Where the router is."""
    url, serializer = os.environ["WAMP_URL"], os.environ["WAMP_SERIALIZER"]
    parts = urlsplit(url)
    if parts.scheme == "ws":
        return {"type": "websocket", "url": url, "serializers": [serializer], "max_retries": 0}
    endpoint = {"type": "tcp", "host": parts.hostname, "port": parts.port}
    return {"type": "rawsocket", "url": url, "endpoint": endpoint, "serializer": serializer, "max_retries": 0}


async def join(authid: str = "") -> Any:
    """A session: in ``realm1``, or as somebody in the realm ``guarded``."""
    more: dict[str, Any] = {"realm": "realm1"}
    if authid:
        ticket = {"ticket": {"authid": authid, "ticket": f"secret-of-{authid}"}}
        more = {"realm": "guarded", "authentication": ticket}
    component = Component(transports=[transport()], **more)
    joined = txaio.create_future()
    left = txaio.create_future()
    component.on("join", lambda session, _: txaio.resolve(joined, session))
    component.on("leave", lambda _, details: txaio.resolve(left, details.reason))
    ended = component.start(reactor if FRAMEWORK == "twisted" else asyncio.get_running_loop())
    txaio.add_callbacks(ended, None, lambda failed: None if txaio.is_called(joined) else txaio.reject(joined, failed))
    session = await joined
    _joined.append((session, left))
    return session


async def leave() -> None:
    """Close every session in good order."""
    for session, left in _joined:
        if not session.is_attached():
            continue  # the scenario has seen to its end
        session.leave()
        reason = await left
        assert reason == "wamp.close.goodbye_and_out", reason


def pause(seconds: float) -> Awaitable[Any]:
    """Wait."""
    result: Awaitable[Any] = (
        task.deferLater(reactor, seconds) if FRAMEWORK == "twisted" else asyncio.sleep(seconds)  # type: ignore[arg-type]
    )
    return result


async def until(condition: Callable[[], Any]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await pause(0.01)


async def subscribed(session: Any, topic: str, into: list[Any], pick: Any, **options: Any) -> Any:
    """Collect what ``pick`` makes of the events of a topic."""

    def on_event(*args: Any, details: Any = None, **kwargs: Any) -> None:
        into.append(pick(args, kwargs, details))

    return await session.subscribe(on_event, topic, options=SubscribeOptions(details_arg="details", **options))


async def publish(session: Any, topic: str, *args: Any, **options: Any) -> None:
    """Publish, and wait for the acknowledgement."""
    await session.publish(topic, *args, options=PublishOptions(acknowledge=True, **options))


async def failure(awaited: Awaitable[Any]) -> list[Any]:
    """The URI and the arguments of the error that something ends with."""
    try:
        await awaited
    except ApplicationError as error:
        return [error.error, list(error.args)]
    return ["no error", []]


def pending(canceled: list[bool]) -> Any:
    """A result that never comes; ``canceled`` says when it is no longer wanted."""
    if FRAMEWORK == "twisted":
        return Deferred(canceller=lambda _: canceled.append(True))
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda done: canceled.append(done.cancelled()))
    return future


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


def counting() -> Callable[..., Any]:
    """A procedure that counts up to its argument, by progressive results if the caller takes them."""

    async def count(most: int, details: Any = None) -> str:
        for number in range(most if details.progress is not None else 0):
            details.progress(number)
            await pause(0.01)
        return "done" if details.progress is not None else "done at once"

    if FRAMEWORK == "twisted":
        return lambda *args, **kwargs: Deferred.fromCoroutine(count(*args, **kwargs))
    return count


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
    return {"error": uri, "in time": 0.25 < took < 3, "interrupted": canceled}


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
async def retention() -> Facts:
    """The last event of a topic is kept for those who come later."""
    publisher, subscriber = await join(), await join()
    topic = f"com.interop.kept.{FRAMEWORK}"
    heard: list[Any] = []

    def pick(args: Any, kwargs: Any, details: Any) -> Any:
        return [args[0], bool(details.retained)]

    await publish(publisher, topic, "old", retain=True)
    await publish(publisher, topic, "kept", retain=True)
    await publish(publisher, topic, "passing")
    await subscribed(subscriber, topic, heard, pick, get_retained=True)
    await publish(publisher, topic, "live")
    await until(lambda: len(heard) == 2)
    return {"heard": heard}


@scenario
async def testaments() -> Facts:
    """What a session wants to be published when it is gone."""
    heir, owner = await join(), await join()
    heard: list[Any] = []
    await subscribed(heir, "com.interop.will", heard, lambda args, kwargs, _: [list(args), kwargs])
    add, flush = "wamp.session.add_testament", "wamp.session.flush_testaments"
    await owner.call(add, "com.interop.will", ["flushed"], {}, scope="detached")
    await owner.call(flush, scope="detached")
    await owner.call(add, "com.interop.will", ["last"], {"words": "adieu"})
    await owner.call(add, "com.interop.will", ["first"], {}, scope="detached")
    wrong = await failure(owner.call(add, "com.interop.will", [], {}, scope="whenever"))
    owner.leave()
    await until(lambda: len(heard) == 2)
    return {"heard": heard, "wrong": wrong[0]}


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
    reason = next(left for session, left in _joined if session is guest)
    await watcher.call("wamp.session.kill", number, reason="com.interop.enough")
    facts["killed for"] = await reason
    await until(lambda: left)
    facts["left"] = left[0] == number
    return facts


@scenario
async def host() -> Facts:
    """Serve what clients of other kinds call, until the end."""
    session = await join()
    waiting: list[Any] = []
    canceled: list[bool] = []

    def wait() -> Any:
        waiting.append(pending(canceled))
        return waiting[-1]

    await session.register(wait, "com.host.wait")
    await session.register(lambda: len(waiting), "com.host.waiting")
    await session.register(lambda: len(canceled), "com.host.canceled")
    await session.register(
        lambda topic, text, retain: Deferred.fromCoroutine(publish(session, topic, text, retain=retain)),
        "com.host.publish",
    )
    await session.register(counting(), "com.host.count", options=RegisterOptions(details_arg="details"))
    print("serving", flush=True)
    return {"left": await _joined[0][1]}


async def hold() -> None:
    """Hold the scenario, and say what came of it."""
    facts = await SCENARIOS[SCENARIO]()
    print(f"facts: {json.dumps(facts, ensure_ascii=False)}", flush=True)
    await leave()


if __name__ == "__main__":
    if FRAMEWORK == "twisted":
        task.react(lambda _: Deferred.fromCoroutine(hold()))
    else:
        asyncio.run(hold())
