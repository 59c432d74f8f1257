"""The connections of a proxy to its backends, and what is sent a second time."""

import pytest

from tests.http.house import logged
from tests.http.proxying import OK, Stage, body_of, head, lines_of, named, warnings
from tests.transports.port import status
from wampd.router.http.proxy.backends import Room
from wampd.router.http.proxy.exchange import Patience

__all__ = ["logged"]  # a fixture

# --------------------------------------------------------------------------------------- connections and retries


def test_a_connection_is_used_again():
    stage = Stage()
    port = stage.port()
    for number in range(3):
        port.client.send(head(f"/{number}"))
        assert lines_of(stage.server.heard())[0] == f"GET /{number} HTTP/1.1"
        stage.server.says(OK)
        assert body_of(port.client.read()) == b"ok"
    assert len(stage.server.accepted) == 1
    stage.loop.run(5)
    assert stage.server.end.is_cut_off()


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ],
)
def test_a_connection_that_the_backend_will_close_is_not_used_again(said):
    stage = Stage()
    port = stage.ask()
    stage.server.says(said)
    assert body_of(port.client.read()) == b"ok"
    stage.ask()
    assert len(stage.server.accepted) == 2


def test_no_more_connections_are_kept_than_may_be():
    stage = Stage(room=Room(kept=1))
    ports = [stage.ask() for _ in range(3)]
    for server, port in zip(list(stage.server.accepted), ports, strict=True):
        server.send(OK)
        assert body_of(port.client.read()) == b"ok"
    assert [each.is_cut_off() for each in stage.server.accepted] == [False, True, True]


def test_a_kept_connection_that_was_closed_meanwhile_costs_nothing_but_a_new_one(logged):
    stage = Stage()
    port = stage.ask()
    stage.server.says(OK)
    port.client.read()
    port.client.send(head("/again"))
    stage.server.resets()
    assert len(stage.server.accepted) == 2
    assert lines_of(stage.server.heard())[0] == "GET /again HTTP/1.1"
    stage.server.says(OK)
    assert body_of(port.client.read()) == b"ok"
    assert stage.strikes == 0
    assert warnings(logged) == []
    assert stage.busy == [0]


def test_what_cannot_be_sent_again_is_not_sent_on_a_connection_that_was_idle_for_long():
    stage = Stage()
    port = stage.ask()
    stage.server.says(OK)
    port.client.read()
    stage.loop.run(2)
    port.client.send(head("/", "Content-Length: 0", method="POST"))
    assert len(stage.server.accepted) == 2
    stage.server.says(OK)
    port.client.read()
    port.client.send(head("/", "Content-Length: 0", method="POST"))
    assert len(stage.server.accepted) == 2


TWO = ("http://one.example", "http://two.example")


@pytest.mark.parametrize("trouble", ["refuses", "hangs_up", "resets"])
def test_a_safe_request_is_sent_to_another_backend_if_nothing_came_of_the_first(trouble):
    stage = Stage(TWO)
    one, two = stage.servers
    one.refuses = trouble == "refuses"
    port = stage.ask("/x")
    if trouble != "refuses":
        getattr(one, trouble)()
    assert lines_of(two.heard())[0] == "GET /x HTTP/1.1"
    two.says(OK)
    assert body_of(port.client.read()) == b"ok"
    assert stage.busy == [0, 0]
    assert stage.strikes == 1


def test_what_never_was_sent_is_sent_to_another_backend_whatever_it_is():
    stage = Stage(TWO)
    one, two = stage.servers
    one.refuses = True
    port = stage.ask("/x", "Content-Length: 5", method="POST", body=b"hello")
    assert body_of(two.heard()) == b"hello"
    two.says(OK)
    assert body_of(port.client.read()) == b"ok"


@pytest.mark.parametrize("answers", [True, False])
def test_a_request_that_was_sent_again_has_all_that_others_have(answers):
    stage = Stage(TWO, patience=Patience(answer=20))
    port = stage.ask("/x")
    stage.servers[0].hangs_up()
    if answers:
        stage.servers[1].says(OK)
        assert body_of(port.client.read()) == b"ok"
        assert not stage.servers[1].end.is_cut_off()
    else:
        stage.loop.run(21)
        assert status(port.client.read()) == 504


@pytest.mark.parametrize(("method", "body"), [("POST", b""), ("PATCH", b""), ("PUT", b"hello")])
def test_what_may_change_something_is_sent_once(method, body):
    stage = Stage(TWO)
    one, two = stage.servers
    port = stage.ask("/x", f"Content-Length: {len(body)}", method=method, body=body)
    one.hangs_up()
    assert status(port.client.read()) == 502
    assert two.accepted == []


def test_nothing_is_sent_again_once_something_came():
    stage = Stage(TWO)
    one, two = stage.servers
    port = stage.ask("/x")
    one.says(b"HTTP/1.1 200")
    one.hangs_up()
    assert status(port.client.read()) == 502
    assert two.accepted == []


def test_a_request_is_not_tried_for_ever():
    stage = Stage([f"http://{number}.example" for number in range(6)])
    for server in stage.servers:
        server.refuses = True
    assert status(stage.ask().client.read()) == 502
    assert stage.strikes == 3


def test_a_backend_without_room_is_passed_over_and_if_none_has_any_the_answer_is_503():
    stage = Stage(TWO, room=Room(connections=1))
    stage.ask("/1")
    stage.ask("/2")
    assert stage.busy == [1, 1]
    answer = stage.ask("/3").client.read()
    assert status(answer) == 503
    assert named(answer, "Retry-After") == ["1"]


def test_backends_that_fail_are_out_for_longer_and_longer(logged):
    stage = Stage(failures=2)
    stage.server.refuses = True
    for _ in range(2):
        assert status(stage.ask().client.read()) == 502
    answer = stage.ask().client.read()
    assert (status(answer), named(answer, "Retry-After")) == (503, ["1"])
    stage.loop.run(1.5)
    assert status(stage.ask().client.read()) == 502
    answer = stage.ask().client.read()
    assert (status(answer), named(answer, "Retry-After")) == (503, ["2"])
    assert len(warnings(logged)) == 3  # none for what was not tried
    stage.loop.run(2.5)
    stage.server.refuses = False
    port = stage.ask()
    stage.server.says(OK)
    assert status(port.client.read()) == 200
    stage.server.refuses = True
    stage.loop.run(5)
    assert status(stage.ask().client.read()) == 502
    assert status(stage.ask().client.read()) == 502


def test_statuses_that_say_so_count_as_failures_and_are_passed_on():
    stage = Stage(failures=2)
    for code in (500, 503, 500, 503, 503):
        port = stage.ask()
        stage.server.says(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % code)
        assert status(port.client.read()) == code
    assert stage.backends.choose("x") is None


def test_a_client_that_leaves_is_no_failure_of_the_backend():
    stage = Stage(failures=1)
    for _ in range(3):
        stage.ask().client.close()
        stage.loop.run()
    assert stage.strikes == 0
    assert stage.backends.choose("x") is not None


def test_clients_that_pipeline_get_their_answers_in_order():
    stage = Stage()
    port = stage.port()
    port.client.send(head("/1") + head("/2"))
    assert lines_of(stage.server.heard())[0] == "GET /1 HTTP/1.1"
    stage.server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")
    assert lines_of(stage.server.heard())[0] == "GET /2 HTTP/1.1"
    stage.server.says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo")
    answer = port.client.read()
    assert answer.index(b"one") < answer.index(b"two")
