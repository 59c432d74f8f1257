"""What clients of others make of the router: each feature, as each library knows it.

Each client holds the same scenario in its own words, and reports facts, which are the same for all. Where a client is not
in the list of a test, its library has no word for the feature; the list says so.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.interop.conftest import Client, Field, need, node, python

TWISTED = python("twisted", "websocket", "msgpack")
ASYNCIO = python("asyncio", "rawsocket", "cbor")
AUTOBAHN_JS = node("autobahn", "msgpack")
WAMPY = node("wampy", "cbor")


def by(*clients: Client) -> Any:
    """Run a test with these clients."""
    return pytest.mark.parametrize(
        "client",
        [
            pytest.param(client, marks=pytest.mark.needs("node") if client.command[0] == "node" else (), id=str(client))
            for client in clients
        ],
    )


EVERY = (TWISTED, ASYNCIO, AUTOBAHN_JS, WAMPY)


@by(
    *(python("twisted", transport, name) for transport in ("websocket", "rawsocket") for name in ("json", "cbor")),
    *(python("asyncio", transport, name) for transport in ("websocket", "rawsocket") for name in ("json", "msgpack")),
    *(node(client, name) for client in ("autobahn", "wampy") for name in ("json", "msgpack", "cbor")),
)
def test_arguments_results_and_errors(client: Client, field: Field) -> None:
    assert field.hold(client, "calls") == {
        "both": [[1, "zwei ☃", None], {"deep": {"a": [1.5]}}],
        "error": ["com.interop.error.broken", ["bulb", 42]],
        "taken": "wamp.error.procedure_already_exists",
        "gone": "wamp.error.no_such_procedure",
    }


# autobahn-python tells its user of the end before the router answers; autobahn-js asks for kill, and gets what the callee says.
ENDED_BY = {"twisted": "canceled", "asyncio": "canceled", "autobahn": "wamp.error.runtime_error"}


@by(*EVERY)
def test_cancelling(client: Client, field: Field, host: None) -> None:
    error = ENDED_BY.get(client.name, "wamp.error.canceled")
    assert field.hold(client, "cancel") == {"error": error, "interrupted": [True]}


@by(*EVERY)
def test_patterns(client: Client, field: Field) -> None:
    opened = ["com.interop.door.open", 0]
    assert field.hold(client, "patterns") == {
        "heard": {
            "exact": [opened],
            "prefix": [opened, ["com.interop.doors", 1]],
            "wildcard": [opened, ["com.interop.lid.open", 2]],
        },
        "called": [
            ["exact", "com.interop.lamp.on"],
            ["prefix", "com.interop.lamps"],
            ["wildcard", "org.interop.lamp.on"],
        ],
    }


@by(*EVERY)
def test_identification(client: Client, field: Field) -> None:
    known, unknown = [True, "joe", "member"], [False, None, None]
    assert field.hold(client, "identification") == {"heard": [known, unknown], "called": [known, unknown]}


@by(*EVERY)
def test_black_and_white_lists(client: Client, field: Field) -> None:
    assert field.hold(client, "lists") == {"ann": [1, 2, 5, 8], "bob": [0, 3, 4, 6, 8]}


@by(TWISTED, ASYNCIO, AUTOBAHN_JS)  # wampy.js never says exclude_me: false
def test_exclusion_of_the_publisher(client: Client, field: Field) -> None:
    assert field.hold(client, "exclusion") == {"heard": ["included"]}


@by(TWISTED, ASYNCIO, AUTOBAHN_JS)  # wampy.js has no word for it; autobahn-python does not tell its user
def test_taking_the_place_of_another_callee(client: Client, field: Field) -> None:
    told = {"told": ["wampd.revoked.taken_over"]} if client is AUTOBAHN_JS else {}
    assert field.hold(client, "takeover") == {"before": "old", "after": "new", "old is well": "new", **told}


@by(TWISTED, ASYNCIO)  # the others have no word for it
def test_concurrency_of_a_callee(client: Client, field: Field) -> None:
    assert field.hold(client, "concurrency") == {"results": [0, 1, 2, 3, 4], "most at once": 2}


@by(*EVERY)
def test_reflection(client: Client, field: Field) -> None:
    assert field.hold(client, "reflection") == {
        "listed": True,
        "described": {"type": "procedure", "title": "Nothing"},
        "heard": ["com.interop.described"],
    }


@by(*EVERY)
def test_meta_api(client: Client, field: Field) -> None:
    facts = {
        "one more": 1,
        "listed": True,
        "joined": [True, "anonymous"],
        "got": [True, "anonymous"],
        "nobody": "wamp.error.no_such_session",
        "registration": [True, True, "com.interop.offer", True, 1],
        "subscription": [True, True, "com.interop.theme", True, 1],
    }
    if client is not WAMPY:  # which does not tell its user for what reason it was sent away
        facts |= {"killed for": "com.interop.enough", "left": True}
    assert field.hold(client, "meta") == facts


@by(*EVERY)
def test_progressive_results(client: Client, field: Field, host: None) -> None:
    assert field.hold(client, "progress") == {"parts": [0, 1, 2], "result": "done", "without": "done at once"}


@by(AUTOBAHN_JS)  # the callees of autobahn-python are those of the test above; wampy.js sends no parts of a result
def test_progressive_results_of_a_callee_that_does_not_announce_that_it_can_be_interrupted(
    client: Client, field: Field
) -> None:
    assert field.hold(client, "streaming") == {"parts": [0, 1, 2], "result": "done", "without": "done"}


@by(*EVERY)
def test_timeouts(client: Client, field: Field, host: None) -> None:
    expected = {"error": "wamp.error.timeout", "in time": True, "interrupted": [True]}
    assert field.hold(client, "timeout") == expected


@by(*EVERY)
def test_shared_registrations(client: Client, field: Field) -> None:
    refused = "wamp.error.procedure_already_exists"
    assert field.hold(client, "sharing") == {
        "roundrobin": [0, 1, 2, 0, 1],
        "roundrobin against random": refused,
        "first": [0] * 5,
        "first against random": refused,
        "last": [2] * 5,
        "last against random": refused,
    }


@pytest.mark.needs("node")
def test_clients_of_four_kinds_and_serializations_understand_each_other(field: Field) -> None:
    clients = [
        python("twisted", "websocket", "json"),
        python("asyncio", "rawsocket", "cbor"),
        node("autobahn", "msgpack"),
        node("wampy", "cbor"),
    ]
    need(*clients)  # before one of them waits for another
    names = [client.name for client in clients]
    with ThreadPoolExecutor(len(clients)) as pool:
        held = [pool.submit(field.hold, client, "neighbours", NEIGHBOURS=",".join(names)) for client in clients]
    wrong = [str(each.exception()) for each in held if each.exception() is not None]
    assert not wrong, "\n\n".join(wrong)  # of all: where one fails, others wait for it in vain
    facts = [each.result() for each in held]
    assert facts == [dict.fromkeys(names, True)] * len(clients)


@by(*EVERY)
def test_retained_events(client: Client, field: Field, host: None) -> None:
    assert field.hold(client, "retention") == {"heard": [["kept", True], ["live", False]]}


@by(*EVERY)
def test_testaments(client: Client, field: Field) -> None:
    assert field.hold(client, "testaments") == {
        "heard": [[["first"], {}], [["last"], {"words": "adieu"}]],
        "wrong": "wamp.error.invalid_argument",
    }


@by(*EVERY)
def test_event_history(client: Client, field: Field) -> None:
    assert field.hold(client, "history") == {"newest": [[2], [1]]}


@by(AUTOBAHN_JS, WAMPY)  # autobahn-python announces that it understands, and leaves when it is told
def test_subscriptions_that_are_taken_away(client: Client, field: Field) -> None:
    assert field.hold(client, "removal") == {"heard": ["before", "fence"]}


@by(WAMPY)  # the others do not tell their users
def test_trust_levels(client: Client, field: Field) -> None:
    assert field.hold(client, "trust") == {"heard": [3, None], "called": [3, None]}


@by(TWISTED, ASYNCIO, WAMPY)  # autobahn-js has no word for it
def test_sealed_payloads(client: Client, field: Field) -> None:
    scheme = "x_own" if client is WAMPY else "x_reversed"
    assert field.hold(client, "passthru") == {"result": "haha", "heard": [[["psst"], {}, scheme]]}
