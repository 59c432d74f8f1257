"""The table of what is proved by what is complete and up to date."""

from __future__ import annotations

import subprocess
import sys

from tests.support import profile
from tests.support.process import ROOT


def test_every_row_is_proved_and_the_page_says_by_which_tests():
    command = [sys.executable, "-m", "tests.support.profile", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_no_row_is_there_twice():
    names = [row.name for part in profile.sections() for row in part.rows]
    assert len(set(names)) == len(names)


def test_levels_are_those_of_the_specification_or_ours():
    assert {row.level for part in profile.sections() for row in part.rows} == {"must", "should", "may", "decided"}


def test_what_is_missing_and_what_is_wrong_is_told():
    rows = [
        profile.Row("A-1", "must", "It does.", None),
        profile.Row("A-2", "must", "It does that, too.", None),
        profile.Row("A-3", "may", "It might.", None),
        profile.Row("A-4", "must", "It does not.", "no time"),
    ]
    tests = {"A-1": {("tests/spec/test_a.py", "test_it_does")}, "B-1": {("tests/spec/test_a.py", "test_more")}}
    parts = [profile.Section("A", "basic profile", rows)]
    assert profile.complaints(parts, tests) == [
        "no test proves A-2: It does that, too.",
        "B-1 is proved by test_more, but is not in spec-rows.yaml",
    ]
    text = profile.page(parts, tests)
    assert "1 of 4 rows are shown by tests." in text
    assert "| A-1 | must | It does. | [spec/test_a.py](../tests/spec/test_a.py): it does |" in text
    assert "| A-4 | must | It does not. | **not yet**: no time |" in text
