"""How a hosted component ends: its exit statuses, and the one line that says what went wrong.

Rules
-----
* One line says what happened and what to do. A traceback follows it at most once, without the frames of the machinery.
* The statuses are those of ``sysexits.h``, where it has one, so that they are not mistaken for a component's own.
"""

from __future__ import annotations

import sys
import traceback
from types import TracebackType

DONE = 0
"""It left by itself, or was told to end."""
FAILED = 1
"""It raised, or lost its session."""
UNREACHABLE = 69
"""There is no router at the socket (``EX_UNAVAILABLE``)."""
REFUSED = 77
"""The router does not let it in (``EX_NOPERM``)."""
UNUSABLE = 78
"""It cannot be imported, or is nothing that can be run (``EX_CONFIG``): to try again changes nothing."""

MEANINGS = {
    UNREACHABLE: "did not reach the router",
    REFUSED: "was not let in",
    UNUSABLE: "cannot be imported",
}
"""For the router's log, where a number would say nothing."""


class Trouble(Exception):
    """The component cannot go on: a line that says why, a status, and maybe an exception to show."""

    def __init__(self, line: str, status: int = UNUSABLE, cause: BaseException | None = None) -> None:
        super().__init__(line)
        self.line = line
        self.status = status
        self.cause = cause


def tell(line: str, cause: BaseException | None = None) -> None:
    """Say what is wrong, with the traceback of what was raised."""
    text = line.replace("\n", " ")
    if cause is not None:
        text += "\n" + traceback_of(cause)
    print(text, file=sys.stderr, flush=True)


def summary(error: BaseException) -> str:
    """An exception on one line: ``ValueError: no such thing (app.py:7)``."""
    say = getattr(error, "error_message", None)  # of an error of WAMP autobahn would show the whole object
    words = " ".join((str(error) if say is None else str(say())).split())
    frames = traceback.extract_tb(_own(error.__traceback__))
    place = ""
    if isinstance(error, SyntaxError):
        words = error.msg
        place = f" ({error.filename}:{error.lineno})"
    elif frames:
        place = f" ({frames[-1].filename}:{frames[-1].lineno})"
    name = type(error).__name__
    return f"{name}: {words}{place}" if words else f"{name}{place}"


def traceback_of(error: BaseException) -> str:
    """The traceback, from the component's first frame on."""
    own = error.with_traceback(_own(error.__traceback__))
    return "".join(traceback.format_exception(type(own), own, own.__traceback__)).rstrip()


def _own(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that is not of the machinery which got there."""
    start = trace
    while start is not None and _is_machinery(start.tb_frame.f_code.co_filename):
        start = start.tb_next
    return start or trace


def _is_machinery(filename: str) -> bool:
    if filename.startswith("<frozen importlib"):
        return True
    words = filename.replace("\\", "/").split("/")
    if filename.startswith(_HERE):
        return True
    return words[-2:-1] == ["txaio"] or words[-1] == "defer.py" or words[-3:-1] == ["autobahn", "wamp"]


_HERE = __file__.rpartition("/")[0] + "/"
