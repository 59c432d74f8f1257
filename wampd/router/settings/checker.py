"""Nodes and types → values: the structs are filled from the tree, and everything that does not fit is reported.

The rules:

* a problem never ends the checking, unless it is one of very many (`.problems.gathering`): the value is left out (a default
  takes its place, an item leaves its list), so that all problems are found at once; a configuration with any problem is
  refused as a whole by the caller;
* a rule is asked of every struct that could be filled; before it relates keys it asks whether they are sound, and what
  it says of a key that is wrong already is dropped: one mistake is reported once;
* ``null`` never stands for a mapping or a list: whoever writes ``rawsocket:`` and nothing more may mean either thing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from msgspec import NODEFAULT, inspect

from .nodes import Broken, Node, Scalar, Sequence, Table
from .other_names import ADVICE, FOREIGN, OTHER_NAMES
from .problems import KeyPath, Place, Problem, closest, did_you_mean, quote
from .scalars import resolve
from .secret import Secret
from .values import INVALID, UnfitError, absolute, read_scalar, read_secret

Item = TypeVar("Item")
Key = TypeVar("Key")


class Here:
    """What a rule sees of its surroundings: a struct at its path, and where to report problems."""

    def __init__(self, checker: "Checker", path: KeyPath) -> None:
        self._checker = checker
        self._path = path
        self.environ = checker.environ
        self.foreign = checker.foreign

    def problem(self, message: str, *keys: str | int) -> None:
        """Report a problem with the struct, or with what ``keys`` lead to inside of it."""
        path = (*self._path, *keys)
        if path not in self._checker.unsound:
            self._checker.report(message, path)

    def add(self, problems: Iterable[Problem]) -> None:
        """Report problems of another file, which is checked by itself."""
        for problem in problems:
            self._checker.problems.append(problem)

    def problem_in(self, file: Path, line: int, message: str, *keys: str | int) -> None:
        """Report a problem with a line of another file, which ``keys`` name."""
        self._checker.report(message, (*self._path, *keys), Place(file, line, 1))

    def each(self, items: tuple[Item, ...], *keys: str | int) -> Iterator[tuple[int, Item]]:
        """Return the items of the list that ``keys`` lead to, with their indexes in the file, without bad ones."""
        return zip(self._checker.kept.get((*self._path, *keys), range(len(items))), items, strict=True)

    def is_sound(self, *keys: str | int) -> bool:
        """Tell whether nothing was wrong so far with the struct, or with what ``keys`` lead to inside of it."""
        return (*self._path, *keys) not in self._checker.around


Rule = Callable[[Any, Here], None]


def repeated(keys: Iterable[tuple[int, Key]]) -> Iterator[tuple[int, Key]]:
    """Return the indexed keys that were there before."""
    seen: set[Key] = set()
    for index, key in keys:
        if key in seen:
            yield index, key
        seen.add(key)


class Checker:
    """Checks one tree. ``rules`` are asked of every struct of their class."""

    def __init__(self, problems: list[Problem], rules: Mapping[type, Rule], environ: Mapping[str, str]) -> None:
        self.problems = problems
        self.unsound: set[KeyPath] = set()
        self.around: set[KeyPath] = set()
        """All that is unsound, and all that holds it."""
        for problem in problems:
            self.doubt(problem.path)
        self.environ = environ
        self.foreign: Mapping[str, Any] = {}
        """As whom code of others runs: see `foreign.identity`."""
        self._rules = rules
        self.places: dict[KeyPath, Place] = {}
        """Where everything is that was looked at."""
        self.kept: dict[KeyPath, list[int]] = {}
        """For each list the indexes of the items that fit."""

    def check(self, node: Node, wanted: Any) -> Any:
        """Return an instance of a struct, or of another type that settings have, or ``INVALID``."""
        return self._value(node, inspect.type_info(wanted), (), {})

    def report(self, message: str, path: KeyPath, place: Place | None = None) -> None:
        """Report a problem, at its place or else at the place of the nearest thing around it that is in the file."""
        nearest = path
        while place is None:
            place = self.places.get(nearest)
            nearest = nearest[:-1]
        self.doubt(path)
        self.problems.append(Problem(place, path, message))

    def doubt(self, path: KeyPath) -> None:
        """Take for unsound what is there, or what was meant to be there."""
        self.unsound.add(path)
        self.around.update(path[:length] for length in range(len(path) + 1))

    def _value(self, node: Node, type_: inspect.Type, path: KeyPath, extra: Mapping[str, Any]) -> Any:
        """Return the value that the node is for the type; ``extra`` is what the ``Meta`` around the type adds to it."""
        self.places[path] = node.place
        if isinstance(node, Broken):
            return INVALID
        match type_:
            case inspect.Metadata():
                return self._value(node, type_.type, path, {**extra, **(type_.extra or {})})
            case inspect.UnionType():
                return self._union(node, type_, path, extra)
            case inspect.StructType(tag_field=None):
                return self._struct(node, type_, path)
            case inspect.StructType():
                return self._tagged(node, (type_,), path)
            case inspect.VarTupleType() | inspect.FrozenSetType():
                return self._list(node, type_, path)
            case inspect.DictType():
                return self._dict(node, type_, path)
            case inspect.AnyType():
                return self._anything(node, path)
        try:
            if isinstance(type_, inspect.CustomType) and type_.cls is Secret:
                return read_secret(node)
            return read_scalar(node, type_, extra)
        except UnfitError as unfit:
            return self._refuse(str(unfit), path, node)

    def _refuse(self, message: str, path: KeyPath, node: Node) -> Any:
        self.report(message, path, node.place)
        return INVALID

    def _union(self, node: Node, type_: inspect.UnionType, path: KeyPath, extra: Mapping[str, Any]) -> Any:
        """Choose among ``X | None``, unions of tagged structs, and words beside one struct; there are no others.

        ``untagged`` in ``extra`` is what the tag is where it is left out.
        """
        others = tuple(member for member in type_.types if not isinstance(member, inspect.NoneType))
        structs = tuple(member for member in others if isinstance(member, inspect.StructType))
        if len(others) < len(type_.types) and len(structs) < len(others) and is_null(node):
            return None
        if len(others) == 1:
            return self._value(node, others[0], path, extra)
        if len(structs) == 1:
            chosen = structs if isinstance(node, Table) else [other for other in others if other not in structs]
            return self._value(node, chosen[0], path, extra)
        return self._tagged(node, structs, path, extra.get("untagged"))

    # --- mappings ---

    def _tagged(
        self, node: Node, structs: tuple[inspect.StructType, ...], path: KeyPath, untagged: str | None = None
    ) -> Any:
        """Let the value of the tag choose the struct."""
        field, by_tag = str(structs[0].tag_field), {str(struct.tag): struct for struct in structs}
        if not isinstance(node, Table):
            return self._refuse(f"expected a mapping with {quote(field)}: one of {', '.join(by_tag)}", path, node)
        for key, value in node.entries:
            if key.text == field:
                if isinstance(value, Scalar) and value.text in by_tag:
                    return self._struct(node, by_tag[value.text], path)
                hint = _tag_to_give(value.source, by_tag) if isinstance(value, Scalar) else ""
                return self._refuse(f"unknown {field}{hint}", (*path, field), value)
        if untagged is None:
            return self._refuse(f"this key is missing; one of {', '.join(by_tag)}", (*path, field), node)
        for key, _ in node.entries:
            if other := _tag_of(key.text, by_tag, untagged):
                message = f"this key is missing; {quote(key.text)} is for {field}: {other}"
                return self._refuse(message, (*path, field), node)
        return self._struct(node, by_tag[untagged], path)

    def _struct(self, node: Node, type_: inspect.StructType, path: KeyPath) -> Any:
        if not isinstance(node, Table):
            return self._refuse(f"expected a mapping{_keys_to_give(node, type_)}", path, node)
        fields = {field.encode_name: field for field in type_.fields}
        values: dict[str, Any] = {}
        given = {key.text for key, _ in node.entries}
        free = [name for name in fields if name not in given]
        for key, value in node.entries:
            if key.text in fields:
                values[key.text] = self._value(value, fields[key.text].type, (*path, key.text), {})
            elif key.text != type_.tag_field:
                foreign = f"; {FOREIGN[key.text]}" if key.text in FOREIGN else ""
                hint = foreign or _inside(key.text, type_) or did_you_mean(key.text, free)
                self.report(f"unknown key{hint}", (*path, key.text), key.place)
                meant = closest(key.text, free)
                if meant:
                    self.doubt((*path, meant))
        for name, field in fields.items():
            if field.required and name not in values and (*path, name) not in self.unsound:
                self.report("this key is missing", (*path, name), node.place)
            if values.get(name, INVALID) is INVALID:
                values[name] = _stand_in(field.type) if field.required else _default(field, node.place)
        if INVALID in values.values():
            return INVALID
        struct = type_.cls(**{fields[name].name: value for name, value in values.items()})
        rule = self._rules.get(type_.cls)
        if rule:
            rule(struct, Here(self, path))
        return struct

    def _dict(self, node: Node, type_: inspect.DictType, path: KeyPath) -> Any:
        if not isinstance(node, Table):
            hint = "; write {} for an empty one" if is_null(node) else ""
            return self._refuse(f"expected a mapping{hint}", path, node)
        values = {key.text: self._value(value, type_.value_type, (*path, key.text), {}) for key, value in node.entries}
        return {key: value for key, value in values.items() if value is not INVALID}

    def _anything(self, node: Node, path: KeyPath) -> Any:
        """Return what the node means by itself: any value of YAML's core schema."""
        self.places[path] = node.place
        match node:
            case Broken():
                return INVALID
            case Table():
                found = {key.text: self._anything(value, (*path, key.text)) for key, value in node.entries}
                return INVALID if any(value is INVALID for value in found.values()) else found
            case Sequence():
                items = [self._anything(item, (*path, index)) for index, item in enumerate(node.items)]
                return INVALID if any(item is INVALID for item in items) else items
        return resolve(node.text) if node.plain else node.text

    # --- lists ---

    def _list(self, node: Node, type_: inspect.VarTupleType | inspect.FrozenSetType, path: KeyPath) -> Any:
        if not isinstance(node, Sequence):
            return self._refuse(f"expected a list{_how_to_list(node)}", path, node)
        if len(node.items) < (type_.min_length or 0):
            return self._refuse("the list must not be empty", path, node)
        values: list[Any] = []
        self.kept[path] = []
        for index, item in enumerate(node.items):
            value = self._value(item, type_.item_type, (*path, index), {})
            if isinstance(type_, inspect.FrozenSetType) and value in values:
                self.report(f"{quote(str(value))} is here twice", (*path, index), item.place)
            if value is not INVALID:
                values.append(value)
                self.kept[path].append(index)
        return frozenset(values) if isinstance(type_, inspect.FrozenSetType) else tuple(values)


