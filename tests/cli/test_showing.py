"""What others have written steers no terminal, whichever way it gets there."""

import json

import click
import pytest

from wampd.cli import showing, words
from wampd.cli.speaking.ending import complain
from wampd.cli.speaking.values import json_block, json_line
from wampd.cli.words import EXIT_FAILED, Failure

EVIL = "é\x1b[2J\x07\x7f\x9b31m\u2028\u202e\u2066"


def is_harmless(text):
    return all(line.isprintable() for line in text.rstrip("\n").split("\n"))


def test_json_is_the_same_value_and_harmless(monkeypatch, capsys):
    for text in (json_line([EVIL]), json_block([EVIL])):
        assert is_harmless(text)
        assert json.loads(text) == [EVIL]
    for person in (True, False):
        monkeypatch.setattr(showing, "is_terminal", lambda person=person: person)
        showing.as_json({"said": EVIL})
        text = capsys.readouterr().out
        assert is_harmless(text)
        assert json.loads(text) == {"said": EVIL}


def test_what_went_wrong_is_harmless_and_may_have_lines(capsys):
    complain(f"first {EVIL}\nsecond")
    text = capsys.readouterr().err
    assert is_harmless(text)
    assert text == "wampd: first é\\x1b[2J\\x07\\x7f\\x9b31m\\u2028\\u202e\\u2066\nsecond\n"


@pytest.mark.parametrize("wrong", [Failure(EVIL, EXIT_FAILED), click.UsageError(EVIL), click.ClickException(EVIL)])
def test_so_are_errors_of_commands(capsys, wrong):
    @click.command()
    def fails():
        raise wrong

    assert words.carry_out(fails, []) != 0
    assert is_harmless(capsys.readouterr().err)
