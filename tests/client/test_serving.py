"""What a session of a client is asked: invocations, each with one answer."""

import asyncio

from tests.client.router import play, serving
from wampd.client import WampError
from wampd.client.vocabulary import Result
from wampd.realms import messages as m


def test_an_invocation_is_answered_in_parts_and_at_last():
    async def add(invocation):
        invocation.progress("soon")
        return sum(invocation.args)

    async def conversation(router):
        await serving(add)(router)
        router.say(m.INVOCATION, 1, 9, {"receive_progress": True}, [1, 2])
        assert await router.hears() == [m.YIELD, 1, {"progress": True}, ["soon"]]
        assert await router.hears() == [m.YIELD, 1, {}, [3]]
        router.say(m.INVOCATION, 2, 9, {}, [1, 2])  # by a caller that wants no parts
        assert await router.hears() == [m.YIELD, 2, {}, [3]]

    play(conversation)


def test_what_a_procedure_raises_is_an_error():
    async def fail(invocation):
        raise WampError("com.bad", [1], {"a": 2})

    async def conversation(router):
        await serving(fail)(router)
        router.say(m.INVOCATION, 1, 9, {})
        assert await router.hears() == [m.ERROR, m.INVOCATION, 1, {}, "com.bad", [1], {"a": 2}]

    play(conversation)


def test_what_cannot_be_written_is_an_error():
    async def fail(invocation):
        return Result([float("nan")])

    async def conversation(router):
        await serving(fail)(router)
        router.say(m.INVOCATION, 1, 9, {})
        assert (await router.hears())[:5] == [m.ERROR, m.INVOCATION, 1, {}, "wamp.error.runtime_error"]

    play(conversation)


def test_an_interrupt_ends_what_runs():
    ended = []

    async def wait(invocation):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(invocation.id)

    async def conversation(router):
        await serving(wait)(router)
        router.say(m.INVOCATION, 1, 9, {})
        await asyncio.sleep(0)
        router.say(m.INTERRUPT, 1, {"mode": "kill"})
        assert await router.hears() == [m.ERROR, m.INVOCATION, 1, {}, "wamp.error.canceled"]
        assert ended == [1]
        router.say(m.INTERRUPT, 1, {"mode": "kill"})  # once more: nothing runs

    play(conversation)


def test_an_interrupt_that_comes_with_its_invocation_is_answered_too():
    async def never(_invocation):
        raise AssertionError

    async def conversation(router):
        await serving(never)(router)
        router.say(m.INVOCATION, 1, 9, {})
        router.say(m.INTERRUPT, 1, {"mode": "kill"})
        assert await router.hears() == [m.ERROR, m.INVOCATION, 1, {}, "wamp.error.canceled"]

    play(conversation)


def test_an_invocation_of_nothing_is_refused():
    async def conversation(router):
        router.say(m.INVOCATION, 1, 9, {})
        assert await router.hears() == [m.ERROR, m.INVOCATION, 1, {}, "wamp.error.no_such_procedure"]

    play(conversation)


def test_an_error_whose_arguments_cannot_be_written_is_that_error_without_them():
    async def fail(invocation):
        raise WampError("com.bad", [float("inf")], {"a": 2})

    async def conversation(router):
        await serving(fail)(router)
        router.say(m.INVOCATION, 1, 9, {})
        assert await router.hears() == [m.ERROR, m.INVOCATION, 1, {}, "com.bad"]

    play(conversation)
