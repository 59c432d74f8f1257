"""What cannot be carried to its receiver: a call still ends once, and nothing goes round in circles."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attack.inside import EVERY_ROLE, RAW_JSON, House, Wire
from wampd.router.sending import FRAME_HEAD

LONG_URI = "com.example." + "x" * 490


def pair(house: House) -> tuple[Wire, Wire]:
    """A callee, and a caller who takes messages of 512 octets at most."""
    callee, caller = house.connect(), house.connect()
    callee.join()
    peer: Any = house.realm.sessions[caller.join(limit=2)].outlet
    # Less than WELCOME needs, and than a URI may be long.
    peer._connection.framing.max_send = 512
    peer._largest_frame = 512 + FRAME_HEAD
    callee.say([64, 1, {}, "com.example.add"])
    return callee, caller


@pytest.mark.trap(2)
def test_an_error_whose_uri_the_caller_cannot_take_ends_the_call_with_another_error() -> None:
    callee, caller = pair(House())
    caller.say([48, 7, {}, "com.example.add"])
    callee.say([8, 68, 1, {}, LONG_URI])
    assert caller.heard() == [[8, 48, 7, {}, "wamp.error.payload_size_exceeded"]]


@pytest.mark.trap(2)
def test_an_error_whose_arguments_the_caller_cannot_take_arrives_without_them() -> None:
    callee, caller = pair(House())
    caller.say([48, 7, {}, "com.example.add"])
    callee.say([8, 68, 1, {}, "com.example.error", ["y" * 1000]])
    ((*head, (reason,)),) = caller.heard()
    assert head == [8, 48, 7, {}, "com.example.error"]
    assert "512" in reason


@pytest.mark.trap(2)
def test_an_error_of_the_router_that_is_too_long_loses_its_explanation() -> None:
    _, caller = pair(House())
    assert caller.say([48, 8, {}, LONG_URI]) in (
        [[8, 48, 8, {}, "wamp.error.no_such_procedure"]],
        [
            [
                8,
                48,
                8,
                {},
                "wamp.error.no_such_procedure",
                ["the message is longer than the 512 bytes that its receiver takes"],
            ]
        ],
    )


@pytest.mark.trap(2)
def test_a_result_that_the_caller_cannot_take_ends_the_call_with_an_error() -> None:
    callee, caller = pair(House())
    caller.say([48, 7, {}, "com.example.add"])
    callee.say([70, 1, {}, ["y" * 1000]])
    ((*head, _),) = caller.heard()
    assert head == [8, 48, 7, {}, "wamp.error.payload_size_exceeded"]


@pytest.mark.trap(2)
def test_a_client_that_cannot_take_its_welcome_is_aborted() -> None:
    house = House(realm="com.example." + "r" * 100)
    client = house.connect()
    client.send(bytes((0x7F, RAW_JSON, 0, 0)))
    ((code, _, reason),) = client.say([1, house.realm.name, {"roles": EVERY_ROLE}])
    assert (code, reason) == (3, "wamp.error.payload_size_exceeded")
    assert client.transport.lost
    assert not house.realm.sessions
