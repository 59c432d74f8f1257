"""One session of a client, against a router that a test plays: what is said, and that every wait has an end."""

import asyncio

import pytest

from tests.client.router import FakeLine, play, serving
from tests.support.loops import run
from wampd.client import ConnectionLost, TimeOver, WampError
from wampd.client.session import Session
from wampd.client.speech import Speech
from wampd.realms import messages as m


def test_a_call_and_its_parts():
    async def conversation(router):
        parts = []
        call = asyncio.ensure_future(
            router.session.call("com.add", [1], {"b": 2}, timeout=3, on_progress=lambda part: parts.append(part.value))
        )
        assert await router.hears() == [
            m.CALL,
            1,
            {"timeout": 3000, "receive_progress": True},
            "com.add",
            [1],
            {"b": 2},
        ]
        router.say(m.RESULT, 1, {"progress": True}, [1])
        router.say(m.RESULT, 1, {"progress": True}, [2])
        router.say(m.RESULT, 1, {}, [3], {"c": 4})
        result = await call
        assert (result.args, result.kwargs, parts) == ([3], {"c": 4}, [1, 2])

    play(conversation)


def test_an_error_has_its_uri_and_arguments():
    async def conversation(router):
        call = asyncio.ensure_future(router.session.call("com.add"))
        await router.hears()
        router.say(m.ERROR, m.CALL, 1, {}, "com.bad", ["so bad", 2], {"c": 4})
        with pytest.raises(WampError) as error:
            await call
        assert (error.value.uri, error.value.arguments, error.value.kwargs) == ("com.bad", ["so bad", 2], {"c": 4})
        assert str(error.value) == "com.bad: so bad"

    play(conversation)


def test_a_call_whose_time_is_up_is_cancelled_at_the_router():
    async def conversation(router):
        with pytest.raises(TimeOver, match=r"com\.slow: no answer within 0\.01 s"):
            await router.session.call("com.slow", timeout=0.01)
        await router.hears()
        assert await router.hears() == [m.CANCEL, 1, {"mode": "killnowait"}]
        router.say(m.RESULT, 1, {}, ["late"])  # which nobody waits for any more

    play(conversation)


def test_a_caller_that_gives_up_cancels_its_call():
    async def conversation(router):
        call = asyncio.ensure_future(router.session.call("com.slow", timeout=None))
        assert await router.hears() == [m.CALL, 1, {}, "com.slow"]
        call.cancel()
        assert await router.hears() == [m.CANCEL, 1, {"mode": "killnowait"}]

    play(conversation)


def test_all_that_waits_ends_with_the_session():
    async def conversation(router):
        waiting = [
            asyncio.ensure_future(each)
            for each in (
                router.session.call("com.add", timeout=None),
                router.session.subscribe("com.topic", print),
                router.session.publish("com.topic", acknowledge=True),
            )
        ]
        for _ in waiting:
            await router.hears()
        router.say(m.GOODBYE, {}, "wamp.close.system_shutdown")
        for each in waiting:
            with pytest.raises(ConnectionLost, match=r"the session ended: wamp\.close\.system_shutdown"):
                await each
        assert await router.hears() == [m.GOODBYE, {}, "wamp.close.goodbye_and_out"]
        assert await router.session.over() == "wamp.close.system_shutdown"
        with pytest.raises(ConnectionLost):
            await router.session.call("com.add")

    play(conversation)


def test_events_reach_their_handlers_with_the_topic_that_the_pattern_caught():
    async def conversation(router):
        heard = []
        asked = asyncio.ensure_future(router.session.subscribe("com.", heard.append, match="prefix"))
        assert await router.hears() == [m.SUBSCRIBE, 1, {"match": "prefix"}, "com."]
        router.say(m.SUBSCRIBED, 1, 77)
        router.say(m.EVENT, 77, 1, {"topic": "com.a"}, [1])  # before the caller knows
        assert await asked == 77
        router.say(m.EVENT, 78, 2, {}, ["of nobody"])
        assert [(event.topic, event.publication, event.args) for event in heard] == [("com.a", 1, [1])]
        gone = asyncio.ensure_future(router.session.unsubscribe(77))
        assert await router.hears() == [m.UNSUBSCRIBE, 2, 77]
        router.say(m.UNSUBSCRIBED, 2)
        await gone

    play(conversation)


