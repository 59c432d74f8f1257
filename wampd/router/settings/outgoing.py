"""Settings of what the router sends to others by HTTP."""

from typing import Annotated

from msgspec import Meta

from .parts import Count, Name, Part, Seconds

Port = Annotated[int, Meta(ge=1, le=1023)]


class Outgoing(Part, frozen=True, kw_only=True):
    """Where the router may send requests of HTTP: webhooks, and whatever else goes to a URL.

    Public addresses are allowed, whoever gives the URL; private ones, those of this machine, of its network, of its
    provider's services, and what embeds them, only as far as they are named here. Every address of a name is checked,
    the connection is made to an address that was checked, and redirections, where they are followed, are checked
    anew. The ports are 80, 443, those from 1024 on, and what `ports` names. Variables of the environment that name
    proxies are not read.
    """

    allow_private: Annotated[
        tuple[Name, ...],
        Meta(
            description="Networks (`10.1.0.0/16`), addresses (`127.0.0.1`) and hosts (`intern.example`) that are allowed"
            " although they are not public. A host may have any address."
        ),
    ] = ()
    ports: Annotated[
        tuple[Port, ...], Meta(description="Ports below 1024 that are allowed, beside those of the web.")
    ] = ()
    http: Annotated[bool, Meta(description="Allow `http:`, too, where nothing is encrypted and nobody verified.")] = (
        True
    )
    connect_timeout: Annotated[Seconds, Meta(description="Time until somebody must answer at an address.")] = 10.0
    requests: Annotated[Count, Meta(description="Most requests at once, and most connections; more requests fail.")] = (
        500
    )
