"""Events of a topic, sent to a URL: in order, with patience, and with a bounded memory.

Rules
-----
* What is published is made a request at once, and waits in a queue that is bounded in events and bytes: of what is too much the
  oldest goes, and is counted. Nothing is kept beyond the life of the process.
* So many requests are under way as the settings say; one at a time keeps the order, whatever has to be tried again.
* A status below 300 is a success. Having no answer, and what may pass (`retrying.py`), are tried again, ever later, not before
  the time that ``Retry-After`` names; everything else, or one try too many, gives the event up, which is counted.
* A connection that breaks is tried again at once, quietly, the first time: servers close those that have waited, and some do
  after each answer without saying so (RFC 9112, section 9.3.1).
* The log says when a forward begins to fail and when it works again; never what is sent.

Sources: RFC 9110, section 15.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from wampd.router.outgoing.client import Client, Response
from wampd.router.outgoing.problems import OutgoingError
from wampd.router.outgoing.retrying import may_pass, pause_after, read_retry_after

log = Logger()

DROPPED: Final = "forwarded events dropped"
GIVEN_UP: Final = "forwarded events given up"
FINAL: Final = frozenset({"url", "denied", "too_large", "redirect"})
"""Reasons that will not go away."""
LARGEST_ANSWER: Final = 64 * 1024
"""Bytes of an answer, of which nobody reads more than the status."""
LONGEST_WAIT: Final = 600.0
"""Seconds that a ``Retry-After`` is heeded."""


class Delivery(Struct, frozen=True):
    """One event as it is sent."""

    name: str
    """What tells it from others."""
    body: bytes
    headers: tuple[tuple[str, str], ...]


class Manner(Struct, frozen=True, kw_only=True):
    """How events are sent."""

    method: str
    url: str
    timeout: float = 10.0
    """Seconds of one try."""
    tries: int = 6
    pause: float = 1.0
    """Seconds until the second try; then twice as long each time."""
    longest_pause: float = 60.0
    queue: int = 1000
    """Events that wait."""
    queue_size: int = 16 * 2**20
    """Bytes of them."""
    concurrency: int = 1


class Forward:
    """The events of one subscription on their way to a URL."""

    def __init__(
        self,
        client: Client,
        clock: Any,
        manner: Manner,
        what: str,
        strike: Callable[[str], None],
        chance: Callable[[], float],
        wall: Callable[[], float],
        finish: Callable[[Delivery], Delivery] = lambda delivery: delivery,
    ) -> None:
        """``clock`` is an ``IReactorTime``; ``what`` stands in the log; ``chance`` gives numbers below 1, ``wall``
        seconds since 1970.

        ``finish`` adds what has to be made anew for each try, as a signature with its time.
        """
        self._client = client
        self._clock = clock
        self._manner = manner
        self._what = what
        self._strike = strike
        self._chance = chance
        self._wall = wall
        self._finish = finish
        self._waiting: deque[Delivery] = deque()
        self._size = 0
        self._under_way: dict[int, Any] = {}
        """What each of those under way waits for: an answer, or a timer."""
        self._next = 0
        self._stopped = False
        self._failing = False

    def __len__(self) -> int:
        """How many events wait or are under way."""
        return len(self._waiting) + len(self._under_way)

    def add(self, delivery: Delivery) -> None:
        """Send an event when it is its turn."""
        if self._stopped:
            return
        self._waiting.append(delivery)
        self._size += len(delivery.body)
        self._send()
        while self._waiting and (len(self._waiting) > self._manner.queue or self._size > self._manner.queue_size):
            self._size -= len(self._waiting.popleft().body)
            self._strike(DROPPED)

    def stop(self) -> None:
        """Send nothing more."""
        self._stopped = True
        lost = len(self)
        if lost:
            log.warn("{count} events were not forwarded by {what}", count=lost, what=self._what)
        self._waiting.clear()
        for pending in list(self._under_way.values()):
            if isinstance(pending, Deferred) or pending.active():
                pending.cancel()
        self._under_way.clear()

    def _send(self) -> None:
        while self._waiting and len(self._under_way) < self._manner.concurrency:
            delivery = self._waiting.popleft()
            self._size -= len(delivery.body)
            self._next += 1
            self._try(self._next, delivery, 1)

    def _try(self, number: int, delivery: Delivery, count: int) -> None:
        manner = self._manner
        sent = self._finish(delivery)
        answer: Deferred[Response] = self._client.request(
            manner.method,
            manner.url,
            headers=sent.headers,
            body=sent.body,
            timeout=manner.timeout,
            limit=LARGEST_ANSWER,
        )
        self._under_way[number] = answer
        answer.addCallbacks(
            lambda response: self._answered(number, delivery, count, response),
            lambda failure: self._unanswered(number, delivery, count, failure),
        )

    def _answered(self, number: int, delivery: Delivery, count: int, response: Response) -> None:
        status = response.status
        if status < 300:
            if self._failing:
                self._failing = False
                log.info("{what} works again", what=self._what)
            self._done(number)
        else:
            after = min(LONGEST_WAIT, read_retry_after(response.header("retry-after"), self._wall()) or 0.0)
            self._again(number, delivery, count, f"status {status}", may_pass(status), after)

    def _unanswered(self, number: int, delivery: Delivery, count: int, failure: Failure) -> None:
        why = failure.value
        if self._stopped or isinstance(why, CancelledError):
            return
        if isinstance(why, OutgoingError) and why.reason == "broken" and count == 1:
            self._under_way[number] = self._clock.callLater(0, self._try, number, delivery, 2)
        elif isinstance(why, OutgoingError):
            self._again(number, delivery, count, str(why), why.reason not in FINAL, 0.0)
        else:
            log.failure("forwarding failed: a bug in wampd", failure)
            self._done(number)

    def _again(self, number: int, delivery: Delivery, count: int, why: str, worth: bool, after: float) -> None:
        """Try once more, later, if that is worth it."""
        if self._stopped:
            return
        if not self._failing:
            self._failing = True
            log.warn("{what} fails: {why}", what=self._what, why=why)
        if not worth or count >= self._manner.tries:
            self._strike(GIVEN_UP)
            self._done(number)
            return
        pause = pause_after(count, self._manner.pause, self._manner.longest_pause)
        pause = max(pause * (0.5 + self._chance() / 2), after)
        self._under_way[number] = self._clock.callLater(pause, self._try, number, delivery, count + 1)

    def _done(self, number: int) -> None:
        if self._under_way.pop(number, None) is not None:
            self._clock.callLater(0, self._send)
