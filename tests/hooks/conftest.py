"""What the router warns of and worse."""

import pytest
from twisted.logger import LogLevel, globalLogPublisher


@pytest.fixture
def caught():
    events = []

    def observe(event):
        if event["log_level"] >= LogLevel.warn and event["log_namespace"].startswith("wampd."):
            events.append(event)

    globalLogPublisher.addObserver(observe)
    yield events
    globalLogPublisher.removeObserver(observe)


@pytest.fixture(autouse=True)
def no_bugs(caught):
    """Nothing that a test does shows a bug of ours."""
    yield
    assert [event for event in caught if "bug in wampd" in event["log_format"]] == []
