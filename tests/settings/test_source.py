"""Files → nodes: YAML's traps, variables, includes."""

import os

import pytest
import yaml

from wampd.router.settings import SettingsError, load, source

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def test_a_key_that_is_there_twice_is_reported_with_both_lines(config):
    assert config.problems(GOOD + "log: {level: info}\nlog: {level: debug}\n") == [
        "config.yaml:9:1: log: this key is here twice; the first is in line 8"
    ]


def test_keys_that_are_equal_only_after_expansion_are_there_twice(config):
    text = GOOD + "    websocket: {/ws: {type: wamp}, '/${W}': {type: echo}}\n"
    assert config.problem(text, W="ws").startswith('listeners[0].websocket["/ws"]: this key is here twice')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "config.yaml:1:1: the file is empty"),
        ("# nothing\n", "config.yaml:1:1: the file is empty"),
        ("- realms\n", "config.yaml:1:1: expected a mapping"),
        ("realms", "config.yaml:1:1: expected a mapping"),
        (
            "realms: []\n---\nrealms: []\n",
            "config.yaml:2:1: not valid YAML: one document is expected, but another begins",
        ),
        ("realms:\n\t- name: x\n", "config.yaml:2:1: not valid YAML: a tab cannot indent; use spaces"),
        ("realms: [\n", "config.yaml:2:1: not valid YAML: "),
        (
            "rules: [{uri: com.{authid}., allow: [call]}]\n",
            "config.yaml:1:19: not valid YAML: did not find expected ',' or '}' while parsing a flow mapping;"
            " a text with braces in it needs quotes",
        ),
        (
            'a: "b\nc: d\n',
            "config.yaml:3:1: not valid YAML: found unexpected end of stream while scanning a quoted scalar,"
            " which begins in line 1",
        ),
        ("a: b: c\n", "config.yaml:1:5: not valid YAML: mapping values are not allowed in this context"),
        (b"realms: \xff\n", "config.yaml:1:9: the file is not UTF-8"),
        (b"a: b\nc\xc3\xa4: \xc3(\n", "config.yaml:2:5: the file is not UTF-8"),
        ("realms:\n  a\x00b", "config.yaml:2:4: the character U+0000 must not be in a YAML file"),
        ("a: *nothing", "config.yaml:1:4: not valid YAML: found undefined alias"),
        (
            "realms: !!python/object:os.system [x]",
            'config.yaml:1:9: realms: the tag "tag:yaml.org,2002:python/object:os.system" is not known',
        ),
        ("realms: !secret x", 'config.yaml:1:9: realms: the tag "!secret" is not known; only !include is'),
        ("? [a]\n: 1\n", "config.yaml:1:3: a key must be plain text"),
        ("a: &x {b: 1}\n<<: *x\n", "config.yaml:2:1: merge keys"),
    ],
)
def test_what_is_no_configuration_is_reported_where_it_is(config, text, expected):
    assert any(problem.startswith(expected) for problem in config.problems(text))


def test_a_byte_order_mark_is_no_problem(config):
    assert config.load(b"\xef\xbb\xbf" + GOOD.encode()).realms[0].name == "realm1"


def test_a_file_that_is_not_there_is_one_problem(config):
    missing = config.directory / "config.yaml"
    with pytest.raises(SettingsError) as caught:
        load(missing, {})
    assert str(caught.value) == f'{missing}:1:1: cannot read "{missing}": No such file or directory'


def test_a_directory_is_one_problem(config):
    with pytest.raises(SettingsError, match="Is a directory"):
        load(config.directory, {})


def test_no_text_holds_a_null_character(config):
    assert config.problem(GOOD + 'log: !include "a\\0b"\n') == "log: a text must not hold the character U+0000"


def test_a_huge_file_is_refused_before_it_is_parsed(config):
    assert config.problems(b"#" * (source.MAX_FILE_SIZE + 1)) == [
        f"config.yaml:1:1: the file is larger than {source.MAX_FILE_SIZE} bytes"
    ]


