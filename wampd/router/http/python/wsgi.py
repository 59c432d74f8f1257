"""A WSGI application: Twisted runs it in threads; here is what keeps it within bounds.

Rules
-----
* At most so many requests are served at once, each in a thread, and so many wait for one: beyond that it is 503. The body is
  there before the application is asked; a large one is on the disk, and of these, too, there are only so many.
* An application that has not begun its answer in time is answered for, with 504; its thread is not free before it comes back.
* While a client does not read, its application waits at its next piece. When the client has left, no more pieces are asked for.
* A failure is a 500 without a word of it, and a traceback in the log; in the midst of an answer it ends the connection. So is
  an answer that is not what it says (`promised.py`).
* Whom `access` has let in is told as ``REMOTE_USER``, with ``AUTH_TYPE`` if it was by a header, and the role as
  ``wampd.authrole``. Anonymous is nobody.
* The application never sees a header ``Proxy`` (which CGI programs take for a setting of theirs), nor one with an underscore
  (which would look like another one's name), and always the length of the body.

Sources: PEP 3333; RFC 3875, sections 4.1.1, 4.1.11 (who asks) and 4.1.18 (headers as variables); https://httpoxy.org.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Event
from typing import IO, Any, Final

from twisted.internet.address import IPv4Address
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.wsgi import WSGIResource

from wampd.router.http.answer import Later, give, say
from wampd.router.http.body import Intake
from wampd.router.http.python.gathering import Gathered
from wampd.router.http.python.promised import Promise
from wampd.router.threads import Threads

log = Logger()

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
NOWHERE: Final = IPv4Address("TCP", "", 0)
"""The address of those who come by a Unix socket."""
_TOLD_OTHERWISE: Final = ("HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE")
"""They have variables of their own (RFC 3875, section 4.1)."""


class Visit:
    """One request in the application: in the reactor a producer of its answer, in the thread what it waits for."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._may_go_on = Event()
        self._may_go_on.set()
        self._over = False
        self.timer: Any = None
        request.notifyFinish().addBoth(self._ended)

    @property
    def path(self) -> str:
        """What was asked for, for the log."""
        path: bytes = self._request.path
        return path.decode("latin-1")

    def is_over(self) -> bool:
        """Whether nobody wants any more of the answer."""
        return self._over

    def wait(self) -> None:
        """Wait until the client has read; in the thread."""
        self._may_go_on.wait()

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client does not read."""
        self._may_go_on.clear()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has read."""
        self._may_go_on.set()

    def stopProducing(self) -> None:  # noqa: N802 - Twisted's name
        """The client has left."""
        self._ended(None)

    def too_late(self) -> None:
        """Time is up."""
        request = self._request
        if self._over or request.startedWriting:
            return
        log.warn("{path}: the WSGI application takes too long", path=self.path)
        give(request, say(request, 504, "the application takes too long"))

    def finish(self, finish: Callable[[], None]) -> None:
        """The answer is complete."""
        if self._request.channel is not None:
            self._request.unregisterProducer()
        finish()

    def _ended(self, _: object) -> None:
        self._over = True
        self._may_go_on.set()
        if self.timer is not None and self.timer.active():
            self.timer.cancel()


