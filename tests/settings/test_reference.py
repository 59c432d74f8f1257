"""The documents and the shipped configurations say what is true."""

from pathlib import Path

import yaml

import wampd.router.settings
from wampd.router.settings import load
from wampd.router.settings.reference import INTRODUCTION, reference

ROOT = Path(__file__).parents[2]
PACKAGED = Path(wampd.router.settings.__file__).with_name("default.yaml")


def test_the_reference_is_up_to_date():
    command = "python -m wampd.router.settings.reference > docs/configuration.md"
    assert (ROOT / "docs" / "configuration.md").read_text() == reference(), f"run: {command}"


def test_every_key_has_a_meaning_and_every_part_says_what_it_is():
    rows = [line.split(" | ") for line in reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert all(len(row) == 4 and len(row[3]) > 5 for row in rows)
    assert "A part of the configuration." not in reference()


def test_the_example_of_the_reference_is_right(config):
    text = INTRODUCTION.partition("```yaml\n")[2].partition("```")[0]
    assert config.load(text).realms[0].roles[1].name == "backend"


def test_the_problems_that_the_reference_shows_are_real(config):
    example = INTRODUCTION.partition("```yaml\n")[2].partition("```")[0]
    shown = INTRODUCTION.partition("```text\n")[2].partition("```")[0].splitlines()
    first = config.problem(example.replace("    roles:", "    rolls:", 1))
    assert shown[0].endswith(first)
    second = config.problem(example.replace("anonymous: {role: anonymous}", "anonymous: {role: anonymos}"))
    assert shown[1].endswith(second)


def test_the_packaged_default_is_the_configuration_of_the_repository_without_the_demo():
    whole = yaml.safe_load((ROOT / "config.yaml").read_text())
    del whole["components"]
    for listener in whole["listeners"]:
        del listener["http"]
    for realm in whole["realms"]:  # what the dashboard of the demo shows
        del realm["monitor"]
        realm["roles"] = [role for role in realm["roles"] if role["name"] != "component"]
        for role in realm["roles"]:
            role["permissions"] = [rule for rule in role["permissions"] if not rule["uri"].startswith("wampd.")]
    assert yaml.safe_load(PACKAGED.read_text()) == whole


def test_the_default_listens_on_this_machine_only_and_opens_only_com_example():
    settings = load(PACKAGED, {})
    (realm,), (listener,) = settings.realms, settings.listeners
    assert listener.endpoint == "tcp:8080:interface=127.0.0.1"
    assert [(rule.uri, rule.match) for role in realm.roles for rule in role.permissions] == [("com.example.", "prefix")]
    assert load(PACKAGED, {"WAMPD_PORT": "9"}).listeners[0].endpoint == "tcp:9:interface=127.0.0.1"


def test_the_open_configuration_is_the_fixed_point_of_test_suites():
    settings = load(ROOT / "tests" / "configs" / "open.yaml", {"WAMPD_PORT": "9"})
    (realm,), (listener,) = settings.realms, settings.listeners
    assert listener.endpoint == "tcp:9:interface=127.0.0.1"
    assert listener.rawsocket is not None
    assert sorted(listener.websocket) == ["/echo", "/ws"]
    assert realm.name == "realm1"
    assert realm.auth.anonymous is not None
    rules = {(rule.uri, rule.match): rule for rule in realm.roles[0].permissions}
    assert sorted(rules) == [("", "prefix"), ("wamp.", "prefix"), ("wampd.", "prefix")]
    for rule in rules.values():
        assert rule.allow == {"call", "register", "publish", "subscribe"}
        assert rule.disclose == "on_request"
