"""When what was not taken is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wampd.router.outgoing.retrying import may_pass, pause_after, read_retry_after


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
def test_what_may_pass(status):
    assert may_pass(status)


@pytest.mark.parametrize("status", [200, 301, 400, 404, 410, 413, 499])
def test_what_will_not_pass(status):
    assert not may_pass(status)


def test_pauses_double_up_to_a_bound():
    assert [pause_after(attempts, 1.5, 10.0) for attempts in (1, 2, 3, 4, 5, 10**9)] == [
        1.5,
        3.0,
        6.0,
        10.0,
        10.0,
        10.0,
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 400, 999999999999.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 60.0),
        ("Sun, 06 Nov 1993 08:49:37 GMT", 0.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_retry_after(text, seconds):
    assert read_retry_after(text, 784111777.0 - 60) == seconds


@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_not_there(text):
    wanted = read_retry_after(text, 0.0)
    assert wanted is None or wanted >= 0