class Wsgi(Resource):
    """A WSGI application under a path."""

    isLeaf = True  # noqa: N815 - Twisted's name

    def __init__(
        self,
        application: Application,
        threads: Threads,
        disk: Threads,
        *,
        most: int,
        timeout: float,
        size: int | None = None,
    ) -> None:
        """``most`` requests are in the application or wait to be; ``timeout`` in seconds; ``size``: bytes of a body.

        The application runs in ``threads``; large bodies are written in those of ``disk``.
        """
        super().__init__()
        self._application = application
        self._threads = threads
        self._disk = disk
        self._most = most
        self._timeout = timeout
        self._size = size
        self._inside = 0
        self._large = 0
        """Requests whose bodies are on the disk."""

    def intake(self, request: Any) -> Intake:  # noqa: ARG002 - all are alike
        """Bodies are gathered while they come; the application reads one that is there."""
        return Intake(size=self._size)

    def render(self, request: Any) -> Any:
        """Let the application answer, once the body is there."""
        later = Later(request)
        if self._inside >= self._most:
            _crowded(later)
            return NOT_DONE_YET

        def done(file: IO[bytes]) -> None:
            request.content = file
            self._serve(request, later)

        def failed(why: Failure) -> None:
            log.failure("a body for a WSGI application cannot be kept", why)
            later.text(500, "internal error")

        def may_be_large() -> bool:
            if self._large >= self._most:
                _crowded(later)
                return False
            self._large += 1
            request.notifyFinish().addBoth(self._forget_large)
            return True

        request.body.into(Gathered(request.body, self._disk.run, done, failed, may_be_large))
        return NOT_DONE_YET

    def _forget_large(self, _: object) -> None:
        self._large -= 1

    def _serve(self, request: Any, later: Later) -> None:
        """Let the application answer."""
        if self._inside >= self._most:
            _crowded(later)
            return
        _prepare(request)
        self._inside += 1
        visit = Visit(request)
        visit.timer = self._threads.reactor.callLater(self._timeout, visit.too_late)
        finish = request.finish
        request.registerProducer(visit, True)
        request.finish = lambda: visit.finish(finish)

        known = _known(request)

        def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
            environ.update(known)
            return self._pieces(visit, environ, start_response)

        WSGIResource(self._threads.reactor, self, application).render(request)

    def callInThread(self, run: Callable[[], object]) -> None:  # noqa: N802 - Twisted's name
        """Run one request in a thread, and know when it has come back, whatever became of it."""

        def counted() -> None:
            try:
                run()
            finally:
                self._threads.reactor.callFromThread(self._left)

        self._threads.pool.callInThread(counted)

    def _left(self) -> None:
        self._inside -= 1

    def _pieces(self, visit: Visit, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        """The answer of the application; in a thread."""
        if visit.is_over():
            return
        for name in _TOLD_OTHERWISE:
            environ.pop(name, None)
        promise = Promise(environ["REQUEST_METHOD"], visit.path, start_response)
        pieces: Any = ()
        try:
            pieces = self._application(environ, promise.start_response)
            for piece in pieces:
                if visit.is_over():
                    return
                if piece:  # what is empty may come before anything is said
                    yield promise.piece(piece)
                visit.wait()
            if not visit.is_over():
                promise.end()
        except Exception as why:
            if not visit.is_over():
                raise
            # It may well be because of that: the body, for one, is gone.
            log.info("a WSGI application failed when nobody waited for it any more: {why}", why=type(why).__name__)
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()


def _known(request: Any) -> dict[str, str]:
    """The variables that say who asks, if somebody does who has shown it."""
    insider = getattr(request, "insider", None)
    if insider is None or insider.details.get("authmethod") == "anonymous":
        return {}
    said = {"REMOTE_USER": insider.details["authid"], "wampd.authrole": insider.details["authrole"]}
    shown = request.getHeader(b"authorization")
    if shown:
        said["AUTH_TYPE"] = shown.decode("latin-1").partition(" ")[0]
    return {name: value.encode().decode("latin-1") for name, value in said.items()}  # as PEP 3333 has all text


def _crowded(later: Later) -> None:
    """There is no room."""
    later.headers([("Retry-After", "5")])
    later.text(503, "too many requests at a time")


def _prepare(request: Any) -> None:
    """Make a request one that Twisted can hand to an application."""
    headers = request.requestHeaders
    for name, _ in list(headers.getAllRawHeaders()):
        if b"_" in name or name.lower() == b"proxy":
            headers.removeHeader(name)
    headers.setRawHeaders(b"Content-Length", [b"%d" % request.body.received])
    headers.removeHeader(b"Transfer-Encoding")
    # Each by itself: on a Unix socket a proxy may have said who the client is.
    if not hasattr(request.client, "host"):
        request.client = NOWHERE
    if not hasattr(request.host, "host"):
        request.host = NOWHERE
