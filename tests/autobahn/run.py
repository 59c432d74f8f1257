"""The Autobahn test suite against wampd's WebSocket: every case must pass.

    python tests/autobahn/run.py [--cases 1.*,2.*] [--python FILE] [--reports DIRECTORY]

It starts ``wampd run tests/configs/autobahn.yaml`` with the Python that runs this script, and ``wstest`` in a virtual
environment of its own. `autobahntestsuite` runs on CPython 2.7 alone; one is looked for under pyenv and on the PATH
(``--python`` names another). All that is installed goes below ``build/``. The exit status is 0 if all cases pass, 1 if
one does not, 2 if something is missing.

Not part of the ordinary tests: the whole suite takes a quarter of an hour of one core.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
SUITE = "autobahntestsuite==25.10.1"
VIRTUALENV = "virtualenv==20.15.1"  # the last that runs on Python 2.7
PASSED = frozenset({"OK", "NON-STRICT", "INFORMATIONAL"})
ALL = 517


class MissingError(Exception):
    """Something that the suite needs is not there; the argument says what to do."""


def python27(given: str | None) -> str:
    """A CPython 2.7: the ``given`` one, or one that is found."""
    pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob("2.7*/bin/python2.7"))
    candidates = [given] if given else [*map(str, pyenv), shutil.which("python2.7")]
    for candidate in filter(None, candidates):
        try:
            found = subprocess.run(
                [candidate, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, check=False
            )
        except OSError:
            continue
        if found.stdout.strip() == b"(2, 7)":
            return candidate
    if given:
        raise MissingError(f"{given} is not a CPython 2.7")
    raise MissingError("the suite needs CPython 2.7: install one (`pyenv install 2.7.18`) or name it with --python")


def wstest(given: str | None) -> Path:
    """The suite's command, in a virtual environment that is made if it is not there."""
    home, tools = BUILD / "wstest", BUILD / "virtualenv-2.7"
    command = home / "bin" / "wstest"
    if command.exists():
        return command
    python = python27(given)
    environment = {**os.environ, "PYTHONPATH": str(tools), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = ["-m", "pip", "install", "--quiet"]
    try:
        for path in (home, tools):
            shutil.rmtree(path, ignore_errors=True)
        subprocess.run([python, "-s", *pip, "--target", tools, VIRTUALENV], env=environment, check=True)
        subprocess.run([python, "-s", "-m", "virtualenv", "--quiet", home], env=environment, check=True)
        del environment["PYTHONPATH"]
        subprocess.run([home / "bin" / "python", *pip, SUITE], env=environment, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(home, ignore_errors=True)
        raise MissingError(f"{SUITE} could not be installed: {error}") from None
    return command


@contextmanager
def router() -> Iterator[str]:
    """A running router; yields the URL of its echo path."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "WAMPD_PORT": str(port)}
    command = [sys.executable, "-P", "-m", "wampd", "run", str(ROOT / "tests" / "configs" / "autobahn.yaml")]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        try:
            deadline = time.monotonic() + 20
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise MissingError("wampd does not start")
                time.sleep(0.05)
            yield f"ws://127.0.0.1:{port}/echo"
        finally:
            process.send_signal(signal.SIGTERM)


def run(command: Path, cases: list[str], reports: Path) -> dict[str, dict[str, str]]:
    """Run the suite; what became of every case."""
    with router() as url:
        specification = {
            "outdir": str(reports),
            "servers": [{"agent": "wampd", "url": url}],
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(specification, file)
            file.flush()
            subprocess.run([command, "-m", "fuzzingclient", "-s", file.name], check=True, stdout=subprocess.DEVNULL)
    return read(reports)


def read(reports: Path) -> dict[str, dict[str, str]]:
    """What the report in the directory ``reports`` says of every case."""
    try:
        index: dict[str, dict[str, dict[str, str]]] = json.loads((reports / "index.json").read_text())
        return index["wampd"]
    except (OSError, ValueError, KeyError) as error:
        raise MissingError(f"the suite wrote no report on wampd: {error!r}") from None


def failures(results: Mapping[str, Mapping[str, str]], reports: Path) -> list[str]:
    """A line for each case that failed by its messages or by its close, in the order of their numbers."""
    return [
        f"{case}: {result['behavior']}, closing: {result['behaviorClose']};"
        f" see {(reports / result['reportfile']).with_suffix('.html')}"
        for case, result in sorted(results.items(), key=lambda item: [int(part) for part in item[0].split(".")])
        if result["behavior"] not in PASSED or result["behaviorClose"] not in PASSED
    ]


def summary(results: Mapping[str, Mapping[str, str]], failed: int) -> str:
    """One line on all cases."""
    counted = Counter(result["behavior"] for result in results.values())
    kinds = ", ".join(f"{count} {kind}" for kind, count in counted.most_common())
    return f"{len(results)} cases: {kinds or 'none'}; {failed} failed"


def main() -> int:
    """Run the suite and say what came of it."""
    parser = argparse.ArgumentParser(description="Run the Autobahn test suite against wampd.")
    parser.add_argument("--cases", default="*", help="patterns of cases, separated by commas (default: all)")
    parser.add_argument("--python", metavar="FILE", help="the CPython 2.7 to use")
    parser.add_argument("--reports", type=Path, default=BUILD / "autobahn", help="where the reports go")
    arguments = parser.parse_args()
    reports: Path = arguments.reports.resolve()
    reports.mkdir(parents=True, exist_ok=True)
    (reports / "index.json").unlink(missing_ok=True)  # of an earlier run
    try:
        results = run(wstest(arguments.python), arguments.cases.split(","), reports)
    except (MissingError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 2
    failed = failures(results, reports)
    print(*failed, summary(results, len(failed)), sep="\n")
    if arguments.cases == "*" and len(results) != ALL:
        print(f"there should be {ALL} cases")
        return 1
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
