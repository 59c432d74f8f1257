"""The soak's own parts: what is asserted is told and makes it fail, and a swarm counts what becomes of its conversations."""

from __future__ import annotations

import asyncio
import random

import pytest

from soak import __main__ as command
from soak import deaf
from soak.deaf import Deaf
from soak.faults import flipping
from soak.load import CALM, measured, troubles
from soak.reloading import Numbers
from soak.report import MEBI, Report, Scale, median_ratio
from soak.router import TICKET, SoakError, running, settings
from soak.steady import ENDINGS, visitors
from soak.surviving import judge
from soak.swarm import Swarm, rawsocket, staying, visiting, websocket
from tests.support.loops import run


@pytest.mark.parametrize(("minutes", "full", "part"), [(5, 100_000, 25_000), (20, 8, 8), (60, 8, 8), (0.01, 8, 2)])
def test_the_size_grows_with_the_minutes_up_to_the_full_one(minutes, full, part):
    assert Scale(minutes).of(full, 2) == part


def test_a_figure_is_met_or_missed_and_the_table_says_so():
    report = Report("a")
    assert report.at_most("growth", 0.05, 0.05, "%")
    assert not report.at_most("memory", 25 * MEBI, 24 * MEBI, "MiB")
    assert not report.below("p99", 250, 250, "ms")
    assert report.at_least("let in", 220, 220)
    assert not report.is_so("wrong", "3 lost", "nothing")
    report.tell("took", "3 s")
    assert [figure.what for figure in report.missed] == ["memory", "p99", "wrong"]
    assert report.rendered().splitlines()[2:] == [
        "| a | growth | 5.0 % | ≤ 5.0 % | met |",
        "| a | memory | 25.0 MiB | ≤ 24.0 MiB | **missed** |",
        "| a | p99 | 250 ms | < 250 ms | **missed** |",
        "| a | let in | 220 | ≥ 220 | met |",
        "| a | wrong | 3 lost | = nothing | **missed** |",
        "| a | took | 3 s |  |  |",
    ]


def test_a_missed_figure_or_a_scenario_that_cannot_be_carried_out_is_status_1(monkeypatch, capsys):
    def missing(_scale, _directory, report):
        report.at_most("cost", 2, 1)

    def failing(_scale, _directory, _report):
        raise SoakError("it ended")

    for scenario, status in ((missing, 1), (failing, 1), (lambda *_: None, 0)):
        monkeypatch.setattr(command, "SCENARIOS", {"one": scenario})
        assert command.main(["one"]) == status
    told = capsys.readouterr()
    assert "missed: one: cost: 2 ≤ 1" in told.err
    assert "it ended" in told.err


def test_what_a_load_found_wrong_is_named():
    assert troubles({"ops": 5, "lost": 0, "errors": 0}) == "nothing"
    assert troubles({"lost": 2, "dups": 1}) == "2 lost, 1 dups"


def test_a_ratio_is_the_median_of_those_of_the_rounds():
    assert median_ratio([(100, 90), (10, 10), (1, 5)]) == 1


def test_flipped_bits_are_one_in_some_messages_and_the_conversation_goes_on():
    def saying():
        heard = yield b"\0" * 100
        for _ in range(200):
            heard = yield heard
        return "close"

    conversation, wrong = flipping(saying(), random.Random(1)), 0
    said = next(conversation)
    wrong += sum(octet.bit_count() for octet in said)
    for _ in range(200):
        said = conversation.send(b"\0" * 100)
        assert sum(octet.bit_count() for octet in said) <= 1
        wrong += any(said)
    assert 30 < wrong < 110


