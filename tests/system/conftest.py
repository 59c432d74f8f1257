"""What tests of the process share with those of the router."""

from tests.router.conftest import caught_log, start

__all__ = ["caught_log", "start"]
