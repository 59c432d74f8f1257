"""``wampd auth explain``: what it prints, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.router.test_explaining import CONFIGURATION
from wampd.cli.main import main


@pytest.fixture
def explain(tmp_path, monkeypatch, capsys):
    """Explain something in the realm of the configuration; the exit status, and what was printed."""
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(CONFIGURATION)

    def explain(*words: str, who: tuple[str, ...] = ("--authid", "joe"), realm: str = "com.example"):
        status = main(["auth", "explain", "--realm", realm, *who, *words])
        return status, *capsys.readouterr()

    return explain


def test_what_is_granted_is_explained_line_by_line(explain):
    status, out, err = explain("call", "com.user.joe.x")
    assert (status, err) == (0, "")
    assert out.replace(str(Path.cwd()) + "/", "").splitlines() == [
        "granted: call com.user.joe.x",
        "realm com.example, role user, authid joe",
        "  decides        config.yaml:10:13: com.user.{authid}. (prefix), here com.user.joe."
        " [allow call, publish; deny register]: allows it",
        "  less specific  config.yaml:9:13: com. (prefix) [allow call]",
        "  less specific  config.yaml:8:13: '' (prefix) [allow call, publish, register, subscribe]",
        "disclosure: on_request; trust level: 5",
        "limit: call_rate 50 a second, 50 at once (of the session)",
        "limit: pending_calls 7 (of the session)",
        "limit: payload_size 1000 (of the rule, within those of the session)",
        "limit: call_rate 5 a second, 8 at once (of the rule, within those of the session)",
    ]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("register", "com.user.joe.x"), "[allow call, publish; deny register]: denies it"),
        (("publish", "com.x"), "com. (prefix) [allow call]: does not name publish"),
        (
            ("call", "wamp.session.kill"),
            "under wamp.session.kill, which is for privileged roles: only rules count here",
        ),
        (("call", "wamp.session.kill"), "  does not count "),
        (("subscribe", "--role", "admin", "--match", "prefix", "com"), "  no rule matches all of the pattern"),
        (("register", "--role", "admin", "--match", "prefix", "w"), "under wamp: only rules count here that name it"),
        (("subscribe", "--match", "prefix", ""), "under wampd: only rules count here that name it"),
        (("call", "wampd.x"), "  no rule matches"),
        (("call", "com.x", "--role", "asking"), "not decided by rules: call com.x"),
        (
            ("call", "com.x", "--role", "asking"),
            "the authorizer org.authorizer in com.example is asked, and if it does not",
        ),
        (("call", "a..b"), "no rule is asked about this"),
        (("call", "a..b"), "the client is told: wamp.error.invalid_uri: not a valid URI"),
        (("call", "a\nb"), "refused: call 'a\\nb'"),
    ],
)
def test_what_is_refused_is_explained_and_the_exit_status_is_1(explain, words, line):
    status, out, err = explain(*words)
    assert (status, err) == (1, "")
    assert out.startswith(("refused: ", "not decided by rules: "))
    assert line in out


def test_it_is_printed_as_json_on_request(explain):
    status, out, _ = explain("publish", "com.x", "--json")
    said = json.loads(out)
    assert status == 1
    assert (said["granted"], said["error"]) == (False, "wamp.error.not_authorized")
    assert said["parts"][0]["decides"]["uri"] == "com."
    assert said["parts"][0]["decides"]["place"].endswith("config.yaml:9:13")


@pytest.mark.parametrize(
    ("words", "given", "line"),
    [
        (("call", "a.b", "--match", "prefix"), {}, "what is to call is one URI, no pattern"),
        (("publish", "a.b", "--match", "wildcard"), {}, "what is to publish is one URI, no pattern"),
        (("call", "a.b"), {"who": ()}, "give --role, --authid, or both"),
        (("call", "a.b"), {"realm": "nowhere"}, 'there is no realm "nowhere"'),
    ],
)
def test_a_question_that_cannot_be_put_ends_with_2(explain, words, given, line):
    status, out, err = explain(*words, **given)
    assert (status, out) == (2, "")
    assert line in err


@pytest.mark.parametrize("words", [("calls", "a.b"), ("call",), ("call", "a.b", "--match", "suffix")])
def test_words_that_are_wrong_end_with_2(explain, words, capsys):
    assert explain(*words)[0] == 2


def test_a_configuration_that_is_wrong_ends_with_2(explain):
    Path("config.yaml").write_text("realms: []\n")
    status, out, err = explain("call", "a.b")
    assert (status, out) == (2, "")
    assert "realms: the list must not be empty" in err
    status, _, err = explain("call", "a.b", "--config", "missing.yaml")
    assert status == 2
    assert "missing.yaml" in err


def test_the_command_loads_nothing_that_serves_clients(tmp_path):
    (tmp_path / "config.yaml").write_text(CONFIGURATION)
    program = (
        "import sys; from wampd.cli.main import main;"
        "main(['auth', 'explain', '--realm', 'com.example', '--authid', 'joe', 'call', 'com.x']);"
        "heavy = {'wampd.router.daemon', 'wampd.router.realms', 'wampd.router.wiring.doors', 'twisted.web'};"
        "loaded = heavy & sys.modules.keys();"
        "sys.exit(', '.join(loaded) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["jo\x1b[2Je", "\u202ejoe"])
def test_names_that_clients_chose_steer_no_terminal(explain, name):
    status, out, _ = explain("call", f"com.user.{name}.x", who=("--role", "user", "--authid", name))
    assert status == 0
    assert f"authid {name!a}" in out
    assert all(line.isprintable() for line in out.splitlines())


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize(("name", "uri"), [("\udcff", "com.x"), ("joe", "com.\udcff")])
def test_what_no_client_can_say_is_not_explained(explain, name, uri, more):
    status, out, err = explain("call", uri, *more, who=("--role", "user", "--authid", name))
    assert (status, out, err) == (2, "", "wampd auth explain: what is asked about is not valid UTF-8\n")
