"""The commands of bench/README.md mean something: they are not run, which takes from minutes to half an hour."""

import re
import shlex

import pytest

from bench.__main__ import _parser
from bench.cells import select
from tests.support.process import ROOT

PAGE = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^\$ make (\S+)", PAGE, re.MULTILINE)
COMMANDS = re.findall(r"^\$ python -m bench (.*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_the_page_has_options_and_cells_that_there_are(words):
    options = _parser().parse_args(shlex.split(words))
    assert select(options.cells)
    assert options.command is not None


@pytest.mark.parametrize("target", TARGETS)
def test_what_make_runs_is_a_command_of_the_benchmark(target):
    (words,) = re.findall(rf"^{target}:.*\n\t\$\(BIN\)/python -m bench (\w+(?: --quick)?)", MAKEFILE, re.MULTILINE)
    assert _parser().parse_args(shlex.split(words)).command is not None


def test_the_page_has_both_kinds():
    assert (len(TARGETS), len(COMMANDS)) == (4, 1)
