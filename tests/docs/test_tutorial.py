"""What the tutorial builds is the example: its last words on each file are what stands there."""

from __future__ import annotations

from tests.docs.pages import blocks_of
from tests.support.process import ROOT
from wampd.cli.project import Project

EXAMPLE = ROOT / "examples" / "votes"


def test_the_tutorial_ends_with_the_files_of_the_example() -> None:
    blocks = blocks_of(ROOT / "docs" / "tutorial.md")
    built = {block.words["file"]: block.text for block in blocks if block.has("file")}
    assert set(built) == {"votes.py", "config.yaml", "web/index.html", "web/votes.js"}
    assert {name: (EXAMPLE / name).read_text(encoding="utf-8") for name in built} == built


def test_the_example_has_the_client_that_a_new_project_has() -> None:
    project = Project(8080, "realm1", "anonymous", "python-asyncio").files()
    assert (EXAMPLE / "web" / "wamp.js").read_text(encoding="utf-8") == project["web/wamp.js"].text
