"""What the repository promises outside of the package: commands, links, the container's recipe, the npm files."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import PACKAGES, unavailable
from tests.support.process import ROOT

HELLO = ROOT / "examples" / "hello"
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "examples/hello/README.md"]
PAGES = sorted(
    page.relative_to(ROOT).as_posix()
    for folder in (".", "bench", "soak", "docs", "docs/decisions", "examples/*")
    for page in ROOT.glob(f"{folder}/*.md")
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_make_command_of_a_document_exists(document: str) -> None:
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", (ROOT / document).read_text(encoding="utf-8"))) - {"it"}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_every_program_that_tests_and_pages_need_is_installed_by_the_setup() -> None:
    """In CI a test whose program is not there fails."""
    tests = "".join(test.read_text(encoding="utf-8") for test in (ROOT / "tests").rglob("test_*.py"))
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    needed = set(re.findall(r"""["']([^"']+)["']""", " ".join(re.findall(r"mark\.needs\(([^)]*)\)", tests))))
    needed |= {each for words in re.findall(r"<!--[^>]*\bneeds=(\S+)", pages) for each in words.split(",")}
    setup = (ROOT / "tools" / "setup").read_text(encoding="utf-8")
    missing = re.findall(r'missing="\$missing ([^"]+)"', setup)
    installed = {package.removesuffix("-light") for packages in missing for package in packages.split()}
    assert {"chromium", "cc", "jq", "wrk"} <= needed
    lacking = {each for each in needed if not set(PACKAGES.get(each, each).split()) <= installed}
    assert lacking == set()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_every_page_of_the_documentation_can_be_reached_from_the_first_one() -> None:
    reached, coming = set(), [ROOT / "README.md"]
    while coming:
        page = coming.pop()
        reached.add(page)
        links = re.findall(r"\]\(([^)#:]+\.md)", page.read_text(encoding="utf-8"))
        coming += {(page.parent / link).resolve() for link in links} - reached
    assert [page for page in PAGES if ROOT / page not in reached and "decisions" not in page] == []


@pytest.mark.parametrize("package", ["realms", "auth", "router"])
def test_the_page_about_the_house_names_every_room(package: str) -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [path for path in (ROOT / "wampd" / package).iterdir() if not path.name.startswith("__")]
    assert [room.name for room in rooms if not re.search(rf"\b{re.escape(room.name)}\b", page)] == []


def test_the_page_about_the_tests_names_every_folder_of_them() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    folders = [path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and not path.name.startswith("_")]
    assert [folder for folder in folders if f"`tests/{folder}`" not in page] == []


@pytest.mark.parametrize(
    "folder", [HELLO, ROOT / "tests" / "interop" / "node", ROOT / "dashboard"], ids=lambda it: it.name
)
def test_an_npm_lock_file_names_hashes_and_no_download_addresses(folder: Path) -> None:
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert [name for name, package in packages.items() if "resolved" in package] == []


@pytest.mark.needs("node")
@pytest.mark.parametrize(
    ("vendored", "original"), [("autobahn.min.js", "autobahn.min.js"), ("autobahn.LICENSE.txt", "LICENSE")]
)
def test_the_vendored_browser_client_is_the_file_of_the_npm_package(vendored: str, original: str) -> None:
    package = HELLO / "node_modules" / "autobahn-browser"
    if not package.is_dir():
        unavailable("the npm packages of examples/hello are missing; run: tools/setup node")
    assert (HELLO / "web" / "vendor" / vendored).read_bytes() == (package / original).read_bytes()


def test_shell_scripts_are_executable_and_parse() -> None:
    for script, shell in (
        (".ci/run", "bash"),
        ("docker/build.sh", "sh"),
        ("docker/user.sh", "sh"),
        ("tools/lock", "sh"),
        ("tools/setup", "sh"),
    ):
        path = ROOT / script
        assert path.stat().st_mode & 0o111, script
        subprocess.run([shell, "-n", Path(path)], check=True)
