"""Settings of the process: its user, its mask, its PID file."""

import pytest

from wampd.router.settings.process import umask_of

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def test_without_a_word_the_process_stays_who_started_it_and_its_files_are_its_own(config):
    process = config.load(GOOD).process
    assert process.user is None
    assert umask_of(process) == 0o077
    assert not process.new_privileges
    assert process.pid_file is None


@pytest.mark.parametrize(("written", "expected"), [("027", 0o027), ('"0022"', 0o022), ("null", None), ("0", 0)])
def test_a_mask_is_octal_in_quotes_or_not(config, written, expected):
    assert umask_of(config.load(GOOD + f"process: {{umask: {written}}}\n").process) == expected


def test_a_pid_file_is_relative_to_the_configuration(config):
    assert config.load(GOOD + "process: {pid_file: wampd.pid}\n").process.pid_file == config.directory / "wampd.pid"


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        ("{user: nobodi}", 'process.user: there is no user "nobodi"; did you mean "nobody"?'),
        ("{user: ''}", "process.user: the text must not be empty"),
        ("{user: nobody, group: nogrup}", 'process.group: there is no group "nogrup"; did you mean "nogroup"?'),
        ("{group: nogroup}", "process.group: without user this changes nothing"),
        ("{umask: 1000}", "process.umask: expected a mask in octal, 000 to 777, such as 077"),
        ("{umask: 089}", "process.umask: expected a mask in octal, 000 to 777, such as 077"),
        ("{umask: u=rwx}", "process.umask: expected a mask in octal, 000 to 777, such as 077"),
        ("{pid_file: no/such/wampd.pid}", 'process.pid_file: there is no directory "no/such"'),
        ("{pid_file: .}", 'process.pid_file: "." is not a file'),
        ("{pidfile: wampd.pid}", 'process.pidfile: unknown key; did you mean "pid_file"?'),
    ],
)
def test_what_cannot_be_is_said_where_it_is_written(config, process, expected):
    problem = config.problem(GOOD + f"process: {process}\n")
    assert problem.replace(f'"{config.directory}"', '"."') == expected
