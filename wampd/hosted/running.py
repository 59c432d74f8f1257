"""From the environment to the exit status."""

from __future__ import annotations

import importlib.util

from . import description, finding, trouble


def checked(found: finding.Found) -> int:
    """It could be run; print on which framework."""
    if importlib.util.find_spec("autobahn") is None:
        raise finding.no_autobahn(ImportError(name="autobahn"))
    print(found.framework)
    return trouble.DONE


def run() -> int:
    """Run the component that the environment describes; return the exit status."""
    try:
        described = description.read()
        finding.prepare(described)
        found = finding.find(described)
        if described.check:
            return checked(found)
        if not described.socket:
            raise trouble.Trouble("the router has no private socket; its log says why", trouble.UNREACHABLE)
        try:
            if found.framework == finding.TWISTED:
                from .on_twisted import run as run_it
            else:
                from .on_asyncio import run as run_it
            return run_it(described, found)
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in ("autobahn", "txaio", "twisted"):
                raise
            raise finding.no_autobahn(error) from None
    except trouble.Trouble as why:
        trouble.tell(why.line, why.cause)
        return why.status
