"""The same components with every serializer and transport that their client library speaks, and all of them mixed."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.probe import Probe, probing
from tests.support.process import START_TIMEOUT, Child

from .conftest import Router, need_packages_of

RunComponent = Callable[..., Child]

CLOSING = Path(__file__).with_name("closing.js")
SERIALIZERS = ["json", "msgpack", "cbor"]
TRANSPORTS = ["websocket", "rawsocket"]
NODE = [("websocket", "json"), ("websocket", "msgpack"), ("websocket", "cbor"), ("rawsocket", "json")]


@pytest.fixture
def probe(router: Router) -> Iterator[Probe]:
    with probing(router.port) as session:
        yield session


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_autobahn_on_twisted_publishes_and_answers_calls(
    transport: str, serializer: str, router: Router, run_component: RunComponent, probe: Probe
) -> None:
    probe.subscribe("com.example.tick")
    run_component("twisted", router.url(transport), serializer)
    (first,), details = probe.next_event("com.example.tick")
    (second,), _ = probe.next_event("com.example.tick")
    assert second == first + 1
    assert details["time"].endswith("+00:00")
    assert probe.call_when_there("com.example.add", 2, 3) == 5
    assert probe.call("com.example.add", 2**40, 0.5) == 2**40 + 0.5


@pytest.mark.parametrize("serializer", SERIALIZERS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_autobahn_on_asyncio_subscribes_calls_and_answers_calls(
    transport: str, serializer: str, router: Router, run_component: RunComponent, probe: Probe
) -> None:
    probe.subscribe("com.example.total")
    run_component("asyncio", router.url(transport), serializer)
    run_component("twisted", router.url("websocket"))
    (total,), _ = probe.next_event("com.example.total")
    assert total >= 1
    assert probe.call_when_there("com.example.upper", "äöü ☃ 😀") == "ÄÖÜ ☃ 😀"


@pytest.mark.needs("node")
@pytest.mark.parametrize(("transport", "serializer"), NODE)
def test_autobahn_js_in_node_subscribes_publishes_and_answers_calls(
    transport: str, serializer: str, router: Router, run_component: RunComponent, probe: Probe
) -> None:
    probe.subscribe("com.example.load")
    probe.subscribe("com.example.chat")
    run_component("node", router.url(transport), serializer)
    (megabytes,), details = probe.next_event("com.example.load")
    assert megabytes > 1
    assert details["node"].startswith("v")
    assert probe.call_when_there("com.example.reverse", "äöü ☃ 😀") == "😀 ☃ üöä"
    probe.publish("com.example.chat", name="probe", text="one two three")
    _, answer = probe.next_event("com.example.chat")
    assert answer == {"name": "Node.js", "text": "I read 3 words, probe.", "bot": True}
    assert [line["name"] for line in probe.call("com.example.history")] == ["probe", "Node.js"]


@pytest.mark.needs("node")
def test_the_component_in_node_says_nothing_in_a_session_that_is_over() -> None:
    done = subprocess.run(["node", CLOSING], capture_output=True, text=True, timeout=START_TIMEOUT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.needs("node")
def test_components_of_three_kinds_with_three_serializers_understand_each_other(
    router: Router, run_component: RunComponent, probe: Probe
) -> None:
    need_packages_of("node")  # before others run, whom a skipped test would stop while they start
    for topic in ("tick", "total", "load"):
        probe.subscribe(f"com.example.{topic}")
    run_component("asyncio", router.url("rawsocket"), "cbor")
    run_component("node", router.url("websocket"), "msgpack")
    run_component("twisted", router.url("websocket"), "json")
    for topic in ("tick", "total", "load"):
        (value,), _ = probe.next_event(f"com.example.{topic}")
        assert value > 0
    assert probe.call_when_there("com.example.add", 1, 1) == 2
    assert probe.call_when_there("com.example.upper", "a") == "A"
    assert probe.call_when_there("com.example.reverse", "ab") == "ba"


@pytest.mark.parametrize(
    ("name", "transport", "procedure", "argument", "result"),
    [
        ("twisted", "websocket", "com.example.add", [1, 2], 3),
        ("twisted", "rawsocket", "com.example.add", [1, 2], 3),
        ("asyncio", "websocket", "com.example.upper", ["a"], "A"),
        ("asyncio", "rawsocket", "com.example.upper", ["a"], "A"),
        pytest.param("node", "websocket", "com.example.reverse", ["ab"], "ba", marks=pytest.mark.needs("node")),
        pytest.param("node", "rawsocket", "com.example.reverse", ["ab"], "ba", marks=pytest.mark.needs("node")),
    ],
)
def test_a_component_comes_back_after_a_restart_of_the_router(
    name: str,
    transport: str,
    procedure: str,
    argument: list[object],
    result: object,
    start_router: Callable[..., Router],
    run_component: RunComponent,
) -> None:
    first = start_router()
    run_component(name, first.url(transport))
    with probing(first.port) as probe:
        assert probe.call_when_there(procedure, *argument) == result
    assert first.process.stop() == 0
    second = start_router(port=first.port)
    with probing(second.port) as probe:
        assert probe.call_when_there(procedure, *argument) == result


@pytest.mark.parametrize("name", ["twisted", "asyncio", pytest.param("node", marks=pytest.mark.needs("node"))])
@pytest.mark.parametrize(
    ("variable", "value"),
    [("WAMP_URL", "gopher://127.0.0.1:70"), ("WAMP_SERIALIZER", "xml"), ("WAMP_URL", "tcp://nohost")],
)
def test_a_component_says_what_is_wrong_with_its_environment(
    name: str, variable: str, value: str, run_refused: Callable[..., str]
) -> None:
    *_, message = run_refused(name, {variable: value}).splitlines()
    assert message.startswith(f"{variable}: '{value}'")
