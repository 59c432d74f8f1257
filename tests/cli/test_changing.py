"""``wampd reload`` and ``wampd diff``, given to a router that runs."""

import json

import pytest

from tests.cli.test_operating import CONFIG as PLAIN
from tests.cli.test_operating import Desk
from tests.router.client import Session

CONFIG = PLAIN.replace("rawsocket: {}", "websocket: {/ws: {type: wamp}}")
MORE = CONFIG.replace("{name: user}", "{name: user, permissions: [{uri: com.x, allow: [register]}]}")
LINE = "realms.realm1.roles.user.permissions: + {uri: com.x, allow: [register]}\n"


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    desk.write("config.yaml", CONFIG)
    with desk.running() as (desk.router, desk.port):
        desk.variables["WAMPD_PORT"] = str(desk.port)
        yield desk


@pytest.mark.parametrize("command", ["reload", "diff"])
def test_a_wrong_configuration_is_told_problem_by_problem_and_changes_nothing(desk, command):
    desk.write("config.yaml", MORE.replace("name: realm1", "name: a b") + "logg: {}\n")
    status, out, err = desk(command)
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 2 + (command == "reload")
    assert lines[0].startswith(f"{desk.directory}/config.yaml:3:11: realms[0].name: ")
    assert lines[1].endswith('logg: unknown key; did you mean "log"?')
    assert lines[2:] == ["wampd reload: nothing was changed"] * (command == "reload")
    problems = json.loads(desk(command, "--json")[1])["problems"]
    assert problems == lines[:2]
    desk.write("config.yaml", CONFIG)
    assert desk("diff")[0] == 0


def test_what_a_reload_would_change_is_told_and_done_without_a_session_lost(desk):
    session = Session(desk.port)
    assert desk("diff") == (0, "", "nothing would change\n")
    assert desk("reload") == (0, "", "nothing has changed\n")
    desk.write("config.yaml", MORE)
    assert desk("diff") == (1, LINE, "")
    assert json.loads(desk("diff", "--json")[1]) == {"changes": [LINE.rstrip()]}
    assert desk("reload") == (0, LINE, "")
    assert desk("diff")[0] == 0
    session.register("com.x")


def test_what_cannot_be_changed_in_a_router_that_runs_is_told(desk):
    desk.write("config.yaml", CONFIG + "store: {file: other.sqlite}\n")
    assert desk("diff")[0] == 1
    status, out, err = desk("reload")
    assert (status, out) == (2, "")
    assert "store" in err
    assert err.endswith("wampd reload: nothing was changed\n")
