"""What a hosted component is told by the router, in its environment.

========================  ====================================================================================
``WAMPD_COMPONENT``       its name in the configuration
``WAMPD_INSTANCE``        which of its instances this is, from 1 on
``WAMPD_RUN``             a mark by which the router finds what belongs to this run
``WAMPD_SOCKET``          the router's private Unix socket: WebSocket at ``/ws``, and RawSocket
``WAMPD_URL``             the same as a URL: ``ws+unix:///path/of/the.sock:/ws``
``WAMPD_REALM``           the realm to join
``WAMPD_AUTHID``          as whom: the component's name, and its instance where there are several
``WAMPD_TICKET``          proves that, by the method ``ticket``; good for this process and those it starts, while it runs
``WAMPD_HOSTED``          of components in Python alone: JSON of what to run (`Description`)
========================  ====================================================================================
"""

from __future__ import annotations

import json
import os
from collections.abc import MutableMapping
from typing import Any, NamedTuple

from .trouble import Trouble

COMPONENT, INSTANCE, RUN = "WAMPD_COMPONENT", "WAMPD_INSTANCE", "WAMPD_RUN"
"""What every component is told."""
SOCKET, URL, REALM, AUTHID, TICKET = "WAMPD_SOCKET", "WAMPD_URL", "WAMPD_REALM", "WAMPD_AUTHID", "WAMPD_TICKET"
"""What those are told that join a realm."""
HOSTED = "WAMPD_HOSTED"
"""What those in Python are told."""

RUNNER = __file__.rpartition("/")[0] + "/__main__.py"
"""The script that runs a component."""


class Description(NamedTuple):
    """A component in Python."""

    run: str
    """``module:object``."""
    socket: str
    realm: str
    authid: str
    ticket: str
    framework: str = "auto"
    """``twisted``, ``asyncio``, or ``auto``: what `run` names tells."""
    path: tuple[str, ...] = ()
    """Directories of modules, after the working directory."""
    extra: Any = None
    """``session.config.extra``; `None`: what the component itself says."""
    check: bool = False
    """It is only looked whether it could be run."""

    def __repr__(self) -> str:
        return f"<Description of {self.authid}: {self.run}>"  # not its ticket


def read(environ: MutableMapping[str, str] = os.environ) -> Description:
    """Take the description out of the environment, so that what the component starts does not have it. Raise `Trouble`."""
    try:
        told = json.loads(environ.pop(HOSTED))
        if told.get("check"):
            environ = {SOCKET: "", REALM: "", AUTHID: "", TICKET: ""}
        ticket = environ.pop(TICKET)
        return Description(
            run=told["run"],
            socket=environ[SOCKET],
            realm=environ[REALM],
            authid=environ[AUTHID],
            ticket=ticket,
            framework=told.get("framework", "auto"),
            path=tuple(told.get("path", ())),
            extra=told.get("extra"),
            check=told.get("check", False),
        )
    except (KeyError, ValueError) as error:
        raise Trouble(f"this is started by wampd alone; the environment lacks {error}") from None
