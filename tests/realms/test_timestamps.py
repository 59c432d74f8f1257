"""Moments as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.realms.timestamps import nanoseconds, rfc3339


@given(st.integers(0, 4_000_000_000_000_000))
def test_a_moment_is_read_as_it_was_written(microseconds):
    text = rfc3339(microseconds)
    assert nanoseconds(text) == microseconds * 1000
    assert len(text) == 27


@given(st.integers(0, 4_000_000_000_000_000), st.integers(0, 4_000_000_000_000_000))
def test_texts_are_ordered_as_the_moments_are(one, other):
    assert (rfc3339(one) < rfc3339(other)) is (one < other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1970-01-01T00:00:00.0000000019Z", 1),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:30:00-00:30", 0),
        ("1970-01-01t00:00:01.5z", 1_500_000_000),
        ("1970-01-01 00:00:01Z", 1_000_000_000),
        ("1969-12-31T23:59:59.5Z", -500_000_000),
        ("2000-02-29T12:00:00Z", 951_825_600_000_000_000),
    ],
)
def test_every_form_of_rfc_3339_is_read(text, expected):
    assert nanoseconds(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1970-01-01",
        "1970-01-01T00:00:00",
        "1970-01-01T00:00Z",
        "1970-01-01T24:00:00Z",
        "1970-02-30T00:00:00Z",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00,5Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00Z\n",
        "19700101T000000Z",
        "١٩٧٠-01-01T00:00:00Z",
    ],
)
def test_what_is_no_timestamp_is_refused(text):
    with pytest.raises(ValueError, match=r"timestamp|must be|day|hour"):
        nanoseconds(text)


def test_the_end_of_a_day_is_no_moment_on_any_python():
    """Python itself reads it from 3.14 on."""
    with pytest.raises(ValueError, match=r"^not a timestamp of RFC 3339"):
        nanoseconds("1970-01-01T24:00:00Z")
