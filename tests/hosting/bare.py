"""A virtual environment that has autobahn and what that needs, and nothing else: not wampd."""

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def with_autobahn(directory: Path) -> Path:
    """Make it, of links to what is installed here; return its interpreter."""
    return _make(directory, _needed_by(["autobahn", "twisted"]))


def without_anything(directory: Path) -> Path:
    """Make one that has nothing but the standard library; return its interpreter."""
    return _make(directory, [])


def _make(directory: Path, distributions: list[str]) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True, timeout=120)
    (packages,) = directory.glob("lib/python*/site-packages")
    for name in distributions:
        found = distribution(name)
        for top in {file.parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            source = Path(str(found.locate_file(top)))
            if source.exists() and not (packages / top).exists():
                os.symlink(source, packages / top)
    return directory / "bin" / "python"


def _needed_by(names: list[str]) -> list[str]:
    """These distributions, and all that they require without being asked for extras."""
    found: list[str] = []
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        try:
            required = distribution(name).requires or []
        except PackageNotFoundError:  # of another platform
            continue
        if name in found:
            continue
        found.append(name)
        waiting += [re.split(r"[^A-Za-z0-9_.-]", each)[0] for each in required if "extra ==" not in each]
    return found
