"""Compiling the two C programs of the benchmark, the load generator and the floor."""

import os
import shutil
import subprocess
from pathlib import Path

from bench.environments import ENVIRONMENTS, UnavailableError


def compiled(source: Path) -> Path:
    """The program made of `source`, compiled anew when that is newer; ``UnavailableError`` when that cannot be."""
    binary = ENVIRONMENTS / source.stem
    if binary.exists() and binary.stat().st_mtime >= source.stat().st_mtime:
        return binary
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise UnavailableError("no C compiler: install gcc, or name one in CC")
    binary.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(binary), str(source)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise UnavailableError(f"{source.name} does not compile:\n{done.stderr}")
    return binary
