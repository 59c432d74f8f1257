"""WAMP clients of others through the reverse proxy of another router."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.conftest import Field, python
from tests.interop.test_clients import AUTOBAHN_JS, WAMPY, by
from tests.support.process import running_wampd

PROXY = """\
realms: [{name: unused, roles: [{name: anonymous}], auth: {anonymous: {}}}]
listeners:
  - endpoint: tcp:${WAMPD_PORT}:interface=127.0.0.1
    http:
      /ws: {type: proxy, backends: [{url: "http://127.0.0.1:${BACKEND}"}]}
"""
TWISTED = python("twisted", "websocket", "cbor")
ASYNCIO = python("asyncio", "websocket", "msgpack")


@pytest.fixture(scope="module")
def proxied(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """The same field, with a proxy before it."""
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "proxy.yaml").write_text(PROXY)
    with running_wampd(folder / "proxy.yaml", folder / "proxy.log", env={"BACKEND": str(field.port)}) as (proxy, port):
        yield Field(port, proxy)


@by(TWISTED, ASYNCIO, AUTOBAHN_JS, WAMPY)
def test_calls_and_errors_go_through_the_proxy(client, proxied):
    facts = proxied.hold(client, "calls")
    assert facts["both"] == [[1, "zwei ☃", None], {"deep": {"a": [1.5]}}]
    assert facts["error"] == ["com.interop.error.broken", ["bulb", 42]]


@by(TWISTED, AUTOBAHN_JS)
def test_progressive_results_go_through_the_proxy(client, proxied, host):
    assert proxied.hold(client, "progress") == {"parts": [0, 1, 2], "result": "done", "without": "done at once"}
