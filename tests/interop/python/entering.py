"""How a client gets in: ``WAMP_REALM`` is where to, ``WAMP_AUTHENTICATION`` is JSON of the component's ``authentication``."""

import json
import os
from typing import Any

from sessions import Refused, enter


async def authentication() -> dict[str, Any]:
    """Who the client is, by which method; or why it is refused."""
    try:
        session, details = await enter(os.environ["WAMP_REALM"], json.loads(os.environ["WAMP_AUTHENTICATION"]))
    except Refused as refused:
        return {"refused": str(refused)}
    assert details.session == session._session_id
    return {"authid": details.authid, "authrole": details.authrole, "authmethod": details.authmethod}
