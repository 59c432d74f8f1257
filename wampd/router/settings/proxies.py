"""Settings of the proxies before a listener: whose word counts for who the client is, and where they say so."""

from typing import Annotated, Final, Literal

from msgspec import Meta

from .parts import Name, Part

UNIX: Final = "unix"
"""In place of an address: who connects to a Unix socket."""
ClientHeader = Literal["x-forwarded-for", "forwarded", "proxy-protocol"]


class Proxies(Part, frozen=True, kw_only=True):
    """Proxies and balancers before a listener. What they say of the client is believed, and of nobody else."""

    trusted: Annotated[
        tuple[Name, ...],
        Meta(
            min_length=1,
            description="Their addresses and networks, such as `127.0.0.1` or `10.0.0.0/8`; `unix` is whoever connects to a"
            " Unix socket. `connections_per_address` does not concern them.",
        ),
    ]
    header: Annotated[
        ClientHeader,
        Meta(
            description="Where they say who the client is. `x-forwarded-for`: in that header of requests, and in"
            " `X-Forwarded-Proto` whether it came by TLS. `forwarded`: in that header (RFC 7239). `proxy-protocol`: in the"
            " header, of version 1 or 2, that every connection then begins with, before TLS too; who is not trusted cannot"
            " connect. What the others say is not believed, for a proxy passes them on as clients wrote them."
        ),
    ] = "x-forwarded-for"
