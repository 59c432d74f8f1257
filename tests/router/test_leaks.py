"""The tests would find a secret in any log: this tests them."""

from __future__ import annotations

import re
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
        yield
        child.wait()
def test_run(child):
    pass
"""
LEAKING = [
    LOGGING.format(level="info", text="a secret: hunter2", fields={}),
    LOGGING.format(level="debug", text="{what}", fields={"what": "my-hunter2-too"}),
    LOGGING.format(level="warn", text="not in the text", fields={"ticket": "hunter2"}),
    FAILING,
    RUNNING.format(text="hunter2"),
    IN_A_FIXTURE,
]


def run(directory: Path, tests: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "conftest.py").write_text(CONFTEST)
    for number, test in enumerate(tests):
        (directory / f"test_{number}.py").write_text(test)
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
def test_a_secret_in_a_log_fails_the_run_and_the_very_test(options: tuple[str, ...], tmp_path: Path) -> None:
    done = run(tmp_path, LEAKING, *options)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout.count("AssertionError: a secret was logged") >= len(LEAKING)
    failed = re.findall(
        r"^ERROR test_(\d+)\.py::test_\w+ - AssertionError: a secret was logged", done.stdout, re.MULTILINE
    )
    assert sorted(failed) == [str(number) for number in range(len(LEAKING))]


def test_without_a_secret_the_run_succeeds(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        [
            LOGGING.format(level="info", text="nothing: {what}", fields={"what": "hunter"}),
            RUNNING.format(text="hunter"),
        ],
    )
    assert done.returncode == 0, done.stdout + done.stderr
