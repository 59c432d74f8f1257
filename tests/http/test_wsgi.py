"""WSGI applications: what they are told, what becomes of their answers, and what keeps them within bounds."""

import threading
from types import SimpleNamespace

import pytest
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.python.threadpool import ThreadPool

from tests.http.house import Watched, connect, head
from tests.http.proxying import Visitors
from tests.transports.port import headers, status
from wampd.router.forwarded import Proxies, Trusted
from wampd.router.http.access.guarded import Guarded
from wampd.router.http.channel import STALL
from wampd.router.http.introduced import Introduced
from wampd.router.http.python.gathering import SMALL
from wampd.router.http.python.wsgi import Wsgi


class Pool:
    """A thread pool of one thread that begins when it is told to."""

    def __init__(self):
        self.work = []

    def callInThread(self, work):
        self.work.append(work)


class Reactor:
    """As much of a reactor as goes between threads and `Loop`."""

    def __init__(self, loop):
        self.loop = loop
        self.calls = []
        self.there = threading.Condition()

    def callFromThread(self, call, *args, **kwargs):
        with self.there:
            self.calls.append((call, args, kwargs))
            self.there.notify()

    def callLater(self, *args):
        return self.loop.callLater(*args)


class Threads:
    def __init__(self):
        self.pool = Pool()
        self.reactor = None


class Disk:
    """Writes at once, unless it is slow."""

    def __init__(self):
        self.slow = None
        self.writes = 0

    def run(self, work, *args):
        self.writes += 1
        return maybeDeferred(work, *args) if self.slow is None else self.slow.addCallback(lambda _: work(*args))


class Place:
    """A path with a WSGI application, and a connection to it."""

    def __init__(self, application, *, most=2, timeout=10.0, size=None):
        self.threads = Threads()
        self.disk = Disk()
        self.wsgi = Wsgi(application, self.threads, self.disk, most=most, timeout=timeout, size=size)
        self.port = connect({"/app": self.wsgi})
        self.reactor = self.threads.reactor = Reactor(self.port.loop)

    def connect(self):
        return connect({"/app": self.wsgi})

    def ask(self, line, *lines, content=b"", port=None):
        announced = (f"Content-Length: {len(content)}",) if content else ()
        (port or self.port).client.send(head(f"{line} HTTP/1.1", *announced, *lines) + content)
        self.run()
        return (port or self.port).client.read()

    def run(self):
        """Let the threads run, as long as they have something to say."""
        for work in self.begin():
            while work.is_alive() or self.reactor.calls:
                self.turn()

    def begin(self):
        begun = [threading.Thread(target=work, daemon=True) for work in self.threads.pool.work]
        self.threads.pool.work.clear()
        for each in begun:
            each.start()
        return begun

    def turn(self, wait=0.05):
        with self.reactor.there:
            if not self.reactor.calls:
                self.reactor.there.wait(wait)
            calls, self.reactor.calls = self.reactor.calls, []
        for call, args, kwargs in calls:
            call(*args, **kwargs)


@pytest.fixture(autouse=True)
def _no_failures(request):
    with Watched() as watched:
        yield
    if "fail" not in request.node.name:
        assert watched.failures == []


def hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", environ["wsgi.input"].read()]


def count(environ, start_response):
    start_response("200 OK", [])
    return [b"got %d" % len(environ["wsgi.input"].read())]


class Told:
    """Keeps what it is told."""

    def __call__(self, environ, start_response):
        self.environ = environ
        start_response("204 No Content", [])
        return []


class Let:
    """Lets a session in, as `Guarded` does."""

    def __init__(self, **details):
        self.insider = SimpleNamespace(details=details, over=None)

    def session(self, request):
        return succeed(self.insider)


@pytest.mark.parametrize(
    ("line", "kind"), [("Authorization: Basic aHVudGVyMg==", "Basic"), ("Authorization: Bearer hunter2", "Bearer")]
)
def test_an_application_is_told_who_was_let_in(line, kind):
    told = Told()
    place = Place(told)
    let = Let(authid="zo\u00eb", authrole="editor", authmethod="ticket")
    place.ask("GET /app", line, "Remote-User: mallory", port=connect({"/app": Guarded(place.wsgi, let)}))
    assert told.environ["REMOTE_USER"].encode("latin-1").decode() == "zo\u00eb"
    assert (told.environ["wampd.authrole"], told.environ["AUTH_TYPE"]) == ("editor", kind)
    place.ask("GET /app", "Cookie: wampd=hunter2", port=connect({"/app": Guarded(place.wsgi, let)}))
    assert told.environ["wampd.authrole"] == "editor"
    assert "AUTH_TYPE" not in told.environ


