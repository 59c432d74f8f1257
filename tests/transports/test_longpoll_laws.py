"""What holds for a long-poll transport whatever happens to it in whatever order."""

from __future__ import annotations

from itertools import count

import hypothesis.strategies as st
from hypothesis import given, settings

from tests.transports.test_longpoll import Receive, Stage, write
from wampd.router.transports.connection import Pace
from wampd.router.wire.batch import batch

OPERATIONS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 30)),
    st.tuples(st.just("receive"), st.just(0)),
    st.tuples(st.just("abandon"), st.integers(0, 3)),
    st.tuples(st.just("send"), st.integers(0, 3000)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("sleep"), st.integers(1, 40)),
    st.tuples(st.sampled_from(["hang up", "close", "drops"]), st.just(0)),
)


@settings(max_examples=300, deadline=None)
@given(st.booleans(), st.lists(OPERATIONS, max_size=40))
def test_messages_come_once_in_order_and_every_request_is_answered_once(batched, operations):
    stage = Stage(pace=Pace(send_queue=4096, close_timeout=2.0), poll_timeout=5.0, absence_timeout=10.0)
    line = stage.open("wamp.2.json.batched" if batched else "wamp.2.json")
    served = stage.house.served[0]
    numbers, receives, sends, left, delivered = count(), [], [], set(), []

    def receive():
        request = Receive()
        receives.append(request)
        if not line.receive(request):
            request.answers.append("refused")

    for operation, size in operations:
        if operation == "write":
            write(line, *[b"%06d" % next(numbers) for _ in range(size)])
        elif operation == "receive":
            receive()
        elif operation == "abandon" and receives:
            request = receives[-1 - size % len(receives)]
            if not request.answers:
                left.add(id(request))
            line.abandon(request)
        elif operation == "send":
            told = []
            sends.append(told)
            line.send(b"x" * size + b"\x1e", lambda outcome, _why, told=told: told.append(outcome))
        elif operation == "wait":
            stage.pass_by(size / 4)
        elif operation == "sleep":
            stage.clock.advance(size / 4)
        elif operation == "hang up":
            line.hang_up()
        elif operation == "close":
            line.close(1000, "over")
        elif operation == "drops":
            served.drops = not served.drops
        assert line._size == sum(len(payload) + 64 for payload in line._queue) <= 2 * 4096

    stage.pass_by(30)  # whatever waits comes to its end, as nobody receives any more
    assert stage.house.inside == 0
    assert stage.port.find(line.id) is None
    assert [entry for entry in served.log if entry.startswith("lost")] == served.log[-1:]
    assert all(len(request.answers) == (id(request) not in left) for request in receives)
    assert all(len(told) == 1 for told in sends)
    its = batch(text=True)
    for request in receives:
        for answer in request.answers:
            if isinstance(answer, bytes):
                delivered += its.split(answer) if batched else [answer]
    assert delivered == sorted(set(delivered))
    assert delivered == [b"%06d" % number for number in range(len(delivered))]
    assert stage.clock.getDelayedCalls() == []
