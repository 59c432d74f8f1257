"""The benchmark of static files: what wrk says, the tables, and what happens where a program is missing."""

import os
import subprocess
import sys

import pytest

from bench import web
from bench.web import BEGIN, END, Sample, cpu_seconds, main, render, requests_of, write

WRK = """\
Running 3s test @ http://127.0.0.1:1/1k.bin
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
  49202 requests in 3.10s, 66.49MB read
Requests/sec:  15872.53
"""


def test_what_wrk_says_is_read():
    assert requests_of(WRK) == (49202, pytest.approx(49202 / 3.1))
    assert requests_of(WRK.replace("3.10s", "1.00m"))[1] == pytest.approx(49202 / 60)


@pytest.mark.parametrize(
    "said",
    [
        "",
        WRK + "  Socket errors: connect 0, read 3, write 0, timeout 0\n",
        WRK + "  Non-2xx or 3xx responses: 5\n",
        WRK.replace("49202", "0"),
    ],
)
def test_a_run_in_which_anything_went_wrong_does_not_count(said):
    with pytest.raises(RuntimeError, match="trouble"):
        requests_of(said)


def test_the_tables_have_a_ratio_for_each_rival():
    cost = {"wampd": 40e-6, "nginx": 10e-6, "twisted": 80e-6}
    samples = {(name, file): [Sample(cpu, 1 / cpu)] * 3 for name, cpu in cost.items() for file in web.SIZES}
    tables = render(samples, "here")
    assert "| 1 kB | 40.0 | 10.0 (4.00) | 80.0 (1/2.0) |" in tables
    assert "| 1 MB | 25,000 | 100,000 | 12,500 |" in tables


def test_the_tables_replace_the_old_ones(tmp_path, monkeypatch):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    monkeypatch.setattr(web, "README", readme)
    write("new")
    assert readme.read_text() == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    readme.write_text("no place")
    with pytest.raises(RuntimeError):
        write("new")


def test_cpu_time_is_that_of_the_process():
    before = cpu_seconds(os.getpid())
    while cpu_seconds(os.getpid()) == before:
        sum(range(1000))
    assert cpu_seconds(os.getpid()) > before


def test_where_a_program_is_missing_it_says_so_and_is_no_failure(tmp_path):
    environment = {**os.environ, "PATH": str(tmp_path)}
    code = "import bench.web; bench.web.NEEDED['nothing-of-the-sort'] = 'its-package'; raise SystemExit(bench.web.main([]))"
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0
    assert "skipped: this needs" in run.stdout
    assert "its-package" in run.stdout


@pytest.mark.needs("wrk", "nginx")
def test_it_measures(capsys):
    assert main(["--rounds", "1", "--seconds", "1", "--connections", "2"]) == 0
    assert "| 1 MB |" in capsys.readouterr().out