def test_nobody_is_named_who_has_shown_nothing():
    told = Told()
    place = Place(told)
    let = Let(authid="hunter2", authrole="guest", authmethod="anonymous")
    for port in (place.port, connect({"/app": Guarded(place.wsgi, let)})):
        place.ask("GET /app", "Remote-User: mallory", "Wampd.authrole: x", port=port)
        assert {"REMOTE_USER", "AUTH_TYPE", "wampd.authrole"} & set(told.environ) == set()


def test_an_application_answers():
    answer = Place(hello).ask("POST /app", content=b"you")
    assert status(answer) == 200
    assert headers(answer)["content-type"] == "text/plain"
    assert b"hello " in answer
    assert b"you" in answer


@pytest.mark.parametrize(
    ("target", "rest"),
    [
        ("/app", ""),
        ("/app/", "/"),
        ("/app/a/b%20c", "/a/b c"),
        ("/app//x", "//x"),
        ("/app/%C3%A4", "/Ã¤"),
        ("/app/a%2Fb", "/a/b"),
    ],
)
def test_it_knows_where_it_is(target, rest):
    told = Told()
    Place(told).ask(f"GET {target}?x=1&y=%20")
    environ = told.environ
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/app", rest, "x=1&y=%20")
    assert (environ["SERVER_NAME"], environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == (
        "router.example",
        "127.0.0.1",
        "http",
    )


def test_no_header_can_be_taken_for_something_else():
    told = Told()
    Place(told).ask("GET /app", "Proxy: evil:80", "X_Real_User: root", "X-Real-User: joe", "Content_Length: 99")
    assert "HTTP_PROXY" not in told.environ
    assert told.environ["HTTP_X_REAL_USER"] == "joe"
    assert told.environ["CONTENT_LENGTH"] == "0"


def test_it_is_told_how_long_a_body_in_chunks_is():
    told = Told()
    place = Place(told)
    place.port.client.send(
        head("POST /app HTTP/1.1", "Transfer-Encoding: chunked", "Content-Type: a/b") + b"3\r\none\r\n0\r\n\r\n"
    )
    place.run()
    assert (told.environ["CONTENT_LENGTH"], told.environ["CONTENT_TYPE"]) == ("3", "a/b")
    assert "HTTP_TRANSFER_ENCODING" not in told.environ


def test_several_requests_of_one_connection():
    place = Place(hello)
    assert [status(place.ask("GET /app")) for _ in range(3)] == [200] * 3


def test_an_application_that_fails_shows_nothing_of_it():
    def broken(environ, start_response):
        raise RuntimeError("private")

    with Watched() as watched:
        answer = Place(broken).ask("GET /app")
    assert status(answer) == 500
    assert b"private" not in answer
    assert len(watched.failures) == 1


def test_one_that_fails_in_the_midst_of_its_answer_ends_the_connection():
    def broken(environ, start_response):
        start_response("200 OK", [])
        yield b"half"
        raise RuntimeError("private")

    place = Place(broken)
    answer = place.ask("GET /app")
    assert b"half" in answer
    assert not answer.endswith(b"0\r\n\r\n")
    assert place.port.client.is_cut_off()


def answering(status_line, lines, *pieces, exc_info=None):
    """An application that says this."""

    def application(environ, start_response):
        start_response(status_line, lines)
        if exc_info is not None:
            start_response("500 Failed", [], exc_info)
        return list(pieces)

    return application


def unsaid(environ, start_response):
    return [b"private"]


def said_twice(environ, start_response):
    start_response("200 OK", [])
    start_response("201 Created", [])
    return [b"private"]


def said_nothing_at_all(environ, start_response):
    return []


WRONG = (
    unsaid,
    said_twice,
    said_nothing_at_all,
    lambda environ, start_response: None,
    answering("200 OK", [], "private"),
    answering("200", [], b"private"),
    answering("fine", [], b"private"),
    answering("101 Switching Protocols", [], b"private"),
    answering("200 OK\r\nX-Private: 1", [], b"private"),
    answering("200 OK", [("X-A", "1\r\nX-Private: 1")], b"private"),
    answering("200 OK", [("X-A\r\nX-Private", "1")], b"private"),
    answering("200 OK", [("X-A", "\u2603private")], b"private"),
    answering("200 OK", [("X-A", b"private")], b"private"),
    answering("200 OK", [("Content-Length", "+7")], b"private"),
    answering("200 OK", [("Content-Length", "7"), ("Content-Length", "8")], b"private"),
    answering("200 OK", [("Content-Length", "7")]),
)


@pytest.mark.parametrize("application", WRONG)
def test_one_that_fails_to_say_what_an_answer_is_has_failed(application):
    place = Place(application)
    with Watched() as watched:
        answer = place.ask("GET /app")
    assert status(answer) == 500
    assert b"private" not in answer.lower()
    assert len(watched.failures) == 1
    assert place.wsgi._inside == 0


def test_an_answer_that_is_shorter_than_it_says_ends_the_connection_or_the_next_one_would_be_taken_for_its_rest_and_fails():
    place = Place(answering("200 OK", [("Content-Length", "10")], b"short"))
    answer = place.ask("GET /app")
    assert answer.endswith(b"short")
    assert place.port.client.is_cut_off()


def test_an_answer_that_is_longer_than_it_says_is_as_long_as_it_says():
    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "5")])(b"abc")
        return [b"defgh", b"ijk"]

    place = Place(application)
    assert place.ask("GET /app").endswith(b"\r\n\r\nabcde")
    assert place.ask("GET /app").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(("line", "said"), [("HEAD /app", "200 OK"), ("GET /app", "304 Not Modified")])
