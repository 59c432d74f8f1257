"""Pages of the documentation as what can be run: their code blocks, and what is said of how to run them.

A block is run as its language says (see `tests.docs.running`). An HTML comment directly above it, which readers do not see,
says what else there is to know: ``<!-- run: WORD NAME=VALUE … -->``; values with spaces stand in quotes.
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.process import ROOT

_BLOCK = re.compile(
    r"(?:^[ ]*<!--[ ]run:(?P<words>.*?)-->\n\n?)?^(?P<indent>[ ]*)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)

WORDS = {
    "file": "the text goes into this file; what follows on the page finds it",
    "router": "start a router with the configuration that this block is, or is a part of; it runs until the page's next router",
    "part": "what of a configuration a YAML block is: see `tests.docs.configurations`",
    "with": "files that a configuration refers to, which are not on the page: names with commas",
    "status": "the exit status of the last command",
    "background": "it goes on while the rest of the page is run, from when it has printed what is shown, or the value",
    "terminal": "it is another terminal, which begins where the page has begun",
    "env": "a variable for all that follows on the page: NAME=VALUE with commas between several",
    "type": "what is typed at prompts, with commas between lines",
    "needs": "programs of the system that this needs, with commas",
    "shown-by": "the test that runs this, because it needs more than a directory and a router; it has to name the page",
    "output": "the block is what the command before it prints, not a program",
    "log": "it is what the router logs, in this order",
    "syntax": "it is a piece of a program: it is compiled, not run",
}


@dataclass(frozen=True)
class Block:
    """One code block of a page."""

    page: Path
    line: int
    language: str
    text: str
    words: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{os.path.relpath(self.page, ROOT)}:{self.line}"

    def has(self, word: str) -> bool:
        """Whether this is said of it."""
        return word in self.words


def blocks_of(page: Path) -> list[Block]:
    """The code blocks of a page, in order. Raise `ValueError` for a word that means nothing."""
    text = page.read_text(encoding="utf-8")
    blocks = []
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        words = _words(found["words"] or "", f"{page}:{line}")
        blocks.append(Block(page, line, found["language"], _unindented(found["text"], len(found["indent"])), words))
    if re.search(r"\n\n    .*\S", _BLOCK.sub("", text)):
        raise ValueError(f"{page}: a block by indentation says no language; write ```")
    fences = len(re.findall(r"^ *```", text, re.MULTILINE))
    if fences != 2 * len(blocks):
        raise ValueError(f"{page}: {fences} lines begin with ```, which make {len(blocks)} blocks")
    return blocks


def _words(text: str, where: str) -> dict[str, str]:
    words = {}
    for each in shlex.split(text):
        name, _, value = each.partition("=")
        if name not in WORDS:
            raise ValueError(f"{where}: {name!r} is none of {', '.join(WORDS)}")
        words[name] = value
    return words


def _unindented(text: str, columns: int) -> str:
    return "".join(line[min(columns, len(line) - len(line.lstrip(" "))) :] for line in text.splitlines(keepends=True))


def pages() -> list[Path]:
    """All pages: README, docs, those of the examples, of the benchmark and the soak."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md")]
    found += [ROOT / "bench" / "README.md", ROOT / "soak" / "README.md"]
    return sorted(
        [*found, *(page for page in (ROOT / "examples").glob("**/README.md") if "node_modules" not in page.parts)]
    )
