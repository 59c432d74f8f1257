"""Programs at a terminal of their own."""

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def at_a_terminal(
    command: Sequence[str | Path], env: Mapping[str, str], directory: Path | None = None
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a program with a pseudo-terminal as its input, its outputs, and what signals come from; the terminal's other end.

    Not by `pty.fork`: workers of pytest have threads, among which a fork may never come to its end. setsid(1) has the program
    lead a session that the terminal controls; it becomes the program, whose number is that of the process.
    """
    leader, terminal = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", *map(str, command)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=env,
        cwd=directory,
    )
    os.close(terminal)
    return process, leader
