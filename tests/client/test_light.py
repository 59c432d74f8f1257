"""What the client commands load before they do anything: not what would make each of them start slowly."""

import subprocess
import sys

import pytest

from tests.support.process import ROOT, environment

HEAVY = {
    "twisted",
    "txaio",
    "autobahn",
    "rich",
    "yaml",
    "jinja2",
    "prometheus_client",
    "OpenSSL",
    "cryptography",
    "wampd.router.settings",
}


@pytest.mark.parametrize(
    "module", ["calling", "publishing", "subscribing", "registering", "pinging", "benching", "profile"]
)
def test_a_client_command_starts_without_the_router(module):
    script = f"import sys, wampd.cli.main, wampd.cli.{module}; print('\\n'.join(sys.modules))"
    env = environment(PYTHONPATH=str(ROOT))
    loaded = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, env=env, check=True)
    assert HEAVY & set(loaded.stdout.split()) == set()
