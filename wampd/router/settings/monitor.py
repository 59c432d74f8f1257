"""Settings of what the router tells of itself by WAMP."""

from typing import Annotated

from msgspec import Meta

from .parts import Part


class Monitor(Part, frozen=True, kw_only=True):
    """The procedures `wampd.monitor.*` and the topic `wampd.monitor.tick`: what happens in the router, for its operators.

    They are granted by rules that name them, as `uri: wampd.monitor.` with `match: prefix` does. Whoever may call them sees
    addresses of clients. `wampd.monitor.kill`, which sends sessions away, needs a rule of its own, or a `privileged` role.
    """

    all_realms: Annotated[
        bool, Meta(description="Tell of all realms of the router, and not of this one alone: for a realm of operators.")
    ] = False
