"""wampd at a terminal of its own: what it shows, and what is typed."""

import os
import select
import sys
import time
from pathlib import Path
from typing import Self

from tests.support.process import ROOT, START_TIMEOUT, environment
from tests.support.terminals import at_a_terminal


class Terminal:
    """``wampd WORDS`` with a pseudo-terminal as its input and outputs."""

    def __init__(self, directory: Path, *words: str, **variables: str) -> None:
        command = [sys.executable, "-P", "-m", "wampd", *words]
        variables = environment(**{"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **variables})
        self.shown = ""
        self._process, self._terminal = at_a_terminal(command, variables, directory)

    def see(self, text: str, timeout: float = START_TIMEOUT) -> None:
        """Wait until it shows something, after what was waited for before."""
        deadline = time.monotonic() + timeout
        before = len(self.shown)
        while text not in self.shown[before:]:
            assert time.monotonic() < deadline, f"not seen: {text!r} in {self.shown!r}"
            assert self._read(), f"ended before {text!r}: {self.shown!r}"

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, and type a line."""
        self.see(question)
        self.type(f"{text}\n")

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._terminal, text.encode())

    def interrupt(self) -> int:
        """Press Ctrl-C until it ends, as people do: a signal just before a read has begun is seen after it. The exit status."""
        for _ in range(100):
            self.type("\x03")
            if self._ends(0.3):
                break
        return self.end()

    def _ends(self, within: float) -> bool:
        while select.select([self._terminal], [], [], within)[0]:
            if not self._read():
                return True
        return False

    def end(self) -> int:
        """Wait for its end; the exit status."""
        while self._read():
            pass
        return self._process.wait(START_TIMEOUT)

    def _read(self) -> bool:
        if not select.select([self._terminal], [], [], START_TIMEOUT)[0]:
            raise AssertionError(f"nothing more is shown: {self.shown!r}")
        try:
            part = os.read(self._terminal, 4096)
        except OSError:  # the other side is gone
            return False
        self.shown += part.decode(errors="replace").replace("\r\n", "\n")
        return bool(part)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._terminal)  # whoever still runs gets SIGHUP
        self._process.wait(START_TIMEOUT)
