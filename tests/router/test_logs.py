"""The log: one line an event, and never a wait for who reads it."""

import contextlib
import json
import os
import pty
import socket
import tty

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, formatEvent
from twisted.python.log import err

from tests.support.overheard import overheard
from wampd.router.observe.levels import Levels
from wampd.router.observe.lines import _CONTROLS, json_line, text_line
from wampd.router.observe.logs import LineObserver
from wampd.router.observe.outlet import MOST_WAITING, Outlet, _when_ready


def event(text, level=LogLevel.info, **fields):
    return {
        "log_time": 1_769_860_800.1234,
        "log_level": level,
        "log_namespace": "wampd.test",
        "log_format": text,
        **fields,
    }


def failure(text="a bug"):
    events = []
    log = Logger(namespace="wampd.test", observer=events.append)
    try:
        raise RuntimeError(text)
    except RuntimeError:
        log.failure("it broke")
    return events[0]


# --------------------------------------------------------------------------------------------------------- lines


def test_a_line_of_text_is_time_level_logger_and_message():
    assert text_line(event("{who} joined", who="ann")) == "2026-01-31T12:00:00.123Z info  wampd.test: ann joined\n"


@pytest.mark.parametrize(
    "evil", ["\n", "\r\n", "\x00", "\x1b[31m", "\x7f", "\x85", "\x9b", "\u2028", "\u202e", "\x0b", "\x0c"]
)
def test_what_a_peer_said_can_neither_break_a_line_nor_steer_a_terminal(evil):
    line = text_line(event("peer: {said}", said=f"a{evil}2026 info  wampd: all is well"))
    assert line.count("\n") == 1
    assert len(line.splitlines()) == 1
    assert evil not in line[:-1]
    assert "\\" in line
    assert json.loads(json_line(event("peer: {said}", said=evil)))["said"] == evil
    assert len(json_line(event("peer: {said}", said=evil)).strip("\n").split("\n")) == 1
    steering = "\x7f\x9b31m\u2028\u202e\u2066"
    assert json_line(event("peer: {said}", said=f"é{steering}")).isprintable() is False  # its line feed
    assert json_line(event("peer: {said}", said=f"é{steering}")).strip("\n").isprintable()
    assert json.loads(json_line(event("peer: {said}", said=f"é{steering}")))["said"] == f"é{steering}"


def test_half_a_surrogate_pair_is_spelt_out():
    assert "x\\ud800y" in text_line(event("{said}", said="x\ud800y"))
    assert json.loads(json_line(event("{said}", said="x\ud800y")))["said"] == "x\\ud800y"


def test_other_text_is_as_it_is():
    assert "Grüße, 世界 \t🙂" in text_line(event("{said}", said="Grüße, 世界 \t🙂"))


def test_very_long_text_is_cut():
    line = text_line(event("{said}", said="x" * 1_000_000))
    assert len(line) < 9000
    assert "(991808 more characters)" in line
    assert len(json_line(event("{said}", said="x" * 1_000_000))) < 20_000


def test_a_traceback_follows_its_line_indented():
    first, *rest = text_line(failure()).splitlines()
    assert first.endswith("critical wampd.test: it broke")
    assert all(line.startswith("    ") for line in rest)
    assert "RuntimeError: a bug" in rest[-1]


def test_a_traceback_cannot_steer_a_terminal_either():
    lines = text_line(failure("evil\x1b[31m\n2026 info  wampd: all is well")).splitlines()
    assert not any("\x1b" in line for line in lines)
    assert all(line.startswith("    ") for line in lines[1:])


def test_failures_in_twisteds_older_form_look_like_others():
    with overheard() as events:
        err(RuntimeError("a bug"), "it broke")
        err(RuntimeError("a bug"))
    named, unnamed = (text_line(event).splitlines() for event in events)
    assert named[0].endswith("critical log_legacy: it broke")
    assert unnamed[0].endswith("critical log_legacy: Unhandled Error")
    assert named[-1].endswith("builtins.RuntimeError: a bug")
    record = json.loads(json_line(events[0]))
    assert record["message"] == "it broke"
    assert "RuntimeError: a bug" in record["traceback"]


