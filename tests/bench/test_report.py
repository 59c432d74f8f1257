"""The tables: every figure beside its ratio, nothing said of what was not measured."""

import json

import pytest

from bench import report
from bench.figures import CPU
from bench.report import BEGIN, END, number_text, ratio_text, render, results_text, table, write

RPC = "rpc-8x32/ws-json-16"


def results(*runs, **unavailable):
    return {
        "date": "2026-01-02",
        "machine": {"cpus": 2, "cpu": "Some CPU", "memory_gb": 4, "kernel": "Linux 6.1", "class": "2x-some"},
        "rounds": 1, "seconds": 2.0, "warm_up_seconds": 0.7, "pinned": True,
        "routers": {
            name: {"versions": {name: "1.0"}, **({"unavailable": unavailable[name]} if name in unavailable else {})}
            for name in ("wampd", "crossbar")
        },
        "cells": {RPC: "RPC, 8 callers × 32, WebSocket JSON, 16 B", "sessions/ws-json-16": "5,000 idle sessions",
                  "registrations/ws-json-16": "100,000 registrations"},
        "runs": [{"round": 0, **run} for run in runs],
    }  # fmt: skip


def traffic(router, cpu, **more):
    return {"router": router, "cell": RPC, CPU: cpu, "ops_s": 1e6 / cpu, "p50_us": cpu * 10, "p99_us": cpu * 20, **more}


@pytest.mark.parametrize(
    ("value", "text"),
    [(1 / 38, "1/38"), (1 / 2.7, "1/2.7"), (0.8, "0.80"), (1.0, "1.00"), (4.354, "4.35"), (37.6, "38"), (0, "–")],
)
def test_a_ratio_is_written_as_one_says_it(value, text):
    assert ratio_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(3.937, "3.94"), (45.61, "45.6"), (129.9, "130"), (12345.0, "12,345")])
def test_a_number_has_the_digits_that_matter(value, text):
    assert number_text(value) == text


def test_a_table_sets_numbers_to_the_right():
    assert table(("", "a"), [("x", "1")]) == ["|  | a |", "|---|---:|", "| x | 1 |"]


def test_a_figure_stands_with_its_ratio_to_crossbar():
    text = render(results(traffic("wampd", 4.0), traffic("crossbar", 100.0)))
    assert "| RPC, 8 callers × 32, WebSocket JSON, 16 B | 4.00 (1/25) | 100 |" in text
    assert "| CPU per call, 8 × 32, JSON | 1/25 of crossbar | 1/25 | – | yes |" in text
    assert "| RPC, 8 callers × 32, WebSocket JSON, 16 B | 40.0 / 80.0 (1/25) | 1,000 / 2,000 |" in text


def test_a_target_that_is_missed_is_told():
    text = render(results(traffic("wampd", 10.0), traffic("crossbar", 100.0)))
    assert "| CPU per call, 8 × 32, JSON | 1/25 of crossbar | 1/10 | – | **no** |" in text


def test_a_router_that_could_not_be_measured_is_told_with_the_reason():
    text = render(results(traffic("wampd", 4.0), crossbar="cannot be installed: no wheel"))
    assert "- crossbar: crossbar 1.0 **not measured: cannot be installed: no wheel**" in text
    assert "| RPC, 8 callers × 32, WebSocket JSON, 16 B | 4.00 | – |" in text


def test_a_run_that_does_not_count_is_told():
    text = render(results(traffic("wampd", 4.0, lost=7), traffic("crossbar", 100.0)))
    assert "- wampd, RPC, 8 callers × 32, WebSocket JSON, 16 B: lost 7" in text
    assert "| – | 100 |" in text


def test_throughput_that_the_generator_bounds_is_marked():
    text = render(results(traffic("wampd", 4.0, gen_cpu_util=0.99)))
    assert "250,000ᵍ" in text
    assert "ᵍ: the load generator was at its limit" in text


def test_other_work_on_the_machine_is_told():
    assert "1 of 1 runs shared the machine with other work (up to 1.5 cores)" in render(
        results(traffic("wampd", 4.0, other_cpu=1.5))
    )


def test_sessions_show_rate_cost_and_memory():
    run = {"router": "wampd", "cell": "sessions/ws-json-16", "sessions_s": 7575.0, CPU: 132.0, "rss_per_session": 4600,
           "idle_cpu_util": 0.001, "close_cpu_us_per_session": 34.8, "complete": True}  # fmt: skip
    assert "| 5,000 idle sessions | wampd | 7,575 | 132 | 4.60 | 34.8 | 0.1 % |" in render(results(run))


def test_many_registrations_show_what_routing_costs_before_and_after():
    run = {"router": "wampd", "cell": "registrations/ws-json-16", "load_s": 50_000.0, f"load_{CPU}": 12.0,
           "rss_per_item": 300, f"base_{CPU}": 50.0, f"other_{CPU}": 51.0, f"hit_{CPU}": 52.0}  # fmt: skip
    assert "| 100,000 registrations | wampd | 50,000 | 12.0 | 300 | 50.0 | 51.0 | 52.0 |" in render(results(run))


def test_the_start_shows_time_and_memory():
    run = {"router": "wampd", "cell": "start", "start_ms": 230.0, "rss_start": 52_500_000}
    assert "| wampd | 230 | 52.5 |" in render(results(run))


def test_the_tables_go_between_the_markers_and_leave_the_rest_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write(results(traffic("wampd", 4.0)), readme)
    text = readme.read_text()
    assert text.startswith(f"before\n{BEGIN}\n\nMeasured 2026-01-02 on 2 × Some CPU")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    write(results(traffic("wampd", 4.0)), readme)
    assert readme.read_text() == text


def test_a_readme_without_markers_is_not_touched(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("mine")
    with pytest.raises(ValueError, match="markers"):
        write(results(traffic("wampd", 4.0)), readme)
    assert readme.read_text() == "mine"


def test_the_readme_of_the_benchmark_has_the_markers():
    text = report.README.read_text()
    assert text.count(BEGIN) == text.count(END) == 1


def test_a_results_file_is_json_with_one_run_to_a_line():
    given = results(traffic("wampd", 4.0), traffic("crossbar", 100.0))
    text = results_text(given)
    assert json.loads(text) == given
    assert sum('"router"' in line for line in text.splitlines()) == 2
