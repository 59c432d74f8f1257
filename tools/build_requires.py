"""Prints what pyproject.toml needs to build the wheel, one requirement a line, for ``pip install -r``."""

import tomllib
from pathlib import Path

pyproject = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
print("\n".join(pyproject["build-system"]["requires"]))
