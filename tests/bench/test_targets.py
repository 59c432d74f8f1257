"""What wampd has set itself, judged by a run."""

import pytest

from bench.figures import CPU, Figures
from bench.targets import MB, TARGETS, judge

RPC = "rpc-8x32/ws-json-16"


def run(router, cell, **metrics):
    return {"router": router, "cell": cell, "round": 0, **metrics}


def verdict_on(text, *runs):
    return next(verdict for verdict in judge(Figures(runs)) if verdict.target.text == text)


def test_nothing_measured_nothing_judged():
    assert [verdict.met for verdict in judge(Figures([]))] == [None] * len(TARGETS)


@pytest.mark.parametrize(("ours", "met"), [(4.0, True), (4.1, False)])
def test_a_relative_target_is_a_share_of_crossbars_figure_in_the_same_run(ours, met):
    verdict = verdict_on(
        "CPU per call, 8 × 32, JSON", run("wampd", RPC, **{CPU: ours}), run("crossbar", RPC, **{CPU: 100.0})
    )
    assert verdict.measured == pytest.approx(ours / 100)
    assert verdict.met is met


def test_a_relative_target_is_not_judged_without_crossbar():
    assert verdict_on("CPU per call, 8 × 32, JSON", run("wampd", RPC, **{CPU: 1.0})).met is None


def test_a_verdict_tells_what_the_floor_took():
    verdict = verdict_on(
        "p50 with 1 call in flight, JSON",
        *(
            run(router, "rpc-1/ws-json-16", p50_us=value)
            for router, value in {"wampd": 8, "crossbar": 20, "floor": 7}.items()
        ),
    )
    assert (verdict.measured, verdict.floor, verdict.met) == (0.4, 0.35, False)


@pytest.mark.parametrize(("rss", "met"), [(59 * MB, True), (61 * MB, False)])
def test_an_absolute_target_needs_nobody_else(rss, met):
    assert verdict_on("RSS at start", run("wampd", "start", rss_start=rss)).met is met


def test_memory_of_a_session_is_judged_in_kilobytes():
    verdict = verdict_on("RSS per idle session", run("wampd", "sessions/ws-json-16", rss_per_session=7900))
    assert (verdict.measured, verdict.met) == (7.9, True)
