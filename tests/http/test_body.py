"""Bodies that are taken while they come: when they are read, who waits for whom, and what ends them."""

import re

import pytest
from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource

from tests.http.house import Reader, Watched, body, connect, head
from tests.transports.port import headers, status
from wampd.router.http.body import Intake
from wampd.router.http.channel import LINGER, MAX_BODY, PATIENCE, STALL, TWISTED

GET = head("GET /none HTTP/1.1")


@pytest.fixture(autouse=True)
def _no_failures(request):
    with Watched() as watched:
        yield
    if "failure_of_ours" not in request.node.name:
        assert watched.failures == []


def post(length, *lines, path="/"):
    announced = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    return head(f"POST {path} HTTP/1.1", announced, *lines)


def test_a_part_is_there_before_the_next_one_is_sent():
    reader = Reader()
    port = connect({"/": reader})
    assert port.ask(post(6)) == b""
    assert reader.request.body.length == 6
    assert port.ask(b"one") == b""
    assert reader.told == [b"one"]
    assert not reader.request.body.is_complete
    answer = port.ask(b"two")
    assert reader.told == [b"one", b"two", "finish"]
    assert (status(answer), body(answer)[:9]) == (200, b"5\r\ngot 6\r")


def test_chunks_are_taken_apart():
    reader = Reader()
    port = connect({"/": reader})
    port.ask(post(None))
    assert reader.request.body.length is None
    port.ask(b"3\r\none\r\n")
    assert b"got 6" in port.ask(b"3;x=y\r\ntwo\r\n0\r\nTrailer: x\r\n\r\n")
    assert reader.told == [b"one", b"two", "finish"]


def test_the_next_request_of_the_connection_is_answered_too():
    reader = Reader()
    port = connect({"/": reader})
    answer = port.ask(post(3) + b"one" + post(3) + b"two" + head("GET / HTTP/1.1"))
    assert re.findall(rb"got \d", answer) == [b"got 3", b"got 6", b"got 6"]  # all in all
    assert reader.data == b"onetwo"
    port.loop.run(PATIENCE - 1)
    assert port.house.inside == 1
    port.loop.run(2)
    assert port.client.is_cut_off()


@pytest.mark.parametrize("line", ["Content-Length: 0", "X: y"])
def test_there_may_be_no_body(line):
    reader = Reader()
    assert b"got 0" in connect({"/": reader}).ask(head("POST / HTTP/1.1", line))
    assert reader.told == ["finish"]


def test_the_resource_of_the_path_is_asked_and_no_other():
    root, deep = Reader(), Reader(Intake(streamed=False))
    port = connect({"/": root, "/deep": deep})
    port.ask(post(3, path="/deep"))
    assert (root.asked, deep.asked) == (0, 1)
    assert deep.request is None  # it wanted all of the body


def test_the_query_and_the_paths_are_known_when_it_is_asked():
    seen = []

    class Asked(Reader):
        def intake(self, request):
            seen.append((request.method, request.uri, request.path, request.prepath, request.postpath))
            return super().intake(request)

    connect({"/a": Asked()}).ask(head("PUT http://router.example/a/b%20c/?x=1 HTTP/1.1", "Content-Length: 0"))
    assert seen == [(b"PUT", b"/a/b%20c/?x=1", b"/a/b%20c/", [b"a"], [b"b c", b""])]


# --------------------------------------------------------------------------------------------------- who waits


def test_nothing_is_read_before_somebody_wants_it():
    reader = Reader(Intake(size=10**7), at_once=False)
    port = connect({"/": reader})
    left = port.client.send(post(10**6) + b"x" * 10**6)
    assert left > 800_000
    assert reader.told == []
    port.loop.run(10 * PATIENCE)  # it is ours to say how long this may take
    assert port.house.inside == 1
    reader.request.body.into(reader)
    assert port.client.send(b"x" * left) == 0
    assert b"got 1000000" in port.client.read()


def test_a_client_waits_while_the_sink_pauses():
    reader = Reader(Intake(size=10**7))
    port = connect({"/": reader})
    port.client.send(post(10**6))
    reader.request.body.pause()
    left = port.client.send(b"x" * 10**6)
    assert left > 800_000
    assert reader.told == []
    port.loop.run(10 * PATIENCE)
    reader.request.body.resume()
    assert port.client.send(b"x" * left) == 0
    assert b"got 1000000" in port.client.read()


