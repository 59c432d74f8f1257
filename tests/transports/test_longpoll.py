"""A long-poll transport without HTTP: who waits for what, how long, and how much; on a clock that only the test moves.

Somewhat long, so that this file alone covers `wampd.router.transports.longpoll`.
"""

import gc
import weakref

import pytest
from twisted.internet.task import Clock

from tests.transports.port import House
from wampd.router.polling import NotOpened, Outcome
from wampd.router.transports.connection import Pace
from wampd.router.transports.longpoll import BATCH, ID_SIZE, MOST_HELD, OVERHEAD, LongPoll, LongPollPort
from wampd.router.wheel import Wheel

ALL = ("json", "msgpack", "cbor")
SMALL = Pace(send_queue=4096, close_timeout=2.0)
LITTLE = b"m" * 100


class Receive:
    """A client's request for messages, and what it is answered."""

    def __init__(self):
        self.answers = []

    def deliver(self, body):
        self.answers.append(body)

    def nothing(self):
        self.answers.append(None)

    def gone(self, why):
        self.answers.append(f"gone: {why}")


class Stage:
    """One path, and the clock."""

    def __init__(self, room=10, **speaks):
        self.clock = Clock()
        self.clock.rightNow = 1000.0
        self.house = House(room=room)
        self.port = LongPollPort(LongPoll(**{"serializers": ALL, **speaks}), self.house, Wheel(self.clock))

    def open(self, protocol="wamp.2.json"):
        return self.port.open([protocol], "192.0.2.1")

    def pass_by(self, seconds):
        """Let time pass in the steps of a router that is never late."""
        while seconds > 0:
            self.clock.advance(min(0.25, seconds))
            seconds -= 0.25


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def line(stage):
    return stage.open()


def ask(line):
    """Ask for messages."""
    receive = Receive()
    assert line.receive(receive)
    return receive.answers


def write(line, *payloads):
    """The router says something."""
    line.write(b"".join(map(line.framing.frame, payloads)))


def send(line, body):
    """The client says something; what it is told."""
    told = []
    line.send(body, lambda outcome, why: told.append((outcome, why)))
    return told


def log(line_or_house):
    (served,) = line_or_house.served
    return served.log


# ---------------------------------------------------------------------------------------------------------- opening


def test_the_first_protocol_of_the_client_that_is_spoken_is_taken():
    stage = Stage(serializers=("cbor", "json"))
    for offered, taken in (
        (["wamp.2.json", "wamp.2.cbor"], "wamp.2.json"),
        (["wamp.2.msgpack", "x", "wamp.2.cbor.batched", "wamp.2.json"], "wamp.2.cbor.batched"),
    ):
        line = stage.port.open(offered, "192.0.2.1")
        assert line.protocol == taken
        assert stage.house.served[-1].about == {"type": "longpoll", "peer": "192.0.2.1", "protocol": taken}
    assert [line.serializer for line in stage.house.served] == ["json", "cbor"]


@pytest.mark.parametrize("offered", ["wamp.2.msgpack", "wamp.2", "foo", "", ".batched", "wamp.2.json.batched.batched"])
def test_without_a_protocol_in_common_nothing_is_opened(offered):
    stage = Stage(serializers=("json",))
    refused = stage.port.open([offered], "192.0.2.1")
    assert isinstance(refused, NotOpened)
    assert not refused.no_room
    assert (stage.house.inside, stage.house.refusals) == (0, 1)


def test_batches_are_not_spoken_where_the_path_has_none():
    stage = Stage(batched=False)
    assert isinstance(stage.open("wamp.2.json.batched"), NotOpened)
    assert stage.open("wamp.2.json").protocol == "wamp.2.json"


def test_a_batch_of_the_client_is_bounded():
    stage = Stage(most=2)
    line = stage.open("wamp.2.json.batched")
    assert send(line, b"[1]\x1e[2]\x1e") == [(Outcome.TAKEN, "")]
    violations = []
    stage.house.served[0].violated = violations.append
    send(line, b"[1]\x1e[2]\x1e[3]\x1e")
    assert violations == ["the batch holds more than 2 messages"]


def test_the_names_of_transports_cannot_be_guessed(stage):
    names = {stage.open().id for _ in range(10)}
    assert len(names) == 10
    assert all(len(name) * 6 >= ID_SIZE * 8 >= 128 for name in names)
    assert stage.port.find(names.pop()) is not None
    assert stage.port.find("") is None