def test_an_answer_without_a_body_may_say_how_long_one_would_be(line, said):
    place = Place(answering(said, [("Content-Length", "10")]))
    assert place.ask(line).endswith(b"\r\n\r\n")
    assert status(place.ask(line)) == int(said[:3])


def test_what_is_for_one_hop_is_not_for_applications_to_say():
    lines = [("Connection", "close"), ("Transfer-Encoding", "gzip"), ("Content-Length", "3"), ("X-A", "1")]
    place = Place(answering("200 OK", lines, b"abc"))
    answer = place.ask("GET /app")
    assert answer.endswith(b"\r\n\r\nabc")
    assert headers(answer).keys().isdisjoint({"connection", "transfer-encoding"})
    assert headers(answer)["x-a"] == "1"
    assert status(place.ask("GET /app")) == 200


def test_one_that_handles_an_error_may_say_another_status():
    answer = Place(answering("200 OK", [("X-A", "1")], b"sorry", exc_info=(ValueError, ValueError(), None))).ask(
        "GET /app"
    )
    assert status(answer) == 500
    assert b"sorry" in answer
    assert "x-a" not in headers(answer)


def test_the_length_and_the_type_of_the_body_are_one_variable_each():
    told = Told()
    Place(told).ask("POST /app", "Content-Type: a/b", content=b"you")
    assert told.environ.keys().isdisjoint({"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE"})
    assert (told.environ["CONTENT_LENGTH"], told.environ["CONTENT_TYPE"]) == ("3", "a/b")


def test_so_many_are_inside_and_no_more():
    place = Place(hello, most=2)
    others = [place.connect() for _ in range(3)]
    for port in others:
        port.client.send(head("GET /app HTTP/1.1"))
    assert [status(port.client.read() or b"HTTP/1.1 0 ") for port in others] == [0, 0, 503]
    place.run()
    assert [status(port.client.read()) for port in others[:2]] == [200, 200]
    assert status(place.ask("GET /app")) == 200


def test_one_that_is_too_slow_is_answered_for_and_its_place_is_taken():
    go_on = threading.Event()

    def slow(environ, start_response):
        go_on.wait(10)
        start_response("200 OK", [])
        return [b"late"]

    place = Place(slow, most=1, timeout=10.0)
    place.port.client.send(head("GET /app HTTP/1.1"))
    (thread,) = place.begin()
    place.port.loop.run(11)
    assert status(place.port.client.read()) == 504
    assert status(place.ask("GET /app", port=place.connect())) == 503
    go_on.set()
    while thread.is_alive() or place.reactor.calls:
        place.turn()
    assert status(place.ask("GET /app", port=place.connect())) == 200


def test_it_waits_for_a_client_that_does_not_read():
    asked = []

    def long(environ, start_response):
        start_response("200 OK", [])
        for number in range(1000):
            asked.append(number)
            yield b"x" * 50_000

    place = Place(long)
    place.port.client.send(head("GET /app HTTP/1.1"))
    (thread,) = place.begin()
    for _ in range(50):
        place.turn(0.01)
    assert len(asked) < 10
    place.port.loop.run(STALL + 1)  # the client is cut off
    while thread.is_alive() or place.reactor.calls:
        place.turn()
    assert len(asked) < 10
    assert place.wsgi._inside == 0