def is_null(node: Node) -> bool:
    """Tell whether there is nothing where a value should be: ``key:``, ``key: null``, ``key: ~``."""
    return isinstance(node, Scalar) and node.plain and resolve(node.text) is None


def _keys_to_give(node: Node, type_: inspect.StructType) -> str:
    """What to write where a mapping is to be, for whoever wrote something else."""
    required = [field.name for field in type_.fields if field.required]
    if required:
        return f" with the key{'s' if len(required) > 1 else ''} {', '.join(required)}"
    if isinstance(node, Sequence) and node.items:
        return '; what is in it has no "- " before it'
    if not isinstance(node, Scalar) or isinstance(resolve(node.text) if node.plain else node.text, bool | None):
        return "; write {} for the defaults"  # what was there may be meant for: yes, we want that
    return f"; known here: {', '.join(field.name for field in type_.fields)}"


def _tag_to_give(word: str, known: Iterable[str]) -> str:
    """What to write instead of a tag that is none here."""
    advice = ADVICE.get(word)
    named = closest(word, known) in OTHER_NAMES.get(word, ())
    return f"; {advice}" if advice and not named else did_you_mean(word, known)


def _tag_of(word: str, by_tag: Mapping[str, inspect.StructType], untagged: str) -> str | None:
    """The tag of the kind that alone knows a key, if it is not the kind that needs no tag."""
    knowing = [tag for tag, type_ in by_tag.items() if any(word == field.encode_name for field in type_.fields)]
    return knowing[0] if len(knowing) == 1 and knowing[0] != untagged else None


