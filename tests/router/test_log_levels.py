"""Levels of the log, changed while the router runs: by operators, and as they are seen in its log."""

import json
import socket
from pathlib import Path

import pytest

from tests.router.test_control import CONFIG, Client, a_router, closed  # noqa: F401 - a fixture
from tests.support.process import running_wampd
from wampd.realms.services import INVALID_ARGUMENT
from wampd.router.observe.journal import SOCKET


def operator(place, wampd):
    client = Client(socket.AF_UNIX, str(place / f"{wampd.pid}.sock"))
    assert client.join("wampd")[0] == 2
    return client


def comes_and_goes(port, realm="realm1"):
    client = Client(socket.AF_INET, ("127.0.0.1", port))
    client.join(realm)
    client.socket.close()


def lines(wampd, word):
    return [each for each in map(json.loads, wampd.log().splitlines()) if word in each["message"]]


def test_an_operator_sees_the_levels_and_changes_them(tmp_path):
    with a_router(tmp_path, "log: {format: json, levels: {sessions: warn}}") as (wampd, port, place, _):
        desk = operator(place, wampd)
        levels = desk.call("wampd.log.levels")[3][0]
        assert levels["sessions"] == {"level": "warn", "configured": "warn", "seconds": None}
        assert levels["twisted"]["level"] == "warn"
        comes_and_goes(port)
        assert desk.call("wampd.log.set", "sessions", "info", 60)[3][0]["sessions"]["level"] == "info"
        comes_and_goes(port)
        wampd.wait_until(lambda: lines(wampd, "left realm1"), "it has left")
        (joined,) = lines(wampd, "joined realm1")
        (left,) = lines(wampd, "left realm1")
        assert (joined["realm"], joined["subsystem"], joined["session"]) == ("realm1", "sessions", left["session"])
        assert left["duration"] >= 0
        assert (left["received"], left["sent"]) == (0, 1)
        desk.say(48, 2, {}, "wampd.log.set", [], {"subsystem": "sessions", "level": None})
        assert desk.hear()[3][0]["sessions"] == {"level": "warn", "configured": "warn", "seconds": None}
        assert lines(wampd, "the level of sessions is info now, for 60 s")[0]["subsystem"] == "control"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "missing required field `subsystem`"),
        (("", "info"), "no such subsystem"),
        (("session", "info"), "there are router, sessions"),
        (("sessions", "warning"), "there are debug, info"),
        (("sessions", "info", 0), "number above 0"),
        (("sessions", "info", True), "Expected `float | null`, got `bool`"),
        (("sessions", "info", 10**9), "number above 0"),
        (("sessions", "info", 1, 2), "at most 3 arguments: subsystem, level, for_seconds"),
        (([], {}, []), "Expected `str`, got `array`"),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(desk_of_one, args, said):
    before = desk_of_one.call("wampd.log.levels")[3][0]
    error = desk_of_one.call("wampd.log.set", *args)
    assert error[0] == 8
    assert error[4] == INVALID_ARGUMENT
    assert said in error[5][0]
    assert desk_of_one.call("wampd.log.levels")[3][0] == before


def test_where_standard_error_is_the_journal_lines_go_there_or_say_how_grave_they_are(tmp_path):
    log = tmp_path / "log"
    log.touch()
    there = log.stat()
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(more=""))
    with running_wampd(config, log, env={"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}) as (wampd, port):
        comes_and_goes(port)
        if Path(SOCKET).exists():
            assert "joined" not in wampd.log()
        else:
            wampd.wait_for_log("left realm1")
            assert all(line.startswith(("<6>wampd.", "<4>wampd.")) for line in wampd.log().splitlines())


@pytest.fixture(scope="module")
def one_router(tmp_path_factory):
    with a_router(tmp_path_factory.mktemp("router")) as (wampd, _, place, _):
        yield place, wampd


@pytest.fixture
def desk_of_one(one_router):
    return operator(*one_router)
