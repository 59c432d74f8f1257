"""Filters: exact values at places in the payload."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.hooks.filters import LONGEST, MOST_VALUES, FilterError, Payload, passes, read_filter

PAYLOAD = Payload(
    [{"state": "paid", "items": [1, 2.0, None, True]}, 7], {"who": {"name": "joe"}, "0": "zero", "x": False}
)


@pytest.mark.parametrize(
    "given_filter",
    [
        {},
        {"args.0.state": "paid"},
        {"args.0.state": ["new", "paid"]},
        {"args.1": 7, "kwargs.who.name": "joe"},
        {"args.0.items.0": 1.0},
        {"args.0.items.1": 2},
        {"args.0.items.2": None},
        {"args.0.items.3": True},
        {"kwargs.0": "zero"},
        {"kwargs.x": False},
    ],
)
def test_an_event_passes(given_filter):
    assert passes(read_filter(given_filter), PAYLOAD)


@pytest.mark.parametrize(
    "given_filter",
    [
        {"args.0.state": "new"},
        {"args.0.state": "Paid"},
        {"args.0.state": "paid", "args.1": 8},
        {"args.2": None},
        {"args.-1": 7},
        {"args.٠": 7},
        {"args.0.state.0": "p"},
        {"args.0": "paid"},
        {"args": 7},
        {"kwargs.nobody": None},
        {"kwargs.x": 0},
        {"args.0.items.0": True},
        {"args.0.items.9999999999999999999999": 1},
        {"args.0.items.0000000000000000000000": 1},
    ],
)
def test_an_event_does_not_pass(given_filter):
    assert not passes(read_filter(given_filter), PAYLOAD)


@pytest.mark.parametrize(
    "given_filter",
    [
        None,
        [],
        "args.0",
        {"state": "paid"},
        {"": "paid"},
        {"argsx": 1},
        {"args." + "x" * 300: 1},
        {"args.0": []},
        {"args.0": {}},
        {"args.0": [[1]]},
        {"args.0": ["x"] * 65},
        {"args.0": "x" * 257},
        {f"args.{number}": 1 for number in range(17)},
        {1: 1},
    ],
)
def test_what_is_no_filter(given_filter):
    with pytest.raises(FilterError):
        read_filter(given_filter)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "0", "1"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=3), st.text("ab01.", max_size=10), JSON)
def test_any_payload_passes_or_does_not(args, place, value):
    try:
        read = read_filter({f"args.{place}": value})
    except FilterError:
        return
    assert passes(read, Payload(args, {})) in (True, False)


def test_a_filter_is_bounded_as_a_whole():
    """A thousand of them may have to look at one event, and ten thousand are kept."""
    at_most = {f"kwargs.{number}": list(range(4)) for number in range(16)}
    assert read_filter(at_most)
    assert read_filter({"args" + ".a" * 16: 1, "kwargs.x": ["x" * 200] * 8})
    for too_much in (
        {**at_most, "kwargs.0": list(range(5))},
        {"kwargs.x": ["x" * 200] * 11},
        {f"kwargs.{'x' * 240}{number}": 1 for number in range(9)},
        {"args" + ".a" * 17: 1},
    ):
        with pytest.raises(FilterError):
            read_filter(too_much)


@pytest.mark.parametrize("values", [[0] * MOST_VALUES, "x" * LONGEST, ["x" * LONGEST]])
def test_what_is_just_not_too_much_is_taken(values):
    read_filter({"kwargs.x": values})


@pytest.mark.parametrize("values", [[], [0] * (MOST_VALUES + 1), "x" * (LONGEST + 1), [0, "x" * (LONGEST + 1)]])
def test_what_is_just_too_much_is_not(values):
    with pytest.raises(FilterError):
        read_filter({"kwargs.x": values})


def test_a_place_has_its_length_too():
    place = "kwargs." + "x" * (LONGEST - 7)
    read_filter({place: 1})
    with pytest.raises(FilterError):
        read_filter({place + "x": 1})
