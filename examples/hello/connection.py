"""Where a Python component connects to, from the environment.

``WAMP_URL``         ``ws://host:port/path``, ``wss://…`` (WebSocket) or ``tcp://host:port`` (RawSocket)
``WAMP_REALM``       the realm to join
``WAMP_SERIALIZER``  ``json``, ``msgpack`` or ``cbor``
"""

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

DEFAULT_URL = "ws://127.0.0.1:8080/ws"
DEFAULT_REALM = "realm1"
SERIALIZERS = ("json", "msgpack", "cbor")

# Come back soon after a restart of the router, and never give up.
RETRY = {"max_retries": -1, "initial_retry_delay": 0.5, "retry_delay_growth": 1.5, "max_retry_delay": 5}


def transport(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """One entry for ``transports`` of an autobahn component; SystemExit with a message when it is not usable."""
    url = environ.get("WAMP_URL", DEFAULT_URL)
    serializer = environ.get("WAMP_SERIALIZER", "json")
    if serializer not in SERIALIZERS:
        raise SystemExit(f"WAMP_SERIALIZER: {serializer!r} is none of {', '.join(SERIALIZERS)}")
    parts = urlsplit(url)
    if parts.scheme in ("ws", "wss"):
        return {"type": "websocket", "url": url, "serializers": [serializer], **RETRY}
    if parts.scheme == "tcp" and parts.hostname and parts.port:
        endpoint = {"type": "tcp", "host": parts.hostname, "port": parts.port}
        return {
            "type": "rawsocket",
            "url": f"rs://{parts.netloc}",
            "endpoint": endpoint,
            "serializer": serializer,
            **RETRY,
        }
    raise SystemExit(f"WAMP_URL: {url!r} is neither ws://host:port/path, wss://… nor tcp://host:port")


def realm(environ: Mapping[str, str] = os.environ) -> str:
    """The realm to join."""
    return environ.get("WAMP_REALM", DEFAULT_REALM)