def test_a_sink_may_pause_while_it_is_written_to():
    class Slow(Reader):
        def write(self, data):
            super().write(data)
            self.request.body.pause()

    reader = Slow()
    port = connect({"/": reader})
    port.ask(post(None) + b"3\r\none\r\n")
    assert reader.told == [b"one"]
    port.ask(b"3\r\ntwo\r\n" + b"0\r\n\r\n" + GET[:-2])
    assert reader.told == [b"one"]
    reader.request.body.resume()
    port.ask(b"")
    assert reader.told == [b"one", b"two"]
    assert reader.request.body.is_complete
    reader.request.body.resume()
    assert reader.told == [b"one", b"two", "finish"]
    assert re.findall(rb"HTTP/1.1 (\d+)", port.ask(b"\r\n")) == [b"200", b"200"]


def test_a_sink_that_pauses_is_told_when_the_client_leaves_after_all_of_the_body_came():
    class Slow(Reader):
        def write(self, data):
            super().write(data)
            self.request.body.pause()

    reader = Slow()
    port = connect({"/": reader})
    port.ask(post(3) + b"one")
    assert reader.request.body.is_complete
    port.client.close()
    port.loop.run()
    assert reader.told == [b"one", "lost: the client has left"]
    reader.request.body.resume()
    assert reader.told == [b"one", "lost: the client has left"]


def test_who_waits_to_be_told_is_told_when_somebody_wants_the_body():
    reader = Reader(at_once=False)
    port = connect({"/": reader})
    assert port.ask(post(3, "Expect: 100-continue")) == b""
    reader.request.body.into(reader)
    assert port.client.read() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert b"got 3" in port.ask(b"one")


def test_a_body_has_one_sink():
    reader = Reader()
    connect({"/": reader}).ask(post(3))
    with pytest.raises(RuntimeError):
        reader.request.body.into(reader)


# ------------------------------------------------------------------------------------------------ early answers


