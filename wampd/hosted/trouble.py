"""How a hosted component ends: its exit statuses, and the one line that says what went wrong.

Rules
-----
* One line says what happened and what to do. A traceback follows it at most once, without the frames of the machinery.
* The statuses are those of ``sysexits.h``, where it has one, so that they are not mistaken for a component's own.
"""

from __future__ import annotations

import sys
import traceback

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


class Trouble(Exception):
    """The component cannot go on: a line that says why, a status, and maybe an exception to show."""

    def __init__(self, line: str, status: int = UNUSABLE, cause: BaseException | None = None) -> None:
        super().__init__(line)
        self.line = line
        self.status = status
        self.cause = cause


told: list[BaseException] = []
"""What was shown already; who comes upon it once more says nothing."""


def tell(line: str, cause: BaseException | None = None) -> None:
    """Say what is wrong, with the traceback of what was raised."""
    text = line.replace("\n", " ")
    if cause is not None:
        text += "\n" + traceback_of(cause)
        told.append(cause)
    print(text, file=sys.stderr, flush=True)


def summary(error: BaseException) -> str:
    """An exception on one line: ``ValueError: no such thing (app.py:7)``."""
    say = getattr(error, "error_message", None)  # of an error of WAMP autobahn would show the whole object
    words = " ".join((str(error) if say is None else str(say())).split())
    place = ""
    if isinstance(error, SyntaxError):
        words = error.msg
        place = f" ({error.filename}:{error.lineno})"
    elif frames := _own(traceback.extract_tb(error.__traceback__)):
        place = f" ({frames[-1].filename}:{frames[-1].lineno})"
    name = type(error).__name__
    return f"{name}: {words}{place}" if words else f"{name}{place}"


def traceback_of(error: BaseException) -> str:
    """The traceback, without what is not of the component."""
    shown = traceback.TracebackException.from_exception(error)
    shown.stack = _own(shown.stack)
    return "".join(shown.format()).rstrip()


def _own(frames: traceback.StackSummary) -> traceback.StackSummary:
    """Those of the component, and of what it uses."""
    return traceback.StackSummary.from_list([frame for frame in frames if not _is_machinery(frame.filename)])


def _is_machinery(filename: str) -> bool:
    """Whether this is a file of what runs components: here, in the import system, in autobahn or the event loop."""
    if filename.startswith((_HERE, "<frozen importlib")):
        return True
    words = filename.replace("\\", "/").split("/")
    return words[-2:] in _MACHINERY or words[-3:-1] == ["autobahn", "wamp"]


_HERE = __file__.rpartition("/")[0] + "/"
_MACHINERY = (
    ["importlib", "__init__.py"],
    ["internet", "defer.py"],
    ["python", "failure.py"],
    ["txaio", "aio.py"],
    ["txaio", "tx.py"],
)
