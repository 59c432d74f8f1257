"""``wampd user`` at a terminal: passwords are typed twice, and never shown."""

import os
import sys
import termios
import time

from tests.cli.conftest import PASSWORD
from tests.support.process import ROOT, START_TIMEOUT, environment
from tests.support.terminals import at_a_terminal
from wampd.auth import hashes


def typed(directory, *lines):
    """What a terminal shows when these lines are typed at the questions, and the exit status."""
    command = [sys.executable, "-P", "-m", "wampd", "user", "add", "joe", "--role", "user", "--realm", "realm1"]
    child, terminal = at_a_terminal(command, environment(PYTHONPATH=str(ROOT)), directory)
    shown = b""
    for line in lines:
        shown += until(terminal, b": ")
        while termios.tcgetattr(terminal)[3] & termios.ECHO:  # nobody types before that
            time.sleep(0.01)
        os.write(terminal, line.encode() + b"\n")
    shown += until(terminal, None)
    os.close(terminal)
    return shown.decode(), child.wait(START_TIMEOUT)


def until(terminal, end):
    shown = b""
    while end is None or not shown.endswith(end):
        try:
            part = os.read(terminal, 1000)
        except OSError:
            break
        if not part:
            break
        shown += part
    return shown


def test_a_password_is_typed_twice_and_never_shown(user):
    shown, status = typed(user.directory, PASSWORD, PASSWORD)
    assert (status, "hunter2" in shown) == (0, False)
    assert "New password of joe: " in shown
    assert hashes.fits(user.kept("joe").account.password, PASSWORD)


def test_a_password_that_is_typed_otherwise_the_second_time_is_not_taken(user):
    user.add("ann")
    shown, status = typed(user.directory, PASSWORD, "hunter3")
    assert (status, "the two are not the same; nothing was changed" in shown) == (2, True)
    assert user.kept("joe") is None


def test_who_interrupts_changes_nothing(user):
    user.add("ann")
    shown, status = typed(user.directory, "\x03")
    assert (status, "nothing was changed" in shown, "Traceback" in shown) == (130, True, False)
    assert user.kept("joe") is None
