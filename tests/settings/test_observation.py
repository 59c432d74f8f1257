"""Monitors, metrics and health: what the file may say, and what becomes of it."""

import subprocess
import sys

import pytest
from twisted.internet.task import Clock

from tests.support.process import ROOT, environment
from wampd.router.daemon import Daemon

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def with_monitor(text: str) -> str:
    return GOOD.replace("name: realm1", f"name: realm1\n    monitor: {text}")


def with_path(text: str) -> str:
    return GOOD + f"    http: {{/x: {text}}}\n"


def procedures(daemon: Daemon) -> set[str]:
    services = daemon.realms["realm1"].core.dealer.services
    return {uri for uri in services.procedures if uri.startswith("wampd.monitor.")}


def test_nothing_is_served_unless_it_is_written(config):
    assert procedures(Daemon(Clock(), config.load(GOOD))) == set()


def test_a_realm_with_a_monitor_serves_its_procedures(config):
    daemon = Daemon(Clock(), config.load(with_monitor("{}")))
    assert "wampd.monitor.overview" in procedures(daemon)
    assert len(procedures(daemon)) == 9


def test_what_a_monitor_tells_of_is_its_own_realm_unless_it_is_written(config):
    monitor = config.load(with_monitor("{}")).realms[0].monitor
    assert monitor is not None
    assert not monitor.all_realms
    monitor = config.load(with_monitor("{all_realms: true}")).realms[0].monitor
    assert monitor is not None
    assert monitor.all_realms


def test_a_realm_that_comes_and_goes_has_no_monitor(config):
    text = with_monitor("{}").replace("name: realm1", "name: realm1.\n    match: prefix")
    problem = config.problem(text)
    assert 'realms[0].monitor: only realms that are always there ("match: exact") can have this' in problem


def test_a_misspelt_key_of_a_monitor_is_reported(config):
    assert 'did you mean "all_realms"?' in config.problem(with_monitor("{all_realm: true}"))


def test_metrics_and_health_have_no_keys_of_their_own(config):
    for kind in ("metrics", "health"):
        assert (
            type(config.load(with_path(f"{{type: {kind}}}")).listeners[0].http["/x"]).__name__.lower() == f"{kind}path"
        )
        assert "unknown key" in config.problem(with_path(f"{{type: {kind}, path: /y}}"))


HEAVY = (
    "prometheus_client",
    "wampd.router.observe.monitor",
    "wampd.router.observe.metrics",
    "wampd.router.observe.watch",
)
PROGRAM = """
from pathlib import Path
import sys
from twisted.internet.task import Clock
from wampd.router.daemon import Daemon
from wampd.router.settings import load
Daemon(Clock(), load(Path(sys.argv[1]), {}))
print(*sorted(name for name in sys.modules if name in sys.argv[2:]))
"""


@pytest.mark.parametrize(("text", "loaded"), [(GOOD, 0), (with_monitor("{}"), 2)])
def test_what_nobody_configures_is_not_loaded(config, text, loaded):
    command = [sys.executable, "-c", PROGRAM, str(config.write(text)), *HEAVY]
    done = subprocess.run(command, env=environment(), cwd=ROOT, timeout=60, check=True, capture_output=True, text=True)
    assert len(done.stdout.split()) == loaded, done.stdout
