"""What these tests share with those of the router."""

from tests.router.conftest import caught_log

__all__ = ["caught_log"]