def test_nothing_more_is_asked_for_when_the_client_has_left():
    closed = []

    class Pieces:
        def __iter__(self):
            return self

        def __next__(self):
            place.port.wire.reset()
            return b"x"

        def close(self):
            closed.append(True)

    def leaving(environ, start_response):
        start_response("200 OK", [])
        return Pieces()

    place = Place(leaving)
    place.port.client.send(head("GET /app HTTP/1.1"))
    place.run()
    assert closed == [True]
    assert place.wsgi._inside == 0


def test_one_whose_client_left_before_it_began_does_not_begin():
    begun = []
    place = Place(lambda *_: begun.append(True) or [])
    place.port.client.send(head("GET /app HTTP/1.1"))
    place.port.wire.reset()
    place.run()
    assert begun == []
    assert place.wsgi._inside == 0


def test_the_body_has_a_limit_of_its_own():
    assert status(Place(hello, size=3).ask("POST /app", content=b"four")) == 413


def test_a_large_body_is_on_the_disk_and_a_small_one_is_not():
    place = Place(count, size=10**6)
    answer = place.ask("POST /app", content=b"x" * SMALL)
    assert b"got %d" % SMALL in answer
    assert place.disk.writes == 0
    answer = place.ask("POST /app", content=b"x" * 300_000)
    assert b"got 300000" in answer
    assert place.disk.writes > 0
    assert place.wsgi._large == 0


def test_so_many_large_bodies_are_there_and_no_more():
    place = Place(count, most=1, size=10**6)
    first, second, third = place.connect(), place.connect(), place.connect()
    for port in (first, second):
        port.client.send(head("POST /app HTTP/1.1", "Content-Length: 200000") + b"x" * 100_000)
    assert (first.client.read(), status(second.client.read())) == (b"", 503)
    assert status(place.ask("POST /app", content=b"small", port=third)) == 200
    first.client.send(b"x" * 100_000)
    place.run()
    assert status(first.client.read()) == 200
    assert place.wsgi._large == 0


def test_a_client_that_leaves_leaves_no_body():
    place = Place(count, size=10**6)
    place.port.client.send(head("POST /app HTTP/1.1", "Content-Length: 200000") + b"x" * 100_000)
    assert place.wsgi._large == 1
    place.port.wire.reset()
    assert (place.wsgi._large, place.wsgi._inside) == (0, 0)


def test_the_client_waits_for_the_disk():
    place = Place(count, size=10**7)
    slow = place.disk.slow = Deferred()
    left = place.port.client.send(head("POST /app HTTP/1.1", "Content-Length: 5000000") + b"x" * 5_000_000)
    assert left > 4_000_000
    place.disk.slow = None
    slow.callback(None)
    assert place.port.client.send(b"x" * left) == 0
    place.run()
    assert b"got 5000000" in place.port.client.read()


def test_a_disk_that_fails_is_a_failure_of_ours():
    place = Place(count, size=10**6)
    place.disk.slow = Deferred()
    place.disk.slow.errback(OSError("private"))
    with Watched() as watched:
        answer = place.ask("POST /app", content=b"x" * 100_000)
    assert status(answer) == 500
    assert b"private" not in answer
    assert len(watched.failures) == 1


def test_twisted_has_the_pool_that_threads_are_made_of():
    assert ThreadPool.threadFactory is threading.Thread


@pytest.mark.parametrize(
    ("lines", "told"), [((), b" http "), (("X-Forwarded-For: 198.51.100.7",), b"198.51.100.7 http ")]
)
def test_behind_a_proxy_on_a_unix_socket_applications_are_told_of_the_client(lines, told):
    def application(environ, start_response):
        start_response("200 OK", [])
        return [" ".join(environ[name] for name in ("REMOTE_ADDR", "wsgi.url_scheme", "SERVER_PORT")).encode()]

    place = Place(application)
    place.port.wire.getPeer = place.port.wire.getHost = lambda: UNIXAddress(None)
    site = place.port.protocol._web.__self__
    site.introduced = Introduced(Proxies(Trusted(["unix"]), "x-forwarded-for"), Visitors())
    answer = place.ask("GET /app", *lines)
    assert status(answer) == 200
    assert told + b"0" in answer
