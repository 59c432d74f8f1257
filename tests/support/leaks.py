"""No secret is ever logged: every log of the tests is searched for the word that every secret of theirs holds.

Rules
-----
* Every ticket, password, key, token and cookie value that a test uses holds `MARKER`.
* Every event that is logged in the process of the tests is looked at as the daemon would write it, at whatever level; and
  every log of a child process when that has ended.
* Where it is found the test that runs fails; so does the run, with and without xdist.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from twisted.logger import globalLogPublisher

from wampd.router.observe.lines import json_line, text_line

MARKER: Final = "hunter2"

_found: list[str] = []


def see(event: dict[str, Any]) -> None:
    """Look at an event that was logged in this process."""
    for line in (text_line(event), json_line(event)):
        if MARKER in line:
            _found.append(f"logged: {line}")
            return


def see_log(path: Path) -> None:
    """Look at the log of a child process that has ended."""
    if not path.exists():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if MARKER in line:
            _found.append(f"{path}:{number}: {line}")
            return


def take() -> list[str]:
    """What was found since it was last asked for."""
    found = _found.copy()
    _found.clear()
    return found


def _complain() -> None:
    found = take()
    if found:
        raise AssertionError("a secret was logged:\n" + "\n".join(found))


def pytest_sessionstart() -> None:
    globalLogPublisher.addObserver(see)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    yield
    _complain()


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish() -> Iterator[None]:
    yield
    globalLogPublisher.removeObserver(see)
    _complain()