@pytest.mark.parametrize("expects", [(), ("Expect: 100-continue",)])
def test_an_answer_before_the_body_is_the_last_of_its_connection(expects):
    port = connect({"/": Reader(early=401)})
    answer = port.ask(post(10**9 // 10**3, *expects))
    assert (status(answer), body(answer)) == (401, b"early")
    assert headers(answer)["connection"] == "close"
    assert answer.count(b"HTTP/1.1") == 1
    for _ in range(20):
        port.client.send(b"x" * 10_000)  # goes nowhere
    assert port.house.inside == 1
    port.loop.run(LINGER + 1)
    assert port.house.inside == 0


def test_what_follows_an_early_answer_is_no_request():
    port = connect({"/": Reader(early=401)})
    answer = port.ask(post(10) + GET + GET)
    assert answer.count(b"HTTP/1.1") == 1
    port = connect({"/": Reader(early=401)})
    port.ask(post(10))
    assert port.ask(GET * 3) == b""


def test_an_answer_may_begin_before_the_body_ends():
    reader = Reader()
    port = connect({"/": reader})
    port.ask(post(6))
    reader.request.write(b"begun")
    assert headers(port.client.read())["connection"] == "close"
    port.ask(b"one")
    assert b"got 6" in port.ask(b"two")
    assert port.client.is_cut_off()


def test_a_sink_may_answer_in_the_midst_of_the_body():
    class Picky(Reader):
        def write(self, data):
            super().write(data)
            self.request.setResponseCode(415)
            self.request.finish()

    reader = Picky()
    port = connect({"/": reader})
    answer = port.ask(post(None) + b"3\r\none\r\n")
    answer += port.ask(b"3\r\none\r\n" * 4 + b"0\r\n\r\n" + GET)
    assert status(answer) == 415
    assert answer.count(b"HTTP/1.1") == 1
    assert reader.told == [b"one"]


def test_a_sink_that_has_answered_is_not_told_of_the_end():
    class Picky(Reader):
        def write(self, data):
            super().write(data)
            self.request.finish()

    reader = Picky()
    answer = connect({"/": reader}).ask(post(None) + b"3\r\none\r\n0\r\n\r\n")
    assert status(answer) == 200
    assert reader.told == [b"one"]


def test_chunks_that_come_together_are_one_piece():
    reader = Reader()
    assert b"got 5000" in connect({"/": reader}).ask(post(None) + b"2\r\nxy\r\n" * 2500 + b"0\r\n\r\n")
    assert reader.told[-1] == "finish"
    assert len(reader.told) < 5


def test_an_early_answer_that_is_big_arrives_whole():
    class Talkative(Reader):
        def render(self, request):
            return b"y" * 500_000

    port = connect({"/": Talkative()})
    port.client.send(post(10**6))
    received = b""
    for _ in range(5):
        port.loop.run(5)
        received += port.client.read(100_000)
    assert len(body(received + port.client.read())) == 500_000


def test_whoever_wants_the_body_after_the_answer_is_told_that_there_is_none():
    reader = Reader(early=401)
    port = connect({"/": reader})
    port.ask(post(10))
    reader.request.body.into(reader)
    assert reader.told == ["lost: the request is answered"]


# ----------------------------------------------------------------------------------------------------- the end


def test_a_client_that_leaves_is_told_of():
    reader = Reader()
    port = connect({"/": reader})
    port.ask(post(6) + b"one")
    port.client.take_up()
    assert reader.told == [b"one", "lost: the client has left"]


def test_who_wants_a_body_too_late_is_told_that_it_is_lost():
    reader = Reader(at_once=False)
    port = connect({"/": reader})
    port.ask(post(6) + b"one")
    port.wire.reset()
    reader.request.body.into(reader)
    assert reader.told == ["lost: the client has left"]


def test_a_body_has_the_limit_of_its_resource():
    for intake, limit in ((Intake(size=10), 10), (Intake(size=2 * MAX_BODY), 2 * MAX_BODY), (Intake(), MAX_BODY)):
        reader = Reader(intake)
        port = connect({"/": reader})
        assert status(port.ask(post(limit + 1, "Expect: 100-continue"))) == 413
        assert reader.request is None
        assert port.client.is_cut_off()
        port = connect({"/": reader})
        assert port.ask(post(limit)) == b""


def test_a_body_of_those_who_want_all_of_it_may_have_another_limit_too():
    class Small(Resource):
        isLeaf = True  # noqa: N815 - Twisted's name

        def intake(self, request):
            return Intake(streamed=False, size=10)

        def render_POST(self, request):
            return request.content.read()

    assert body(connect({"/": Small()}).ask(post(10) + b"0123456789")) == b"0123456789"
    assert status(connect({"/": Small()}).ask(post(11))) == 413
    assert status(connect({"/": Small()}).ask(post(None) + b"b\r\n01234567890\r\n")) == 413


def test_chunks_that_grow_too_long_are_refused_where_they_do():
    reader = Reader(Intake(size=5))
    port = connect({"/": reader})
    port.ask(post(None) + b"3\r\none\r\n")
    assert status(port.ask(b"3\r\ntwo\r\n0\r\n\r\n")) == 413
    assert reader.told == [b"one", "lost: the body is too long"]
    assert port.client.is_cut_off()


def test_bad_chunks_after_the_beginning_of_an_answer_cut_the_connection():
    reader = Reader()
    port = connect({"/": reader})
    port.ask(post(None) + b"3\r\none\r\n")
    reader.request.write(b"begun")
    assert b"begun" in port.client.read()
    assert port.ask(b"zzz\r\n") == b""
    assert reader.told == [b"one", "lost: the request is malformed"]
    assert port.client.is_cut_off()


def test_a_body_that_trickles_in_is_cut_off():
    reader = Reader()
    port = connect({"/": reader})
    port.ask(post(10_000))
    for _ in range(int(PATIENCE) + 1):
        port.client.send(b"x")
        port.loop.run(1)
    assert status(port.client.read()) == 408
    assert reader.told[-1] == "lost: the body comes too slowly"
    assert port.client.is_cut_off()


def test_a_body_that_keeps_its_pace_may_take_as_long_as_it_wants():
    reader = Reader(Intake(rate=2))
    port = connect({"/": reader})
    port.ask(post(30 * 16))
    for _ in range(15):
        port.client.send(b"x" * 30)
        port.loop.run(10)
        assert port.client.read() == b""
    assert b"got 480" in port.ask(b"x" * 30)


def test_a_client_that_does_not_read_while_it_sends_is_cut_off():
    reader = Reader(Intake(size=10**9))
    port = connect({"/": reader})
    port.ask(post(10**8))
    reader.request.write(b"y" * 500_000)
    port.loop.run(STALL + 1)
    assert port.house.inside == 0
    assert reader.told == ["lost: the client has left"]


def test_a_failure_of_ours_while_a_body_comes_shows_nothing_of_it():
    class Broken(Reader):
        def write(self, data):
            raise RuntimeError("secret")

    for begin in (False, True):
        reader = Broken()
        port = connect({"/": reader})
        port.ask(post(6))
        with Watched() as watched:
            if begin:
                reader.request.write(b"begun")
                port.client.read()
            answer = port.ask(b"one")
        assert len(watched.failures) == 1
        assert b"secret" not in answer
        if not begin:
            assert status(answer) == 500
        assert port.client.is_cut_off()


def test_twisted_has_what_we_touch_of_it():
    for name in TWISTED:
        assert hasattr(HTTPChannel(), name), f"Twisted has changed: see wampd.router.http.channel about {name}"
