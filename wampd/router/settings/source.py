"""Files → nodes: YAML is split up, variables are expanded, included files are read; nothing is interpreted.

The rules:

* everything has a place; duplicate keys, keys that are not text, and tags other than ``!include`` are problems;
* anchors and aliases may be used; what they expand to is bounded, and may not contain itself;
* ``!include FILE`` stands for the content of another file, named relative to the file that includes it;
* a problem never ends the reading: it is reported, a :class:`.nodes.Broken` takes the place, and reading goes on.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from .expand import expand
from .nodes import Broken, Node, Scalar, Sequence, Table
from .problems import KeyPath, Place, Problem, quote, quote_file

MAX_FILE_SIZE = 4 * 1024 * 1024
MAX_NODES = 200_000
MAX_DEPTH = 64
MAX_INCLUDE_DEPTH = 16

# The base loaders give no meaning to scalars; the C one is ten times as fast, but not on every platform.
_LOADER: type[yaml.BaseLoader] | type[yaml.CBaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_STANDARD_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"})
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BRACES = re.compile(r"[\w.]\{\w+\}")
"""A placeholder, as rules have them, in a text without quotes."""


class Reader:
    """Reads one configuration, with all that it includes; problems go into the list that it is given."""

    def __init__(self, environ: Mapping[str, str], problems: list[Problem]) -> None:
        self._environ = environ
        self._problems = problems
        self._including: list[Path] = []
        self._aliased: set[int] = set()
        self._nodes = 0

    def read(self, file: Path, path: KeyPath = (), named_at: Place | None = None) -> Node:
        """Read a file. ``named_at`` is where its name was found; problems of opening it belong there."""
        start = Place(file, 1, 1)
        real = Path(os.path.realpath(file))
        if real in self._including:
            return self._broken(named_at or start, path, f"{quote_file(file)} includes itself")
        if len(self._including) >= MAX_INCLUDE_DEPTH:
            return self._broken(named_at or start, path, f"more than {MAX_INCLUDE_DEPTH} files include each other")
        try:
            with file.open("rb") as stream:
                data = stream.read(MAX_FILE_SIZE + 1)
        except OSError as trouble:
            return self._broken(named_at or start, path, f"cannot read {quote_file(file)}: {trouble.strerror}")
        if len(data) > MAX_FILE_SIZE:
            return self._broken(start, path, f"the file is larger than {MAX_FILE_SIZE} bytes")
        composed = self._compose(data, file, path)
        if isinstance(composed, Broken):
            return composed
        self._including.append(real)
        try:
            return self._convert(composed, file, path, depth=0)
        finally:
            self._including.pop()

    def _broken(self, place: Place, path: KeyPath, message: str) -> Broken:
        self._problems.append(Problem(place, path, message))
        return Broken(place)

    # --- bytes → PyYAML's nodes ---

    def _compose(self, data: bytes, file: Path, path: KeyPath) -> yaml.Node | Broken:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as trouble:
            place = _place_of_offset(file, data[: trouble.start].decode("utf-8", "replace"))
            return self._broken(place, path, "the file is not UTF-8")
        control = _CONTROL.search(text)
        if control:
            place = _place_of_offset(file, text[: control.start()])
            return self._broken(place, path, f"the character U+{ord(control[0]):04X} must not be in a YAML file")
        try:
            node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
        except yaml.MarkedYAMLError as trouble:
            return self._broken(*_marked(trouble, text, file, path))
        except (yaml.YAMLError, RecursionError) as trouble:
            return self._broken(Place(file, 1, 1), path, f"not valid YAML: {trouble or 'nested too deeply'}")
        if node is None:
            return self._broken(Place(file, 1, 1), path, "the file is empty")
        return node

    # --- PyYAML's nodes → ours ---

    def _convert(self, node: yaml.Node, file: Path, path: KeyPath, depth: int) -> Node:
        place = Place(file, node.start_mark.line + 1, node.start_mark.column + 1)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            # Reported once: whoever multiplies aliases does not want to read it a million times.
            if self._nodes == MAX_NODES + 1:
                return self._broken(
                    place, path, f"the configuration has more than {MAX_NODES} values, aliases included"
                )
            return Broken(place)
        if depth > MAX_DEPTH:
            return self._broken(place, path, f"nested deeper than {MAX_DEPTH} levels")
        if node.tag == "!include":
            return self._include(node, place, path)
        if node.tag not in _STANDARD_TAGS:
            return self._broken(place, path, f"the tag {quote(node.tag)} is not known; only !include is")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, place, path)
        if id(node) in self._aliased:
            return self._broken(place, path, "an alias stands for something that contains it")
        self._aliased.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                items = enumerate(node.value)
                return Sequence(place, tuple(self._convert(item, file, (*path, i), depth + 1) for i, item in items))
            return self._table(node, place, path, depth)
        finally:
            self._aliased.discard(id(node))

    def _table(self, node: yaml.Node, place: Place, path: KeyPath, depth: int) -> Table:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key_node, value_node in node.value:
            key_place = Place(place.file, key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag not in _STANDARD_TAGS:
                self._broken(key_place, path, "a key must be plain text")
                continue
            if key_node.value == "<<" and not key_node.style:
                self._broken(key_place, path, 'merge keys ("<<") are not supported; use an alias for a whole value')
                continue
            key = self._scalar(key_node, key_place, path)
            if isinstance(key, Broken):
                continue
            if key.text in entries:
                first = entries[key.text][0].place
                where = f"line {first.line}" if first.file == key_place.file else str(first)
                self._broken(key_place, (*path, key.text), f"this key is here twice; the first is in {where}")
                continue
            entries[key.text] = (key, self._convert(value_node, place.file, (*path, key.text), depth + 1))
        return Table(place, tuple(entries.values()))

    def _scalar(self, node: yaml.ScalarNode, place: Place, path: KeyPath) -> Scalar | Broken:
        expansion = expand(node.value, self._environ)
        if expansion.faults:
            for fault in expansion.faults:
                self._broken(place, path, fault)
            return Broken(place)
        if "\0" in expansion.text:
            return self._broken(place, path, "a text must not hold the character U+0000")
        return Scalar(place, expansion.text, node.value, plain=not node.style, expanded=expansion.expanded)

    def _include(self, node: yaml.Node, place: Place, path: KeyPath) -> Node:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            return self._broken(place, path, "!include takes the name of a file")
        name = self._scalar(node, place, path)
        return name if isinstance(name, Broken) else self.read(place.file.parent / name.text, path, place)


def _place_of_offset(file: Path, before: str) -> Place:
    return Place(file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def _marked(trouble: yaml.MarkedYAMLError, text: str, file: Path, path: KeyPath) -> tuple[Place, KeyPath, str]:
    """Say where and why PyYAML could not go on."""
    mark = trouble.problem_mark or trouble.context_mark
    if mark is None:
        return Place(file, 1, 1), path, f"not valid YAML: {trouble.problem}"
    place = Place(file, mark.line + 1, mark.column + 1)
    lines = text.splitlines()
    if mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] == "\t":
        return place, path, "not valid YAML: a tab cannot indent; use spaces"
    if trouble.problem == "but found another document":
        return place, path, 'not valid YAML: one document is expected, but another begins ("---")'
    context = f" {trouble.context}" if trouble.context else ""
    if trouble.context_mark is not None and trouble.context_mark.line < mark.line:
        context += f", which begins in line {trouble.context_mark.line + 1}"
    hint = (
        "; a text with braces in it needs quotes" if _BRACES.search("".join(lines[mark.line : mark.line + 1])) else ""
    )
    return place, path, f"not valid YAML: {trouble.problem}{context}{hint}"
