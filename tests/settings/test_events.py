"""Retained events and histories: what the file may say, and what becomes of it."""

import pytest
from twisted.internet.task import Clock

from wampd.router.daemon import Daemon

from .conftest import LISTENER, REALM

GOOD = REALM + LISTENER


def with_keys(keys: str) -> str:
    return GOOD.replace("name: realm1", f"name: realm1\n    {keys}")


def test_what_is_written_reaches_the_realm(config):
    text = """history:
      - {uri: com.log, events: 5, size: 1 MiB, age: 2 h}
      - {uri: com., match: prefix}
    retention: {age: 10 min, empty_clears: true}
    limits: {retained: 7, retained_size: 8 MiB}"""
    broker = Daemon(Clock(), config.load(with_keys(text))).realms["realm1"].core.broker
    rules = [(it.rule.uri, it.rule.match, it.rule.events, it.rule.size, it.rule.age) for it in broker.histories]
    assert rules == [("com.log", "exact", 5, 2**20, 7200.0), ("com.", "prefix", 1_000, 16 * 2**20, None)]
    retained = broker.retained
    assert (retained._rules.age, retained._rules.empty_clears) == (600.0, True)
    assert (retained._quota.retained, retained._quota.retained_size) == (7, 8 * 2**20)


def test_nothing_is_written_and_nothing_is_kept_for_ever_but_retained_events(config):
    broker = Daemon(Clock(), config.load(GOOD)).realms["realm1"].core.broker
    assert broker.histories == []
    assert (broker.retained._rules.age, broker.retained._rules.empty_clears) == (None, False)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{uri: com..log}", 'history[0].uri: "com..log" is not a URI (match: exact, uri_check: loose)'),
        ("{uri: com.}", 'history[0].uri: "com." is not a URI (match: exact, uri_check: loose)'),
        (f"{{uri: {'x' * 600}}}", "history[0].uri: "),
        ("{uri: a}, {uri: b}, {uri: a}", 'history[2]: there is another history of "a" with match: exact'),
        ("{uri: com.log, events: 0}", "history[0].events: "),
        ("{uri: com.log, events: 100001}", "history[0].events: "),
        ("{uri: com.log, size: 1 KiB}", "history[0].size: "),
        ("{uri: com.log, age: 0 s}", "history[0].age: "),
        ("{match: prefix}", "history[0].uri: "),
    ],
)
def test_what_cannot_be_kept_is_reported(config, rule, expected):
    assert expected in config.problem(with_keys(f"history: [{rule}]"))


def test_the_same_uri_may_have_a_history_for_each_match_policy(config):
    rules = "{uri: com.log}, {uri: com.log, match: prefix}, {uri: com.log, match: wildcard}"
    assert len(config.load(with_keys(f"history: [{rules}]")).realms[0].history) == 3


@pytest.mark.parametrize("level", ["-1", "high", "9007199254740993", "1.5"])
def test_a_trust_level_is_a_whole_number(config, level):
    assert "trustlevel" in config.problem(
        GOOD.replace("{name: anonymous}", f"{{name: anonymous, trustlevel: {level}}}")
    )
