"""What the router warns of and worse."""

import pytest

from tests.support.overheard import overheard, warning


@pytest.fixture
def caught():
    with overheard(warning) as events:
        yield events


@pytest.fixture(autouse=True)
def no_bugs(caught):
    """Nothing that a test does shows a bug of ours."""
    yield
    assert [event for event in caught if "bug in wampd" in event["log_format"]] == []
