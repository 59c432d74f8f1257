"""What is tested is what is shipped: the installed wheel, with all of the package in it and nothing beside.

`make test` has installed it as docs/quickstart.md says: by pip, into an environment of its own.
"""

import importlib.metadata
import importlib.util
import os
import sysconfig
from pathlib import Path

import pytest

import wampd
from tests.support.process import ROOT

pytestmark = pytest.mark.skipif(
    os.environ.get("WAMPD_TESTED") != "wheel", reason="wampd is not tested from its wheel here; make test does that"
)

SITE_PACKAGES = Path(sysconfig.get_path("purelib"))


def files_below(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts}


def test_the_tests_import_the_installed_package() -> None:
    assert wampd.__file__ is not None
    assert Path(wampd.__file__).parent == SITE_PACKAGES / "wampd"


def test_every_file_of_the_package_is_in_the_wheel() -> None:
    assert files_below(ROOT / "wampd") - files_below(SITE_PACKAGES / "wampd") == set()


def test_the_wheel_installs_nothing_beside_the_package() -> None:
    files = importlib.metadata.files("wampd")
    assert files is not None
    tops = {path.parts[0] for path in files if path.suffix != ".pyc"}
    version = importlib.metadata.version("wampd")
    assert tops <= {"wampd", f"wampd-{version}.dist-info", ".."}  # "..": the command in bin/


@pytest.mark.parametrize("name", ["router", "realms", "auth"])
def test_the_links_of_the_checkout_are_no_modules(name: str) -> None:
    assert importlib.util.find_spec(name) is None


def test_the_version_of_the_package_is_that_of_the_distribution() -> None:
    assert importlib.metadata.version("wampd") == wampd.__version__
