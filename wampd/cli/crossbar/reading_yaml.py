"""YAML 1.1, as ``yaml.safe_load`` understands it → items."""

from collections.abc import Hashable
from math import isfinite
from pathlib import Path
from typing import Final

import yaml
from yaml.reader import ReaderError

from wampd.router.settings import KeyPath, Place

from .reading import MOST_DIGITS, Budget, Item, Scalar, UnreadableError, sound_text


def read_yaml(text: str, file: Path) -> Item:
    """Return the one document of a text. Raise `UnreadableError`."""
    try:
        loader = yaml.SafeLoader(text)
    except ReaderError as trouble:
        place = Place(file, text.count("\n", 0, trouble.position) + 1, 1)
        raise UnreadableError(place, f"not valid YAML: {trouble.reason}") from None
    try:
        node = loader.get_single_node()
        if node is None:
            raise UnreadableError(Place(file, 1, 1), "the file is empty")
        return _Converter(loader, file).convert(node, (), 0)
    except yaml.MarkedYAMLError as trouble:
        mark = trouble.problem_mark or trouble.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        raise UnreadableError(place, f"not valid YAML: {trouble.problem}") from None
    except (yaml.YAMLError, RecursionError) as trouble:
        raise UnreadableError(Place(file, 1, 1), f"not valid YAML: {trouble or 'nested too deeply'}") from None
    finally:
        loader.dispose()


_NUMBERS: Final = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
LONGEST_NUMBER: Final = 400
"""Characters."""
_NO_VALUE: Final = (ValueError, OverflowError, LookupError, AttributeError)
"""What PyYAML raises for the text after a tag that is none of its type."""


class _Converter:
    def __init__(self, loader: yaml.SafeLoader, file: Path) -> None:
        self._loader, self._file = loader, file
        self._budget = Budget()
        self._seen: set[int] = set()

    def convert(self, node: yaml.Node, path: KeyPath, depth: int) -> Item:
        place = self._place(node)
        self._budget.take(place, depth)  # what contains itself by an alias ends here, too
        if isinstance(node, yaml.MappingNode):
            return Item(place, path, self._members(node, path, depth))
        if isinstance(node, yaml.SequenceNode):
            each = enumerate(node.value)
            return Item(place, path, tuple(self.convert(item, (*path, i), depth + 1) for i, item in each))
        return Item(place, path, self._scalar(node, place))

    def _members(self, node: yaml.MappingNode, path: KeyPath, depth: int) -> dict[str, Item]:
        self._see_that_keys_are_once(node)
        self._loader.flatten_mapping(node)  # what is merged comes first, so that what stands here wins
        members: dict[str, Item] = {}
        for key_node, value in node.value:
            place = self._place(key_node)
            key = self._scalar(key_node, place) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise UnreadableError(place, "a key is a text; write it in quotes")
            members[key] = self.convert(value, (*path, key), depth + 1)
        return members

    def _see_that_keys_are_once(self, node: yaml.MappingNode) -> None:
        if id(node) in self._seen:  # by an alias; merged keys are in it by now
            return
        self._seen.add(id(node))
        keys: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in keys:
                    raise UnreadableError(self._place(key), f'the key "{key.value}" is here twice')
                keys.add(key.value)

    def _place(self, node: yaml.Node) -> Place:
        return Place(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _scalar(self, node: yaml.Node, place: Place) -> Scalar:
        if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:  # one in base 60 takes the square of its length
            raise UnreadableError(place, "a number is too long")
        try:
            value: Hashable = self._loader.construct_object(node)
        except _NO_VALUE:
            raise UnreadableError(place, "not a value that YAML 1.1 knows") from None
        if isinstance(value, float) and not isfinite(value):
            raise UnreadableError(place, "infinity, and what is not a number, have no meaning here")
        if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
            raise UnreadableError(place, f"a whole number has at most {MOST_DIGITS} digits")
        if isinstance(value, str):
            return sound_text(value, place)
        if value is None or isinstance(value, bool | int | float):
            return value
        raise UnreadableError(place, f"this is read as a {type(value).__name__}; write it in quotes")
