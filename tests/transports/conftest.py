"""Every line that a test lays is taken up after it."""

import pytest

from tests.transports import wires


@pytest.fixture(autouse=True)
def _taken_up():
    yield
    while wires.laid:
        wires.laid.pop().take_up()
