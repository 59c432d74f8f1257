"""Settings of the router's private socket."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from .parts import Part

CONTROL_REALM: Final = "wampd"
"""The realm in which the router is operated; no realm of the configuration has this name."""


class Control(Part, frozen=True, kw_only=True):
    """The private socket: commands such as `wampd status` speak to the router by it, and so do the components that it hosts.

    Who has the router's user id, or is root, is let into its realm `wampd` and may do everything there.
    """

    socket: Annotated[
        Path | None,
        Meta(
            description="Where it is. If this is not given it is `PID.sock` in `$RUNTIME_DIRECTORY`, else in"
            " `$XDG_RUNTIME_DIR/wampd`, else in `/tmp/wampd-UID`."
        ),
    ] = None
