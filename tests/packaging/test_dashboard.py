"""The dashboard that is shipped is what its sources are built to, and its sources are sound."""

import gzip
import subprocess
from pathlib import Path

import pytest

from tests.support.needs import unavailable
from tests.support.process import ROOT

DASHBOARD = ROOT / "dashboard"
ASSETS = ROOT / "wampd" / "router" / "http" / "dashboard" / "assets"

pytestmark = pytest.mark.needs("node")


@pytest.fixture(autouse=True)
def _packages():
    if not (DASHBOARD / "node_modules" / "esbuild").is_dir():
        unavailable("the npm packages of dashboard are missing; run: tools/setup node")


def run(*command: str | Path, directory: Path = DASHBOARD) -> str:
    done = subprocess.run(
        [str(word) for word in command], cwd=directory, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpacked(file: Path) -> bytes:
    """What a file holds; of a compressed one what it is when it is unpacked, since libraries pack differently."""
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes())
    if file.suffix == ".br":
        script = (
            "process.stdout.write(require('zlib').brotliDecompressSync(require('fs').readFileSync(process.argv[1])))"
        )
        return subprocess.run(["node", "-e", script, str(file)], capture_output=True, timeout=30, check=True).stdout
    return file.read_bytes()


def test_what_is_shipped_is_what_the_sources_are_built_to(tmp_path: Path) -> None:
    run("node", "build.mjs", "--out", tmp_path / "assets")
    built = {file.name: unpacked(file) for file in (tmp_path / "assets").iterdir()}
    shipped = {file.name: unpacked(file) for file in ASSETS.iterdir()}
    assert sorted(shipped) == sorted(built), "run make dashboard"
    assert [name for name in built if built[name] != shipped[name]] == [], "run make dashboard"


def test_every_file_has_its_compressed_twins() -> None:
    files = [file for file in ASSETS.iterdir() if file.suffix not in (".br", ".gz", ".txt")]
    assert files
    for file in files:
        for twin in (".br", ".gz"):
            assert unpacked(file.with_name(file.name + twin)) == file.read_bytes()


def test_the_types_of_the_sources_are_right() -> None:
    compiler = DASHBOARD / "node_modules" / ".bin" / "tsc"
    run(compiler, "--noEmit")


def test_the_parts_without_a_page_do_what_their_own_tests_say(tmp_path: Path) -> None:
    run("node", "build.mjs", "--tests", "--out", tmp_path / "tests")
    tests = sorted((tmp_path / "tests").glob("*.mjs"))
    assert tests
    assert "# fail 0" in run("node", "--test", "--test-reporter=tap", *tests)


def test_no_source_of_the_page_makes_markup_of_texts() -> None:
    sources = "".join(file.read_text() for file in (DASHBOARD / "src").rglob("*.ts*"))
    assert sources
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "dangerouslySetInnerHTML", "eval("):
        assert way not in sources
