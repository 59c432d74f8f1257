"""The keyboard of a terminal: keys one by one, without an echo; and as it was before, whatever happens.

Rules
-----
* Escape sequences are those of xterm (ECMA-48 CSI, and SS3 in application mode); what is not known is no key.
* An escape alone is the key Escape: it is one if nothing follows in the same read.
* Suspending (Ctrl-Z) is left out while the screen is ours.

Source: XTerm Control Sequences, "PC-Style Function Keys".
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from typing import Final

_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O[@-~])")
_KEYS: Final = {
    "A": "up",
    "B": "down",
    "C": "right",
    "D": "left",
    "H": "home",
    "5~": "pageup",
    "6~": "pagedown",
    "1~": "home",
    "7~": "home",
}
_CONTROL: Final = {
    "\x03": "ctrl-c",
    "\t": "tab",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\x08": "backspace",
}


def keys_in(text: str) -> Iterator[str]:
    """The keys that were pressed for this text to come."""
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\x1b":
            found = _SEQUENCE.match(text, position)
            if found is None:
                yield "escape"
                position += 1
                continue
            position = found.end()
            key = _KEYS.get(found[0][2:])
            if key is not None:
                yield key
            continue
        position += 1
        if char in _CONTROL:
            yield _CONTROL[char]
        elif char.isprintable():
            yield char


@contextlib.contextmanager
def keyboard(descriptor: int, pressed: Callable[[str], None]) -> Iterator[None]:
    """Take keys from a terminal for the time of a block."""
    loop = asyncio.get_running_loop()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        data = os.read(descriptor, 1024)
        if not data:  # the terminal is gone
            loop.remove_reader(descriptor)
            pressed("ctrl-c")
        for key in keys_in(decoder.decode(data)):
            pressed(key)

    suspend = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        tty.setcbreak(descriptor)
        loop.add_reader(descriptor, read)
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTSTP, suspend)
