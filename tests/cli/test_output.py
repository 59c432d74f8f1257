"""How a command ends when standard output takes nothing: nobody reads it, it is full, it was never there."""

import os
import subprocess

import pytest

from tests.support.process import environment, wampd_command
from wampd.cli.configuration import packaged_default

COMMANDS = [
    ("version",),
    ("check", str(packaged_default())),
    ("--help",),
    ("completion", "bash"),
    ("init", "x", "--yes"),
]
AT_ONCE, AT_THE_END = "1", ""
"""PYTHONUNBUFFERED: what is said is written at once, or when the process ends."""


def run(command, stdout, unbuffered, cwd):
    env = environment(PYTHONUNBUFFERED=unbuffered)
    done = subprocess.run(
        wampd_command(*command),
        cwd=cwd,
        env=env,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", [AT_ONCE, AT_THE_END])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: words[0])
def test_who_reads_no_more_ends_a_command_as_sigpipe_does_and_without_a_word(command, unbuffered, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(command, writer, unbuffered, tmp_path) == (141, "")
    finally:
        os.close(writer)


@pytest.mark.parametrize("unbuffered", [AT_ONCE, AT_THE_END])
@pytest.mark.parametrize("command", COMMANDS[:2], ids=lambda words: words[0])
def test_a_full_disk_is_one_line_and_not_done(command, unbuffered, tmp_path):
    with open("/dev/full", "wb") as full:
        status, said = run(command, full, unbuffered, tmp_path)
    assert (status, said) == (1, "wampd: cannot write what there is to say: No space left on device\n")


def test_a_command_without_standard_output_is_done_all_the_same(tmp_path):
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *map(str, wampd_command("check", packaged_default()))]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
