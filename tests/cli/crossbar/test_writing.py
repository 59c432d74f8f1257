"""What is written is what wampd reads: law, over all values."""

from hypothesis import given
from hypothesis import strategies as st

from tests.cli.crossbar.generating import json_values, texts
from wampd.cli.crossbar.document import Entry, Expanded, Rows, Table, table, words
from wampd.cli.crossbar.writing import scalar, write
from wampd.router.settings.nodes import Scalar, Sequence
from wampd.router.settings.nodes import Table as TableNode
from wampd.router.settings.scalars import resolve
from wampd.router.settings.source import Reader


def document(value):
    if isinstance(value, dict):
        return Table({key: Entry(document(each)) for key, each in value.items()})
    return Rows([Entry(document(each)) for each in value]) if isinstance(value, list) else value


def meant(node):
    """What settings make of a value of any kind."""
    if isinstance(node, TableNode):
        return {key.text: meant(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [meant(item) for item in node.items]
    assert isinstance(node, Scalar)
    return resolve(node.text) if node.plain or node.expanded else node.text


def read_back(tmp_path, made):
    problems = []
    file = tmp_path / "made.yaml"
    file.write_text(write(made), encoding="utf-8")
    node = Reader({"NAME": "value"}, problems).read(file)
    assert problems == []
    return meant(node)


@given(st.dictionaries(texts.filter(lambda text: text), json_values, min_size=1, max_size=3))
def test_every_value_is_read_as_what_it_was(tmp_path_factory, value):
    made = Table()
    made.put("value", document(value))
    assert read_back(tmp_path_factory.mktemp("w"), made) == {"value": value}


def test_texts_that_look_like_something_else_are_in_quotes():
    assert [scalar(text) for text in ("true", "No", "1", "1.5", "~", "", "a b", "a: b", "#a", "- a")] == [
        *('"true"', '"No"', '"1"', '"1.5"', '"~"', '""', '"a b"', '"a: b"', '"#a"', '"- a"')
    ]
    assert [scalar(text) for text in ("com.example.", "/ws", "tcp:8080:interface=127.0.0.1", "16 MiB")] == [
        *("com.example.", "/ws", "tcp:8080:interface=127.0.0.1", "16 MiB")
    ]


def test_variables_are_what_is_said_to_be_one_and_nothing_else(tmp_path):
    made = table({"a": Expanded("${NAME}"), "b": "${NAME}", "c": "$NAME", "d": "$$"})
    assert read_back(tmp_path, made) == {"a": "value", "b": "${NAME}", "c": "$NAME", "d": "$$"}


def test_short_things_are_on_one_line_long_and_commented_ones_are_not():
    made = Table()
    made.put("names", words(["a", "b"]), None, "about the names")
    made.put("long", words(["x" * 60, "y" * 60]))
    rows = made.rows("rows")
    rows.add(table({"name": "a", "list": words(["b"])}), None, "the first")
    rows.tail = ["- {more: true}"]
    assert write(made) == (
        "# about the names\nnames: [a, b]\n\n"
        f"long:\n  - {'x' * 60}\n  - {'y' * 60}\n\n"
        "rows:\n  # the first\n  - {name: a, list: [b]}\n  # - {more: true}\n"
    )
