"""Events for whoever speaks HTTP and no WAMP: ``GET PATH?topic=…`` answers with a stream of server-sent events.

Rules
-----
* ``topic`` may come several times; ``match`` (``exact``, ``prefix``, ``wildcard``) is for the topic before it. What may be
  subscribed to is a matter of the session's role, as for every subscriber.
* ``Last-Event-ID``, a header or a parameter of the query, is where to go on; what was missed comes first.
* A stream has a session of its own: it ends with the session, and the session with it. It ends as well with the first of its
  subscriptions that is taken off the session: who may not have what it asked for is told so, by the status of its next request
  at the latest. There is a bounded number of streams, and of one address.
* The answer begins when all topics are subscribed to. What is refused is said by a status: 400, 403, 429, 503.

Sources: HTML standard, section 9.2 (server-sent events).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from wampd.realms.grants import NOT_AUTHORIZED
from wampd.realms.options import Match
from wampd.router.envoy import CallFailed
from wampd.router.http.access.access import Access, Refused
from wampd.router.http.answer import READING, give, say, say_read_only
from wampd.router.http.body import no_body
from wampd.router.http.request import address_of
from wampd.router.http.streams.eventstream import EventStream, begin
from wampd.router.http.streams.following import LOST, Following, Frame, Past
from wampd.router.http.streams.marks import MOST_TOPICS, Topic

if TYPE_CHECKING:
    from wampd.router.inside.insider import Insider

log = Logger()

OVER: Final = "wampd.over"
"""The name of the last event of a stream whose session has ended, or has lost what it follows."""
LAST_WORDS: Final = 0.2
"""Seconds that the last events have when the router stops."""
TOO_SLOW: Final = "readers of event streams cut off"
MATCHES: Final = ("exact", "prefix", "wildcard")
MOST_PARAMETERS: Final = 2 * MOST_TOPICS + 8
LONGEST_MARK: Final = 1024
STATUS: Final = {
    "wamp.error.not_authorized": 403,
    "wamp.error.authorization_denied": 403,
    "wamp.error.authorization_failed": 503,
    "wamp.error.invalid_uri": 400,
}
"""What a refused subscription is answered with; else 503."""


class Streams(Struct, frozen=True, kw_only=True):
    """What the streams of a path are like. Times are seconds."""

    event: str | None = None
    """The name of all events; `None`: their topics."""
    heartbeat: float = 15.0
    retry: float = 3.0
    most: int = 1000
    most_per_address: int = 100
    buffer: int = 2**20
    """Bytes that may wait for one client."""
    resent: int = 1000
    """Events that are sent to one that comes back."""


class EventsResource(Resource):
    """The streams of one path."""

    isLeaf = True  # noqa: N815 - Twisted's name
    intake = no_body

    def __init__(
        self,
        access: Access,
        past: Past,
        clock: Any,
        wall: Callable[[], float],
        strike: Callable[[str], None],
        run: str,
        streams: Streams = Streams(),  # noqa: B008 - frozen
    ) -> None:
        """``clock`` is an ``IReactorTime``, ``wall`` Unix time; ``strike`` counts; ``run`` is that of `Marks`."""
        super().__init__()
        self._access = access
        self.past = past
        self.clock = clock
        self.wall = wall
        self.strike = strike
        self.run = run
        self.streams = streams
        self._open: Counter[str] = Counter()
        self._streaming: set[_Streaming] = set()

    def end(self, reason: str) -> Any:
        """The router stops: end all streams with a last event. The Deferred has the time that they need to be written."""
        written: Deferred[None] = Deferred()
        for streaming in list(self._streaming):
            streaming.session_over(reason)
        self.clock.callLater(LAST_WORDS if self._streaming else 0.0, written.callback, None)
        self._streaming.clear()
        return written

    def render(self, request: Any) -> Any:
        """Answer with a stream."""
        if request.method not in READING:
            return say_read_only(request)
        request.setHeader(b"Cache-Control", b"no-store")
        asked = _asked(request)
        if isinstance(asked, str):
            return say(request, 400, asked)
        address = address_of(request)
        if self._open.total() >= self.streams.most or self._open[address] >= self.streams.most_per_address:
            request.setHeader(b"Retry-After", b"%d" % max(1, round(self.streams.retry)))
            return say(request, 429 if self._open.total() < self.streams.most else 503, "too many streams are open")
        self._open[address] += 1
        streaming = _Streaming(self, request, *asked)
        self._streaming.add(streaming)
        request.notifyFinish().addBoth(lambda _: self._left(address, streaming))
        streaming.start(self._access)
        return NOT_DONE_YET

    def _left(self, address: str, streaming: _Streaming) -> None:
        self._streaming.discard(streaming)
        self._open[address] -= 1
        if not self._open[address]:
            del self._open[address]


class _Streaming:
    """One request on its way to be a stream, and the stream."""

    def __init__(self, resource: EventsResource, request: Any, topics: Sequence[Topic], mark: str | None) -> None:
        self._resource = resource
        self._request = request
        self._topics = topics
        self._mark = mark
        self._insider: Insider | None = None
        self._stream: EventStream | None = None
        self._following: Following | None = None
        self._waiting: Deferred[Any] | None = None
        self._revoked = False
        self._gone = False
        request.notifyFinish().addBoth(self._finished)

    def start(self, access: Access) -> None:
        """Ask for a session, subscribe, begin."""
        waiting = self._waiting = access.session_of_its_own(self._request)
        waiting.addCallback(self._entered)
        waiting.addCallbacks(self._begin, self._refused)
        waiting.addErrback(self._failed)

    def _entered(self, insider: Insider) -> Any:
        self._insider = insider
        if self._gone:
            insider.leave()
            raise CancelledError
        insider.on_over.append(self.session_over)
        insider.on_revoked.append(self._lost_a_topic)
        resource = self._resource
        following = Following(insider, self._topics, resource.past, resource.run, resource.wall, self._tell)
        self._following = following
        return following.subscribe()

    def _begin(self, _: object) -> None:
        self._waiting = None
        if self._gone or self._insider is None or self._following is None:
            return
        if self._revoked:
            self._answer(403, NOT_AUTHORIZED)
            return
        if self._request.method == b"HEAD":
            begin(self._request)
            self._request.finish()
            return
        streams = self._resource.streams
        self._stream = EventStream(
            self._request,
            self._resource.clock,
            most=streams.buffer,
            heartbeat=streams.heartbeat,
            on_slow=lambda: self._resource.strike(TOO_SLOW),
        )
        mark, missed = self._following.begin(self._mark, streams.resent, streams.buffer)
        self._stream.begin(streams.retry, mark)
        self._stream.backlog([(frame.mark, self._name(frame), frame.data) for frame in missed])
        self._following.go_on()

    def _tell(self, frame: Frame) -> None:
        if self._stream is not None:
            self._stream.event(frame.mark, self._name(frame), frame.data)

    def _name(self, frame: Frame) -> str:
        return frame.name if frame.name == LOST else self._resource.streams.event or frame.name

    def _lost_a_topic(self, reason: str) -> None:
        """A subscription was taken off the session, maybe while others are still waited for."""
        self._revoked = True
        self.session_over(reason)

    def session_over(self, reason: str) -> None:
        """The session has ended, or is about to; or has lost a topic."""
        if self._stream is not None:
            self._stream.last(OVER, msgspec.json.encode({"reason": reason}))

    def _refused(self, failure: Failure) -> None:
        if self._gone:
            return
        why = failure.value
        if isinstance(why, Refused):
            for name, value in why.headers:
                self._request.setHeader(name.encode(), value.encode())
            self._answer(why.status, why.text)
        elif isinstance(why, CallFailed):
            self._answer(STATUS.get(why.uri, 503), why.uri)
        else:
            failure.raiseException()

    def _answer(self, status: int, text: str) -> None:
        give(self._request, say(self._request, status, text))

    def _failed(self, failure: Failure) -> None:
        log.failure("a stream of events failed: a bug in wampd", failure)
        if not self._gone:
            self._answer(500, "internal error") if self._stream is None else self._stream.end()

    def _finished(self, _: object) -> None:
        """The answer is over, or its client is gone."""
        self._gone = True
        self._stream = None
        waiting, self._waiting = self._waiting, None
        if self._insider is not None:
            self._insider.leave()
        elif waiting is not None:
            waiting.cancel()


def _asked(request: Any) -> tuple[Sequence[Topic], str | None] | str:
    """The topics that a request asks for, sorted, and where to go on; or what is wrong with it."""
    query = request.uri.partition(b"?")[2].decode("latin-1")
    mark = request.getHeader(b"last-event-id")
    topics: list[Topic] = []
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS)
    except ValueError:  # not UTF-8, or too many
        return "the query cannot be read"
    for name, value in pairs:
        if name == "topic":
            topics.append(Topic(value))
        elif name == "match":
            if value not in MATCHES or not topics:
                return "match is exact, prefix or wildcard, and comes after its topic"
            topics[-1] = Topic(topics[-1].uri, cast("Match", value))
        elif name in ("Last-Event-ID", "lastEventId"):
            mark = mark or value.encode("utf-8", "replace")
    if not 1 <= len(topics) <= MOST_TOPICS:
        return f"between 1 and {MOST_TOPICS} topics, as in ?topic=com.example.news"
    text = mark.decode("latin-1")[:LONGEST_MARK] if mark else None
    return sorted(set(topics)), text
