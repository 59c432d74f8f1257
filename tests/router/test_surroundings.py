"""Tests run in the same surroundings everywhere: this tests that."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, environment
from tests.support.surroundings import Surroundings, shorten, sweep

CONFTEST = """
import os
from tests.support import surroundings
def pytest_configure(config):
    config.pluginmanager.register(surroundings)
    {saying}
"""
SEEING = """
import os
def test_that_it_is_not_led_elsewhere(tmp_path):
    assert not {"NOTIFY_SOCKET", "RUNTIME_DIRECTORY", "WAMPD_URL", "NO_COLOR"} & set(os.environ)
    assert os.environ["XDG_RUNTIME_DIR"] != "/nowhere"
    assert len(str(tmp_path / "run" / "wampd" / "4194304.sock")) < 108
"""
LEAVING = """
import os, subprocess, sys
from pathlib import Path
def test_that_leaves_a_router():
    child = subprocess.Popen(["sleep", "60"])
    child.returncode = 0
    place = Path(os.environ["XDG_RUNTIME_DIR"], "wampd")
    place.mkdir()
    (place / f"{child.pid}.sock").touch()
    Path("pid").write_text(str(child.pid))
"""


def run(directory, source, *, options=(), saying="", **variables):
    (directory / "conftest.py").write_text(CONFTEST.format(saying=saying))
    (directory / "test_it_and_say_so_at_length.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        f"--rootdir={directory}",
    ]
    return subprocess.run(
        [*command, *options, str(directory)],
        cwd=directory, env=environment(PYTHONPATH=str(ROOT), **variables), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize("options", [(), ("-n1",)], ids=["one process", "xdist"])
def test_what_is_set_outside_reaches_no_test(tmp_path, options):
    deep = tmp_path / ("deep" * 10)
    deep.mkdir()
    services = {"NOTIFY_SOCKET": "/nowhere", "RUNTIME_DIRECTORY": "/nowhere", "XDG_RUNTIME_DIR": "/nowhere"}
    done = run(
        tmp_path, SEEING, options=options, TMPDIR=str(deep), WAMPD_URL="ws://127.0.0.1:1", NO_COLOR="1", **services
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_router_that_runs_on_is_told(tmp_path):
    done = run(tmp_path, LEAVING)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, 9)
    assert done.returncode != 0
    assert f"routers that tests have started still run: [{pid}]" in done.stdout + done.stderr


def test_nothing_is_left_behind():
    environ = {"TMPDIR": "/tmp", "PYTEST_DEBUG_TEMPROOT": "/tmp/" + "x" * 60, "WAMPD_PORT": "1"}
    surroundings = Surroundings(environ)
    made = [Path(environ["PYTEST_DEBUG_TEMPROOT"]), surroundings.runtime]
    assert all(path.is_dir() and path.stat().st_mode & 0o077 == 0 for path in made)
    assert "WAMPD_PORT" not in environ
    surroundings.remove()
    assert not any(path.exists() for path in made)


@pytest.mark.parametrize("options", [(), ("-n1",)], ids=["one process", "xdist"])
@pytest.mark.parametrize("source", ["import nothing_like_it", "def test_it(): pass", "def test_it(): assert 0"])
def test_nothing_is_left_behind_however_a_run_ends(tmp_path, options, source):
    told = tmp_path / "told"
    run(
        tmp_path,
        source,
        options=options,
        saying=f"open({str(told)!r}, 'a').write(os.environ['XDG_RUNTIME_DIR'] + chr(10))",
    )
    made = [Path(line) for line in told.read_text().splitlines()]
    assert len(made) == 1 + len(options)
    assert not any(path.exists() for path in made)


def test_what_a_killed_run_has_left_is_taken_away_by_the_next():
    with subprocess.Popen(["true"]) as ended:
        pass
    left, ours = Path(f"/tmp/w{ended.pid}-99"), Path(f"/tmp/w{os.getpid()}-99")
    for each in (left, ours):
        (each / "wampd").mkdir(parents=True)
    sweep()
    assert (left.exists(), ours.exists()) == (False, True)
    shutil.rmtree(ours)


def test_short_directories_stay_where_they_are():
    environ = {"PYTEST_DEBUG_TEMPROOT": "/t"}
    assert shorten(environ) is None
    assert environ == {"PYTEST_DEBUG_TEMPROOT": "/t"}


def test_what_is_started_takes_signals_that_the_run_of_the_tests_ignores():
    # as a shell has it in the background; in a process of its own, for the handlers of this one are pytest's
    script = (
        "import signal, subprocess, sys; from tests.support.surroundings import heed; "
        "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN); heed({signal.SIGINT: signal.default_int_handler}); "
        "subprocess.run([sys.executable, '-c', "
        "'import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)'])"
    )
    ignoring = ["sh", "-c", 'trap "" INT; exec "$0" -c "$1"', sys.executable, script]
    told = subprocess.run(ignoring, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT)
    assert told.stdout.split() == ["True", "True"]
