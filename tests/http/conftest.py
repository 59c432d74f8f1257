"""What is open is closed: connections in memory are pairs of sockets, which only the collector of garbage finds."""

import gc

import pytest


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    gc.collect()
