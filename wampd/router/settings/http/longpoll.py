"""Settings of WAMP by HTTP long-poll."""

from typing import Annotated

from msgspec import Meta

from wampd.router.settings.parts import Count, Seconds
from wampd.router.settings.paths import Batched, Cookie, Offered, Origins

from .served import Served


class LongPollPath(Served, frozen=True, kw_only=True, tag_field="type", tag="longpoll"):
    """An HTTP path below which WAMP is spoken by HTTP long-poll, for clients that have nothing better.

    Each client's transport counts as a connection, beside the HTTP connections of its requests; `join_timeout`, `idle_timeout`,
    `close_timeout`, `message_size`, `depth`, `batch` and `send_queue` of the listener's limits hold for it. A request's body, a
    batch too, is at most `message_size` long.
    """

    serializers: Offered = ("json", "msgpack", "cbor")
    batched: Batched = True
    origins: Origins = ("same-host",)
    cookie: Cookie = None
    no_content: Annotated[
        bool,
        Meta(
            description="Answer with status 204 where the specification has 202: autobahn-js understands nothing else. Any"
            " client may ask for that with the header `Prefer: return=minimal`."
        ),
    ] = False
    poll_timeout: Annotated[
        Seconds,
        Meta(
            description="Time that a request for messages waits until it is answered empty. Clients, and proxies between,"
            " must be more patient; autobahn-js waits 12 s."
        ),
    ] = 10.0
    absence_timeout: Annotated[
        Seconds,
        Meta(description="Time that a client may let pass between its requests for messages, until it counts as gone."),
    ] = 30.0
    opening: Annotated[
        Count, Meta(description="Most transports of this path that are open and have not joined; more are refused.")
    ] = 1000
