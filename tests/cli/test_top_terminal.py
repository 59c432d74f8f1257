"""`wampd top` in a terminal: drawn, led by keys, there again after a restart of the router, and gone without a trace.

docs/client.md shows the commands.
"""

import fcntl
import os
import re
import select
import signal
import struct
import termios
import time
from contextlib import contextmanager

import pytest

from tests.cli.client_support import CONFIG, Shell
from tests.support.process import START_TIMEOUT, free_port, running_wampd
from tests.support.terminals import at_a_terminal

LEAVES = b"\x1b[?1049l"
"""What ends the alternate screen (XTerm Control Sequences)."""
SHOWS_CURSOR = b"\x1b[?25h"


class Terminal:
    """A terminal with a command in it, and what it was sent."""

    def __init__(self, command, env, rows=20, columns=100):
        self._process, self.fd = at_a_terminal(command, env)
        self.pid = self._process.pid
        self.seen = b""
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, keys):
        os.write(self.fd, keys.encode())

    def wait_for(self, pattern, since=0):
        """Read until the pattern has come; return how much was read."""
        deadline = time.monotonic() + START_TIMEOUT
        while not re.search(pattern.encode(), plain(self.seen[since:]), re.DOTALL):
            assert time.monotonic() < deadline, plain(self.seen[since:])[-900:]
            if select.select([self.fd], [], [], 1)[0]:
                self.seen += os.read(self.fd, 65536)
        return len(self.seen)

    def end(self):
        """The status, when all was read."""
        while True:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                break
            if not data:
                break
            self.seen += data
        self.mode = termios.tcgetattr(self.fd)
        os.close(self.fd)
        return self._process.wait(START_TIMEOUT)


def plain(data):
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", data)


def left(terminal):
    """Whether the screen is what it was, and the cursor to be seen."""
    seen = terminal.seen
    is_plain = seen.rfind(LEAVES) > seen.rfind(b"\x1b[?1049h") > -1
    return is_plain and seen.rfind(SHOWS_CURSOR) > seen.rfind(b"\x1b[?25l")


@pytest.fixture
def place(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(directory=tmp_path, key="5a" * 32))
    config.chmod(0o600)
    port = free_port()

    @contextmanager
    def running():
        with running_wampd(config, tmp_path / "log", port=port) as (process, _):
            yield Shell(tmp_path, port, process)

    return running


def top(shell, *words):
    command = shell.command("top", "--socket", shell.directory / "control.sock", "--interval", "0.2", *words)
    return Terminal(command, shell.env(WAMPD_URL=None, TERM="xterm-256color"))


def test_it_is_led_by_keys_and_leaves_the_terminal_as_it_was(place):
    with place() as shell:
        terminal = top(shell)
        before = termios.tcgetattr(terminal.fd)
        seen = terminal.wait_for(r"wampd \d+\.\d+.*pid \d+, up .*rows")
        assert not termios.tcgetattr(terminal.fd)[3] & termios.ECHO
        terminal.press("2")
        seen = terminal.wait_for(r"operator", seen)
        terminal.press("/nobody\r")
        seen = terminal.wait_for(r"0 rows  search 'nobody'", seen)
        terminal.press("\x1b")
        seen = terminal.wait_for(r"operator", seen)
        terminal.press("?")
        seen = terminal.wait_for(r"any key goes back", seen)
        terminal.press("xp")
        seen = terminal.wait_for(r"paused", seen)
        terminal.resize(8, 40)
        terminal.press("p")
        terminal.wait_for(r"up \d.*rows", seen)
        terminal.press("q")
        assert terminal.end() == 0
        assert left(terminal)
        assert terminal.mode == before


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_terminal_as_it_was(place, number, status):
    with place() as shell:
        terminal = top(shell)
        before = termios.tcgetattr(terminal.fd)
        terminal.wait_for(r"\d+ rows")
        os.kill(terminal.pid, number)
        assert terminal.end() == status
        assert left(terminal)
        assert terminal.mode == before
        assert b"Traceback" not in terminal.seen


def test_it_outlives_the_router_and_comes_back_with_it(place):
    with place() as shell:
        terminal = top(shell)
        seen = terminal.wait_for(rf"pid {shell.router.pid}, up")
    seen = terminal.wait_for(r"not connected: ", seen)
    with place() as shell:
        terminal.wait_for(rf"pid {shell.router.pid}, up", seen)
        terminal.press("\x03")
        assert terminal.end() == 130


def test_a_router_that_is_not_there_is_told_before_anything_is_drawn(tmp_path):
    shell = Shell(tmp_path, 1, None)
    terminal = top(shell)
    assert terminal.end() == 3
    assert b"\x1b[?1049h" not in terminal.seen
    assert b"there is no socket" in terminal.seen