def test_a_line_of_json_is_one_object_with_the_fields_of_the_event():
    record = json.loads(json_line(event("{who} joined", who="ann", count=2, realm=None, thing=object())))
    assert record == {
        "time": "2026-01-31T12:00:00.123Z",
        "level": "info",
        "logger": "wampd.test",
        "subsystem": "router",
        "message": "ann joined",
        "who": "ann",
        "count": 2,
        "realm": None,
    }


def test_fields_of_an_event_do_not_hide_what_every_line_has():
    record = json.loads(json_line({**event("x"), "level": "fake", "message": "fake", "time": "fake", "logger": "fake"}))
    assert (record["level"], record["message"], record["logger"]) == ("info", "x", "wampd.test")
    assert record["time"].startswith("2026")


@pytest.mark.parametrize("value", [2**70, float("nan"), float("inf"), -(2**63) - 1])
def test_numbers_that_json_cannot_carry_leave_it_valid(value):
    def refuse(name):
        raise AssertionError(name)

    json.loads(json_line(event("{value}", value=value)), parse_constant=refuse)


def test_a_traceback_in_json_is_a_field():
    assert "RuntimeError: a bug" in json.loads(json_line(failure()))["traceback"]


# -------------------------------------------------------------------------------------------------------- levels


def published(level):
    seen = []
    levels = Levels()
    levels.configure(level, {})

    def publisher(event):
        if levels.let_through(event):
            seen.append(event)

    for namespace in ("wampd.x", "twisted.internet.base", "log_legacy"):
        log = Logger(namespace=namespace, observer=publisher)
        for name in ("debug", "info", "warn", "error", "critical"):
            log.emit(LogLevel.lookupByName(name), f"{namespace}:{name}")
    return [each["log_format"] for each in seen]


def test_a_level_leaves_out_what_is_below_and_info_what_twisted_tells_of_itself():
    assert published("error") == [
        f"{namespace}:{level}"
        for namespace in ("wampd.x", "twisted.internet.base", "log_legacy")
        for level in ("error", "critical")
    ]
    assert len(published("debug")) == 15
    info = published("info")
    assert "wampd.x:info" in info
    assert "twisted.internet.base:info" not in info
    assert "log_legacy:info" not in info
    assert {"twisted.internet.base:warn", "log_legacy:critical"} <= set(info)


# ------------------------------------------------------------------------------------------------- slow readers


@pytest.fixture(params=["pipe", "socket", "terminal"])
def ends(request):
    """Both ends of what a log may go to: descriptor to read from, descriptor to write to."""
    if request.param == "pipe":
        reader, writer = os.pipe()
    elif request.param == "socket":
        reader, writer = (end.detach() for end in socket.socketpair())
    else:
        reader, writer = pty.openpty()
        tty.setraw(writer)
    yield reader, writer
    for end in (reader, writer):
        os.close(end)


