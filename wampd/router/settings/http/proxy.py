"""Settings of the reverse proxy."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from wampd.router.settings.parts import Bytes, Count, Name, Part, Seconds, SecondsOrOff
from wampd.router.settings.paths import Origins

from .served import Served


class ProxyBackend(Part, frozen=True, kw_only=True):
    """A server behind the proxy."""

    url: Annotated[
        Name,
        Meta(
            description="`http://host:port`, `https://host:port`, maybe with a path that comes before every request's own; or"
            " `unix:/path` of a socket. With `https`, the server must show a certificate for its name."
        ),
    ]
    weight: Annotated[Count, Meta(description="Its share of the requests, beside the other backends' weights.")] = 1


class ProxyHealth(Part, frozen=True, kw_only=True):
    """Checks of the backends: one that does not answer with a status of 2xx or 3xx gets no requests until it does."""

    path: Annotated[Name, Meta(description="What is asked for, by GET, with its query if it has one.")] = "/"
    interval: Annotated[Seconds, Meta(description="Time between two checks.")] = 10.0
    timeout: Annotated[Seconds, Meta(description="Time that a check may take.")] = 2.0


class ProxyPath(Served, frozen=True, kw_only=True, tag_field="type", tag="proxy"):
    """An HTTP path that other servers serve, WebSocket included (reverse proxy).

    Nothing of a request or an answer is kept here: bodies are passed on as they come. Backends are told of the client by
    `Forwarded`, `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `Via`.
    """

    backends: Annotated[tuple[ProxyBackend, ...], Meta(min_length=1, description="The servers behind it.")]
    policy: Annotated[
        Literal["round_robin", "least_busy", "address"],
        Meta(
            description="Who gets a request: each in turn; the one with the fewest requests under way; or always the same one"
            " for a client's address."
        ),
    ] = "round_robin"
    health: Annotated[
        ProxyHealth | None, Meta(description="Ask the backends regularly how they are; off unless this is given.")
    ] = None
    failures: Annotated[
        Count,
        Meta(
            description="So many failures in a row (no connection, no answer, one of `failing`) take a backend out: for 1 s,"
            " and twice as long each time it then fails again, up to 60 s."
        ),
    ] = 3
    failing: Annotated[
        tuple[Annotated[int, Meta(ge=500, le=599)], ...],
        Meta(description="The statuses by which a backend says that it is not well. They are passed on all the same."),
    ] = (502, 503, 504)
    connections: Annotated[
        Count,
        Meta(description="Most requests and WebSocket connections under way at each backend; more get status 503."),
    ] = 1000
    kept: Annotated[
        int,
        Meta(ge=0, description="Most connections to each backend that are kept while nothing is under way on them."),
    ] = 16
    keep: Annotated[
        SecondsOrOff,
        Meta(
            description="How long they are kept; shorter than the backends themselves keep them, or requests may get lost."
        ),
    ] = 4.0
    connect_timeout: Annotated[Seconds, Meta(description="Time for the connection to a backend.")] = 5.0
    answer_timeout: Annotated[
        Seconds, Meta(description="Time from the end of a request until the head of the backend's answer.")
    ] = 60.0
    idle_timeout: Annotated[
        Seconds, Meta(description="Time between two parts of a body that the backend takes or sends.")
    ] = 60.0
    body_size: Annotated[
        Annotated[Bytes, Meta(ge=0)] | None,
        Meta(
            description="The longest body of a request; `null`: the listener's `message_size`. Nothing of it is kept.",
        ),
    ] = None
    strip_prefix: Annotated[
        bool,
        Meta(
            description="Leave out the path that the proxy is under: backends see what follows it, and `X-Forwarded-Prefix`."
        ),
    ] = False
    preserve_host: Annotated[
        bool, Meta(description="Let backends see the client's `Host`; if not, they see the one of their own URL.")
    ] = True
    forward_credentials: Annotated[
        bool,
        Meta(
            description="Let backends see what clients have shown for `access`: `Authorization`, and the cookie of `access`."
            " Whoever has that can come in as those clients, here and to their realm. Without `access`, both are passed on."
        ),
    ] = False
    rewrite: Annotated[
        bool,
        Meta(
            description="Change `Location`, `Content-Location` and the `Path` and `Domain` of cookies in answers, where they"
            " name the backend, to what it is for clients."
        ),
    ] = False
    trusted_proxies: Annotated[
        tuple[Name, ...],
        Meta(
            description="Addresses and networks, such as `10.0.0.0/8`, of proxies before this one: what they say of the client"
            " in headers is passed on. What anybody else says there is dropped."
        ),
    ] = ()
    websocket: Annotated[bool, Meta(description="Pass on WebSocket connections, too.")] = True
    websocket_timeout: Annotated[
        Seconds, Meta(description="Time that a WebSocket connection may be silent in both directions.")
    ] = 300.0
    origins: Origins = ("same-host",)
    authorities: Annotated[
        Path | None,
        Meta(
            description="PEM file of the authorities that vouch for `https` backends; the system's unless this is given."
        ),
    ] = None
