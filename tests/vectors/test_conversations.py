"""The conversations of the vectors: several sessions, and what each of them hears."""

from __future__ import annotations

import pytest

from tests.support.play import Play
from tests.support.stages import MemoryStage
from tests.vectors.conversations import Conversation, conversations

ALL = conversations()


def each(chosen: list[Conversation]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "conversation", [pytest.param(one, id=str(one), marks=pytest.mark.spec(*one.rows)) for one in chosen]
    )


@each([one for one in ALL if not one.in_memory])
def test_a_conversation_of_several_sessions_goes_as_it_is_written(conversation: Conversation, play: Play) -> None:
    conversation.hold(play)


@each([one for one in ALL if one.in_memory])
def test_a_conversation_about_being_in_time_goes_as_it_is_written(
    conversation: Conversation, memory_play: Play
) -> None:
    conversation.hold(memory_play)


@each([one for one in ALL if one.also == "basic"])
def test_clients_without_features_hold_the_same_conversation(conversation: Conversation, memory_play: Play) -> None:
    conversation.hold(memory_play, roles="basic")


@pytest.mark.parametrize(
    "talk",
    [
        "alice > [SUBSCRIBE, 1, {}, a.b]\nalice < nothing",
        "alice > [SUBSCRIBE, 1, {}, a.b]\nalice < [SUBSCRIBED, 2, $sub]",
        "alice > [SUBSCRIBE, 1, {}, a.b]\nalice < [SUBSCRIBED, 1, $str]",
        "alice > [SUBSCRIBE, 1, {}, a.b]\nalice < [SUBSCRIBED, 1, $alice]",
        "alice < closed",
        "alice < violation",
        "alice whistles",
    ],
)
def test_a_conversation_that_goes_otherwise_is_noticed(talk: str) -> None:
    play = Play(MemoryStage("json"))
    with pytest.raises(AssertionError):
        Conversation("otherwise", [], talk).hold(play)
    play.leave()
