"""The tests would find a secret in any log: this tests them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.process import ROOT, environment

CONFTEST = "from tests.support.leaks import pytest_runtest_teardown, pytest_sessionfinish, pytest_sessionstart\n"
LOGGING = """
from twisted.logger import Logger
def test_log():
    Logger().{level}("{text}", **{fields})
"""
FAILING = """
from twisted.logger import Logger
def test_log():
    try:
        raise ValueError("it was hunter2")
    except ValueError:
        Logger().failure("nothing is said here")
"""
RUNNING = """
import sys
from tests.support.process import Child
def test_run(tmp_path):
    with Child([sys.executable, "-c", "print({text!r})"], tmp_path / "log") as child:
        child.wait()
"""
IN_A_FIXTURE = """
import pytest, sys
from tests.support.process import Child
@pytest.fixture(scope="session")
def child(tmp_path_factory):
    with Child([sys.executable, "-c", "print('hunter2')"], tmp_path_factory.mktemp("x") / "log") as child:
        child.wait_for_log("hunter2")
        yield
def test_run(child):
    pass
"""


def run(directory: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "conftest.py").write_text(CONFTEST)
    (directory / "test_it.py").write_text(test)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, directory],
        cwd=directory,
        env=environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("options", [(), ("-n1",)])
@pytest.mark.parametrize(
    "test",
    [
        LOGGING.format(level="info", text="a secret: hunter2", fields={}),
        LOGGING.format(level="debug", text="{what}", fields={"what": "my-hunter2-too"}),
        LOGGING.format(level="warn", text="not in the text", fields={"ticket": "hunter2"}),
        FAILING,
        RUNNING.format(text="hunter2"),
        IN_A_FIXTURE,
    ],
)
def test_a_secret_in_a_log_fails_the_run(test: str, options: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tmp_path, test, *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "a secret was logged" in done.stdout


def test_without_a_secret_the_run_succeeds(tmp_path: Path) -> None:
    quiet = LOGGING.format(level="info", text="nothing: {what}", fields={"what": "hunter"})
    done = run(tmp_path, quiet + RUNNING.format(text="hunter"))
    assert done.returncode == 0, done.stdout + done.stderr
