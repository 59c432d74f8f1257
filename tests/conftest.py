"""What all tests share: the marker ``needs``."""

import pytest

from tests.support.needs import require


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        require(*marker.args)
