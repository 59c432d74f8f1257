"""The WebSocket opening handshake, without I/O (RFC 6455, section 4): the head of an HTTP request in, an answer out.

Rules
-----
* The `websockets` library reads the request and negotiates; here is what it leaves open: which subprotocol (the first of the
  client's that the path speaks; with none in common the handshake fails), which origin, how compression is offered, and
  the cookie, which counts only of a request that is answered by 101.
* A browser's ``Origin`` must be this host, unless the path names other origins. Programs, which send none, are let in.
* Lines end in CRLF alone: no other octet ends a line or joins two (the library refuses what is left of them).

Sources: WAMP basic profile, "WebSocket Transport"; RFC 6455 sections 4.2, 4.4 and 10.2; RFC 7692; RFC 9112.
"""

from __future__ import annotations

import re
from sys import intern
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct
from websockets.exceptions import NegotiationError
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from wampd.router.origins import origin_allowed
from wampd.router.wire.batch import SUFFIX
from wampd.router.wire.batched import BatchedFraming
from wampd.router.wire.framing import FrameLimits
from wampd.router.wire.serializers import RAW_SERIALIZERS
from wampd.router.wire.websocket import QUIET, WebSocketFraming, forget

if TYPE_CHECKING:
    from wampd.auth.jar import Visit
    from wampd.router.cookies import Cookies

SUBPROTOCOLS: Final = {
    f"wamp.2.{serializer}{suffix}": serializer for suffix in ("", SUFFIX) for serializer in RAW_SERIALIZERS.values()
}
"""The serializer of each subprotocol that the router knows."""
TEXT_SERIALIZERS: Final = frozenset({"json"})
MAX_LINE: Final = 8190
"""The longest line of a request, in bytes, that the library reads; it reads 128 header lines at most."""
_UPGRADE: Final = re.compile(rb"\r\nUpgrade[ \t]*:[^\r\n]*\bwebsocket\b", re.IGNORECASE)
_METHOD: Final = re.compile(rb"([A-Za-z0-9!#$%&'*+.^_`|~-]+) [^ \r\n]+ HTTP/1\.[0-9]\r\n")
SHOWN: Final = 200
"""How much of a client's own text is repeated to it."""


class Deflate(Struct, frozen=True):
    """permessage-deflate as the router offers it (RFC 7692)."""

    window_bits: int = 12
    no_context_takeover: bool = True


class WebSocketPath(Struct, frozen=True):
    """What a WebSocket path speaks."""

    serializers: tuple[str, ...] = ()
    """WAMP's serializers; none: the path echoes."""
    batched: bool = True
    """Each serializer in batches, too, for clients that ask for it."""
    origins: tuple[str, ...] = ("same-host",)
    deflate: Deflate | None = None
    cookies: Cookies | None = None
    """What gives cookies to clients."""
    has_page: bool = False
    """Whether the web server serves the same path to those who do not ask for WebSocket."""


class Opened(Struct, frozen=True):
    """The handshake succeeded."""

    reply: bytes
    framing: WebSocketFraming
    subprotocol: str
    serializer: str
    """Empty where the path echoes."""
    visit: Visit | None = None
    """What the cookie means that the client showed, where the path gives cookies."""


class NotOpened(Struct, frozen=True):
    """The handshake failed."""

    reply: bytes
    why: str


def target_path(head: bytes) -> str:
    """The path that a request asks for, without its query; of a target in absolute form, too (RFC 9112, section 3.2)."""
    words = head[: head.find(b"\r\n")].split(b" ")
    target = words[1].decode("latin-1") if len(words) > 1 else ""
    if target[:1] != "/":
        target = re.sub(r"^https?://[^/?#]*", "", target, count=1, flags=re.IGNORECASE) or "/"
    return re.split(r"[?#]", target, maxsplit=1)[0]


def asks_for_websocket(head: bytes) -> bool:
    """Whether a request asks for WebSocket, whatever its path is."""
    return _UPGRADE.search(head) is not None


