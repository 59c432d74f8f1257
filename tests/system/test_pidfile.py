"""The PID file: held by one, replaced when it is stale, taken over by who is given the descriptor."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.needs import unavailable
from wampd.router.system.pidfile import PidFile, Taken


def test_it_holds_the_number_while_the_router_runs_and_is_gone_afterwards(tmp_path):
    file = tmp_path / "wampd.pid"
    held = PidFile.hold(file)
    assert file.read_text() == ""
    held.write(4711)
    assert file.read_text() == "4711\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    held.remove()
    assert not file.exists()


def test_who_comes_second_is_told_who_runs(tmp_path):
    file = tmp_path / "wampd.pid"
    held = PidFile.hold(file)
    held.write(4711)
    with pytest.raises(Taken, match=f"^process 4711 runs already: it holds the PID file {file}$"):
        PidFile.hold(file)
    assert file.read_text() == "4711\n"
    held.remove()


def test_of_one_that_has_not_written_yet_no_old_number_is_told(tmp_path):
    file = tmp_path / "wampd.pid"
    held = PidFile.hold(file)
    with pytest.raises(Taken, match=r"^another wampd runs already"):
        PidFile.hold(file)
    held.remove()


@pytest.mark.parametrize("content", ["", "\n", "4711\n", "9" * 100])
def test_a_stale_file_is_replaced(tmp_path, content):
    file = tmp_path / "wampd.pid"
    file.write_text(content)
    held = PidFile.hold(file)
    held.write(5)
    assert file.read_text() == "5\n"
    held.remove()


def test_a_file_of_one_that_was_killed_is_stale(tmp_path):
    file = tmp_path / "wampd.pid"
    script = (
        "import sys, time; from pathlib import Path; from wampd.router.system.pidfile import PidFile\n"
        "held = PidFile.hold(Path(sys.argv[1])); held.write(1); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(file)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Taken):
            PidFile.hold(file)
        other.kill()
        other.wait()
    PidFile.hold(file).remove()


def test_a_link_is_not_followed(tmp_path):
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    (tmp_path / "wampd.pid").symlink_to(elsewhere)
    with pytest.raises(Taken, match=r"cannot write the PID file .*wampd\.pid: it is a link"):
        PidFile.hold(tmp_path / "wampd.pid")
    assert elsewhere.read_text() == "precious"


def test_a_file_that_is_something_else_is_left_alone(tmp_path):
    """A word of the configuration may be wrong, and the router is started as root."""
    file = tmp_path / "config.yaml"
    file.write_text("realms: []\n")
    with pytest.raises(Taken, match=r"is left alone: it holds something else than the number of a process$"):
        PidFile.hold(file)
    assert file.read_text() == "realms: []\n"


def test_a_file_with_another_name_is_left_alone(tmp_path):
    """It would be emptied, written, and given to the router's user, under both names."""
    elsewhere, file = tmp_path / "precious", tmp_path / "wampd.pid"
    elsewhere.write_text("17")
    file.hardlink_to(elsewhere)
    with pytest.raises(Taken, match="is left alone: it has another name as well"):
        PidFile.hold(file)
    assert elsewhere.read_text() == "17"


def test_a_file_of_another_user_is_left_alone_unless_the_router_will_be_that_user(tmp_path):
    if os.geteuid() != 0:
        unavailable("only root can make a file of another user; run the tests as root")
    file = tmp_path / "wampd.pid"
    file.touch()
    os.chown(file, 12345, -1)
    with pytest.raises(Taken, match="is left alone: it belongs to another user"):
        PidFile.hold(file)
    with pytest.raises(Taken, match="is left alone: it belongs to another user"):
        PidFile.hold(file, 12346)
    PidFile.hold(file, 12345).remove()
    assert not file.exists()


def test_what_is_no_ordinary_file_is_left_alone_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "wampd.pid")
    with pytest.raises(Taken, match="is left alone: it is no ordinary file"):
        PidFile.hold(tmp_path / "wampd.pid")
    with pytest.raises(Taken, match="is left alone: it is no ordinary file"):
        PidFile.hold(Path("/dev/null"))


def test_who_is_given_the_descriptor_holds_it_when_the_first_has_let_it_be(tmp_path):
    file = tmp_path / "wampd.pid"
    first = PidFile.hold(file)
    first.write(1)
    second = PidFile(file, os.dup(first.fileno()))
    second.write(2)
    first.close()
    with pytest.raises(Taken, match="process 2 runs already"):
        PidFile.hold(file)
    second.remove()
    assert not file.exists()


def test_a_file_that_was_put_in_its_place_is_not_removed(tmp_path):
    file = tmp_path / "wampd.pid"
    held = PidFile.hold(file)
    file.unlink()
    file.write_text("somebody else's")
    held.remove()
    assert file.read_text() == "somebody else's"
