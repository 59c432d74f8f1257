"""Autobahn's own client with the serializers that the demonstration does not use: batched ones, and FlatBuffers."""

import json
import subprocess
import sys

import pytest

from tests.support.process import ROOT, environment

LISTENERS = """
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    websocket: {/ws: {type: wamp, serializers: [json, msgpack, cbor, flatbuffers]}}
    rawsocket: {serializers: [flatbuffers]}
"""


@pytest.mark.spec("BAT-01", "BAT-02", "BAT-03", "SER-07", "AMB-16")
@pytest.mark.parametrize(
    ("transport", "serializer"),
    [
        ("ws", "json.batched"),
        ("ws", "msgpack.batched"),
        ("ws", "cbor.batched"),
        ("ws", "flatbuffers"),
        ("tcp", "flatbuffers"),
    ],
)
def test_it_calls_and_is_called_publishes_and_hears_and_leaves(start, transport, serializer):
    router = start(listeners=LISTENERS)
    url = f"{transport}://127.0.0.1:{router.port}/ws"
    command = [sys.executable, "-m", "tests.support.autobahn_client", url, serializer]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said[0]["joined"] == "realm1", done.stderr
    assert said[1:] == [
        {"result": [[1, "ä", None, 1.5, [True, {"deep": "00ff"}]], {"key": "01"}]},
        {"event": [[0, "x"], {"k": "79"}]},
        {"event": [[1, "x"], {"k": "79"}]},
        {"event": [[2, "x"], {"k": "79"}]},
        {"error": "wamp.error.no_such_procedure"},
        {"left": said[-1]["left"]},
    ]
    assert said[-1]["left"].startswith("wamp.close.")
    assert "Traceback" not in done.stderr
    assert router.stop() == 0