def test_a_transport_is_counted_in_and_out_once():
    stage = Stage(room=1)
    line = stage.open()
    refused = stage.open()
    assert (refused.no_room, stage.house.inside, stage.house.refusals) == (True, 1, 1)
    line.hang_up()
    line.hang_up()
    line.close(1000, "again")
    assert stage.house.inside == 0
    assert stage.house.gone == [line]
    assert stage.port.find(line.id) is None
    assert log(stage.house) == ["lost: closed by the client"]


def test_where_memory_is_short_no_transport_is_opened_and_those_there_go_on(stage):
    line = stage.open()
    stage.house.is_starving = True
    refused = stage.open()
    assert (refused.no_room, refused.why, stage.house.inside) == (True, "no memory for more sessions", 1)
    assert stage.port.find(line.id) is line


def test_those_who_have_not_joined_are_bounded_by_themselves():
    stage = Stage(room=100, opening=3)
    lines = []
    for _ in range(3):
        lines.append(stage.open())
        stage.house.served[-1].is_in = False
    assert stage.open().no_room
    stage.house.served[0].is_in = True
    lines.append(stage.open())
    stage.house.served[-1].is_in = False
    assert stage.open().no_room
    write(lines[1], LITTLE)
    lines[1].close(1002, "a violation")  # nobody receives what it is told: it is there for a while yet
    assert stage.open().no_room
    lines[2].hang_up()
    assert not isinstance(stage.open(), NotOpened)


# -------------------------------------------------------------------------------------------------------- receiving


def test_what_is_said_goes_to_the_one_who_waits(line):
    answers = ask(line)
    assert answers == []
    write(line, b"one", b"two")
    assert answers == [b"one"]
    assert ask(line) == [b"two"]
    assert ask(line) == []


@pytest.mark.parametrize(
    ("protocol", "batch"),
    [("wamp.2.json.batched", b"one\x1etwo\x1e"), ("wamp.2.cbor.batched", b"\0\0\0\3one\0\0\0\3two")],
)
def test_a_batch_holds_all_that_waits(stage, protocol, batch):
    line = stage.open(protocol)
    write(line, b"one")
    write(line, b"two")
    assert ask(line) == [batch]
    answers = ask(line)
    write(line, b"one", b"two")
    assert answers == [batch]


def test_a_batch_is_bounded_but_by_one_message(stage):
    line = stage.open("wamp.2.msgpack.batched")
    big = b"b" * (BATCH + 1)
    write(line, LITTLE, big, LITTLE, LITTLE)
    sizes = [len(ask(line)[0]) for _ in range(3)]
    assert sizes == [104, BATCH + 5, 208]


def test_the_client_is_answered_with_the_separator_that_it_uses(stage):
    line = stage.open("wamp.2.json.batched")
    assert send(line, b"[1]\x18[2]\x18") == [(Outcome.TAKEN, "")]
    assert stage.house.served[0].heard == [b"[1]", b"[2]"]
    write(line, b"one")
    assert ask(line) == [b"one\x18"]


def test_one_request_waits_at_a_time(line):
    first = ask(line)
    assert not line.receive(Receive())
    write(line, b"one")
    assert first == [b"one"]


def test_a_request_is_answered_empty_after_a_while():
    stage = Stage(poll_timeout=5.0)
    line = stage.open()
    stage.pass_by(3)
    answers = ask(line)
    stage.pass_by(4.5)
    assert answers == []
    stage.pass_by(1)
    assert answers == [None]
    write(line, b"one")
    assert answers == [None]
    assert ask(line) == [b"one"]


def test_who_leaves_after_it_was_answered_takes_nothing_from_the_next_one_who_waits(line):
    first, second = Receive(), Receive()
    line.receive(first)
    write(line, b"one")
    line.receive(second)
    line.abandon(first)
    write(line, b"two")
    assert (first.answers, second.answers) == ([b"one"], [b"two"])


def test_what_nobody_received_is_not_lost_when_the_one_who_waited_has_left(line):
    receive = Receive()
    line.receive(receive)
    line.abandon(receive)
    write(line, b"one")
    assert receive.answers == []
    assert ask(line) == [b"one"]
    line.abandon(receive)  # it was another's
    assert ask(line) == []


# --------------------------------------------------------------------------------------------------------- absence


