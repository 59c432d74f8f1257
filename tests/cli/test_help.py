"""What ``--help`` says: one style for all commands, and examples that can be typed as they stand."""

import re
import shlex
import textwrap
from collections.abc import Iterator

import click
import pytest

from wampd.cli.main import main, root
from wampd.cli.words import Command, Group


def commands(
    group: click.Group = root, path: tuple[str, ...] = (), parent: click.Context | None = None
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command and group, with the words that call it."""
    context = click.Context(group, info_name=path[-1] if path else "wampd", parent=parent)
    yield path, group
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name), context)
        else:
            yield (*path, name), found


ALL = dict(commands())
LEAVES = {path: found for path, found in ALL.items() if not isinstance(found, click.Group)}
FRAGMENT = re.compile(r"[^A-Z]|[A-Z]{2}")  # small, or a word such as URI


def named(path: tuple[str, ...]) -> str:
    return " ".join(path) or "wampd"


@pytest.mark.parametrize("path", ALL, ids=named)
def test_every_option_and_argument_says_what_it_is_in_a_fragment(path):
    found = ALL[path]
    context = click.Context(found, info_name=named(path))
    for parameter in found.get_params(context):
        said = parameter.help  # options and arguments both have one
        assert said, parameter.name
        assert FRAGMENT.match(said), said
        assert not said.endswith("."), said


@pytest.mark.parametrize("path", ALL, ids=named)
def test_every_value_is_called_what_it_is(path, capsys):
    assert main([*path, "--help"]) == 0
    out = capsys.readouterr().out
    assert not re.search(r"\b(TEXT|INTEGER|FLOAT|PATHNAME|RANGE)\b", out)


@pytest.mark.parametrize("path", ALL, ids=named)
def test_a_summary_is_a_fragment_and_the_help_is_sentences(path):
    found = ALL[path]
    assert isinstance(found, Command | Group)
    assert found.help is not None
    assert all(part.strip()[-1] in ".:" for part in found.help.split("\n\n") if "\b" not in part)
    if isinstance(found, Group):
        context = click.Context(found, info_name=named(path))
        for name in found.list_commands(context):
            [entry] = [each for each in found._entries() if each[0] == name]
            assert not entry[1].summary.endswith("."), name
            assert entry[1].summary[0].islower(), name


@pytest.mark.parametrize("path", LEAVES, ids=named)
def test_every_command_has_an_example_of_itself(path):
    examples = LEAVES[path].examples
    assert any(f"wampd {' '.join(path)}" in line for line in examples)


def test_the_profiles_that_help_shows_are_profiles(tmp_path, monkeypatch, capsys):
    shown = textwrap.dedent(ALL[("profile",)].help.partition("\b\n")[2])
    file = tmp_path / "wampd" / "profiles.yaml"
    file.parent.mkdir()
    file.write_text(shown)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (file.parent / "joe.ticket").write_text("hunter2\n")
    (file.parent / "joe.ticket").chmod(0o600)
    assert main(["profile", "list"]) == 0
    assert capsys.readouterr().out.split() == [
        *("*", "local", "ws://127.0.0.1:8080/ws"),
        *("work", "wss://router.example.com/ws"),
    ]


def lines() -> Iterator[str]:
    for found in ALL.values():
        yield from found.examples


def spoken(line: str) -> Iterator[list[str]]:
    """What follows ``wampd`` in a line of the shell, as often as it stands there."""
    for part in re.findall(r"\$\((wampd [^)]*)\)", line) or [line]:
        words = shlex.shlex(part, posix=True, punctuation_chars="|<>&")
        words.whitespace_split = True
        words.commenters = "#"
        one: list[str] = []
        for word in [*words, "|"]:
            if word in ("|", "<", ">", "&&"):
                if one[:1] == ["wampd"]:
                    yield one[1:]
                one = []
            else:
                one.append(word)


@pytest.mark.parametrize("line", list(lines()))
def test_every_example_is_understood(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no example depends on a file that is here
    for words in spoken(line):
        context: click.Context | None = None
        found: click.Command = root
        while isinstance(found, click.Group) and words and not words[0].startswith("-"):
            context = click.Context(found, info_name=found.name, parent=context)
            _name, inner, words = found.resolve_command(context, words)
            assert inner is not None
            found = inner
        if words != ["--help"]:
            found.make_context(named(()), list(words), parent=context).close()


def test_the_examples_are_not_wider_than_the_help():
    too_wide = [line for line in lines() if len(line) > 118]
    assert too_wide == []