@pytest.fixture
def pipe():
    """Both ends of a pipe."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


@pytest.fixture
def outlet_to():
    """Makes outlets that are closed at the end."""
    made = []

    def make(writer, clock=None):
        made.append(Outlet(writer, clock))
        return made[-1]

    yield make
    for outlet in made:
        outlet.close()


def read_all(reader, clock):
    """All that comes while time passes."""
    os.set_blocking(reader, False)
    received = b""
    idle = 0
    while idle < 3:
        try:
            received += os.read(reader, 2**16)
            idle = 0
        except BlockingIOError:
            idle += 1
            clock.advance(0.2)
    return received


def test_a_reader_that_stops_reading_stops_nobody_and_gets_what_waited_when_it_goes_on(ends, outlet_to):
    reader, writer = ends
    clock = Clock()
    outlet = outlet_to(writer, clock)
    lines = [b"%06d %s\n" % (number, b"x" * 90) for number in range(30_000)]
    for line in lines:
        outlet.write(line)
    assert outlet.dropped > 10_000
    assert outlet._size <= MOST_WAITING
    kept = lines[: len(lines) - outlet.dropped]
    assert read_all(reader, clock) == b"".join(kept)
    outlet.write(b"again\n")
    assert os.read(reader, 100) == b"again\n"


def test_the_log_says_how_many_lines_were_dropped(pipe, outlet_to):
    reader, writer = pipe
    clock = Clock()
    observer = LineObserver(outlet_to(writer, clock), lambda event: json_line(event).encode())
    count = 0
    while not observer.dropped:
        observer(event("x" * 5000))
        count += 1
    for _ in range(41):
        observer(event("x" * 5000))
    assert len(read_all(reader, clock).splitlines()) == count - 1
    observer(event("after"))
    notice, after = (json.loads(line) for line in os.read(reader, 2**16).splitlines())
    assert (notice["dropped"], notice["level"]) == (42, "warn")
    assert after["message"] == "after"


def test_a_reader_that_is_gone_is_no_trouble(pipe, outlet_to):
    reader, writer = pipe
    outlet = outlet_to(writer)
    os.close(reader)
    for _ in range(3):
        outlet.write(b"to nobody\n")
    assert outlet.dropped == 3


def test_the_descriptor_itself_stays_as_it_was(pipe, outlet_to):
    _, writer = pipe
    outlet_to(writer).write(b"x\n")
    assert os.get_blocking(writer)


def test_where_a_pipe_cannot_be_opened_again_it_is_asked_first(pipe):
    reader, writer = pipe
    send = _when_ready(writer)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while sent < 2**24:
            sent += send(b"x" * 700)
    assert sent < 2**24
    assert sent >= 4096
    os.read(reader, 2**16)
    assert send(b"again") == 5


def test_a_file_takes_everything(tmp_path):
    with (tmp_path / "log").open("ab") as file:
        outlet = Outlet(file.fileno())
        for number in range(1000):
            outlet.write(b"%d\n" % number)
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(1000)]


def test_at_the_end_what_waits_is_written_if_somebody_reads(pipe, outlet_to):
    reader, writer = pipe
    outlet = outlet_to(writer, Clock())
    for _ in range(1000):
        outlet.write(b"x" * 99 + b"\n")
    outlet.finish(0.1)
    assert outlet._size > 0
    first = os.read(reader, 2**16)
    outlet.finish(0.1)
    assert len(first) + len(os.read(reader, 2**16)) == 100_000
    assert outlet.dropped == 0


@given(
    template=st.sampled_from(
        ["{who} left {realm}: {why} (after {duration:.1f} s)", "{why!r}", "{duration:,}", "{who.real}", "{why[0]}", "{why()}",
         "{missing}", "{", "{}", "{{{who}}}", "{duration:{realm}}", "{duration:%}", "()"]
    ),
    why=st.text() | st.none() | st.integers() | st.just(str),
    realm=st.text(),
    duration=st.floats() | st.integers(),
)  # fmt: skip
def test_a_line_says_what_twisted_would_make_of_its_template(template, why, realm, duration):
    event = {"log_format": template, "who": 1, "why": why, "realm": realm, "duration": duration, "log_time": 0.0}
    assume("Unable to format" not in formatEvent(event) or why is not str)  # the address of an object would be in it
    said = text_line(event).partition(" -: ")[2].removesuffix("\n")
    expected = formatEvent(event).encode("utf-8", "backslashreplace").decode().translate(_CONTROLS)
    assert said.partition("Traceback")[0] == expected.partition("Traceback")[0]


@given(text=st.text(st.characters()))
def test_whatever_could_break_a_line_or_steer_a_terminal_is_escaped(text):
    said = text_line({"log_format": "{text}", "text": text, "log_time": 0.0})
    assert not set(said[:-1]) & {chr(code) for code in _CONTROLS}
    assert said.endswith("\n")
