"""The processes of bench, when what they load goes away."""

import pytest

from tests.support.loops import run
from wampd.cli.benchers import Job, Outcome, _load
from wampd.client import ConnectionLost

JOB = Job(target=None, uri="com.example.bench", clients=2, in_flight=3, warm_up=0.0, duration=60.0, size=1)


class AtOnce:
    """Orders of a parent that waits for nobody."""

    def ready(self):
        pass

    async def wait(self):
        pass


def test_what_ends_all_requests_at_once_is_told_as_one_trouble():
    async def ask(_session, _since):
        raise ConnectionLost("the session ended")

    with pytest.raises(ConnectionLost, match="the session ended"):
        run(_load(JOB, [object(), object()], Outcome(), AtOnce(), ask))
