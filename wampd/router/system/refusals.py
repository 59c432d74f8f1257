"""Why an address cannot be listened on, in words that say what to do.

Twisted tells it as ``Couldn't listen on any:b'w.sock': Cannot acquire lock.``, the system as an error number (bind(2)).
"""

from __future__ import annotations

import errno
from typing import Final

from twisted.internet.error import CannotListenError

TAKEN: Final = "another process listens there already; is it a router (wampd status), or does it need another port?"
_WORDS: Final = {
    errno.EADDRINUSE: TAKEN,
    errno.EACCES: "the user that runs the router may not do that; for ports below 1024 see docs/operation.md, Privileges",
    errno.EADDRNOTAVAIL: "this machine has no such address",
}


def why_not(error: BaseException) -> str:
    """Why nothing can be listened on, in a line."""
    cause: object = error.socketError if isinstance(error, CannotListenError) else error
    if cause == "Cannot acquire lock":  # Twisted locks a Unix socket by a link beside it
        return TAKEN
    if isinstance(cause, OSError) and cause.errno is not None and cause.filename is None:
        text = cause.strerror or errno.errorcode.get(cause.errno, "")
        return _WORDS.get(cause.errno) or text[:1].lower() + text[1:]
    return str(error) or type(error).__name__
