"""What the tests of HTTP have in common: requests as text, and resources that say what they were given."""

import pytest
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.support.overheard import failure, overheard
from tests.support.sites import build_site
from tests.transports.port import Port
from wampd.router.http.body import Intake


def head(line, *lines, host="router.example"):
    """The head of a request."""
    return "\r\n".join([line, *([f"Host: {host}"] if host is not None else []), *lines, "", ""]).encode("latin-1")


def connect(served, **limits):
    """One connection to a site that serves this, by path."""
    return Port(site=build_site(served, **limits))


def body(answer):
    """What comes after the head of an answer."""
    return answer.split(b"\r\n\r\n", 1)[1]


class Watched:
    """What the log says meanwhile."""

    def __enter__(self):
        self._listening = overheard()
        self.events = self._listening.__enter__()
        return self

    def __exit__(self, *_):
        self._listening.__exit__(None, None, None)

    @property
    def failures(self):
        return list(filter(failure, self.events))

    @property
    def lines(self):
        """All but what is there for developers."""
        return [event for event in self.events if event["log_level"].name != "debug"]


class Gather:
    """Keeps a body, for those who need all of it."""

    def __init__(self, done, lost=lambda _: None):
        self._parts = []
        self._done = done
        self.lost = lost

    def write(self, data):
        """Keep a part."""
        self._parts.append(data)

    def finish(self):
        """Hand it over."""
        self._done(b"".join(self._parts))


class Reader(Resource):
    """Takes bodies as they come, and keeps what it is told."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(self, intake=Intake(), *, at_once=True, early=None):  # noqa: B008 - it is frozen
        super().__init__()
        self._intake = intake
        self._at_once = at_once
        self._early = early
        self.request = None
        self.told = []
        self.asked = 0

    def intake(self, request):
        self.asked += 1
        return self._intake

    def render(self, request):
        self.request = request
        if self._early is not None:
            request.setResponseCode(self._early)
            return b"early"
        if self._at_once:
            request.body.into(self)
        return NOT_DONE_YET

    def write(self, data):
        self.told.append(data)

    def finish(self):
        self.told.append("finish")
        self.request.write(b"got %d" % len(self.data))
        self.request.finish()

    def lost(self, why):
        self.told.append(f"lost: {why}")

    @property
    def data(self):
        return b"".join(part for part in self.told if isinstance(part, bytes))


@pytest.fixture
def watched():
    with Watched() as it:
        yield it


@pytest.fixture(autouse=True)
def logged():
    """What was logged; no test here may find a bug of ours."""
    with overheard() as events:
        yield events
    assert list(filter(failure, events)) == []
