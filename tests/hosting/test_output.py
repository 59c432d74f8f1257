"""What components print: lines in any pieces, of any length and number, and of any bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from wampd.router.hosting.output import (
    KEPT_LINES,
    KEPT_SIZE,
    LINES_PER_SECOND,
    MAX_LINE,
    MAX_SECOND,
    Line,
    Lines,
    Output,
)


class Printed:
    """An output on a clock, and what it tells."""

    def __init__(self):
        self.clock = Clock()
        self.clock.rightNow = 100.0
        self.lines = []
        self.dropped = []
        self.output = Output(self.clock, self.lines.append, self.dropped.append)
        self.feed = self.output.feed
        self.end = self.output.end


@pytest.fixture
def printed():
    return Printed()


def test_lines_may_come_in_any_pieces(printed):
    for piece in (b"one\ntw", b"o", b"\n\n\r\nthr", "ée\n".encode()[:4], "ée\n".encode()[4:], b"\xff\nlast"):
        printed.feed(piece)
    printed.end()
    assert printed.lines == ["one", "two", "thrée", "\ufffd", "last"]


def test_a_line_without_end_is_cut_and_bounded(printed):
    for _ in range(50):
        printed.feed(b"x" * 1000)
        assert len(printed.output._rest) <= MAX_LINE
    printed.end()
    assert [len(line) for line in printed.lines] == [MAX_LINE] * 6 + [50_000 - 6 * MAX_LINE]


def test_of_a_long_line_that_comes_in_one_piece_nothing_is_lost(printed):
    printed.feed(b"x" * (2 * MAX_LINE + 5) + b"\nnext\n")
    assert [len(line) for line in printed.lines] == [MAX_LINE, MAX_LINE, 5, len("next")]


def test_a_flood_of_lines_is_not_told_but_counted(printed):
    printed.feed(b"spam\n" * 10_000)
    assert len(printed.lines) == LINES_PER_SECOND
    printed.clock.advance(1)
    printed.feed(b"after\n")
    assert printed.lines[-1] == "after"
    assert printed.dropped == [10_000 - LINES_PER_SECOND]


def test_what_a_last_flood_has_cost_is_told_at_the_end(printed):
    printed.feed(b"spam\n" * 1000)
    printed.end()
    assert printed.dropped == [1000 - LINES_PER_SECOND]


def test_bytes_that_are_no_text_are_shown_and_break_nothing(printed):
    printed.feed(bytes(range(256)) * 10 + b"\n")
    printed.end()
    assert "\ufffd" in "".join(printed.lines)
    assert sum(map(len, printed.lines)) > 1000


def test_who_prints_too_much_in_a_second_is_not_read_for_the_rest_of_it(printed):
    printed.clock.rightNow = 100.25
    printed.feed(b"x" * (MAX_SECOND - 1))
    assert printed.output.pause == 0
    printed.feed(b"x")
    assert printed.output.pause == pytest.approx(0.75)
    printed.clock.advance(0.75)
    printed.feed(b"x")
    assert printed.output.pause == 0


def test_the_last_lines_are_kept_and_no_more():
    lines = Lines()
    for number in range(KEPT_LINES + 10):
        lines.add(Line(0.0, "stdout", str(number)))
    assert [line.text for line in lines.last(2)] == [str(KEPT_LINES + 8), str(KEPT_LINES + 9)]
    assert len(lines.last(10 * KEPT_LINES)) == KEPT_LINES
    assert lines.last(0) == []


def test_of_very_long_lines_fewer_are_kept():
    lines = Lines()
    for _ in range(KEPT_LINES):
        lines.add(Line(0.0, "stdout", "x" * MAX_LINE))
    assert len(lines.last(KEPT_LINES)) == KEPT_SIZE // MAX_LINE


@given(st.lists(st.binary(max_size=40), max_size=20), st.binary(max_size=40))
def test_how_the_bytes_are_cut_makes_no_difference(pieces, last):
    in_pieces, at_once = Printed(), Printed()
    for piece in (*pieces, last):
        in_pieces.feed(piece)
    at_once.feed(b"".join((*pieces, last)))
    in_pieces.end()
    at_once.end()
    assert in_pieces.lines == at_once.lines
    kept = [line for line in b"".join((*pieces, last)).split(b"\n") if line and not line.isspace()]
    assert len(in_pieces.lines) == len(kept)
