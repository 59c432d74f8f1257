"""The short way to the socket: what is complete is sent at once, and files are sent by the system.

Rules
-----
* Bytes go straight to the socket only where nothing waits before them, and where there is no TLS; what the socket does not take
  waits in Twisted's own buffer. So nothing is overtaken, and backpressure is Twisted's.
* Files go from the disk to the socket without passing through here (``sendfile``), as far as the socket takes them.

Of Twisted's attributes that are not public, `is_clear` reads two of the transport's, and nothing is changed.
"""

from __future__ import annotations

import os
from functools import lru_cache
from time import gmtime, strftime, time
from typing import Any, Final

AT_ONCE: Final = 2**20
"""Bytes of one file that are sent before others have a turn."""


def is_direct(transport: Any) -> bool:
    """Whether a transport writes to a socket of its own, and to nothing between."""
    # Asked of the class: TLS transports hand on any attribute of the socket's transport, which is not theirs to use.
    kind = type(transport)
    return hasattr(kind, "writeSomeData") and hasattr(transport, "socket") and hasattr(transport, "_tempDataLen")


def is_clear(transport: Any) -> bool:
    """Whether nothing waits to be written to a direct transport, and more may be."""
    return bool(
        transport.connected and not transport.disconnecting and not transport._tempDataLen and not transport.dataBuffer
    )


def send(transport: Any, data: bytes) -> None:
    """Write bytes to a direct transport, at once as far as the socket takes them."""
    if is_clear(transport):
        try:
            sent = transport.socket.send(data)
        except OSError:  # it takes nothing now; or it is gone, which Twisted will find out
            sent = 0
        if sent == len(data):
            return
        data = data[sent:]
    transport.write(data)


def send_file(transport: Any, file: int, begin: int, size: int) -> int:
    """Send a part of a file over a direct transport as far as the socket takes it; how many bytes it took."""
    if not is_clear(transport):
        return 0
    socket = transport.fileno()
    size = min(size, AT_ONCE)
    done = 0
    try:
        while done < size:
            sent = os.sendfile(socket, file, begin + done, size - done)
            if not sent:  # the file became shorter
                break
            done += sent
    except OSError:  # as above; or it is no file that the system can send
        pass
    return done


def date() -> bytes:
    """Now, as the header ``Date`` has it (RFC 9110, section 5.6.7)."""
    return _date(int(time()))


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(second)).encode()
