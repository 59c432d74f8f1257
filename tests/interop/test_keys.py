"""autobahn logs in by keys and certificates."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.authority import Authority, fingerprint
from tests.support.certificates import Pem, make_certificate
from tests.support.needs import unavailable
from tests.support.process import Child, environment, free_port, wampd_command
from wampd.auth.keys import SigningKey

SEED = b"hunter2 of joe".ljust(32, b".")
STRANGER = b"hunter2 of nobody".ljust(32, b".")
ROUTER = b"hunter2 of the router".ljust(32, b".")
CONFIGURATION = """
realms:
  - name: realm1
    roles: [{{name: user}}]
    auth:
      cryptosign: {{router_key: {{file: router.key}}, tls_unique_on_tls_1_3: true}}
      tls: {{}}
      principals:
        - {{authid: joe, role: user, keys: ["{key}"]}}
        - {{authid: ann, role: user, certificates: [{{subject: "CN=ann,O=Example\\\\, Inc."}}]}}
        - {{authid: bob, role: user, certificates: [{{fingerprint: "{fingerprint}"}}]}}
listeners:
  - endpoint: tcp:{plain}:interface=127.0.0.1
    websocket: {{/ws: {{type: wamp}}}}
    rawsocket: {{}}
  - endpoint: tcp:{secure}:interface=127.0.0.1
    tls:
      certificate: localhost.crt
      key: localhost.key
      client_certificates: {{authorities: authority.crt, required: false}}
    websocket: {{/ws: {{type: wamp}}}}
    rawsocket: {{}}
"""


def needs_keys() -> None:
    """See that autobahn can sign."""
    if any(find_spec(package) is None for package in ("base58", "ecdsa", "nacl")):
        unavailable("autobahn needs more for cryptosign; run: pip install autobahn[encryption]")


class House(NamedTuple):
    """A router, and the certificates of its clients."""

    router: Child
    plain: int
    secure: int
    trust: Path
    ann: Pem
    bob: Pem
    stranger: Pem
    foreign: Pem
    expired: Pem

    def url(self, scheme: str) -> str:
        port = self.secure if scheme.endswith("ss") else self.plain
        return f"{scheme}://localhost:{port}/ws" if scheme.startswith("ws") else f"{scheme}://localhost:{port}"

    def login(
        self, framework: str, scheme: str, method: str, shown: Pem | None = None, **wishes: Any
    ) -> dict[str, Any]:
        """Let a client log in; what it heard."""
        if method == "cryptosign":
            needs_keys()
        wishes |= {"url": self.url(scheme), "method": method, "trust": str(self.trust)}
        if shown is not None:
            wishes |= {"certificate": str(shown.certificate), "key": str(shown.key)}
        script = Path(__file__).parent / "python" / "keys.py"
        done = subprocess.run(
            [sys.executable, str(script), framework, json.dumps(wishes)],
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout.startswith("{"), done.stdout + done.stderr
        heard: dict[str, Any] = json.loads(done.stdout)
        return heard


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running router that knows joe by a key, ann by the subject of her certificate and bob by his fingerprint."""
    folder = tmp_path_factory.mktemp("keys")
    (folder / "foreign").mkdir()
    authority, foreign = Authority(folder), Authority(folder / "foreign")
    trust = make_certificate(folder).certificate
    ann, bob = authority.client("ann"), authority.client("bob")
    key = folder / "router.key"
    key.touch(mode=0o600)
    key.write_text(ROUTER.hex() + "\n")
    plain, secure = free_port(), free_port()
    config = folder / "wampd.yaml"
    config.write_text(
        CONFIGURATION.format(
            key=SigningKey(SEED).public.hex(), fingerprint=fingerprint(bob.certificate), plain=plain, secure=secure
        )
    )
    with Child(wampd_command("run", config), folder / "wampd.log", env=environment(), cwd=folder) as router:
        router.wait_for_log("is ready")
        others = (authority.client("nobody"), foreign.client("ann"), authority.client("late", days=-1))
        yield House(router, plain, secure, trust, ann, bob, *others)
        said = router.log()
    assert "a bug in wampd" not in said, said
    assert "Traceback" not in said, said
    for secret in (SEED, STRANGER, ROUTER):
        assert secret.hex() not in said


