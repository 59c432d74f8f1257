"""Standard output: what it cannot take, and how a command ends when it takes nothing.

Rules
-----
* What its encoding has no character for is written as an escape of JSON, and never ends a command.
* Who read it went away (``| head -1``): the command ends, without a word, with the status that a shell gives to SIGPIPE.
* It is full (a disk, a quota): that is one line on standard error. Nobody is told "done" whose file has not all that was said.
"""

import codecs
import errno
import io
import os
import sys
from typing import Final

PIPE_CLOSED: Final = 128 + 13
"""What a shell says of a program that SIGPIPE has ended; the interpreter itself never sees that signal."""
FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def take_everything() -> None:
    """Let standard output take what its encoding cannot express, such as an arrow where that is Latin-1."""
    codecs.register_error("wampd.escape", _escape)
    if isinstance(sys.stdout, io.TextIOWrapper) and codecs.lookup(sys.stdout.encoding).name != "utf-8":
        sys.stdout.reconfigure(errors="wampd.escape")


def settle() -> None:
    """Write what is left. Raise `OSError`: at its own end the interpreter could only complain."""
    if sys.stdout is not None:  # it is None if the process was started without
        sys.stdout.flush()


def nobody_reads() -> int:
    """Let what is left go nowhere; return the status for that."""
    _let_go()
    return PIPE_CLOSED


def what_is_full(error: OSError) -> str | None:
    """Why standard output takes no more, if it is that, and not a file of somebody's; what is left goes nowhere."""
    if error.errno not in FULL or error.filename is not None:
        return None
    _let_go()
    return error.strerror


def _let_go() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Characters as JSON escapes them: RFC 8259, section 7."""
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)), error.end