def _inside(word: str, type_: inspect.StructType) -> str:
    """Where a key belongs that is known one level deeper."""
    found = [
        f"{'an item of ' if is_listed else ''}{quote(field.encode_name)}"
        for field in type_.fields
        for struct, is_listed in _structs(field.type)
        if any(word == inner.encode_name for inner in struct.fields)
    ]
    return f"; it belongs to {' or '.join(found)}" if found else ""


def _structs(type_: inspect.Type, is_listed: bool = False) -> Iterator[tuple[inspect.StructType, bool]]:
    """The structs that a value of the type is, or is a list of, and whether it is a list."""
    match type_:
        case inspect.StructType():
            yield type_, is_listed
        case inspect.Metadata():
            yield from _structs(type_.type, is_listed)
        case inspect.UnionType():
            for member in type_.types:
                yield from _structs(member, is_listed)
        case inspect.VarTupleType():
            yield from _structs(type_.item_type, True)


def _how_to_list(node: Node) -> str:
    if is_null(node):
        return "; write [] for an empty one"
    return '; every item begins with "- "' if isinstance(node, Table) else "; write [ ] around it"


def _default(field: inspect.Field, place: Place) -> Any:
    default = field.default_factory() if field.default is NODEFAULT else field.default
    return absolute(default, place) if isinstance(default, Path) else default


def _stand_in(type_: inspect.Type) -> Any:
    """Return something empty for a required key without a usable value, so that the rest can be checked."""
    match type_:
        case inspect.Metadata():
            return _stand_in(type_.type)
        case inspect.VarTupleType():
            return ()
        case inspect.FrozenSetType():
            return frozenset()
        case inspect.StructType() if not any(field.required for field in type_.fields):
            return type_.cls()
    return INVALID
