"""Settings of a listener: where to listen, and what to speak there."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from .http import HttpPath
from .parts import (
    KIB,
    LARGEST_MESSAGE,
    MIB,
    Bytes,
    Count,
    Name,
    Part,
    Seconds,
    SecondsOrOff,
    Serializer,
)
from .paths import Batched, Cookie, Offered, Origins
from .policy import AccessLog, Hsts
from .proxies import Proxies


class KeyPair(Part, frozen=True, kw_only=True):
    """A certificate and its key. Both are read again when they change."""

    certificate: Annotated[Path, Meta(description="PEM file: the certificate, then the chain up to its authority.")]
    key: Annotated[
        Path, Meta(description="PEM file of the private key, without a password; others must not be able to read it.")
    ]


class ClientCertificates(Part, frozen=True, kw_only=True):
    """Clients show a certificate of their own, which is verified: its chain, its dates, that it is for clients.

    A bad one ends the TLS handshake.
    """

    authorities: Annotated[
        Path,
        Meta(
            description="PEM file of the certificates of the authorities that vouch for clients, and of no others; read again"
            " when it changes. A certificate that signs itself is good only if it stands here."
        ),
    ]
    revocations: Annotated[
        Path | None,
        Meta(
            description="PEM file of the authorities' revocation lists; read again when it changes. With it a certificate is"
            " good only if its authority's list is there, is in date, and does not name it."
        ),
    ] = None
    required: Annotated[
        bool,
        Meta(description="Whether a client without a certificate is refused; if not, other methods may let it in."),
    ] = True


class Tls(KeyPair, frozen=True, kw_only=True):
    """TLS 1.2 and 1.3 on a listener."""

    client_certificates: Annotated[
        ClientCertificates | None, Meta(description="Ask clients for certificates; the method `tls` needs that.")
    ] = None

    more: Annotated[
        tuple[KeyPair, ...],
        Meta(
            description="Certificates for other names. The one that names the host that a client asks for (SNI) is"
            " used for it; where none does, the one above is."
        ),
    ] = ()


class Compression(Part, frozen=True, kw_only=True):
    """Compression of WebSocket messages (permessage-deflate, RFC 7692) for clients that offer it."""

    window_bits: Annotated[
        int,
        Meta(ge=9, le=15, description="The size of the compression window, as a power of two; memory against ratio."),
    ] = 12
    no_context_takeover: Annotated[
        bool,
        Meta(
            description="Compress each message on its own: costs some ratio, saves up to 100 kB of memory a connection."
        ),
    ] = True


class WebSocketPath(Part, frozen=True, kw_only=True):
    """What all types of WebSocket paths have in common."""

    origins: Origins = ("same-host",)
    compression: Annotated[Compression | None, Meta(description="Compress messages; off unless this is given.")] = None


class WampPath(WebSocketPath, frozen=True, kw_only=True, tag_field="type", tag="wamp"):
    """A WebSocket path that speaks WAMP."""

    serializers: Offered = ("json", "msgpack", "cbor")
    batched: Batched = True
    cookie: Cookie = None


class EchoPath(WebSocketPath, frozen=True, kw_only=True, tag_field="type", tag="echo"):
    """A WebSocket path that sends every message back, for conformance suites."""


class RawSocket(Part, frozen=True, kw_only=True):
    """RawSocket on a listener. The longest message is announced as the largest power of two within `message_size`."""

    serializers: Annotated[
        tuple[Serializer, ...],
        Meta(
            min_length=1,
            description="The serializers accepted; the client chooses. `ubjson` and `flatbuffers`"
            " are accepted only if they are named here.",
        ),
    ] = ("json", "msgpack", "cbor")


class TransportLimits(Part, frozen=True, kw_only=True):
    """What one connection may cost."""

    handshake_timeout: Annotated[
        Seconds, Meta(description="Time for each of the TLS, HTTP, WebSocket and RawSocket handshakes.")
    ] = 5.0
    join_timeout: Annotated[
        Seconds, Meta(description="Time from the acceptance of the connection until WELCOME, authentication included.")
    ] = 10.0
    idle_timeout: Annotated[
        Seconds, Meta(description="Time that a connection may stay open after GOODBYE without a new HELLO.")
    ] = 10.0
    close_timeout: Annotated[
        Seconds, Meta(description="Time that the peer has to answer a close frame, before it is cut off.")
    ] = 5.0
    ping_interval: Annotated[
        SecondsOrOff, Meta(description="Time between pings, WebSocket and RawSocket alike; 0 sends none.")
    ] = 30.0
    ping_timeout: Annotated[
        Seconds, Meta(description="Time that the peer has to answer a ping, before it is cut off.")
    ] = 10.0
    message_size: Annotated[
        Bytes,
        Meta(
            ge=512,
            le=LARGEST_MESSAGE,
            description="Largest message accepted, after decompression and of all fragments together.",
        ),
    ] = MIB
    opening_size: Annotated[
        Bytes,
        Meta(
            ge=512,
            description="Largest message accepted of a client that has not joined yet: HELLO and AUTHENTICATE. Beyond"
            " `message_size` it says nothing. Requests of long-poll are bounded by `message_size` alone.",
        ),
    ] = 64 * KIB
    fragments: Annotated[Count, Meta(description="Most fragments of one message.")] = 1024
    batch: Annotated[
        Count, Meta(description="Most messages of one batch; together they are bounded by `message_size`.")
    ] = 4096
    depth: Annotated[int, Meta(ge=4, le=512, description="Deepest nesting of lists and dictionaries in a message.")] = (
        64
    )
    header_size: Annotated[
        Bytes,
        Meta(ge=1024, description="Largest HTTP request head, request line included; one line is 8 KiB long at most."),
    ] = 16 * KIB
    header_lines: Annotated[int, Meta(ge=1, le=128, description="Most HTTP header lines of a request.")] = 100
    send_queue: Annotated[
        Bytes,
        Meta(ge=1024, description="Most bytes that wait to be sent to the peer, before it counts as a slow consumer."),
    ] = 16 * MIB
    send_stall: Annotated[
        Seconds,
        Meta(
            description="Longest time that bytes wait without the peer taking any, before it is disconnected"
            " (with `slow_consumer: drop`, `ping_interval` and `ping_timeout` later)."
        ),
    ] = 10.0
    connections_per_address: Annotated[
        Count | None,
        Meta(
            description="Most connections from one address to this listener; `null` sets no limit. Of a client behind `proxies`"
            " with HTTP headers: most requests under way and WebSocket connections."
        ),
    ] = None


_WEBSOCKET_PATHS = Meta(extra={"key": "PATH"}, description="WebSocket paths, matched exactly, and what they speak.")
_HTTP_PATHS = Meta(
    extra={"key": "PATH"}, description="HTTP paths and what they serve; the longest path that fits decides."
)


class VirtualHost(Part, frozen=True, kw_only=True):
    """What is served to those who ask for one host by its name."""

    websocket: Annotated[Mapping[str, WampPath | EchoPath], _WEBSOCKET_PATHS] = {}
    http: Annotated[Mapping[str, HttpPath], _HTTP_PATHS] = {}


class Listener(Part, frozen=True, kw_only=True):
    """A place where clients connect. One port may speak everything: what the client sends first tells it apart."""

    endpoint: Annotated[
        Name,
        Meta(
            description="A Twisted server endpoint string: `tcp:8080:interface=127.0.0.1`, `tcp6:8080`,"
            " `unix:/run/wampd.sock:mode=660`. A `tcp:` endpoint without `interface` listens on all"
            " interfaces."
        ),
    ]
    proxies: Annotated[
        Proxies | None,
        Meta(
            description="Take the address of a client from what the reverse proxies or balancers say that are named here."
            " Without it, who connects is the client."
        ),
    ] = None
    tls: Annotated[Tls | None, Meta(description="Speak TLS on this listener; everything on it then is inside TLS.")] = (
        None
    )
    websocket: Annotated[Mapping[str, WampPath | EchoPath], _WEBSOCKET_PATHS] = {}
    rawsocket: Annotated[
        RawSocket | None, Meta(description="Speak RawSocket, too; `{}` does so with the defaults.")
    ] = None
    http: Annotated[Mapping[str, HttpPath], _HTTP_PATHS] = {}
    hosts: Annotated[
        Mapping[str, VirtualHost],
        Meta(
            extra={"key": "NAME"},
            description="Hosts with paths of their own, by name: `www.example.com`, or `*.example.com` for all names with one"
            " more label. `websocket` and `http` above are for all other hosts, and for no host that is here.",
        ),
    ] = {}
    access_log: Annotated[AccessLog | None, Meta(description="Log HTTP requests; `{}` does so with the defaults.")] = (
        None
    )
    hsts: Annotated[
        Hsts | None, Meta(description="Tell browsers to come by TLS alone; needs `tls`, or `proxies` that have.")
    ] = None
    limits: Annotated[TransportLimits, Meta(description="What one connection may cost.")] = TransportLimits()


def sites(listener: Listener) -> Iterator[tuple[tuple[str, ...], Listener | VirtualHost]]:
    """All that has paths on a listener: the listener itself and its hosts, each with the keys that lead to it."""
    yield (), listener
    for name, host in listener.hosts.items():
        yield ("hosts", name), host


def websocket_paths(listener: Listener) -> Iterator[tuple[tuple[str, ...], WampPath | EchoPath]]:
    """All WebSocket paths, those of hosts too, each with the keys that lead to it."""
    for keys, site in sites(listener):
        for path, what in site.websocket.items():
            yield (*keys, "websocket", path), what


def http_paths(listener: Listener) -> Iterator[tuple[tuple[str, ...], HttpPath]]:
    """All HTTP paths, those of hosts too, each with the keys that lead to it."""
    for keys, site in sites(listener):
        for path, what in site.http.items():
            yield (*keys, "http", path), what