def test_a_registration_that_is_taken_away_is_told():
    async def conversation(router):
        gone = []
        router.session.on_withdrawn = gone.append

        async def never(_invocation):
            raise AssertionError

        await serving(never)(router)
        router.say(m.UNREGISTERED, 0, {"registration": 9})
        assert gone == ["com.add"]

    play(conversation)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[",
        b"[]",
        b"[36]",
        b'[50,1,"details"]',
        b"[50,1,{},[],[]]",
        b"[50,1,{},[],{},1]",
        b"[8,48]",
        b"[8,48,1,5,6]",
        b'[8,48,1,{},"com.bad",[],"kwargs"]',
        b"[36,{},1,{}]",
        b"[36,1,{},{}]",
        b"[3,7,8]",
        b"[33,1]",
        b"[99,1]",
        b"[[],1]",
        b"\xff",
        b'[2,5,{"realm":"again"}]',
        b'[4,"ticket",{}]',
    ],
)
def test_a_message_that_makes_no_sense_ends_the_session(data):
    async def conversation(router):
        call = asyncio.ensure_future(router.session.call("com.add"))
        await router.hears()
        router.shout(data)
        assert (await router.hears())[0] == m.ABORT
        assert router.line.is_hung_up
        with pytest.raises(ConnectionLost):
            await call

    play(conversation)


@pytest.mark.parametrize(
    "data", [b'[4,"ticket"]', b"[4,7,{}]", b'[4,"ticket",[]]', b"[3,{}]", b'[3,[],"a.b"]', b"[2,5]", b'[2,"5",{}]']
)
def test_a_handshake_that_makes_no_sense_ends_it(data):
    async def conversation():
        line = FakeLine()
        session = Session(line, Speech("json"))
        line.heard(data)
        with pytest.raises(ConnectionLost, match="makes no sense"):
            await session.greeted()
        assert [message[0] for message in line.said] == [m.ABORT]
        assert line.is_hung_up

    run(conversation())


@pytest.mark.parametrize("data", [b'[2,1,"ab"]', b'[2,1,["ab"]]', b'[2,"x",{}]', b"[2,1]", b"[3,7,8]", b"[4,1,{}]"])
def test_a_greeting_that_makes_no_sense_is_none(data):
    async def conversation(router):
        session = Session(router.line, Speech("json"))
        router.line.heard(data)
        with pytest.raises(ConnectionLost, match="makes no sense"):
            await session.greeted()

    play(conversation)


def test_what_details_hold_may_be_anything():
    async def conversation(router):
        heard, withdrawn = [], []
        router.session.on_withdrawn = withdrawn.append
        subscribing = asyncio.ensure_future(router.session.subscribe("com.topic", heard.append))
        await router.hears()
        router.say(m.SUBSCRIBED, 1, 7)
        await subscribing
        router.say(m.EVENT, 7, 1, {"topic": [1]}, [1])
        assert [event.topic for event in heard] == ["com.topic"]
        router.say(m.UNSUBSCRIBED, 0, {"subscription": [7]})
        router.say(m.UNSUBSCRIBED, 0)
        assert withdrawn == []
        assert not router.session.is_over

    play(conversation)


def test_an_invocation_that_is_there_already_ends_the_session():
    async def wait(_invocation):
        await asyncio.Event().wait()

    async def conversation(router):
        await serving(wait)(router)
        router.say(m.INVOCATION, 1, 9, {})
        assert not router.session.is_over
        router.say(m.INVOCATION, 1, 9, {})
        assert router.session.is_over
        assert router.line.is_hung_up

    play(conversation)


def test_leaving_ends_what_runs_and_waits_for_the_goodbye_but_not_for_ever(monkeypatch):
    monkeypatch.setattr("wampd.client.session.FAREWELL", 0.05)

    async def wait(_invocation):
        await asyncio.Event().wait()

    async def conversation(router):
        await serving(wait)(router)
        router.say(m.INVOCATION, 1, 9, {})
        await router.session.leave()
        said = [(await router.hears())[0] for _ in range(2)]
        assert said == [m.ERROR, m.GOODBYE]
        assert router.line.is_hung_up

    play(conversation)
