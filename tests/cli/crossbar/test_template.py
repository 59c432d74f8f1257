"""What ``crossbar init`` writes, imported and run: its clients are served, and its page."""

import json
import subprocess
import sys
import urllib.request

import pytest

from tests.cli.crossbar.importing import template
from tests.support.process import Child, environment, free_port, wampd_command


@pytest.fixture
def node(tmp_path):
    """The directory of a node, and its ports, RawSocket's second."""
    ports = free_port(), free_port()
    (tmp_path / ".crossbar").mkdir()
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("<h1>Hello of the template</h1>")
    (tmp_path / ".crossbar" / "config.json").write_text(json.dumps(template(*ports), indent=4))
    return tmp_path, ports


def client(url: str, serializer: str) -> list[dict[str, object]]:
    """What a client by autobahn got."""
    words = [sys.executable, "-m", "tests.support.autobahn_client", url, serializer]
    done = subprocess.run(
        words, env=environment(PYTHONWARNINGS="ignore"), capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_template_is_imported_and_its_clients_are_served(node):
    directory, (port, raw_port) = node
    words = wampd_command("import-crossbar", str(directory), "-o", str(directory / "config.yaml"))
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "not translated" not in done.stderr
    with Child(wampd_command("run", directory / "config.yaml"), directory / "log", cwd=directory) as wampd:
        wampd.wait_for_port(port)
        wampd.wait_for_port(raw_port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as page:
            assert page.read() == b"<h1>Hello of the template</h1>"
        for url, serializer in ((f"ws://127.0.0.1:{port}/ws", "cbor"), (f"rs://127.0.0.1:{raw_port}", "msgpack")):
            said = client(url, serializer)
            assert said[0]["joined"] == "realm1"
            assert {"error": "wamp.error.no_such_procedure"} in said
            assert sum("event" in line for line in said) == 3
            assert said[-1] == {"left": "wamp.close.goodbye_and_out"}
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/info/live", timeout=30) as health:
            assert health.status == 200
