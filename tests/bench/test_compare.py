"""What got slower: the threshold, the noise, and the two witnesses."""

import subprocess

import pytest

from bench import compare
from bench.compare import against_baseline, as_table, baseline_from, checked_out, find, is_slower, side_by_side, verdict
from bench.figures import CPU, Figures

CELL = "rpc-8x32/ws-json-16"
OLD = "wampd@abc"


def runs(new, old=(), cell=CELL, metric=CPU):
    return [
        *({"router": "wampd", "cell": cell, "round": number, metric: value} for number, value in enumerate(new)),
        *({"router": OLD, "cell": cell, "round": number, metric: value} for number, value in enumerate(old)),
    ]


@pytest.mark.parametrize(
    ("ratio", "noise", "finding"),
    [
        (1.0, 0.0, "same"), (1.09, 0.0, "same"), (1.11, 0.0, "slower"), (0.92, 0.0, "same"), (0.90, 0.0, "faster"),
        (1.25, 0.15, "same"), (1.35, 0.15, "slower"), (0.80, 0.15, "same"),
    ],
)  # fmt: skip
def test_a_change_is_one_beyond_the_threshold_and_beyond_the_noise(ratio, noise, finding):
    assert find(ratio, noise, threshold=0.10) == finding


def test_a_revision_that_costs_more_cpu_is_slower():
    [line] = side_by_side(Figures(runs([5.0, 5.1, 4.9], [4.0, 4.0, 4.0])), [CELL], OLD)
    assert line.finding == "slower"
    assert line.ratio == pytest.approx(1.25)
    assert (line.old, line.new) == (4.0, 5.0)


def test_a_slow_machine_is_not_a_slow_revision():
    [line] = side_by_side(Figures(runs([4.0, 8.0, 12.0], [4.0, 8.0, 12.0])), [CELL], OLD)
    assert (line.finding, line.ratio) == ("same", 1.0)


def test_rounds_that_contradict_each_other_prove_nothing():
    [line] = side_by_side(Figures(runs([4.0, 6.0, 9.0, 4.4, 5.0], [4.0] * 5)), [CELL], OLD)
    assert line.ratio == pytest.approx(1.25)
    assert line.noise > 0.125
    assert line.finding == "same"


def test_a_cell_without_figures_is_told_and_not_passed_over():
    lines = side_by_side(Figures(runs([4.0])), [CELL], OLD)
    assert [line.finding for line in lines] == ["not measured"]
    assert not is_slower(lines)
    assert "1 figures could not be compared" in verdict(lines)


def test_latency_counts_where_one_call_is_in_flight_and_memory_where_sessions_idle():
    assert compare.metrics_of("rpc-1/ws-json-16") == (CPU, "p50_us", "p99_us")
    assert compare.metrics_of("sessions/ws-json-16") == (CPU, "rss_per_session")
    assert compare.metrics_of("start") == ("start_ms", "rss_start")
    assert compare.metrics_of("fan-100/ws-json-16") == (CPU,)


def test_the_tail_of_the_latency_has_a_threshold_of_its_own():
    cell = "rpc-1/ws-json-16"
    lines = side_by_side(Figures(runs([125.0] * 3, [100.0] * 3, cell, "p99_us")), [cell], OLD)
    assert [line.finding for line in lines if line.metric == "p99_us"] == ["same"]


def recorded(values):
    figures = Figures(runs(values))
    return baseline_from(
        {
            "date": "2026-01-01", "machine": {"class": "m"}, "rounds": len(values), "seconds": 1,
            "routers": {"wampd": {"versions": {}}}, "figures": figures.summary(),
        },
        "abc",
    )  # fmt: skip


def test_a_recorded_baseline_is_a_witness_too():
    [line] = against_baseline(Figures(runs([6.0, 6.1, 5.9])), recorded([4.0, 4.1, 3.9]), [CELL])
    assert line.finding == "slower"
    assert line.ratio == pytest.approx(1.5)
    assert line.noise > 0


def test_a_cell_that_the_baseline_lacks_is_not_compared():
    [line] = against_baseline(Figures(runs([6.0])), {**recorded([4.0]), "figures": {}}, [CELL])
    assert (line.finding, line.new) == ("not measured", 6.0)


def test_the_verdict_names_what_got_slower_and_by_how_much():
    lines = side_by_side(Figures(runs([8.0] * 3, [4.0] * 3)), [CELL], OLD)
    assert verdict(lines) == f"slower: {CELL} (µs CPU × 2.00)"
    assert verdict(side_by_side(Figures(runs([4.0], [4.0])), [CELL], OLD)) == "nothing got slower"


def test_the_table_shows_both_figures_the_ratio_and_the_finding():
    lines = side_by_side(Figures(runs([8.0] * 3, [4.0] * 3)), [CELL], OLD)
    assert as_table(lines, OLD).splitlines()[-1] == f"| {CELL} | µs CPU | 4.00 | 8.00 | 2.00 ± 0.00 | SLOWER |"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with two revisions of one file."""
    monkeypatch.setattr(compare, "ENVIRONMENTS", tmp_path / "envs")
    place = tmp_path / "repository"

    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=place, check=True, capture_output=True)

    place.mkdir()
    git("init", "-q")
    for text in ("one", "two"):
        (place / "file").write_text(text)
        git("add", "file")
        git("commit", "-qm", text)
    return place


def test_an_old_revision_is_checked_out_beside_the_tree_and_taken_away(repository):
    with checked_out("HEAD~1", repository) as tree:
        assert (tree / "file").read_text() == "one"
        assert (repository / "file").read_text() == "two"
    assert not tree.exists()


def test_what_an_interrupted_run_left_behind_is_no_hindrance(repository):
    with checked_out("HEAD~1", repository) as tree:
        pass
    subprocess.run(["git", "worktree", "add", "--detach", str(tree), "HEAD~1"],
                   cwd=repository, check=True, capture_output=True)  # fmt: skip
    (tree / "file").write_text("half done")
    with checked_out("HEAD~1", repository) as again:
        assert (again / "file").read_text() == "one"


def test_a_revision_that_git_does_not_know_is_an_error(repository):
    with pytest.raises(RuntimeError, match="git knows no 'no-such-thing'"), checked_out("no-such-thing", repository):
        pytest.fail("there is no such revision")
