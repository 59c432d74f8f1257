"""An environment of its own for each rival in ``bench/.envs`` (not in git), from versions pinned in ``configs/``."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

BENCH: Final = Path(__file__).resolve().parent
ROOT: Final = BENCH.parent
ENVIRONMENTS: Final = BENCH / ".envs"
CONFIGS: Final = BENCH / "configs"

INSTALL_SECONDS: Final = 900
PYTHONS: Final = ("python3.13", "python3.12", "python3.11", "python3.14")
"""Tried in turn after the running interpreter, when a rival cannot be installed for that."""


class UnavailableError(Exception):
    """A rival cannot be measured here; the text says why."""


def python_environment(name: str, *, again: bool = False) -> Path:
    """The interpreter of a virtual environment holding ``configs/NAME/requirements.txt``; made when it is missing."""
    requirements = CONFIGS / name / "requirements.txt"
    place = ENVIRONMENTS / name
    interpreter = place / "bin" / "python"
    if _fresh(place, [requirements]) and not again:
        return interpreter
    failures = []
    for candidate in _interpreters():
        shutil.rmtree(place, ignore_errors=True)
        try:
            _run([candidate, "-m", "venv", str(place)])
            _run([str(interpreter), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                  "--requirement", str(requirements)])  # fmt: skip
        except UnavailableError as failure:
            failures.append(f"{Path(candidate).name}: {failure}")
        else:
            _mark(place, [requirements])
            return interpreter
    raise UnavailableError("; ".join(failures))


def node_environment(name: str, *, again: bool = False) -> Path:
    """The ``node_modules`` with what ``configs/NAME/package-lock.json`` pins; made when it is missing.

    Install scripts are not run: what the routers need here is plain JavaScript, and a compiler toolchain for the
    optional rest would be a reason to fail.
    """
    wanted = [CONFIGS / name / "package.json", CONFIGS / name / "package-lock.json"]
    place = ENVIRONMENTS / name
    if not shutil.which("node"):
        raise UnavailableError("node is not installed")
    if not _fresh(place, wanted) or again:
        if not shutil.which("npm"):
            raise UnavailableError("npm is not installed")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for file in wanted:
            shutil.copy(file, place)
        _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=place)
        _mark(place, wanted)
    return place / "node_modules"


def _interpreters() -> list[str]:
    found = [sys.executable, *filter(None, map(shutil.which, PYTHONS))]
    return list(dict.fromkeys(found))


def _digest(files: list[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _fresh(place: Path, files: list[Path]) -> bool:
    stamp = place / ".installed"
    return stamp.exists() and stamp.read_text() == _digest(files)


def _mark(place: Path, files: list[Path]) -> None:
    (place / ".installed").write_text(_digest(files))


def _run(command: list[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True, check=False,
            timeout=INSTALL_SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{Path(command[0]).name}: {error}") from error
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}").splitlines()
        raise UnavailableError(lines[-1][-200:])
