"""The meta API, as the client library of autobahn sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, environment, running_wampd


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
@pytest.mark.spec("META-S-01", "META-S-06", "META-R-05", "META-P-02")
def test_autobahn_asks_for_everything_and_sends_a_session_away(serializer: str, tmp_path: Path) -> None:
    with running_wampd(ROOT / "tests" / "configs" / "open.yaml", tmp_path / "wampd.log") as (_, port):
        command = [sys.executable, ROOT / "tests" / "e2e" / "asking.py", f"ws://127.0.0.1:{port}/ws", serializer]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    heard = json.loads(done.stdout.splitlines()[-1])
    victim, registration, subscription = heard["victim"], heard["registration"], heard["subscription"]
    assert heard["registration.list"] == {"exact": [registration], "prefix": [], "wildcard": []}
    assert heard["subscription.list"]["exact"] == [subscription]
    assert len(heard["subscription.list"]["prefix"]) == 3
    assert heard["registration.lookup"] == heard["registration.match"] == registration
    assert heard["subscription.lookup"] == subscription
    assert heard["subscription.match"] == [subscription]
    about = heard["registration.get"]
    assert (about["id"], about["uri"], about["match"], about["invoke"]) == (
        registration,
        "com.example.p",
        "exact",
        "single",
    )
    assert heard["subscription.get"]["uri"] == "com.example.t"
    assert heard["registration.list_callees"] == heard["subscription.list_subscribers"] == [victim]
    assert heard["registration.count_callees"] == heard["subscription.count_subscribers"] == 1
    assert victim in heard["session.list"]
    assert heard["session.count"] == len(heard["session.list"]) == 2
    assert heard["session.get"]["session"] == victim
    assert heard["session.get"]["transport"] == {"type": "websocket", "protocol": f"wamp.2.{serializer}"}
    assert heard["own"] == heard["gone"] == "wamp.error.no_such_session"
    assert heard["killed"] is None
    assert heard["left"] == ["com.bye", "enough"]
    of_the_victim = [
        [topic.removeprefix("wamp."), args[0]["session"] if topic.endswith("on_join") else args[0]]
        for topic, args in heard["events"]
    ]
    of_the_victim = [topic for topic, session in of_the_victim if session == victim]
    assert of_the_victim == [
        "session.on_join",
        "registration.on_create",
        "registration.on_register",
        "subscription.on_create",
        "subscription.on_subscribe",
        "session.on_leave",
        "subscription.on_unsubscribe",
        "subscription.on_delete",
        "registration.on_unregister",
        "registration.on_delete",
    ]
