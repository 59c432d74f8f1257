"""The journal of systemd: entries in its own protocol, to a journal of the tests.

They have the fields by which docs/logging.md asks ``journalctl`` for them.
"""

import array
import os
import socket
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel

from wampd.router.observe.journal import JournalSocket, is_journal
from wampd.router.observe.lines import MAX_TEXT, journal_entry, prefixed_line
from wampd.router.observe.logs import DROPPED, RouterLog
from wampd.router.observe.outlet import MOST_WAITING
from wampd.router.settings.log import Log


class Journal:
    """A journal that keeps what it is told."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(self.path)

    def entry(self):
        """The next entry, its fields by name."""
        data, ancillary, _, _ = self._socket.recvmsg(2**20, socket.CMSG_SPACE(4))
        for level, kind, rights in ancillary:
            assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
            (descriptor,) = array.array("i", rights)
            with open(descriptor, "rb") as file:
                file.seek(0)
                data += file.read()
        return parsed(data)

    def close(self):
        self._socket.close()
        Path(self.path).unlink()


def parsed(data):
    """As the protocol has it: ``NAME=text`` and a line end; or ``NAME``, a line end, 8 bytes of length, data, a line end."""
    fields = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            size = int.from_bytes(data[:8], "little")
            value, end, data = data[8 : 8 + size], data[8 + size : 9 + size], data[9 + size :]
            assert end == b"\n"
        assert name.decode() not in fields
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def journal(tmp_path):
    made = Journal(tmp_path / "journal")
    yield made
    made.close()


@pytest.fixture
def stderr(tmp_path):
    """A descriptor that stands for standard error, and what is written to it."""
    path = tmp_path / "stderr"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    yield descriptor, path.read_text
    os.close(descriptor)


def names(descriptor):
    there = os.fstat(descriptor)
    return {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}


def event(text="{who} joined", level=LogLevel.info, **fields):
    return {
        "log_time": 1_769_860_800.1234,
        "log_level": level,
        "log_namespace": "wampd.router.audit",
        "log_format": text,
        **fields,
    }


def failure():
    seen = []
    try:
        raise RuntimeError("a bug")
    except RuntimeError:
        Logger(namespace="wampd.router.sessions", observer=seen.append).failure("it broke")
    return seen[0]


def test_an_entry_has_the_message_its_priority_and_the_fields_of_the_event():
    entry = parsed(
        journal_entry(event(who="ann", log_fields=(("session", "authid"), (17, None)), strange_é=1, a=object()))
    )
    assert entry == {
        "MESSAGE": "ann joined",
        "PRIORITY": "6",
        "SYSLOG_IDENTIFIER": "wampd",
        "WAMPD_LOGGER": "wampd.router.audit",
        "WAMPD_SUBSYSTEM": "sessions",
        "WAMPD_WHO": "ann",
        "WAMPD_SESSION": "17",
        "WAMPD_STRANGE__": "1",
    }


@pytest.mark.parametrize("evil", ["\nPRIORITY=0", "a\nMESSAGE\n\x08\0\0\0\0\0\0\0", "\n", "=", "\0", "\ud800\n"])
def test_what_a_peer_said_cannot_become_a_field(evil):
    entry = parsed(journal_entry(event(who=evil, session=evil)))
    assert entry["MESSAGE"].startswith(evil.encode("utf-8", "backslashreplace").decode())
    assert entry["PRIORITY"] == "6"
    assert set(entry) == {
        "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", "WAMPD_LOGGER", "WAMPD_SUBSYSTEM", "WAMPD_WHO", "WAMPD_SESSION",
    }  # fmt: skip


def test_a_field_does_not_hide_what_every_entry_has_and_names_are_short():
    entry = parsed(journal_entry(event(logger="fake", **{"x" * 100: 1})))
    assert entry["WAMPD_LOGGER"] == "wampd.router.audit"
    assert max(map(len, entry)) == 64


def test_a_traceback_is_a_field():
    entry = parsed(journal_entry(failure()))
    assert entry["PRIORITY"] == "2"
    assert "RuntimeError: a bug" in entry["WAMPD_TRACEBACK"]


def test_lines_for_a_journal_that_reads_standard_error_say_how_grave_they_are():
    lines = prefixed_line(failure()).splitlines()
    assert lines[0] == "<2>wampd.router.sessions: it broke"
    assert all(line.startswith("<2>    ") for line in lines[1:])
    assert prefixed_line(event("a\nb\x1b[0m")) == "<6>wampd.router.audit: a\\x0ab\\x1b[0m\n"


# -------------------------------------------------------------------------------------------------- where it goes


def test_standard_error_is_the_journal_if_device_and_inode_say_so(stderr):
    descriptor, _ = stderr
    assert is_journal(descriptor, names(descriptor))
    device, _, inode = names(descriptor)["JOURNAL_STREAM"].partition(":")
    for other in (
        "",
        "x",
        ":",
        f"{device}:{int(inode) + 1}",
        f"{int(device) + 1}:{inode}",
        f"{device}",
        f"-{device}:{inode}",
    ):
        assert not is_journal(descriptor, {"JOURNAL_STREAM": other})
    assert not is_journal(descriptor, {})
    assert not is_journal(10**6, names(descriptor))


@pytest.mark.parametrize(
    ("log_format", "is_ours", "to_journal"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("text", True, False),
        ("json", True, False),
        ("journald", False, True),
    ],
)
def test_the_log_goes_to_the_journal_if_that_is_there_or_if_it_is_told_to(
    journal, stderr, log_format, is_ours, to_journal
):
    descriptor, written = stderr
    log = RouterLog(Log(format=log_format), descriptor, Clock(), names(descriptor) if is_ours else {}, journal.path)
    log(event(who="ann"))
    log.finish()
    assert ("ann joined" in written()) is not to_journal
    if to_journal:
        assert journal.entry()["WAMPD_WHO"] == "ann"


def test_without_a_socket_lines_go_to_standard_error(stderr, tmp_path):
    descriptor, written = stderr
    log = RouterLog(Log(format="journald"), descriptor, Clock(), {}, str(tmp_path / "none"))
    log(event(who="ann"))
    log.finish()
    assert written() == "<6>wampd.router.audit: ann joined\n"


def test_what_is_too_long_for_a_datagram_is_sent_as_a_file(journal):
    entry = journal_entry(event("{a}", **{name: name * MAX_TEXT for name in "abcdefghijklmnopqrstuvwxyz0123456789"}))
    assert len(entry) > 2**18
    ours = JournalSocket(journal.path)
    ours._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
    assert ours.send(entry) == len(entry)
    assert journal.entry() == parsed(entry)
    ours.close()


def test_a_journal_that_takes_nothing_stops_nobody_and_gets_what_waited_when_it_goes_on(journal, stderr):
    clock = Clock()
    log = RouterLog(Log(format="journald", burst=None), stderr[0], clock, {}, journal.path)
    size = 0
    sent = 0
    while not log.counts()[DROPPED]:
        log(event("{number} {long}", number=sent, long="x" * 5000))
        sent += 1
        size += 5000
    assert MOST_WAITING / 2 < size < 4 * MOST_WAITING
    heard = 0
    idle = 0
    while idle < 5:
        try:
            assert journal.entry()["WAMPD_NUMBER"] == str(heard)
            heard, idle = heard + 1, 0
        except BlockingIOError:
            idle += 1
            clock.advance(0.2)
    assert heard == sent - 1
    log(event("after"))
    assert "1 log lines were dropped" in journal.entry()["MESSAGE"]
    assert journal.entry()["MESSAGE"] == "after"
    log.finish()


def test_a_journal_that_was_started_again_is_found_again(tmp_path, stderr):
    first = Journal(tmp_path / "journal")
    log = RouterLog(Log(format="journald"), stderr[0], Clock(), {}, first.path)
    log(event(who="ann"))
    first.close()
    log(event(who="lost"))
    second = Journal(tmp_path / "journal")
    log(event(who="bob"))
    log.finish()
    assert log.counts()[DROPPED] == 1
    assert "1 log lines were dropped" in second.entry()["MESSAGE"]
    assert second.entry()["WAMPD_WHO"] == "bob"
    second.close()