FRAMEWORKS = pytest.mark.parametrize("framework", ["twisted", "asyncio"])


@FRAMEWORKS
@pytest.mark.spec("CSG-01", "CSG-02", "CSG-03", "CSG-05")
@pytest.mark.parametrize("scheme", ["ws", "rs", "wss", "rss"])
def test_a_key_lets_its_owner_in(house: House, framework: str, scheme: str) -> None:
    challenge = "c1" * 32
    heard = house.login(framework, scheme, "cryptosign", seed=SEED.hex(), challenge=challenge)
    assert heard["joined"] == ["joe", "user", "cryptosign"]
    assert heard["challenge"]["pubkey"] == SigningKey(ROUTER).public.hex()
    assert heard["challenge"]["signature"] == SigningKey(ROUTER).sign(bytes.fromhex(challenge)).hex() + challenge


@FRAMEWORKS
@pytest.mark.spec("CSG-03", "AUT-04")
def test_a_key_that_nobody_knows_lets_nobody_in(house: House, framework: str) -> None:
    for authid in (None, "joe"):
        heard = house.login(framework, "ws", "cryptosign", seed=STRANGER.hex(), authid=authid)
        assert "joined" not in heard
        assert heard["left"] == "wamp.error.authentication_denied"


@FRAMEWORKS
@pytest.mark.spec("CSG-04")
@pytest.mark.parametrize("scheme", ["wss", "rss"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_login_is_bound_to_the_connection(house: House, framework: str, scheme: str, version: str) -> None:
    heard = house.login(framework, scheme, "cryptosign", seed=SEED.hex(), binding="tls-unique", tls=version)
    assert heard["joined"] == ["joe", "user", "cryptosign"]
    assert heard["challenge"]["channel_binding"] == "tls-unique"


@FRAMEWORKS
@pytest.mark.spec("TLA-02", "TLA-03")
@pytest.mark.parametrize("scheme", ["wss", "rss"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_certificate_lets_its_owner_in(house: House, framework: str, scheme: str, version: str) -> None:
    heard = house.login(framework, scheme, "tls", house.ann, tls=version)
    assert heard["joined"] == ["ann", "user", "tls"]
    heard = house.login(framework, scheme, "tls", house.bob, tls=version, authid="bob")
    assert heard["joined"] == ["bob", "user", "tls"]


@FRAMEWORKS
@pytest.mark.spec("TLA-02")
def test_a_good_certificate_of_nobody_and_none_at_all_let_nobody_in(house: House, framework: str) -> None:
    heard = house.login(framework, "wss", "tls", house.stranger)
    assert (heard.get("joined"), heard["left"]) == (None, "wamp.error.authentication_denied")
    heard = house.login(framework, "wss", "tls", house.bob, authid="ann")
    assert (heard.get("joined"), heard["left"]) == (None, "wamp.error.authentication_denied")
    for scheme in ("wss", "ws"):
        heard = house.login(framework, scheme, "tls")
        assert (heard.get("joined"), heard["left"]) == (None, "wamp.error.no_matching_auth_method")


@FRAMEWORKS
@pytest.mark.spec("TLA-02")
@pytest.mark.parametrize("which", ["foreign", "expired"])
def test_a_bad_certificate_gets_nowhere(house: House, framework: str, which: str) -> None:
    heard = house.login(framework, "wss", "tls", getattr(house, which), patience=3)
    assert "joined" not in heard
    assert "challenge" not in heard
    house.router.wait_for_log(": no TLS: ")
    house.router.wait_for_log("certificate verify failed")
