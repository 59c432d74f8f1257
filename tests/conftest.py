"""What all tests share: the marker ``needs``, that no secret is logged, the same surroundings, and that no property fails for a
busy machine."""

import pytest
from hypothesis import HealthCheck, settings

from tests.support import leaks, surroundings
from tests.support.needs import require


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(surroundings)
    config.pluginmanager.register(leaks)


settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        require(*marker.args)
