"""What all tests share: the marker ``needs``, that no secret is logged, and that no property fails for a busy machine."""

import pytest
from hypothesis import HealthCheck, settings

from tests.support.leaks import pytest_runtest_teardown, pytest_sessionfinish, pytest_sessionstart
from tests.support.needs import require

__all__ = ["pytest_runtest_teardown", "pytest_sessionfinish", "pytest_sessionstart"]

settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        require(*marker.args)