def test_who_does_not_come_back_is_gone():
    stage = Stage(poll_timeout=5.0, absence_timeout=10.0)
    line = stage.open()
    stage.pass_by(9)
    answers = ask(line)
    stage.pass_by(5.5)
    assert answers == [None]
    stage.pass_by(9)
    assert log(stage.house) == []
    stage.pass_by(1)
    assert log(stage.house) == ["failed: nothing was received for 10 s", "lost: nothing was received for 10 s"]
    assert stage.house.inside == 0
    assert ask(line) == ["gone: nothing was received for 10 s"]


def test_who_leaves_while_waiting_and_does_not_come_back_is_gone():
    stage = Stage(poll_timeout=60.0, absence_timeout=10.0)
    line = stage.open()
    receive = Receive()
    line.receive(receive)
    stage.pass_by(30)
    line.abandon(receive)
    stage.pass_by(9)
    assert stage.house.inside == 1
    stage.pass_by(2)
    assert stage.house.inside == 0


def test_a_client_that_only_sends_is_there_unless_something_waits_for_it():
    stage = Stage(absence_timeout=10.0)
    line = stage.open()
    for _ in range(5):
        stage.pass_by(8)
        assert send(line, LITTLE) == [(Outcome.TAKEN, "")]
    write(line, LITTLE)
    for _ in range(2):
        stage.pass_by(6)
        send(line, LITTLE)
    assert log(stage.house)[0] == "failed: slow consumer: nothing was received for 10 s"
    assert stage.house.inside == 0


@pytest.mark.trap(14)
def test_nobody_is_gone_because_the_router_was_late():
    stage = Stage(absence_timeout=10.0)
    line = stage.open()
    stage.house.served[0].deadline = 1010.0
    stage.pass_by(1)
    stage.clock.advance(60)
    stage.pass_by(0.5)
    assert stage.house.served[0].log == []
    write(line, b"one")
    assert ask(line) == [b"one"]
    stage.pass_by(2)
    assert stage.house.served[0].log == ["late"]


def test_the_deadline_of_what_is_served_is_kept(stage):
    line = stage.open()
    served = stage.house.served[0]
    served.deadline = 1005.0
    line.wake(1005.0)
    ask(line)
    stage.pass_by(4.75)
    assert served.log == []
    stage.pass_by(0.75)
    assert served.log == ["late"]


# -------------------------------------------------------------------------------------------------- bounds of waiting


def test_who_lets_too_much_wait_is_sent_away():
    stage = Stage(pace=SMALL)
    line = stage.open()
    fits = SMALL.send_queue // (100 + OVERHEAD)
    write(line, *[LITTLE] * fits)
    assert line.writable
    write(line, LITTLE)
    assert not line.writable
    assert log(stage.house) == [
        "congested True",
        "failed: slow consumer: more than 4096 bytes waited to be received",
        "lost: wamp.close.slow_consumer",
    ]
    assert ask(line) == ["gone: wamp.close.slow_consumer"]


