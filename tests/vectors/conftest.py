"""The conversations of the vectors are held where the plays of the specification are."""

from tests.spec.conftest import memory_play, play, pytest_generate_tests, pytest_runtest_makereport, router_port

__all__ = ["memory_play", "play", "pytest_generate_tests", "pytest_runtest_makereport", "router_port"]
