"""What tests of the process share with those of the router; and that no successor of a router outlives its test."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.router.conftest import caught_log, start

__all__ = ["caught_log", "start"]


@pytest.fixture(autouse=True)
def _no_survivors(tmp_path: Path) -> Iterator[None]:
    """A router that has taken over is nobody's child: where a test fails, it is ended here."""
    yield
    for each in Path("/proc").glob("[0-9]*"):
        try:
            command = (each / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"run" in command and any(os.fsencode(tmp_path) in word for word in command):
            os.kill(int(each.name), signal.SIGKILL)