def test_very_many_small_messages_are_not_cheap():
    stage = Stage(pace=SMALL)
    line = stage.open()
    write(line, *[b"m"] * (SMALL.send_queue // OVERHEAD))
    assert not line.writable


def test_one_message_beyond_the_bound_reaches_who_waits_for_it():
    stage = Stage(pace=SMALL)
    line = stage.open()
    answers = ask(line)
    write(line, b"b" * 2 * SMALL.send_queue)
    assert [len(body) for body in answers] == [2 * SMALL.send_queue]
    assert line.writable


def test_by_policy_it_goes_deaf_instead_until_it_has_received_enough():
    stage = Stage(pace=SMALL)
    line = stage.open()
    stage.house.served[0].drops = True
    write(line, *[LITTLE] * 30)
    assert log(stage.house) == ["congested True"]
    for _ in range(17):
        ask(line)
    assert log(stage.house) == ["congested True"]
    ask(line)
    assert log(stage.house) == ["congested True", "congested False"]
    write(line, *[LITTLE] * 60)
    assert log(stage.house)[-1] == "lost: wamp.close.slow_consumer"


def test_what_is_sent_while_too_much_waits_is_held_and_served_in_order():
    stage = Stage(pace=Pace(send_queue=2**21))
    line = stage.open()
    served = stage.house.served[0]
    write(line, b"b" * 2**20)
    told = [send(line, b"%d" % n) for n in range(MOST_HELD + 1)]
    assert told[:-1] == [[]] * MOST_HELD
    assert told[-1] == [(Outcome.CROWDED, "receive what waits for you first")]
    assert served.heard == []
    ask(line)
    assert served.heard == [b"%d" % n for n in range(MOST_HELD)]
    assert told[:-1] == [[(Outcome.TAKEN, "")]] * MOST_HELD
    assert send(line, b"more") == [(Outcome.TAKEN, "")]


def test_what_is_held_is_let_in_little_by_little_even_if_nothing_is_answered():
    stage = Stage(pace=Pace(send_queue=2**21))
    line = stage.open()
    heard = stage.house.served[0].heard
    write(line, b"b" * 2**20)
    told = [send(line, b"x" * 2**18) for _ in range(6)]
    answers = ask(line)
    assert len(answers) == 1
    assert len(heard) == 3
    last = send(line, b"last")
    assert (len(heard), last) == (3, [])  # there is room for it, but others come first
    stage.pass_by(1.0)
    assert len(heard) == 7
    assert heard[-1] == b"last"
    assert [*told, last] == [[(Outcome.TAKEN, "")]] * 7
    assert send(line, b"more") == [(Outcome.TAKEN, "")]
    stage.pass_by(11)
    assert line.writable


def test_what_is_held_keeps_nobody_who_is_gone():
    stage = Stage(pace=Pace(send_queue=2**21), absence_timeout=10.0)
    line = stage.open()
    write(line, b"b" * 2**20)
    told = send(line, b"x")
    stage.pass_by(11)
    assert told == [(Outcome.GONE, "nothing was received for 10 s")]
    assert stage.house.inside == 0


def test_what_is_held_when_the_router_ends_it_is_answered_though_last_words_wait():
    stage = Stage(pace=Pace(send_queue=2**21))
    line = stage.open()
    write(line, b"b" * 2**20)
    told = send(line, b"one")
    line.close(1001, "shutdown")
    assert told == [(Outcome.GONE, "shutdown")]
    assert stage.house.served[0].heard == []


def test_what_is_held_when_it_ends_is_not_taken():
    stage = Stage(pace=Pace(send_queue=2**21))
    line = stage.open()
    write(line, b"b" * 2**20)
    told = send(line, b"one")
    line.hang_up()
    assert told == [(Outcome.GONE, "closed by the client")]
    assert stage.house.served[0].heard == []


# ------------------------------------------------------------------------------------------------------------ the end


def test_the_last_words_wait_for_the_next_request():
    stage = Stage(pace=SMALL)
    line = stage.open()
    write(line, b"news", b"abort")
    line.close(1002, "a violation")
    assert log(stage.house) == ["lost: a violation"]
    write(line, b"too late")
    assert send(line, LITTLE) == [(Outcome.GONE, "a violation")]
    assert ask(line) == [b"news"]
    assert stage.port.find(line.id) is line
    assert ask(line) == [b"abort"]
    assert stage.port.find(line.id) is None
    assert ask(line) == ["gone: a violation"]


def test_the_last_words_do_not_wait_for_ever():
    stage = Stage(pace=SMALL)
    line = stage.open()
    write(line, b"abort")
    line.close(1002, "a violation")
    stage.pass_by(1.75)
    assert stage.house.inside == 1
    stage.pass_by(0.75)
    assert stage.house.inside == 0
    assert ask(line) == ["gone: a violation"]


def test_who_waits_for_nothing_any_more_is_told(stage, line):
    answers = ask(line)
    line.close(1001, "the session was closed")
    assert answers == ["gone: the session was closed"]
    assert stage.house.inside == 0


def test_who_closes_while_waiting_is_answered_empty(line):
    answers = ask(line)
    line.hang_up()
    assert answers == [None]


@pytest.mark.parametrize("body", [b"", b"[1]", b"[1]\x1e[2]"])
def test_a_batch_that_is_none_is_a_violation(stage, body):
    line = stage.open("wamp.2.json.batched")
    served = stage.house.served[0]

    def violated(why):
        write(line, b"abort")
        line.close(1002, why)

    served.violated = violated
    ((outcome, why),) = send(line, body)
    assert outcome is Outcome.INVALID
    assert "batch" in why
    assert served.heard == []
    assert ask(line) == [b"abort\x1e"]


def test_what_is_over_is_forgotten(stage):
    line = stage.open()
    ask(line)
    line.hang_up()
    stage.house.gone.clear()
    there = weakref.ref(line)
    stage.house.served.clear()
    stage.pass_by(1)
    del line
    gc.collect()
    assert there() is None
    assert stage.clock.getDelayedCalls() == []
