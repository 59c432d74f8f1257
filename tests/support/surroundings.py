"""What surrounds the tests: the same for everybody, whatever their login, service or terminal has set.

Rules
-----
* The private sockets of routers are in a directory of this run of the tests, unless a test names another. No router
  that has one there may still run at the end.
* What is meant for a router that is a service, or for commands of the person who runs the tests, reaches no test: variables
  of systemd (sd_notify(3), sd_listen_fds(3), systemd.exec(5)), of wampd and of its clients, profiles, colours.
* Ctrl-C reaches what tests start, though the run itself may be in the background of a script, where shells ignore SIGINT
  and SIGQUIT (POSIX.1-2017, XCU 2.11).
* A run that is killed leaves its directories behind; the next one takes them away, by the number of the process in their names.
* The directories of tests are so short that there is room for a socket (unix(7): ``sun_path`` has 108 bytes).
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest

OF_SERVICES: Final = (
    "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "JOURNAL_STREAM",
    "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "CONFIGURATION_DIRECTORY", "LOGS_DIRECTORY", "CREDENTIALS_DIRECTORY",
)  # fmt: skip
OF_TERMINALS: Final = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "LINES", "TTY_COMPATIBLE")
KEPT: Final = ("WAMPD_TESTED",)
"""Variables of ours that are said to the tests themselves."""
LONGEST: Final = len("/tmp") + len("gitlab-runner") + 1
"""Bytes of the directory for temporary files and of the user's name together: below are
``/pytest-of-USER/pytest-1234/popen-gw12/``, 30 of a test's name, and ``/run/wampd/4194304.sock``."""


def directory() -> Path:
    """A directory of this process with a short name; nobody else may enter it."""
    for number in count():
        made = Path(f"/tmp/w{os.getpid()}-{number}")
        with suppress(FileExistsError):
            made.mkdir(mode=0o700)
            return made
    raise AssertionError


def sweep() -> None:
    """Take away the directories of our processes that are gone."""
    for each in Path("/tmp").glob("w*-*"):
        named = re.fullmatch(r"w(\d+)-\d+", each.name)
        if named and not Path(f"/proc/{named[1]}").exists() and each.lstat().st_uid == os.getuid():
            shutil.rmtree(each, ignore_errors=True)


def cleared(environ: MutableMapping[str, str]) -> None:
    """Take away what would lead a router or a command elsewhere."""
    for name in list(environ):
        of_ours = name.startswith(("WAMPD_", "_WAMPD_", "WAMP_")) and name not in KEPT
        if of_ours or name in OF_SERVICES or name in OF_TERMINALS:
            del environ[name]


def shorten(environ: MutableMapping[str, str]) -> Path | None:
    """See that tests get short directories; the one that was made for them, if one was."""
    root = Path(environ.get("PYTEST_DEBUG_TEMPROOT") or tempfile.gettempdir())
    if len(os.fsencode(root)) + len(getpass.getuser()) <= LONGEST:
        return None
    made = directory()
    environ["PYTEST_DEBUG_TEMPROOT"] = str(made)
    return made


class Surroundings:
    """Of one process that runs tests."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        cleared(environ)
        self._made = shorten(environ)
        self.keeps_tests = False
        """Whether what tests have written is to be looked at, since one has failed."""
        self.runtime = directory()
        environ["XDG_RUNTIME_DIR"] = str(self.runtime)
        environ["XDG_CONFIG_HOME"] = str(self.runtime / "config")

    def running(self) -> list[int]:
        """The processes of routers that still run."""
        pids = [int(path.stem) for path in self.runtime.glob("wampd/*.sock") if path.stem.isdecimal()]
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]

    def remove(self) -> None:
        """Take away the directories."""
        for each in filter(None, (self.runtime, None if self.keeps_tests else self._made)):
            shutil.rmtree(each, ignore_errors=True)


_surroundings: list[Surroundings] = []


def heed(handlers: Mapping[int, Any]) -> None:
    """Take signals that are ignored, so that processes which are started from here are not born with that."""
    for number, handler in handlers.items():
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_configure() -> None:
    heed({signal.SIGINT: signal.default_int_handler, signal.SIGQUIT: signal.SIG_DFL})
    sweep()
    _surroundings.append(Surroundings(os.environ))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(exitstatus: int) -> None:
    _surroundings[-1].keeps_tests = exitstatus != 0
    if left := _surroundings[-1].running():
        raise AssertionError(f"routers that tests have started still run: {left}")


def pytest_unconfigure() -> None:
    """Also when no test was found, or none could be read."""
    while _surroundings:
        _surroundings.pop().remove()
