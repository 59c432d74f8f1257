"""What a plain router loads: only what it needs."""

import json
import subprocess
import sys

from tests.support.process import ROOT, environment

PROGRAM = """
from pathlib import Path
import json, sys
from wampd.router import reactor as turn_reactor
from wampd.router.settings import load
settings = load(Path(sys.argv[1]), {"WAMPD_PORT": "0"})
from wampd.router.daemon import Daemon
reactor = turn_reactor.install()
daemon = Daemon(reactor, settings)
reactor.callWhenRunning(daemon.start)
reactor.callWhenRunning(lambda: reactor.callLater(0, reactor.stop))
reactor.run()
assert daemon._listening.open and not daemon.status
others = {name.partition(".")[0] for name, module in sys.modules.items() if "-packages" in str(getattr(module, "__file__", ""))}
print(json.dumps([sorted(others), sorted(sys.modules)]))
"""
WANTED = {"msgspec", "twisted", "websockets", "yaml"}
"""What a plain router uses."""
BROUGHT = {
    *(
        "OpenSSL",
        "bcrypt",
        "cryptography",
        "idna",
        "service_identity",
        "_cffi_backend",
    ),  # of every reactor of Twisted's
    *("attr", "attrs", "constantly", "hyperlink", "incremental", "typing_extensions", "zope"),
    *("_distutils_hack", "_yaml", "wampd"),
}
"""What those bring along; and wampd itself, where it is installed."""
FOR_OTHERS = {
    "twisted.internet.endpoints": "endpoints out of the ordinary, and clients",
    "twisted.plugin": "the same",
    "twisted.web": "what is served by HTTP",
    "wampd.router.http.site": "the same",
    "wampd.router.http.tree": "the same",
    "wampd.router.transports.tls": "TLS",
    "wampd.router.wire.cbor_codec": "clients that speak CBOR",
    "wampd.router.outgoing.client": "requests to others",
    "wampd.router.hosting.supervisor": "components",
    "wampd.router.observe.monitor": "who watches",
    "wampd.router.observe.metrics": "the same",
    "wampd.auth.jwt": "tokens",
    "wampd.auth.scram": "passwords",
    "wampd.auth.cryptosign": "keys",
    "sqlite3": "nobody",
}
"""What costs those who need it, and nobody else."""


def test_a_plain_router_loads_what_it_needs():
    command = [sys.executable, "-P", "-c", PROGRAM, str(ROOT / "bench/configs/wampd/config.yaml")]
    env = environment(PYTHONPATH=str(ROOT))
    done = subprocess.run(command, env=env, cwd=ROOT, timeout=60, check=True, capture_output=True, text=True)
    others, modules = json.loads(done.stdout.splitlines()[-1])
    assert set(others) >= WANTED
    assert set(others) - WANTED - BROUGHT == set()
    assert [name for name in FOR_OTHERS if name in modules] == []
