"""A client of HTTP in memory: it keeps what is asked, and answers when a test says so."""

from twisted.internet.defer import Deferred

from wampd.router.outgoing.client import Response
from wampd.router.outgoing.problems import OutgoingError

JSON = {"content-type": "application/json"}


class Asked:
    """One request."""

    def __init__(self, method, url, headers=(), body=None, timeout=None, limit=None, redirects=0):
        self.method, self.url, self.body = method, url, body
        self.headers = dict(headers)
        self.timeout, self.limit, self.redirects = timeout, limit, redirects
        self.cancelled = False
        self.answer = Deferred(self._cancel)

    def _cancel(self, answer):
        self.cancelled = True
        answer.errback(OutgoingError("cancelled", "it was given up"))

    def say(self, status=200, body=b"", headers=JSON):
        self.answer.callback(Response(status, tuple(headers.items()), body, self.url))

    def fail(self, reason="connect", text="nobody answers there"):
        self.answer.errback(OutgoingError(reason, text))


class FakeClient:
    """Stands for `wampd.router.outgoing.client.Client`."""

    def __init__(self):
        self.asked = []

    def request(self, method, url, **more):
        self.asked.append(Asked(method, url, **more))
        return self.asked[-1].answer

    def last(self):
        return self.asked[-1]
