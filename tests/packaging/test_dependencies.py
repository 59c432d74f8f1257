"""Whoever installs the wheel has all that it imports: what only tests bring along would fail at home, and not here."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.support.process import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED = {re.split(r"[^a-z0-9-]", each)[0] for each in PROJECT["dependencies"]}
TWISTED = {"zope"}
"""What Twisted's own interfaces are made with: there is no Twisted without it."""
OF_COMPONENTS = {"autobahn", "txaio"}
"""What hosted components bring along: see ``wampd/hosted``."""


def imported_by(file: Path) -> set[str]:
    """The modules, by their first name, that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_what_the_package_imports_is_installed_with_it() -> None:
    imported = set().union(*map(imported_by, (ROOT / "wampd").rglob("*.py")))
    modules = imported - sys.stdlib_module_names - {"wampd"} - TWISTED - OF_COMPONENTS
    distributions = packages_distributions()
    unknown = {
        module
        for module in modules
        if not {re.sub(r"[_.]", "-", name).lower() for name in distributions.get(module, ())} & DECLARED
    }
    assert {"twisted", "treq", "jinja2", "h11", "multipart"} <= modules
    assert unknown == set()


def test_of_every_dependency_it_is_said_why() -> None:
    page = (ROOT / "docs" / "decisions" / "0002-dependencies.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| ")]
    assert set(re.split(r"[ ,]+", " ".join(rows))) >= DECLARED
