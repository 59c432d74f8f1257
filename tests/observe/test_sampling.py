"""Floods of lines of one kind: some are passed on, the others are counted."""

import pytest
from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel

from wampd.router.observe.lines import json_line, text_line
from wampd.router.observe.sampling import MOST_KINDS, Sampling


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def passed():
    return []


@pytest.fixture
def sampling(clock, passed):
    made = Sampling(clock, passed.append)
    made.burst = 3
    return made


def event(text="{who} knocks", namespace="wampd.router.audit", **fields):
    return {
        "log_time": 1.0,
        "log_level": LogLevel.info,
        "log_namespace": namespace,
        "log_format": text,
        **fields,
    }


def test_of_a_flood_a_few_lines_of_each_second_are_passed_on_and_the_rest_is_summed_up(clock, passed, sampling):
    for _ in range(2):
        for number in range(10):
            sampling(event(who=number))
        clock.advance(1)
    assert [each["who"] for each in passed] == [0, 1, 2, 0, 1, 2]
    assert sampling.left_out == 14
    passed.clear()
    clock.advance(9)
    (summary,) = passed
    assert text_line(summary).endswith("info  wampd.router.audit: … 14 more like this in the last 10 s: {who} knocks\n")
    assert '"more":14' in json_line(summary)
    clock.advance(60)
    assert len(passed) == 1
    assert not clock.getDelayedCalls()


@pytest.mark.parametrize("many", [["192.0.2.1"], ["2001:db8::1", "2001:db8::2", "2001:db8::3"]])
def test_an_address_that_knocks_very_often_hides_nobody_else(passed, sampling, many):
    sampling.burst = 10
    for number in range(100):
        sampling(event(address=many[number % len(many)]))
    sampling(event(address="198.51.100.7"))
    sampling(event(log_fields=(("session", "address"), (1, "198.51.100.8"))))
    sampling(event(log_fields=(("session", "address"), (2, ""))))
    assert len(passed) == 5 + 3
    assert sampling.left_out == 95


def test_kinds_have_a_template_a_logger_and_a_component_each(clock, passed, sampling):
    for _ in range(9):
        sampling(event("a"))
        sampling(event("b"))
        sampling(event("a", namespace="wampd.router.http"))
        sampling(event("a", component="one"))
        sampling(event("a", component="two"))
    assert len(passed) == 15
    clock.advance(10)
    assert sorted(each.get("component", "") for each in passed[15:]) == ["", "", "", "one", "two"]


def test_the_line_that_sums_up_names_the_component(clock, passed, sampling):
    for _ in range(9):
        sampling(event("{component}: {line}", component="ticker.2", line="tick"))
    clock.advance(10)
    assert text_line(passed[-1]).endswith(": … 6 more like this in the last 10 s: ticker.2: {line}\n")


def test_what_is_to_be_whole_is_and_so_is_everything_without_a_limit(passed, sampling):
    for _ in range(9):
        sampling(event(log_every=True))
    assert len(passed) == 9
    sampling.burst = None
    for _ in range(9):
        sampling(event())
    assert len(passed) == 18
    assert sampling.left_out == 0


def test_at_the_end_of_the_process_the_rest_is_summed_up(clock, passed, sampling):
    for _ in range(5):
        sampling(event())
    sampling.finish()
    assert passed[-1]["more"] == 2
    assert not clock.getDelayedCalls()
    sampling.finish()
    assert len(passed) == 4


def test_kinds_without_end_take_bounded_memory(clock, sampling):
    for number in range(3 * MOST_KINDS):
        sampling(event(f"made up {number}"))
        clock.advance(0.001)
    assert len(sampling._kinds) <= MOST_KINDS
    for number in range(3 * MOST_KINDS):
        sampling(event(f"all at once {number}"))
    assert len(sampling._kinds) <= MOST_KINDS


def failing(observer, text="it broke", error=ValueError):
    log = Logger(namespace="wampd.test", observer=observer)
    try:
        raise error("a bug")
    except error:
        log.failure(text)


def test_a_traceback_is_shown_once_and_again_after_a_while(clock, passed, sampling):
    sampling.burst = 100
    for _ in range(3):
        failing(sampling)
    lines = [text_line(each) for each in passed]
    assert ["Traceback" in line for line in lines] == [True, False, False]
    assert lines[2].endswith("it broke (3 times by now: the traceback was there before)\n")
    assert "traceback" not in json_line(passed[1]).replace("the traceback was", "")
    failing(sampling, error=KeyError)
    failing(sampling, "another thing broke")
    assert all("Traceback" in text_line(each) for each in passed[3:])
    clock.advance(61)
    failing(sampling)
    assert "Traceback" in text_line(passed[-1])
