"""Every line that a test lays is taken up after it: a connection in memory is a pair of sockets, and there are thousands."""

from tests.transports.conftest import _taken_up

__all__ = ["_taken_up"]
