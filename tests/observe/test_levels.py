"""Levels of the log: by subsystem, as configured and by hand."""

import importlib
import pkgutil

import msgspec
import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel

import wampd.router
from wampd.router.observe.levels import LONGEST, Levels
from wampd.router.settings.log import LogLevels
from wampd.router.subsystems import SUBSYSTEMS, subsystem_of


def passes(levels, logger, level="info"):
    return levels.let_through({"log_namespace": logger, "log_level": LogLevel.lookupByName(level)})


def test_the_configuration_knows_all_subsystems_and_no_others():
    assert {field.name for field in msgspec.structs.fields(LogLevels)} == set(SUBSYSTEMS)


@pytest.mark.parametrize(
    ("logger", "subsystem"),
    [
        ("wampd.router.daemon", "router"),
        ("wampd.router", "router"),
        ("wampd", "router"),
        ("wampd.websocket", "router"),
        ("wampd.router.sessions", "sessions"),
        ("wampd.router.audit", "sessions"),
        ("wampd.router.audit.auth", "auth"),
        ("wampd.router.http.proxy.exchange", "http"),
        ("wampd.router.httpx", "router"),
        ("wampd.router.wiring.sites", "http"),
        ("wampd.router.tally", "limits"),
        ("wampdx.router.tally", "twisted"),
        ("twisted.internet.base", "twisted"),
        ("log_legacy", "twisted"),
        ("", "twisted"),
    ],
)
def test_a_logger_belongs_to_the_longest_name_that_it_begins_with(logger, subsystem):
    assert subsystem_of(logger) == subsystem


def test_what_subsystems_are_made_of_is_there():
    there = {module.name for module in pkgutil.walk_packages(wampd.router.__path__, "wampd.router.")}
    made_elsewhere = {"audit.auth"}
    for prefixes in SUBSYSTEMS.values():
        for prefix in set(prefixes) - {""} - made_elsewhere:
            assert f"wampd.router.{prefix}" in there
    assert importlib.import_module("wampd.router.audit").doors.namespace == "wampd.router.audit.auth"


def test_a_subsystem_has_its_own_level_else_that_of_all():
    levels = Levels()
    levels.configure("warn", {"sessions": "debug", "twisted": "critical"})
    assert passes(levels, "wampd.router.sessions", "debug")
    assert not passes(levels, "wampd.router.http.site", "info")
    assert passes(levels, "wampd.router.http.site", "warn")
    assert not passes(levels, "twisted.internet", "error")


def test_an_event_without_level_or_logger_counts_as_info_of_a_library():
    levels = Levels()
    assert not levels.let_through({})
    levels.configure("info", {"twisted": "info"})
    assert levels.let_through({})


def test_a_level_set_by_hand_goes_before_the_configuration_until_it_is_taken_back():
    levels = Levels(Clock())
    levels.set("http", "debug")
    assert passes(levels, "wampd.router.http.site", "debug")
    assert levels.tell()["http"] == {"level": "debug", "configured": "info", "seconds": None}
    levels.configure("info", {})  # nothing new
    assert levels.level("http") == "debug"
    levels.set("http", None)
    assert not passes(levels, "wampd.router.http.site", "debug")
    levels.set("http", "debug")
    levels.configure("warn", {})
    assert levels.level("http") == "warn"


def test_a_level_set_for_a_time_goes_back_by_itself():
    clock = Clock()
    levels = Levels(clock)
    levels.set("auth", "debug", 10.0)
    clock.advance(4)
    assert levels.tell()["auth"] == {"level": "debug", "configured": "info", "seconds": 6.0}
    levels.set("auth", "error", 20.0)  # which is another time
    clock.advance(19)
    assert levels.level("auth") == "error"
    clock.advance(1)
    assert levels.level("auth") == "info"
    levels.set("auth", "error", 10**9)
    assert levels.tell()["auth"]["seconds"] == LONGEST
    levels.configure("debug", {})
    assert not clock.getDelayedCalls()


@pytest.mark.parametrize(("subsystem", "level"), [("session", "info"), ("sessions", "warning"), ("", "info")])
def test_what_is_no_subsystem_or_no_level_changes_nothing(subsystem, level):
    levels = Levels(Clock())
    before = levels.tell()
    with pytest.raises(KeyError):
        levels.set(subsystem, level)
    assert levels.tell() == before
