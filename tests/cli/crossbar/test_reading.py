"""Files of Crossbar.io are read with places; what is wrong with one is told with line and column."""

import pytest

from wampd.cli.crossbar.reading import MAX_DEPTH, read
from wampd.router.settings import SettingsError


def written(tmp_path, text, name="config.json"):
    file = tmp_path / name
    file.write_bytes(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    return file


def trouble(tmp_path, text, name="config.json"):
    with pytest.raises(SettingsError) as caught:
        read(written(tmp_path, text, name))
    (problem,) = caught.value.problems
    return f"{problem.place.line}:{problem.place.column}: {problem.message}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: not valid JSON: expected a value, but found the end"),
        ("{\n  a: 1}", '2:3: not valid JSON: expected a key in double quotes, but found "a"'),
        ('{"a": 1,\n}', '2:1: not valid JSON: expected another one after the comma, but found "}"'),
        ('{"a": 1 "b": 2}', '1:9: not valid JSON: expected "," or "}", but found "\\""'),
        ('{"a" 1}', '1:6: not valid JSON: expected ":", but found "1"'),
        ("[1]\n]", '2:1: not valid JSON: expected the end of the file, but found "]"'),
        ('{"a": 1, "a": 2}', '1:10: the key "a" is here twice'),
        ('["\\x"]', "1:2: not valid JSON: there is no such escape sequence"),
        ('["a\nb"]', "1:2: not valid JSON: the text in quotes does not end on its line"),
        ("[1e999]", "1:2: the number 1e999 is too large"),
        ('["\\u0000"]', "1:2: a text holds the character U+0000"),
        ('["\\ud800"]', "1:2: a text holds half of a surrogate pair"),
        ("[-123456789012345678901]", "1:2: a whole number has at most 20 digits"),
        ("[NaN]", '1:2: not valid JSON: expected a value, but found "N"'),
        ("[" * (MAX_DEPTH + 2), f"1:{MAX_DEPTH + 2}: nested deeper than {MAX_DEPTH} levels"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(tmp_path, text, said):
    assert trouble(tmp_path, text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "1:1: the file is empty"),
        ("a: 1\na: 2", '2:1: the key "a" is here twice'),
        ("1: a", "1:1: a key is a text; write it in quotes"),
        ("a: 2020-01-01", "1:4: this is read as a date; write it in quotes"),
        ("a: .inf", "1:4: infinity, and what is not a number, have no meaning here"),
        ("a: !include b", "1:4: not valid YAML: could not determine a constructor for the tag '!include'"),
        ("a: &a [*a]", f"1:4: nested deeper than {MAX_DEPTH} levels"),
        ("a: !!bool maybe", "1:4: not a value that YAML 1.1 knows"),
        ('a: !!int ""', "1:4: not a value that YAML 1.1 knows"),
        ("a: !!timestamp soon", "1:4: not a value that YAML 1.1 knows"),
        ("a: " + "1:" * 300_000 + "1", "1:4: a number is too long"),
        ("a: " + "9:" * 190 + "9.5", "1:4: not a value that YAML 1.1 knows"),
        ("a: 1\nb: \x07", "2:1: not valid YAML: special characters are not allowed"),
        ("a: [", "1:5: not valid YAML: expected the node content, but found '<stream end>'"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(tmp_path, text, said):
    assert trouble(tmp_path, text, "config.yaml") == said


def test_a_file_that_is_not_utf_8_or_not_there_is_told(tmp_path):
    assert trouble(tmp_path, b'{"a":\n"\xff"}') == "2:1: the file is not UTF-8"
    with pytest.raises(SettingsError, match="cannot read the file: No such file"):
        read(tmp_path / "gone.json")


def test_every_value_of_json_knows_its_place_and_the_way_to_it(tmp_path):
    item = read(written(tmp_path, '\ufeff{\n\t"a": [true, null, -1.5e1, 12, "\\u00e4\\n"]}'))
    (key, values) = next(item.items())
    assert key == "a"
    assert item.plain() == {"a": [True, None, -15.0, 12, "ä\n"]}
    assert [each.path for each in values.value] == [("a", index) for index in range(5)]
    assert [(each.place.line, each.place.column) for each in values.value] == [
        (2, 8),
        (2, 14),
        (2, 20),
        (2, 28),
        (2, 32),
    ]


def test_yaml_means_what_crossbar_reads_in_it(tmp_path):
    text = "base: &base {a: yes, b: 0o7}\nmore:\n  <<: *base\n  b: 1\nagain: *base\n"
    item = read(written(tmp_path, text, "config.yaml"))
    assert item.plain() == {
        "base": {"a": True, "b": "0o7"},
        "more": {"a": True, "b": 1},
        "again": {"a": True, "b": "0o7"},
    }


@pytest.mark.parametrize(
    "mistake", [[], "text", {"workers": {}}, {"workers": [1]}, {"workers": [{"type": "rooter"}]}, {"version": 3}]
)
def test_what_is_no_node_configuration_is_told(tmp_path, mistake):
    import json

    from wampd.cli.crossbar.importing import Imported

    with pytest.raises(SettingsError) as caught:
        Imported(written(tmp_path, json.dumps(mistake)), None, tmp_path)
    assert caught.value.problems
