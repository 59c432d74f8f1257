"""The Autobahn test suite against wampd's WebSocket: every case must pass.

    python tests/autobahn/run.py [--cases "1.* 2.*"] [--reports DIRECTORY]

It starts ``wampd run tests/autobahn/wampd.yaml`` with the Python that runs this script, and ``wstest`` in a virtual
environment of its own. `autobahntestsuite` runs on CPython 2.7 alone; one is looked for on the PATH and under pyenv
(``WAMPD_PYTHON27`` names another). The exit status is 0 if all cases pass, 1 if one does not, 2 if something is missing.

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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SUITE = "autobahntestsuite==25.10.1"
VIRTUALENV = "virtualenv<20.22"  # the last versions that know Python 2.7
PASSED = frozenset({"OK", "NON-STRICT", "INFORMATIONAL"})
ALL = 517


class MissingError(Exception):
    """Something that the suite needs is not there; the argument says what to do."""


def python27() -> str:
    """A CPython 2.7."""
    pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob("2.7*/bin/python2.7"))
    candidates = [os.environ.get("WAMPD_PYTHON27"), *map(str, pyenv), shutil.which("python2.7")]
    for candidate in filter(None, candidates):
        found = subprocess.run([candidate, "--version"], capture_output=True, check=False)
        if found.returncode == 0:
            return candidate
    raise MissingError(
        "the suite runs on CPython 2.7: install one (`pyenv install 2.7.18`), or name it in WAMPD_PYTHON27"
    )


def wstest(home: Path) -> Path:
    """The suite's command, in a virtual environment at ``home`` that is made if it is not there."""
    command = home / "bin" / "wstest"
    if not command.exists():
        python = python27()
        try:
            subprocess.run([python, "-m", "pip", "install", "-q", "--user", VIRTUALENV], check=True)
            subprocess.run([python, "-m", "virtualenv", "-q", home], check=True)
            subprocess.run([home / "bin" / "pip", "install", "-q", SUITE], check=True)
        except subprocess.CalledProcessError as error:
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
    command = [sys.executable, "-m", "wampd", "run", str(HERE / "wampd.yaml")]
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
    index: dict[str, dict[str, dict[str, str]]] = json.loads((reports / "index.json").read_text())
    return index["wampd"]


def main() -> int:
    """Run the suite and say what came of it."""
    parser = argparse.ArgumentParser(description="Run the Autobahn test suite against wampd.")
    parser.add_argument("--cases", default="*", help="patterns of cases, separated by spaces (default: all)")
    parser.add_argument("--reports", type=Path, default=ROOT / "build" / "autobahn", help="where the reports go")
    arguments = parser.parse_args()
    arguments.reports.mkdir(parents=True, exist_ok=True)
    try:
        results = run(wstest(ROOT / "build" / "wstest"), arguments.cases.split(), arguments.reports)
    except MissingError as missing:
        print(missing, file=sys.stderr)
        return 2
    failed = {
        case: result
        for case, result in results.items()
        if result["behavior"] not in PASSED or result["behaviorClose"] not in PASSED
    }
    for case, result in sorted(failed.items()):
        print(f"{case}: {result['behavior']}, closing: {result['behaviorClose']}; see {result['reportfile']}")
    summary = ", ".join(f"{count} {name}" for name, count in Counter(r["behavior"] for r in results.values()).items())
    print(f"{len(results)} cases: {summary}; {len(failed)} failed. Reports: {arguments.reports}/index.html")
    if arguments.cases == "*" and len(results) != ALL:
        print(f"there should be {ALL} cases")
        return 1
    return 1 if failed or not results else 0


if __name__ == "__main__":
    sys.exit(main())