def test_aliases_may_be_used(config):
    roles = "[{name: a, permissions: &p [{uri: x.y, allow: [call]}]}, {name: b, permissions: *p}]"
    settings = config.load(GOOD.replace("[{name: anonymous}]", roles).replace("anonymous: {}", "anonymous: {role: a}"))
    first, second = settings.realms[0].roles
    assert first.permissions == second.permissions
    assert first.permissions[0].uri == "x.y"


def test_an_alias_bomb_is_one_problem(config):
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    for level in range(1, 10):
        bomb += f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n"
    problems = config.problems(bomb)
    assert sum("more than 200000 values" in problem for problem in problems) == 1


def test_an_alias_to_what_contains_it_is_a_problem(config):
    problems = config.problems(GOOD + "log: &log {level: *log}\n")
    assert "config.yaml:8:6: log.level: an alias stands for something that contains it" in problems


@pytest.mark.parametrize("depth", [70, 900, 5000])
@pytest.mark.parametrize("loader", [yaml.BaseLoader, source._LOADER])
def test_deep_nesting_is_a_problem_and_not_a_crash(config, monkeypatch, depth, loader):
    monkeypatch.setattr(source, "_LOADER", loader)
    assert config.problems("log: " + "[" * depth + "]" * depth)[0].startswith("config.yaml:1:")


# --- variables ---


def test_a_variable_stands_anywhere_in_a_text_and_in_a_key(config):
    text = GOOD.replace("realm1", "com.${NAME}.x").replace("rawsocket: {}", "websocket: {'/${P}': {type: '${T}'}}")
    settings = config.load(text, NAME="app", P="ws", T="echo")
    assert settings.realms[0].name == "com.app.x"
    assert list(settings.listeners[0].websocket) == ["/ws"]


@pytest.mark.parametrize(
    "written", ["${N}", '"${N}"', "${N:-7}", "'${N:-7}'", "${NO:-12}", '"${EMPTY:-12}"', "1${TWO}"]
)
def test_a_variable_is_a_number_where_a_number_is_wanted(config, written):
    limits = config.load(f"{GOOD}limits: {{connections: {quoted(written)}}}\n", N="12", EMPTY="", TWO="2").limits
    assert limits.connections == 12


def quoted(written: str) -> str:
    return written if written[0] in "\"'" else f'"{written}"'


def test_a_variable_is_a_boolean_where_a_boolean_is_wanted(config):
    text = GOOD.replace("roles:", "strict_request_ids: ${S}\n    roles:")
    assert config.load(text, S="true").realms[0].strict_request_ids is True
    assert config.problem(text, S="yes").endswith('expected true or false; the value of "${S}" is something else')


@pytest.mark.parametrize("value", ["12345", "true", "null", "~", "0x10", "${OTHER}", "a: b # c", "$"])
def test_a_variable_is_text_where_text_is_wanted_whatever_it_looks_like(config, value):
    text = GOOD + "components: [{name: x, command: [sh], environment: {A: '${V}'}, ready: {log: '${V}'}}]\n"
    settings = config.load(text, V=value)
    assert settings.components[0].environment == {"A": value}
    assert settings.components[0].ready.log == value


def test_two_dollars_are_one_and_other_dollars_are_themselves(config):
    text = GOOD + "components: [{name: x, command: [sh, -c, 'echo $HOME $$HOME $${HOME} $ 5$']}]\n"
    assert config.load(text).components[0].command[2] == "echo $HOME $HOME ${HOME} $ 5$"


@pytest.mark.parametrize("wrong", ["${}", "${A", "${1A}", "${A-x}", "${A:-${B}}", "${A:x}", "${ A }"])
def test_what_is_no_reference_is_a_problem(config, wrong):
    problems = config.problems(GOOD + f"log: {{level: '{wrong}'}}\n", B="b")
    assert problems[0].startswith("config.yaml:8:14: log.level: not a variable; write ${NAME}")


