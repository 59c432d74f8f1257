"""Medians, ratios and scatter, and which runs count."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import CPU, Figures, problem, spread


def run(router, number, cell="c", **metrics):
    return {"router": router, "cell": cell, "round": number, **metrics}


def test_a_median_is_taken_over_the_rounds():
    figures = Figures([run("a", number, p50_us=value) for number, value in enumerate((10.0, 90.0, 20.0))])
    assert figures.median("c", "a", "p50_us") == 20


def test_what_was_not_measured_has_no_median_and_no_ratio():
    figures = Figures([run("a", 0, p50_us=1.0)])
    assert figures.median("c", "b", "p50_us") is None
    assert figures.ratio("c", "a", "b", "p50_us") is None


def test_a_ratio_pairs_the_runs_of_a_round():
    # The machine was three times slower in round 1, for both: the ratio does not see it.
    figures = Figures([
        run("a", 0, **{CPU: 4.0}), run("b", 0, **{CPU: 100.0}),
        run("a", 1, **{CPU: 12.0}), run("b", 1, **{CPU: 300.0}),
    ])  # fmt: skip
    ratio = figures.ratio("c", "a", "b", CPU)
    assert ratio is not None
    assert ratio.value == pytest.approx(1 / 25)
    assert ratio.spread == pytest.approx(0)
    assert ratio.rounds == 2


def test_a_round_in_which_one_side_is_missing_makes_no_ratio():
    figures = Figures([run("a", 0, **{CPU: 4.0}), run("a", 1, **{CPU: 5.0}), run("b", 1, **{CPU: 10.0})])
    ratio = figures.ratio("c", "a", "b", CPU)
    assert ratio is not None
    assert (ratio.value, ratio.rounds) == (0.5, 1)


@pytest.mark.parametrize(
    "wrong",
    [{"error": "refused"}, {"lost": 1}, {"errors": 2}, {"bad": 1}, {"dups": 1}, {"dead": 1}, {"hit_lost": 3},
     {"complete": False}, {"load_complete": False}],
)  # fmt: skip
def test_a_run_in_which_anything_went_wrong_does_not_count(wrong):
    figures = Figures([run("a", 0, **{CPU: 1.0}, **wrong), run("a", 1, **{CPU: 9.0})])
    assert figures.median("c", "a", CPU) == 9
    assert [(router, cell) for router, cell, _ in figures.problems] == [("a", "c")]


def test_the_reason_that_a_run_does_not_count_says_what_and_how_many():
    assert problem({"lost": 3, "complete": False, "last_error": "EOF"}) == "lost 3, not complete (EOF)"


def test_a_clean_run_has_no_problem():
    assert problem({"lost": 0, "errors": 0, "complete": True, "late": 7}) is None


def test_the_same_problem_in_every_round_is_told_once():
    figures = Figures([run("a", number, error="refused") for number in range(3)])
    assert figures.problems == [("a", "c", "refused")]


def test_scatter_is_relative_and_does_not_mind_one_outlier():
    assert spread([100.0, 101.0, 99.0, 100.0, 900.0]) == pytest.approx(1.4826 * 1 / 100)


def test_a_single_run_has_no_scatter():
    assert spread([5.0]) == 0
    assert spread([]) == 0


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=9), st.floats(0.01, 100))
def test_scatter_does_not_depend_on_the_unit(values, factor):
    assert spread([value * factor for value in values]) == pytest.approx(spread(values), rel=1e-6, abs=1e-9)


def test_the_summary_holds_figures_and_not_the_arguments_of_the_generator():
    figures = Figures([run("a", 0, **{CPU: 1.0}, payload=16, unix_time=5, seconds=1.0, complete=True)])
    assert set(figures.summary()["c"]["a"]) == {CPU, "seconds"}
    assert figures.summary()["c"]["a"][CPU] == {"median": 1.0, "spread": 0.0, "rounds": 1}
