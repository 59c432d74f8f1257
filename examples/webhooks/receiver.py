"""A receiver of webhooks that looks at signatures, in Python's standard library alone.

``python examples/webhooks/receiver.py PORT SECRET`` prints what it receives.
"""

import base64
import hmac
import json
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE = 300
"""Seconds that a delivery may be old: an older one may be a copy that somebody sends again."""


def is_genuine(secret: str, headers: Any, body: bytes) -> bool:
    """Whether the router has sent this: the check of Standard Webhooks."""
    message, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(hmac.digest(key, f"{message}.{timestamp}.".encode() + body, "sha256")).decode()
    return any(hmac.compare_digest(f"v1,{signature}", each) for each in headers["webhook-signature"].split())


class Receiver(ThreadingHTTPServer):
    """Hands every event on once. ``take`` gets the event, and returns the status to answer with."""

    daemon_threads = True

    def __init__(self, port: int, take: Callable[[dict[str, Any]], int]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.take = take
        self.secret = ""
        self.seen: set[str] = set()
        """Webhook ids: a delivery may come again, if the answer to the first got lost."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Receiver

    def do_POST(self) -> None:
        """Take a delivery."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if not is_genuine(self.server.secret, self.headers, body):
            status = 400
        elif self.headers["webhook-id"] in self.server.seen:
            status = 204
        else:
            status = self.server.take(json.loads(body))
            if status == 204:
                self.server.seen.add(self.headers["webhook-id"])
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of requests; the events are printed."""


def show(event: dict[str, Any]) -> int:
    """Print an event."""
    print(event["type"], event["timestamp"], event["data"])
    return 204


if __name__ == "__main__":
    receiver = Receiver(int(sys.argv[1]), show)
    receiver.secret = sys.argv[2]
    receiver.serve_forever()