def http_answer(status: int, phrase: str, why: str, header: str = "") -> bytes:
    """A whole HTTP response that says why nothing else will be said; ``header`` is one more header line."""
    body = f"{why}\n".encode()
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *([header] if header else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def open_websocket(
    head: bytes, path: WebSocketPath, frames: FrameLimits, *, secure: bool = False
) -> Opened | NotOpened:
    """Answer the head of a request, its empty line included, to a path that speaks WebSocket.

    ``secure``: a proxy that is believed says that the client came by TLS.
    """
    library = ServerProtocol(
        extensions=[_offer(path.deflate)] if path.deflate else None,
        subprotocols=list(SUBPROTOCOLS),  # type: ignore[arg-type]
        select_subprotocol=lambda _library, offered: _first_spoken(offered, path),
        max_size=frames.message_size,
        logger=QUIET,
    )
    if max(map(len, head.split(b"\r\n"))) > MAX_LINE:
        return _not(431, "Request Header Fields Too Large", f"a line of the request is longer than {MAX_LINE} bytes")
    method = _METHOD.match(head)
    if method is not None and method[1] != b"GET":
        return _no_get(method[1])
    try:
        cookies = None if path.cookies is None else path.cookies.over(secure)
        return _negotiate(library, head, path, frames, cookies)
    finally:
        forget(library)


def _negotiate(
    library: ServerProtocol, head: bytes, path: WebSocketPath, frames: FrameLimits, cookies: Cookies | None
) -> Opened | NotOpened:
    library.receive_data(head)
    events = library.events_received()
    if not events or not isinstance(events[0], Request):
        return _not(400, "Bad Request", f"not an HTTP request: {library.handshake_exc}")
    request = events[0]
    if len(request.headers.get_all("Host")) != 1:
        return _not(400, "Bad Request", "a request has one Host header")
    versions = request.headers.get_all("Sec-WebSocket-Version")
    if versions and versions != ["13"]:
        return _not(426, "Upgrade Required", "this is WebSocket version 13", "Sec-WebSocket-Version: 13")
    origins = request.headers.get_all("Origin")
    secure = cookies is not None and cookies.secure
    if not origin_allowed(origins, request.headers.get_all("Host"), path.origins, secure=secure):
        origin = origins[0]
        return _not(403, "Forbidden", f"pages from {origin[:SHOWN]} may not connect here")
    response: Response = library.accept(request)
    visit = None
    if cookies is not None and response.status_code == 101:
        response.headers["Set-Cookie"], visit = cookies.visit(request.headers.get_all("Cookie"))
    library.send_response(response)
    reply = b"".join(library.data_to_send())
    if response.status_code != 101:
        return NotOpened(reply, f"WebSocket handshake refused: {library.handshake_exc}")
    subprotocol = intern(str(library.subprotocol or ""))  # one of those spoken here, and one object for all connections
    serializer = SUBPROTOCOLS.get(subprotocol, "")
    binary = serializer not in TEXT_SERIALIZERS
    if subprotocol.endswith(SUFFIX):
        batched = BatchedFraming(binary=binary, limits=frames, extensions=library.extensions or None)
        return Opened(reply, batched, subprotocol, serializer, visit)
    framing = WebSocketFraming(
        binary=binary,
        limits=frames,
        extensions=library.extensions or None,
        both=not serializer,
    )
    return Opened(reply, framing, subprotocol, serializer, visit)


def _no_get(method: bytes) -> NotOpened:
    """The library would speak of a body as no HTTP, and answer HEAD with one (RFC 9110, sections 9.3.2 and 15.5.6)."""
    refused = _not(405, "Method Not Allowed", "WebSocket begins with GET", "Allow: GET")
    end = refused.reply.index(b"\r\n\r\n") + 4
    return NotOpened(refused.reply[:end], refused.why) if method == b"HEAD" else refused


def _first_spoken(offered: Any, path: WebSocketPath) -> Any:
    """The first of the client's subprotocols that the path speaks (WAMP basic profile, "WebSocket Transport")."""
    if not path.serializers:
        return None
    spoken = subprotocols(path.serializers, batched=path.batched)
    for subprotocol in offered:
        if subprotocol in spoken:
            return subprotocol
    raise NegotiationError(f"no WAMP subprotocol in common; spoken here: {', '.join(spoken)}")


def subprotocols(serializers: tuple[str, ...], *, batched: bool) -> list[str]:
    """The names of the subprotocols of these serializers, ``batched`` ones too."""
    return [
        name
        for name, serializer in SUBPROTOCOLS.items()
        if serializer in serializers and (batched or not name.endswith(SUFFIX))
    ]


def _offer(deflate: Deflate) -> ServerPerMessageDeflateFactory:
    return ServerPerMessageDeflateFactory(
        server_no_context_takeover=deflate.no_context_takeover,
        client_no_context_takeover=deflate.no_context_takeover,
        server_max_window_bits=deflate.window_bits,
        client_max_window_bits=deflate.window_bits,
        require_client_max_window_bits=False,
        compress_settings={"memLevel": 5},
    )


def _not(status: int, phrase: str, why: str, header: str = "") -> NotOpened:
    return NotOpened(http_answer(status, phrase, why, header), why)
