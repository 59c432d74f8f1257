"""Heads of answers that do not end: headers without number, answers before the answer."""

import pytest

HERE = "127.0.0.1"


@pytest.mark.trap(1)
@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 500_000, b"HTTP/1.1 102 Processing\r\n\r\n" * 100_000],
    ids=["headers", "answers before the answer"],
)
def test_a_head_is_bounded(asking, serve, head):
    server = serve(head)
    assert asking.refusal(f"http://{HERE}:{server.port}/", HERE) == "too_large"
