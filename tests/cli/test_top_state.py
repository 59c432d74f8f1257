"""What keys do to `wampd top`, and how it is drawn: without a terminal and without a router."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from wampd.cli.top.drawing import HEAD, cell, draw, duration, number, rows_for, size
from wampd.cli.top.state import LONGEST_SEARCH, VIEWS, Snapshot, State
from wampd.cli.top.terminal import keys_in

OVERVIEW = {
    "router": {"version": "1.2", "pid": 42, "uptime": 3_725.0},
    "process": {"cpu": 0.25, "rss": 3 * 2**20, "connections": 7},
    "realms": [
        {
            "name": "a",
            "sessions": 2,
            "under_way": 1,
            "rates": {"calls": 1.5, "events": 10, "publications": 2, "errors": 0},
        },
        {
            "name": "b",
            "sessions": 3,
            "under_way": 0,
            "rates": {"calls": 2.5, "events": 0, "publications": 0, "errors": 1},
        },
    ],
    "struck": {"events dropped": 5, "never": 0},
}
PROCEDURES = [{"uri": "com.add", "realm": "a", "rate": 4.0, "calls": 12_345, "latency": 0.0021, "match": "exact"}]
ERRORS = [
    {"at": f"2026-11-21T10:00:{at:02d}.000Z", "error": "com.bad", "uri": f"com.{at}", "count": at} for at in range(40)
]


def screen(state, width=100, height=20):
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(draw(state, width, height))
    return console.file.getvalue().rstrip("\n").split("\n")


def pressed(state, *keys, rows=10):
    asked = [state.press(key, rows) for key in keys]
    return asked[-1]


def test_the_head_tells_of_the_whole_router():
    lines = screen(State(snapshot=Snapshot(OVERVIEW, PROCEDURES, 1)))
    assert lines[0].rstrip() == "wampd 1.2  pid 42, up 1 h 02 min"
    assert lines[1].rstrip() == "cpu 25%  mem 3.0 MiB  connections 7  sessions 5  realms 2  open calls 1"
    assert lines[2].startswith("calls/s 4  publications/s 2  events/s 10  errors/s 1  limits: events dropped 5")
    assert "never" not in lines[2]
    assert lines[5].split()[:4] == ["com.add", "a", "4", "12.3k"]
    assert lines[5].split()[7] == "2.1"


@pytest.mark.parametrize(("width", "height"), [(100, 20), (20, 7), (1, 1), (300, 100), (80, 24)])
@pytest.mark.parametrize("view", range(len(VIEWS)))
def test_it_fits_any_screen(width, height, view):
    state = State(view, snapshot=Snapshot(OVERVIEW, ERRORS, 40))
    lines = screen(state, width, height)
    assert len(lines) <= max(height, HEAD + 1)
    assert max(map(len, lines)) <= width


def test_what_clients_say_is_drawn_as_text():
    evil = "com.\x1b[2J\x07[bold]x[/bold]\u009b"
    state = State(snapshot=Snapshot(OVERVIEW, [{"uri": evil, "realm": "r\n\r"}], 1), not_connected="\x1b[2J")
    state.search = evil
    drawn = "\n".join(screen(state, 200))
    assert not {"\x1b", "\x07", "\u009b", "\r"} & set(drawn)
    assert "[bold]x[/bold]" in drawn


def test_answers_of_another_shape_are_drawn_all_the_same():
    for overview in (
        {},
        {"router": 5, "realms": "x"},
        {"realms": [1, {}], "process": {"cpu": None}, "struck": {"a": "b"}},
    ):
        assert screen(State(snapshot=Snapshot(overview, [{"uri": {"a": 1}, "rate": [1]}], 1)))
    assert screen(State())


@pytest.mark.parametrize("key", ["q", "ctrl-c"])
def test_q_ends_it(key):
    state = State()
    pressed(state, key)
    assert state.is_over


def test_lists_are_changed_and_begin_in_their_own_order():
    state = State()
    assert (state.shown.title, state.sort, state.descending) == ("Procedures", "rate", True)
    assert pressed(state, "right")
    assert (state.shown.title, state.sort) == ("Sessions", "in")
    assert pressed(state, "left", "left")
    assert state.shown.title == "Errors"
    assert pressed(state, "tab")
    assert state.view == 0
    assert pressed(state, "3")
    assert state.shown.title == "Topics"
    assert not pressed(state, "9")


def test_s_orders_by_the_next_column_and_r_turns_it_round():
    state = State()
    assert pressed(state, "s")
    assert (state.sort, state.descending) == ("calls", True)
    assert pressed(state, "S", "S")
    assert (state.sort, state.descending) == ("realm", False)
    assert pressed(state, "r")
    assert state.question(10) == {"limit": 10, "offset": 0, "sort": "realm", "descending": True}


def test_a_search_counts_as_it_is_typed():
    state = State()
    assert not pressed(state, "/")
    assert pressed(state, "c")
    assert pressed(state, "o", "q", "backspace")
    assert state.question(10)["search"] == "co"
    assert screen(state)[-1].startswith("/co")
    assert not pressed(state, "enter")
    assert not state.is_over
    assert pressed(state, "escape")
    assert "search" not in state.question(10)
    pressed(state, "/", *("x" * 200))
    assert len(state.search) == LONGEST_SEARCH
    pressed(state, "escape")
    assert (state.typing, state.search) == (None, "")


def test_short_lists_are_ordered_searched_and_cut_here():
    state = State(5, snapshot=Snapshot(OVERVIEW, ERRORS, 40))
    assert [row["count"] for row in state.visible(3)] == [0, 1, 2]
    pressed(state, "s", "s", "s", "s")
    assert state.sort == "count"
    assert [row["count"] for row in state.visible(3)] == [39, 38, 37]
    pressed(state, "down", "down")
    assert [row["count"] for row in state.visible(2)] == [37, 36]
    pressed(state, "pagedown", rows=1000)
    assert len(state.visible(10)) == 1
    pressed(state, "home", "/", "c", "o", "m", ".", "3", "9")
    assert [row["count"] for row in state.visible(3)] == [39]


def test_values_of_several_types_can_be_ordered():
    rows = [{"caller": None}, {"caller": "x"}, {"caller": 5}, {}]
    state = State(3, snapshot=Snapshot({}, rows, 4))
    state.order_by("caller")
    assert [row.get("caller") for row in state.visible(10)] == ["x", 5, None, None]


def test_help_is_there_and_gone_by_any_key():
    state = State()
    pressed(state, "?")
    assert "Keys" in screen(state)[0]
    pressed(state, "s")
    assert (state.has_help, state.sort) == (False, "rate")


def test_p_pauses_and_goes_on():
    state = State(snapshot=Snapshot(OVERVIEW))
    pressed(state, "p")
    assert screen(state)[0].rstrip().endswith("paused")
    pressed(state, "p")
    assert not state.is_paused


def test_a_list_that_may_not_be_seen_says_so_in_its_place():
    lines = screen(State(snapshot=Snapshot(OVERVIEW, trouble="wamp.error.not_authorized")))
    assert lines[4].rstrip() == "wamp.error.not_authorized"
    assert len(lines) == 20


@given(
    st.lists(st.text(max_size=3) | st.sampled_from(["up", "down", "pageup", "pagedown", "escape", "enter", "tab", "/"]))
)
def test_no_keys_break_it(keys):
    state = State(snapshot=Snapshot(OVERVIEW, ERRORS, 40))
    for key in keys:
        state.press(key, 10)
        assert state.offset >= 0
        assert state.question(10)
    assert screen(state)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("q", ["q"]),
        ("\x1b[A\x1b[B\x1bOC\x1b[D", ["up", "down", "right", "left"]),
        ("\x1b[5~\x1b[6~\x1b[H", ["pageup", "pagedown", "home"]),
        ("\x1b", ["escape"]),
        ("\x1bq", ["escape", "q"]),
        ("\x1b[1;5C\x1b[200~x", ["x"]),
        ("\t\r\n\x7f\x03ü", ["tab", "enter", "enter", "backspace", "ctrl-c", "ü"]),
        ("\x00\x01", []),
    ],
)
def test_keys_are_read_as_terminals_send_them(text, keys):
    assert list(keys_in(text)) == keys


def test_values_are_short():
    assert [number(each) for each in (0, 9_999, 12_345, 2.5, 1e8, None)] == ["0", "9999", "12.3k", "2.5", "100.0M", "-"]
    assert [size(each) for each in (0, 1023, 2048, 3 * 2**30)] == ["0 B", "1023 B", "2.0 KiB", "3.0 GiB"]
    assert [duration(each) for each in (1.25, 61, 3600, 90_000)] == ["1.2 s", "1 min 01 s", "1 h 00 min", "1 d 1 h"]
    assert cell("session", 2**53) == str(2**53)
    assert cell("at", "2026-11-21T10:00:01.000Z") == "10:00:01"
    assert cell("ended", True) == "True"
    assert rows_for(2) == 1