def test_all_unset_variables_are_reported_and_nothing_else(config):
    assert config.problems(GOOD + "log: {level: '${A}${B}', format: '${C}'}\n") == [
        "config.yaml:8:14: log.level: the environment variable A is not set, and there is no default",
        "config.yaml:8:14: log.level: the environment variable B is not set, and there is no default",
        "config.yaml:8:34: log.format: the environment variable C is not set, and there is no default",
    ]


def test_an_empty_variable_is_empty_text(config):
    assert config.problem(GOOD + "components: [{name: '${E}', command: [sh]}]", E="") == (
        "components[0].name: the text must not be empty"
    )


def test_the_python_that_runs_wampd_is_known_unless_the_environment_says_otherwise(config):
    text = GOOD + "components: [{name: x, command: ['${WAMPD_PYTHON}']}]\n"
    assert os.access(config.load(text).components[0].command[0], os.X_OK)
    assert config.load(text, WAMPD_PYTHON="/bin/sh").components[0].command == ("/bin/sh",)


# --- includes ---


def test_an_included_file_is_as_if_it_was_here_with_paths_of_its_own(config):
    config.write("- {name: x, command: [sh]}\n- !include deep/one.yaml\n", "parts/components.yaml")
    config.write("{name: y, command: [sh], directory: .}", "parts/deep/one.yaml")
    x, y = config.load(GOOD + "components: !include '${DIR:-parts}/components.yaml'\n").components
    assert (x.name, x.directory) == ("x", config.directory / "parts")
    assert (y.name, y.directory) == ("y", config.directory / "parts" / "deep")


def test_problems_in_an_included_file_point_into_it_with_the_whole_path_of_the_key(config):
    config.write("level: loud\nformt: text\n", "log.yaml")
    assert config.problems(GOOD + "log: !include log.yaml\nlimits: {stop: x}\n") == [
        'log.yaml:1:8: log.level: expected one of critical, debug, error, info, warn, not "loud"',
        'log.yaml:2:1: log.formt: unknown key; did you mean "format"?',
        'config.yaml:9:16: limits.stop: expected a number of seconds, such as 10 s or 2.5, not "x"',
    ]


def test_includes_that_go_in_circles_are_a_problem(config):
    config.write("level: !include b.yaml\n", "a.yaml")
    config.write("!include a.yaml\n", "b.yaml")
    assert config.problems(GOOD + "log: !include a.yaml\n") == ['b.yaml:1:1: log.level: "a.yaml" includes itself']


def test_a_file_that_includes_itself_by_another_name_is_a_problem(config):
    (config.directory / "link.yaml").symlink_to("config.yaml")
    assert config.problem(GOOD + "log: !include link.yaml\n") == 'log: "link.yaml" includes itself'


def test_a_long_chain_of_includes_is_a_problem(config):
    for index in range(source.MAX_INCLUDE_DEPTH + 1):
        config.write(f"!include {index + 1}.yaml", f"{index}.yaml")
    assert "include each other" in config.problem(GOOD + "log: !include 0.yaml\n")


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ("!include missing.yaml", 'config.yaml:8:6: log: cannot read "missing.yaml": No such file or directory'),
        ("!include .", 'config.yaml:8:6: log: cannot read "{dir}": Is a directory'),
        ("!include [a]", "config.yaml:8:6: log: !include takes the name of a file"),
        ("!include ''", "config.yaml:8:6: log: !include takes the name of a file"),
        ("!include empty.yaml", "empty.yaml:1:1: log: the file is empty"),
        (
            "!include '${NO}.yaml'",
            "config.yaml:8:6: log: the environment variable NO is not set, and there is no default",
        ),
    ],
)
def test_an_include_that_cannot_be_is_one_problem(config, include, expected):
    config.write("", "empty.yaml")
    assert config.problems(GOOD + f"log: {include}\n") == [expected.format(dir=config.directory)]