@pytest.mark.parametrize(
    ("p99", "used", "steal", "work", "met"),
    [
        (90, 0.0, 0.0, 500, True),
        (90, 1.0, 0.0, 500, True),
        (300, 0.1, 0.0, 60, False),
        (300, 0.1, 0.2, 60, True),
        (300, 1.5, 0.0, 260, False),
    ],
)
def test_what_others_on_the_machine_take_is_not_the_routers_fault(p99, used, steal, work, met):
    report = Report("faults")
    after = {"p99_us": p99 * 1000, "other_cpu": used, "steal": steal, "ops": 400, "router_cpu_us_per_op": work * 2.5}
    judge(report, "a fault", after)
    assert (report.missed == []) is met


def test_rounds_are_judged_by_throughput_or_where_others_use_the_machine_by_work():
    quiet = {"each_s": 100, "cpu_us": 10, "other_cpu": 0.1, "steal": 0.0}
    busy = {**quiet, "steal": 1.0}
    assert deaf._judged([(quiet, {**quiet, "each_s": 90, "cpu_us": 12})]) == pytest.approx(0.1)
    assert deaf._judged([(busy, {**busy, "each_s": 90, "cpu_us": 12})]) == pytest.approx(0.2)


def test_the_last_events_are_waited_for_and_then_none_is_lost():
    numbers = Numbers({"ws": [1, 2], "rs": [1]}, published=2)

    async def come():
        waiting = asyncio.create_task(numbers.have_come())
        await asyncio.sleep(0.1)
        assert (waiting.done(), numbers.lost()) == (False, 1)
        numbers.heard["rs"].append(2)
        await waiting

    run(come())
    assert numbers.lost() == 0


@pytest.fixture(scope="module")
def router(tmp_path_factory):
    with running(tmp_path_factory.mktemp("router"), settings()) as router:
        yield router


def test_visits_of_every_kind_are_served_and_leave_nothing(router):
    files = router.files()
    outcome = Swarm(router.port).run(visitors(range(10 * len(ENDINGS))), 10, 60)
    assert (outcome.done, dict(outcome.refused)) == (10 * len(ENDINGS), {})
    router.is_left()
    assert router.files() <= files


def test_those_who_stay_are_in_until_they_are_released(router):
    files = router.files()
    each = [
        (staying(say, ticket, "user1"), say is websocket) for say in (rawsocket, websocket) for ticket in (None, TICKET)
    ]
    outcome = Swarm(router.port).run(iter(each), 4, 60)
    assert (outcome.done, len(outcome.kept), router.files()) == (4, 4, files + 4)
    assert router.connections() == 4
    outcome.release()
    router.is_left()
    assert (router.connections(), router.files()) == (0, files)


def test_what_is_refused_is_counted_by_what_it_was(router):
    wrong = [(staying(rawsocket, "hunter2-wrong", "user1"), False), (staying(websocket), False)]
    outcome = Swarm(router.port).run(iter(wrong), 2, 60)
    assert outcome.done == 0
    assert dict(outcome.refused) == {
        "message 3 wamp.error.authentication_denied": 1,
        "the handshake was refused: b'HTTP'": 1,
    }


def test_nobody_listens_is_a_refusal_unless_it_is_tried_again(tmp_path):
    with running(tmp_path, settings()) as router:
        port = router.port
    assert Swarm(port).run(iter([(visiting(rawsocket, 1, "close"), False)]), 1, 5).refused == {"nobody listens": 1}
    insisting = Swarm(port, insists=True).run(iter([(visiting(rawsocket, 1, "close"), False)]), 1, 0.3)
    assert insisting.refused == {"not in time": 1}


def test_the_router_counts_its_objects_and_takes_another_configuration(router):
    assert sum(router.objects().values()) > 100
    router.reload(settings(log={"level": "info"}))
    with pytest.raises(SoakError, match="not within 0 s: never"):
        router.wait_until(lambda: False, "never", 0.05)


@pytest.mark.needs("cc")
def test_a_calm_load_is_measured_beside_a_session_that_does_not_read(router):
    silent = Deaf(router.port, [32, 1, {}, "com.silence"])
    outcome = measured(router, CALM, 0.5)
    assert troubles(outcome) == "nothing"
    assert outcome["ops"] > 20
    silent.close()
