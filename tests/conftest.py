"""What all tests share: the marker ``needs``, and that no secret is logged."""

import pytest

from tests.support.leaks import pytest_runtest_teardown, pytest_sessionfinish, pytest_sessionstart
from tests.support.needs import require

__all__ = ["pytest_runtest_teardown", "pytest_sessionfinish", "pytest_sessionstart"]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        require(*marker.args)
