"""``wampd completion``: what a shell is told, by the very protocol of its script, and by bash itself."""

import os
import subprocess
import sys

import pytest

from tests.support.process import ROOT, environment
from wampd.cli.main import COMMANDS, main


def completed(shell, line, **more):
    """What is told of a line whose last word is not finished."""
    words = line.split(" ")
    told = {"_WAMPD_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), **more}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "wampd"],
        env=environment(PYTHONPATH=str(ROOT), PYTHONWARNINGS="error", **told),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_commands_are_completed_in_bash():
    assert completed("bash", "wampd ") == [f"plain,{name}" for name in COMMANDS]
    assert completed("bash", "wampd vers") == ["plain,version"]
    assert completed("bash", "wampd user dis") == ["plain,disable"]
    assert completed("bash", "wampd nothing ") == [f"plain,{name}" for name in COMMANDS]


def test_zsh_and_fish_are_told_what_commands_do():
    assert completed("zsh", "wampd chec") == ["plain", "check", COMMANDS["check"].summary]
    fish = completed("fish", "wampd chec", COMP_WORDS="wampd chec", COMP_CWORD="chec")
    assert "plain,check" in fish[0]


def test_fish_is_told_all_of_what_a_command_does_also_after_a_comma(capsys):
    [told] = completed("fish", "wampd component", COMP_WORDS="wampd component", COMP_CWORD="component")
    assert told == f"plain,component\t{COMMANDS['component'].summary}"
    assert "," in COMMANDS["component"].summary
    assert main(["completion", "fish"]) == 0
    assert 'string split --max 1 "," $completion' in capsys.readouterr().out


def test_options_values_and_files_are_completed():
    assert completed("bash", "wampd user add --passw") == ["plain,--password", "plain,--password-stdin"]
    assert completed("bash", "wampd auth explain --match pre") == ["plain,prefix"]
    assert completed("bash", "wampd check conf") == ["file,conf"]
    assert completed("bash", "wampd --ver") == ["plain,--version"]


def test_profiles_are_completed_and_a_wrong_file_completes_nothing(tmp_path):
    file = tmp_path / "wampd" / "profiles.yaml"
    file.parent.mkdir()
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert completed("bash", "wampd call --profile ", **home) == [""]
    file.write_text("profiles: {work: {url: ws://127.0.0.1:1/ws}, home: {url: ws://127.0.0.1:2/ws}}\n")
    assert completed("bash", "wampd call --profile ", **home) == ["plain,work", "plain,home"]
    assert completed("bash", "wampd profile show h", **home) == ["plain,home"]
    file.write_text("profiles: [\n")
    assert completed("bash", "wampd profile show h", **home) == [""]


def test_where_profiles_cannot_be_looked_for_there_are_none(monkeypatch, capsys):
    monkeypatch.setenv("XDG_CONFIG_HOME", "/tmp/" + "x" * 300)  # fails as the home of somebody else does
    assert main(["profile", "show", "work"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_levels_of_the_log_are_completed():
    assert completed("bash", "wampd log level http=war") == ["plain,http=warn"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_script_asks_wampd_itself(shell, capsys):
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert f"_WAMPD_COMPLETE={shell}_complete" in out
    assert "_wampd_completion" in out


def test_bash_completes_with_the_script(tmp_path):
    """In a real bash: the script is read, and its function asked as the shell would ask it."""
    wampd = tmp_path / "wampd"
    wampd.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m wampd "$@"\n')
    wampd.chmod(0o755)
    program = (
        'eval "$(wampd completion bash)"\n'
        "COMP_WORDS=(wampd ver); COMP_CWORD=1\n"
        '_wampd_completion wampd; echo "${COMPREPLY[@]}"\n'
        "complete -p wampd\n"
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", program],
        env=environment(PYTHONPATH=str(ROOT), PATH=f"{tmp_path}:{os.environ['PATH']}"),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["version", "complete -o nosort -F _wampd_completion wampd"]


def test_a_shell_that_is_not_known_is_told(capsys):
    assert main(["completion", "tcsh"]) == 2
    assert capsys.readouterr().err == "wampd completion: no such command 'tcsh'; see wampd completion --help\n"
