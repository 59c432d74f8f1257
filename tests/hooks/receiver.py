"""A party that receives webhooks: a real HTTP server that does what a test tells it, and checks every signature."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

SECRET = "whsec_" + base64.b64encode(b"hunter2 hunter2 hunter2 hunter2!").decode()


class Receiver:
    """Listens on a port of this machine. ``answer`` is a status, or takes the handler and answers by itself."""

    def __init__(self, answer: int | Callable[[Any], None] = 204, port: int = 0, secret: str = SECRET) -> None:
        self.answer = answer
        self.secret = secret
        self.requests: list[dict[str, Any]] = []
        """Headers in lower case, and the body decoded, of what was signed well."""
        self.forged = 0
        self.open: list[socket.socket] = []
        self.lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self.port = port
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.body = body
                receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
                if callable(receiver.answer):
                    receiver.answer(self)
                else:
                    self.say(receiver.answer)

            def say(self, status: int, body: bytes = b"", **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def process_request(self, request: Any, client: Any) -> None:
                receiver.open.append(request)
                super().process_request(request, client)

            def handle_error(self, *_: Any) -> None:
                """A router that was killed is no error of ours."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        with self.lock:
            if hmac.compare_digest(wanted, headers["webhook-signature"]):
                self.requests.append({**headers, "body": json.loads(body)})
            else:
                self.forged += 1

    def data(self) -> list[Any]:
        """The first argument of every event, in the order of arrival."""
        with self.lock:
            return [request["body"]["data"]["args"][0] for request in self.requests]

    def wait_for(self, condition: Callable[[], bool], what: str = "", timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"not within {timeout} s: {what} ({len(self.requests)} requests)"
            time.sleep(0.02)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self.stop()
